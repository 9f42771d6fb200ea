"""Tickets on their way to the engine: each answer gets one, and no client makes, changes or drops any."""

from __future__ import annotations

import io
import json
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from casework.books import SETTINGS, pack, report
from gateway.clients import Shop, shop
from gateway.deciders import deciding
from gateway.doors import run
from gateway.gates import Gate, gate, recorded
from headwater.casework import new_casebook, open_casebook
from headwater.control.identity import IdentitySettings
from headwater.errors import ConfigurationError
from headwater.gateway.composition import Gateway, GatewaySettings
from headwater.gateway.founding import found
from headwater.gateway.marking.marking import SGLANG_PROCESSOR
from headwater.gateway.marking.settings import MarksSettings
from headwater.keys import TicketKey, load_ticket_keys, save_ticket_key
from headwater.mark import Ticket, TicketError, TicketVerifier

CHATS = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
FLAGGED = "birch-00000"


def marks(folder: Path, upstream: str = "vllm", **more: Any) -> MarksSettings:
    """Settings of marks, and the file of their keys."""
    path = folder / "tickets.key"
    if not path.exists():
        save_ticket_key(TicketKey(bytes(32), 7), path)
        with path.open("a") as file:
            file.write(TicketKey(bytes(range(32)), 6).line() + "\n")
    return MarksSettings(upstream=upstream, key_file=str(path), **more)


def read(folder: Path, text: Any) -> Ticket:
    """The ticket, as an engine reads it now."""
    return TicketVerifier(load_ticket_keys(folder / "tickets.key")).verified(text, time.time())


def sent(door: Gate) -> list[dict[str, Any]]:
    """The bodies that reached the model server."""
    return [json.loads(request.body) for request in door.stub.requests if request.body]


def desk(folder: Path, rung: str) -> str:
    """A casebook in which a step of `rung` stands against the account `birch-00000`."""
    begun = time.time_ns() // 1000 - 1_000_000
    new_casebook(folder / "desk", SETTINGS, pack(rung), begun)
    with open_casebook(folder / "desk", SETTINGS) as book:
        book.propose(report(1), "alice", begun)
        book.confirm("birch-harvest", "bob", begun)
    return str(folder / "desk")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHATS, CHAT),
        (CHATS, {**CHAT, "stream": True}),
        ("/v1/completions", {"model": "m", "prompt": "Hi"}),
        ("/v1/responses", {"model": "m", "input": "Hi"}),
    ],
)
def test_every_answer_gets_a_ticket_of_its_own(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", marks=marks(tmp_path, epoch="2026-q4", lifetime_s=60)) as door:
            for _ in range(2):
                await door.ask("alice", path, json.dumps(body).encode())
            first, second = (read(tmp_path, one["vllm_xargs"]["headwater_mark"]) for one in sent(door))
            assert (first.account, first.layer, first.epoch) == ("alice", "default", "2026-q4")
            assert first.expires - first.issued == 60
            assert abs(first.issued - time.time()) < 30
            assert first.request != second.request
        accepted, _ = recorded(tmp_path / "g")
        assert {first.request, second.request} == {one.id for one in accepted}
        # The journal keeps what the client sent, and so no ticket.
        assert not any(b"HWT2" in (one.body or b"") for one in accepted)

    run(test)


_FORGED = [
    {"headwater_mark": "HWT2.1.a"},
    {"headwater_mark": None},
    {"headwater_mark": ["x"], "session_id": "s", "top": 3},
    {},
    None,
]


@pytest.mark.parametrize("given", _FORGED)
def test_a_client_can_neither_make_nor_drop_one(tmp_path: Path, given: Any) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", marks=marks(tmp_path)) as door:
            await door.ask("alice", CHATS, json.dumps({**CHAT, "vllm_xargs": given}).encode())
            (body,) = sent(door)
            assert read(tmp_path, body["vllm_xargs"].pop("headwater_mark")).account == "alice"
            assert body["vllm_xargs"] == {k: v for k, v in (given or {}).items() if k != "headwater_mark"}
            await door.ask(
                "alice", CHATS, b'{"model": "m", "messages": [], "vllm_xargs": {"headwater_mark": 1},'
                b' "vllm_xargs": {"headwater\\u005fmark": "HWT2.1.a", "headwater_mark": "x"}}',
            )  # fmt: skip
            twice = door.stub.requests[-1].body
            assert twice.count(b"headwater_mark") == 1
            assert twice.count(b"vllm_xargs") == 1
            assert b"u005f" not in twice

    run(test)


@pytest.mark.parametrize("given", [[], "x", 7, [{"headwater_mark": "x"}], True])
def test_parameters_of_another_type_are_refused_by_their_name(tmp_path: Path, given: Any) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", marks=marks(tmp_path)) as door:
            status, _, told = await door.ask(
                "alice", CHATS, json.dumps({**CHAT, "vllm_xargs": given}).encode()
            )
            assert (status, json.loads(told)["error"]["param"]) == (400, "vllm_xargs")
            assert door.stub.requests == []

    run(test)


def test_sglang_is_told_our_class_and_never_a_clients(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", marks=marks(tmp_path, "sglang")) as door:
            given = {"custom_logit_processor": None, "custom_params": {"thinking_budget": 5}}
            await door.ask("alice", CHATS, json.dumps({**CHAT, **given}).encode())
            (body,) = sent(door)
            assert body["custom_logit_processor"] == SGLANG_PROCESSOR
            assert read(tmp_path, body["custom_params"].pop("headwater_mark")).account == "alice"
            assert body["custom_params"] == {"thinking_budget": 5}
            await door.ask(
                "alice", "/v1/embeddings", json.dumps({"model": "m", "input": "x", **given}).encode()
            )
            assert "custom_logit_processor" not in sent(door)[1]

    run(test)


_HOSTILE = '{"callable": "80"}'


@pytest.mark.parametrize("upstream", ["none", "vllm", "sglang"])
@pytest.mark.parametrize("name", ["custom_logit_processor", "Custom_Logit_Processor"])
def test_a_clients_code_never_reaches_a_model_server(tmp_path: Path, upstream: str, name: str) -> None:
    async def test() -> None:
        given = marks(tmp_path, upstream) if upstream != "none" else MarksSettings()
        async with gate(tmp_path / "g", marks=given) as door:
            for path in (CHATS, "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"):
                body = {**CHAT, "prompt": "x", "input": "x", "max_tokens": 5, name: _HOSTILE}
                status, _, told = await door.ask("alice", path, json.dumps(body).encode())
                assert status == 400
                assert b"custom_logit_processor" in told
            assert door.stub.requests == []

    run(test)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (CHATS, {}, "messages"), ("/v1/completions", {}, "prompt"), ("/v1/responses", {"messages": []}, "input"),
        ("/v1/messages", {"max_tokens": 5}, "messages"), (CHATS, {**CHAT, "use_beam_search": True}, "use_beam_search"),
        (CHATS, {**CHAT, "use_beam_search": "yes"}, "use_beam_search"),
    ],
)  # fmt: skip
def test_what_engines_would_quote_or_leave_unmarked_is_refused(
    tmp_path: Path, path: str, body: dict[str, Any], field: str
) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", marks=marks(tmp_path)) as door:
            status, _, told = await door.ask("alice", path, json.dumps({"model": "m", **body}).encode())
            assert status == 400
            assert field.encode() in told
            assert door.stub.requests == []
            plain = {**CHAT, "use_beam_search": False}
            assert (await door.ask("alice", CHATS, json.dumps(plain).encode()))[0] == 200

    run(test)


@pytest.mark.parametrize(
    ("upstream", "refused"), [("vllm", ["/v1/messages"]), ("sglang", ["/v1/responses", "/v1/messages"])]
)
def test_a_flagged_account_gets_no_endpoint_that_takes_no_ticket(
    tmp_path: Path, upstream: str, refused: list[str]
) -> None:
    async def test() -> None:
        given = marks(tmp_path, upstream, flagged_tiers=("contracted",))
        accounts = {"alice": "contracted", "bob": "verified-contact"}
        body = {**CHAT, "prompt": "x", "input": "x", "max_tokens": 5}
        async with gate(tmp_path / "g", accounts=accounts, marks=given) as door:
            for path in (CHATS, "/v1/completions", "/v1/responses", "/v1/messages"):
                before = len(door.stub.requests)
                status, _, told = await door.ask("alice", path, json.dumps(body).encode())
                assert status == (400 if path in refused else 200)
                assert (b"isn't available" in told) == (path in refused)
                assert len(door.stub.requests) == before + (path not in refused)
                assert (await door.ask("bob", path, json.dumps(body).encode()))[0] == 200
                assert (b"headwater_mark" in door.stub.requests[-1].body) == (path not in refused)
            count = {key: CHAT[key] for key in CHAT}
            assert (await door.ask("alice", "/v1/messages/count_tokens", json.dumps(count).encode()))[
                0
            ] == 200

    run(test)


def test_a_flagged_account_gets_no_batch_of_such_an_endpoint(tmp_path: Path) -> None:
    async def test() -> None:
        given = marks(tmp_path, flagged_tiers=("contracted",))
        async with shop(tmp_path / "g", {"bob": "contracted"}, marks=given) as held:
            params = {"model": "m", "max_tokens": 5, "messages": CHAT["messages"]}
            with pytest.raises(Exception, match="isn't available"):
                await held.anthropic["bob"].messages.batches.create(
                    requests=[{"custom_id": "1", "params": params}]
                )
            assert held.platform.message_batches == {}
            with pytest.raises(Exception, match="custom_logit_processor"):
                await held.anthropic["bob"].messages.batches.create(
                    requests=[{"custom_id": "1", "params": {**params, "custom_logit_processor": _HOSTILE}}]
                )

    run(test)


def test_sglangs_name_of_our_class_is_a_pickle_that_imports_it() -> None:
    class Finds(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return module, name

    found = Finds(io.BytesIO(bytes.fromhex(json.loads(SGLANG_PROCESSOR)["callable"]))).load()
    assert found == ("headwater.integrations.sglang", "Marks")


@pytest.mark.parametrize(
    ("more", "layer"),
    [({}, "flagged"), ({"flagged_from": "shape"}, "flagged"), ({"flagged_from": "reduce"}, "default"),
     ({"flagged_from": ""}, "default"), ({"unmarked_tiers": ("contracted",)}, "flagged"),
     ({"unmarked_tiers": ("contracted",), "flagged_from": ""}, "default")],
)  # fmt: skip
def test_a_step_gives_its_account_the_accounts_layer(
    tmp_path: Path, more: dict[str, Any], layer: str
) -> None:
    async def test() -> None:
        accounts = {FLAGGED: "contracted", "other": "contracted"}
        casebook = desk(tmp_path, "shape")
        async with gate(
            tmp_path / "g", accounts=accounts, casebook=casebook, marks=marks(tmp_path, **more)
        ) as door:
            for account in accounts:
                await door.ask(account, CHATS, json.dumps(CHAT).encode())
            found = [read(tmp_path, one["vllm_xargs"]["headwater_mark"]) for one in sent(door)]
            usual = "none" if "unmarked_tiers" in more else "default"
            assert {one.account: one.layer for one in found} == {FLAGGED: layer, "other": usual}

    run(test)


def test_a_tier_can_have_the_accounts_layer_always(tmp_path: Path) -> None:
    async def test() -> None:
        accounts = {"alice": "contracted", "bob": "verified-contact"}
        given = marks(tmp_path, flagged_tiers=("verified-contact",))
        async with gate(tmp_path / "g", accounts=accounts, marks=given) as door:
            for account in accounts:
                await door.ask(account, CHATS, json.dumps(CHAT).encode())
            found = [read(tmp_path, one["vllm_xargs"]["headwater_mark"]) for one in sent(door)]
            assert [one.layer for one in found] == ["default", "flagged"]

    run(test)


def test_without_an_engine_nothing_is_touched(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            body = {
                **CHAT,
                "max_tokens": 5,
                "vllm_xargs": {"headwater_mark": "m"},
                "use_beam_search": True,
            }
            await door.ask("alice", CHATS, json.dumps(body).encode())
            assert sent(door) == [body]

    run(test)


def test_each_line_of_a_batch_has_its_ticket(tmp_path: Path) -> None:
    async def test() -> None:
        async with shop(tmp_path / "g", {"bob": "contracted"}, marks=marks(tmp_path)) as held:
            await _batches(held, tmp_path)

    run(test)


async def _batches(held: Shop, folder: Path) -> None:
    client = held.openai["bob"]
    body = {**CHAT, "max_tokens": 5}
    lines = [
        {"custom_id": "ä\n1", "method": "POST", "url": CHATS, "body": body},
        {
            "custom_id": "2",
            "method": "POST",
            "url": CHATS,
            "body": {**body, "vllm_xargs": {"headwater_mark": "x"}},
        },
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    own = await client.files.create(file=("b.jsonl", data), purpose="batch")
    made = await client.batches.create(input_file_id=own.id, endpoint=CHATS, completion_window="24h")
    theirs = next(one for name, one in held.platform.batches.items() if name == made.id)["input_file_id"]
    assert theirs != own.id
    for line in held.platform.files[theirs][1].splitlines():
        ticket = read(folder, json.loads(line)["body"]["vllm_xargs"]["headwater_mark"])
        assert (ticket.account, ticket.expires - ticket.issued) == ("bob", 172_800)
    params = {"model": "m", "max_tokens": 5, "messages": CHAT["messages"]}
    message = await held.anthropic["bob"].messages.batches.create(
        requests=[{"custom_id": "1", "params": params}]
    )
    (one,) = held.platform.message_batches[message.id][1]
    assert "vllm_xargs" not in one["params"]  # vLLM's messages take none
    bad = json.dumps({**lines[0], "body": {**body, "vllm_xargs": "x"}}).encode()
    own = await client.files.create(file=("b.jsonl", bad), purpose="batch")
    with pytest.raises(Exception, match="Line 1 of the batch can't be read: vllm_xargs isn't an object"):
        await client.batches.create(input_file_id=own.id, endpoint=CHATS, completion_window="24h")


def test_a_program_is_given_the_ticket_by_the_decision_service(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", {"alice": "contracted"}, marks=marks(tmp_path)) as service:
            told = await service.decided(
                "alice", {**CHAT, "max_tokens": 5, "vllm_xargs": {"headwater_mark": 1}}
            )
            assert read(tmp_path, told["body"]["vllm_xargs"]["headwater_mark"]).account == "alice"
            # Who is only checked keeps its body: what stands in it in our name is refused.
            body = {**CHAT, "max_tokens": 5}
            assert (await service.proxied("/check" + CHATS, "alice", body))[0] == 200
            body["vllm_xargs"] = {"headwater_mark": "x"}
            status, _, said = await service.proxied("/check" + CHATS, "alice", body)
            assert (status, json.loads(said)["error"]["code"]) == (400, "parameter_not_allowed")
            for more in ({"use_beam_search": True}, {"custom_logit_processor": _HOSTILE}):
                told = await service.decided("alice", {**CHAT, "max_tokens": 5, **more})
                assert (told["allowed"], told["status"]) == (False, 400)
                assert next(iter(more)) in json.dumps(told)

    run(test)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"upstream": "tgi"}, "upstream"), ({"upstream": "vllm"}, "key_file"),
        ({"flagged_from": "observe"}, "flagged_from"),
        ({"flagged_from": "loud"}, "flagged_from"), ({"epoch": "a\n"}, "epoch"), ({"lifetime_s": 0}, "lifetime_s"),
        ({"batch_lifetime_s": 604_801}, "batch_lifetime_s"), ({"flagged_tiers": ("gold",)}, "flagged_tiers"),
        ({"flagged_tiers": ("contracted",), "unmarked_tiers": ("contracted",)}, "unmarked_tiers"),
    ],
)  # fmt: skip
def test_settings_that_cant_be_meant_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        MarksSettings(**given)
    assert error.value.where.field == f"marks.{field}"


def test_a_gateway_doesnt_start_without_the_keys_of_its_tickets(tmp_path: Path) -> None:
    found(tmp_path / "g", "http://127.0.0.1:1")
    settings = GatewaySettings(
        upstream="http://127.0.0.1:1", marks=MarksSettings(upstream="vllm", key_file="none.key")
    )
    with pytest.raises(ConfigurationError, match=r"none\.key"):
        Gateway(tmp_path / "g", settings, IdentitySettings()).checked()


def test_a_ticket_of_the_old_key_is_still_read(tmp_path: Path) -> None:
    marks(tmp_path)
    new, old = load_ticket_keys(tmp_path / "tickets.key")
    assert (new.version, old.version) == (7, 6)
    with pytest.raises(TicketError):
        TicketVerifier([old]).verified("HWT2.7.a", 0)

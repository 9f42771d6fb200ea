"""The decision service: what proxies and programs are told, what counts, and what becomes of what nobody settles."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from casework.books import SETTINGS, pack, report
from gateway.deciders import AT_US, BY, CHAT, CHATS, CLIENT, deciding, recorded
from gateway.doors import run
from gateway.stub import ANSWER, openai_events
from headwater.casework import new_casebook, open_casebook
from headwater.control.identity import IdentitySettings, open_identity
from headwater.errors import ConfigurationError
from headwater.gateway.composition import IDENTITY
from headwater.gateway.deciding.tokens import load_tokens, make_tokens

ONE_AT_A_TIME = {"verified-organisation": {"concurrent_requests": 1}}
FEW_TOKENS = {"verified-organisation": {"tokens_per_day": 1000, "tokens_per_minute": 1000}}
ORG = {"alice": "verified-organisation"}
SHORT = {**CHAT, "max_tokens": 100}


def error_of(headers: dict[str, str]) -> Any:
    return json.loads(headers["x-headwater-error"])["error"]


# Programs.


def test_a_decision_names_the_account_the_terms_and_the_body(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, control={"answer_tokens": 77}) as service:
            told = await service.decided("alice", {**CHAT, "stream": True})
            assert (told["allowed"], told["account"], told["settle"]) == (True, "alice", True)
            assert told["terms"] == {
                "max_tokens": 77, "drop": [], "answers": 1, "delay_ms": 0, "slice_tokens": 0,
            }  # fmt: skip
            assert told["body"] == {
                **CHAT, "stream": True, "max_tokens": 77, "stream_options": {"include_usage": True},
            }  # fmt: skip
            headers = dict(told["headers"])
            assert headers["x-ratelimit-limit-requests"] == "3000"
            assert headers["x-ratelimit-remaining-requests"] == "2999"
            assert headers["ratelimit"].startswith('"requests";r=2999')

    run(test)


def test_a_request_without_a_body_needs_no_settlement(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            question = {"path": "/v1/models", "method": "GET", "address": CLIENT, "account": "alice"}
            status, told = await service.post("/v1/decisions", question)
            assert (status, told["allowed"], told["settle"], told["account"]) == (200, True, False, "alice")
            assert "body" not in told

    run(test)


def test_who_asks_can_be_asked_without_anything_counting(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(
            tmp_path / "g", ORG, {"verified-organisation": {"requests_per_minute": 0}}
        ) as service:
            question = {"identify": True, "address": CLIENT, "credential": service.keys["alice"]}
            status, told = await service.post("/v1/decisions", question)
            assert (status, told["allowed"], told["account"], told["how"]) == (200, True, "alice", "key")
            assert service.keys["alice"].split("_")[2] == told["key"]
            _, told = await service.post("/v1/decisions", {**question, "credential": "hw_live_x"})
            assert (told["allowed"], told["status"]) == (False, 401)
            _, told = await service.post("/v1/decisions", {"address": CLIENT, "account": "alice"})
            assert (told["allowed"], told["status"]) == (False, 404)

    run(test)


def test_what_was_used_is_settled_and_the_rest_comes_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, FEW_TOKENS) as service:
            first = await service.decided("alice", {**CHAT, "max_tokens": 900})
            again = await service.decided("alice", {**CHAT, "max_tokens": 900})
            assert (again["allowed"], again["status"]) == (False, 429)
            assert again["body"]["error"]["violated_policies"] == ["tokens_per_minute"]
            assert "retry-after" in dict(again["headers"])
            assert dict(again["headers"])["x-ratelimit-limit-tokens"] == "1000"
            status, counted = await service.settled(
                first["decision"], status=200, input_tokens=5, output_tokens=10
            )
            assert (status, counted["input_tokens"], counted["output_tokens"]) == (200, 5, 10)
            assert (await service.decided("alice", {**CHAT, "max_tokens": 900}))["allowed"]

    run(test)


def test_a_second_settlement_finds_nothing_open(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            decision = (await service.decided("alice"))["decision"]
            assert (await service.settled(decision, sent=False))[0] == 200
            status, problem = await service.settled(decision, sent=False)
            assert (status, problem["status"]) == (404, 404)
            assert (await service.post(f"/v1/decisions/{decision}/extension", {}))[0] == 404

    run(test)


def test_concurrency_is_held_until_the_settlement(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, ONE_AT_A_TIME) as service:
            first = await service.decided("alice", SHORT)
            second = await service.decided("alice", SHORT)
            assert second["body"]["error"]["violated_policies"] == ["concurrent_requests"]
            await service.settled(first["decision"], sent=False)
            assert (await service.decided("alice", SHORT))["allowed"]

    run(test)


def test_what_is_never_settled_counts_as_spent_and_its_slot_comes_back(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-organisation": {"concurrent_requests": 1, "tokens_per_day": 400}}
        async with deciding(tmp_path / "g", ORG, tiers, control={"request_s": 1}) as service:
            lost = await service.decided("alice", SHORT)
            async with asyncio.timeout(5):
                while not (told := await service.decided("alice", SHORT))["allowed"]:
                    assert told["body"]["error"]["violated_policies"] == ["concurrent_requests"]
                    await asyncio.sleep(0.1)
            assert (await service.settled(lost["decision"], sent=False))[
                0
            ] == 404  # nothing comes back any more
            await service.settled(told["decision"], input_tokens=10, output_tokens=90)
            over = await service.decided("alice", SHORT)
            assert over["body"]["error"]["violated_policies"] == ["tokens_per_day"]
        accepted, outcomes = recorded(tmp_path / "g")
        assert {one.id for one in accepted} == {one.id for one in outcomes}

    run(test)


def test_a_request_that_is_asked_about_twice_under_one_name_counts_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, ONE_AT_A_TIME) as service:
            for _ in range(3):
                told = await service.decided("alice", SHORT, id="asked-once-1")
                assert (told["allowed"], told["decision"]) == (True, "asked-once-1")
            assert not (await service.decided("alice", SHORT))["allowed"]
            assert (await service.settled("asked-once-1", sent=False))[0] == 200
            assert (await service.decided("alice", SHORT))["allowed"]

    run(test)


def test_a_name_frees_nothing_for_a_bad_key_or_another_account(tmp_path: Path) -> None:
    async def test() -> None:
        accounts = {"alice": "verified-organisation", "bob": "verified-organisation"}
        async with deciding(tmp_path / "g", accounts, ONE_AT_A_TIME) as service:
            held = await service.decided("alice", SHORT, id="request-1")
            assert held["allowed"]
            told = await service.decided("alice", SHORT, id="request-1", credential="hw_live_nobody")
            assert (told["allowed"], told["status"]) == (False, 401)
            question = {"path": CHATS, "address": CLIENT, "body": CHAT, "id": "request-1"}
            status, problem = await service.post(
                "/v1/decisions", {**question, "credential": service.keys["bob"]}
            )
            assert (status, problem["type"]) == (400, "about:blank")
            await service.post("/v1/decisions", {**question, "identify": True, "account": "alice"})
            assert not (await service.decided("alice", SHORT))[
                "allowed"
            ]  # its one slot is held all the while
            assert (await service.settled("request-1", input_tokens=1, output_tokens=1))[0] == 200
            assert (await service.decided("bob", SHORT, id="request-1"))["allowed"]

    run(test)


def test_a_stream_of_a_low_tier_is_extended_until_nothing_is_left(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-contact": {"tokens_per_minute": 700}}
        accounts = {"carol": "verified-contact"}
        async with deciding(tmp_path / "g", accounts, tiers, control={"slice_tokens": 256}) as service:
            told = await service.decided("carol", {**CHAT, "stream": True})
            assert told["terms"]["slice_tokens"] == 256
            path = f"/v1/decisions/{told['decision']}/extension"
            assert await service.post(path, {}) == (200, {"allowed": True, "tokens": 256})
            status, over = await service.post(path, {})
            assert (status, over["allowed"], over["status"]) == (200, False, 429)
            assert "error" in over["body"]

    run(test)


@pytest.mark.parametrize(
    ("settlement", "counted"),
    [
        ({"sent": False}, (0, 0, 0)),
        ({"status": 502}, (1, 0, 0)),
        ({"response": json.loads(ANSWER)}, (1, 11, 3)),
        ({"events": b"".join(openai_events(9)).decode()}, (1, 11, 3)),
        ({"events": b"".join(openai_events(10)[:8]).decode(), "cancelled": True}, (1, 48, 8)),
        ({"output_tokens": 4}, (1, 48, 4)),
        ({}, (1, 48, 100)),
    ],
)
def test_what_counts_in_the_end(tmp_path: Path, settlement: Any, counted: tuple[int, int, int]) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, control={"bytes_per_token": 2.0}) as service:
            body = json.dumps(SHORT).encode()
            told = await service.decided("alice", SHORT)
            _, said = await service.settled(told["decision"], **settlement)
            inputs = counted[1] if counted[1] != 48 else -(-len(body) // 2)
            assert (said["requests"], said["input_tokens"]) == (counted[0], inputs)
            assert said["output_tokens"] == counted[2]

    run(test)


def test_requests_and_answers_are_in_the_journal(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            headers = [["User-Agent", "curl/8"], ["Accept", "*/*"]]
            told = await service.decided("alice", headers=headers)
            await service.settled(told["decision"], status=200, response=json.loads(ANSWER), latency_ms=12.5)
        (accepted,), (outcome,) = recorded(tmp_path / "g")
        assert (accepted.account, accepted.endpoint, accepted.ip) == ("alice", "chat", CLIENT)
        assert (accepted.user_agent, accepted.header_order) == ("curl/8", "User-Agent,Accept")
        assert json.loads(accepted.body or b"") == CHAT
        assert (outcome.id, outcome.status, outcome.output_tokens) == (accepted.id, 200, 3)
        assert outcome.latency_ms == 12.5
        assert json.loads(outcome.body or b"") == json.loads(ANSWER)

    run(test)


def test_a_program_may_name_the_account_and_its_word_goes_before_the_clients(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", {"alice": "contracted", "bob": "contracted"}) as service:
            question = {"path": CHATS, "address": CLIENT, "account": "bob", "body": CHAT}
            headers = {"authorization": f"Bearer {service.keys['alice']}"}
            _, told = await service.post("/v1/decisions", {**question, "headers": headers})
            assert told["account"] == "bob"
            _, told = await service.post("/v1/decisions", {**question, "account": "nobody"})
            assert (told["allowed"], told["status"]) == (False, 401)
            _, told = await service.post("/v1/decisions", {**question, "account": "", "headers": headers})
            assert told["account"] == "alice"

    run(test)


def test_only_a_program_with_the_token_is_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            question = {"path": CHATS, "address": CLIENT, "credential": service.keys["alice"], "body": CHAT}
            for token in ("", "x", service.token + "x", service.token[:-1], service.keys["alice"]):
                status, problem = await service.post("/v1/decisions", question, token)
                assert (status, problem["type"]) == (401, "about:blank")
            told = await service.decided("alice")
            for path in ("extension", "settlement"):
                assert (await service.post(f"/v1/decisions/{told['decision']}/{path}", {}, "x"))[0] == 401
            assert (await service.settled(told["decision"]))[0] == 200

    run(test)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        ({"path": CHATS, "account": "alice"}, "address"),
        ({"path": CHATS, "address": CLIENT, "acount": "x"}, "acount"),
        ({"path": CHATS, "address": CLIENT, "id": "short"}, "id"),
    ],
)
def test_a_question_that_cant_be_read_is_told_by_name(tmp_path: Path, question: Any, word: str) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            status, problem = await service.post("/v1/decisions", question)
            assert status == 400
            assert word in problem["detail"]

    run(test)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"path": "/metrics"}, 404, "unknown_url"),
        ({"path": "/v1/../metrics"}, 404, "unknown_url"),
        ({"path": CHATS, "method": "GET"}, 405, "method_not_allowed"),
        ({"address": "here"}, 400, None),
        ({"path": "/v1/batches", "body": {"input_file_id": "f"}}, 403, "feature_not_available"),
        ({"path": "/v1/responses/r_1/cancel", "body": {}}, 403, "feature_not_available"),
        ({"body": {"model": "m", "max_tokens": "many"}}, 400, None),
    ],
)
def test_what_isnt_offered_is_a_native_error(
    tmp_path: Path, more: dict[str, Any], status: int, code: str | None
) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            told = await service.decided("alice", **more)
            assert (told["allowed"], told["status"]) == (False, status)
            assert told["body"]["error"]["code"] == code

    run(test)


def test_stored_objects_arent_offered_unless_an_operator_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        responses = {
            "path": "/v1/responses",
            "body": {"model": "m", "input": "x", "previous_response_id": "r_1"},
        }
        hidden = (
            b'{"path": "/v1/responses", "address": "203.0.113.9", "credential": "%b", '
            b'"body": {"model": "m", "input": "x", "pr\\u0065vious_response_id": "r_1"}}'
        )
        async with deciding(tmp_path / "a") as service:
            assert (await service.decided("alice", **responses))["status"] == 403
            _, told = await service.post("/v1/decisions", hidden % service.keys["alice"].encode())
            assert told["status"] == 403
        async with deciding(tmp_path / "b", decide={"stored_objects": True}) as service:
            assert (await service.decided("alice", **responses))["allowed"]

    run(test)


def test_so_many_decisions_are_open_at_most(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", decide={"open_decisions": 2}) as service:
            first = await service.decided("alice")
            await service.decided("alice")
            full = await service.decided("alice")
            assert (full["allowed"], full["status"]) == (False, 503)
            await service.settled(first["decision"], sent=False)
            assert (await service.decided("alice"))["allowed"]

    run(test)


# nginx.


def test_nginx_is_told_200_and_whose_it_is(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG) as service:
            status, headers, body = await service.authorize(CHATS, "alice")
            assert (status, headers["x-headwater-account"], body) == (200, "alice", b"")
            assert headers["x-headwater-decision"].startswith("req_")
            assert headers["x-ratelimit-remaining-requests"] == "2999"
            status, headers, _ = await service.authorize("/v1/models?limit=3", "alice", "GET")
            assert status == 200
            assert "x-ratelimit-remaining-requests" not in headers
            _, headers, _ = await service.authorize("/v1/messages", "alice")
            assert headers["anthropic-ratelimit-requests-remaining"] == "2998"

    run(test)


def test_nginx_is_told_401_or_403_and_the_truth_in_headers(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-organisation": {"requests_per_minute": 1}}
        async with deciding(tmp_path / "g", ORG, tiers) as service:
            status, headers, body = await service.authorize(CHATS, None)
            assert (status, headers["x-headwater-status"], body) == (401, "401", b"")
            assert headers["www-authenticate"] == "Bearer"
            status, headers, _ = await service.authorize("/metrics", "alice", "GET")
            assert (status, headers["x-headwater-status"]) == (403, "404")
            assert (await service.authorize(CHATS, "alice"))[0] == 200
            status, headers, _ = await service.authorize(CHATS, "alice")
            assert (status, headers["x-headwater-status"]) == (403, "429")
            assert int(headers["retry-after"]) > 0
            assert error_of(headers)["violated_policies"] == ["requests_per_minute"]
            assert headers["x-ratelimit-remaining-requests"] == "0"
            _, headers, _ = await service.authorize("/v1/messages", "alice")
            assert headers["anthropic-ratelimit-requests-remaining"] == "0"
            assert error_of(headers)["type"] == "rate_limit_error"

    run(test)


def test_a_request_behind_nginx_holds_no_slot_and_takes_no_tokens(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-organisation": {"concurrent_requests": 1, "tokens_per_day": 10}}
        async with deciding(tmp_path / "g", ORG, tiers) as service:
            assert [(await service.authorize(CHATS, "alice"))[0] for _ in range(5)] == [200] * 5
        accepted, outcomes = recorded(tmp_path / "g")
        assert [one.endpoint for one in accepted] == ["chat"] * 5
        assert {one.id for one in accepted} == {one.id for one in outcomes}

    run(test)


def test_a_proxy_without_the_token_or_an_address_is_told_so_and_not_the_client(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            for more in ({"x_headwater_token": "wrong"}, {"x_headwater_token": ""}, {"x_forwarded_for": "unknown"},
                         {"x_forwarded_for": ""}, {"x_original_method": ""}):  # fmt: skip
                told = {"x_original_uri": CHATS, "x_original_method": "POST"} | more
                status, _, body = await service.proxied("/authorize", "alice", **told)
                assert (status, json.loads(body)["status"]) == (500, 500), more
            status, _, body = await service.proxied(
                "/check" + CHATS, "alice", CHAT, x_headwater_token="wrong"
            )
            assert (status, json.loads(body)["error"]["type"]) == (500, "server_error")

    run(test)


def test_the_last_address_is_the_proxys_word_and_others_count_if_it_is_trusted(tmp_path: Path) -> None:
    async def test() -> None:
        identity = IdentitySettings(trusted_proxies=("10.0.0.0/8",))
        async with deciding(tmp_path / "g", identity=identity) as service:
            for forwarded in (
                "198.51.100.1, 203.0.113.7",
                "198.51.100.1, 203.0.113.7, 10.1.2.3",
                "203.0.113.7",
            ):
                await service.authorize(CHATS, "alice", x_forwarded_for=forwarded)
        assert {one.ip for one in recorded(tmp_path / "g")[0]} == {"203.0.113.7"}

    run(test)


def test_a_proxy_may_name_the_address_by_itself(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            more = {"x_headwater_address": "203.0.113.7", "x_forwarded_for": "203.0.113.7, 10.1.2.3"}
            assert (await service.proxied("/check" + CHATS, "alice", SHORT, **more))[0] == 200
            # nginx passes a client's own headers on: there the client would name itself
            more = {"x_headwater_address": "198.51.100.1", "x_forwarded_for": "203.0.113.7"}
            assert (await service.authorize(CHATS, "alice", **more))[0] == 200
        assert [one.ip for one in recorded(tmp_path / "g")[0]] == ["203.0.113.7", "203.0.113.7"]

    run(test)


def test_a_key_from_another_network_is_refused_behind_a_proxy(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g") as service:
            with open_identity(tmp_path / "g" / IDENTITY, IdentitySettings()) as identity:
                made = identity.new_key("alice", BY, AT_US, entries={"networks": ("192.0.2.0/24",)})
            service.keys["alice"] = made.text
            await asyncio.sleep(0.2)
            status, headers, _ = await service.authorize(CHATS, "alice")
            assert (status, error_of(headers)["code"]) == (403, "ip_not_authorized")
            assert (await service.authorize(CHATS, "alice", x_forwarded_for="192.0.2.7"))[0] == 200

    run(test)


# Envoy.


def test_a_check_reads_the_body_and_answers_in_native_words(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", ORG, FEW_TOKENS) as service:
            path = "/check" + CHATS
            status, headers, body = await service.proxied(path + "?x=1", "alice", SHORT)
            assert (status, headers["x-headwater-account"], body) == (200, "alice", b"")
            status, headers, body = await service.proxied(path, "alice", {**CHAT, "max_tokens": 900})
            assert (status, json.loads(body)["error"]["type"]) == (429, "tokens")
            assert headers["x-ratelimit-limit-tokens"] == "1000"
            status, _, body = await service.proxied(path, "alice", b'{"model": 1}')
            assert (status, json.loads(body)["error"]["param"]) == (400, "model")
            status, headers, body = await service.proxied(
                "/check/v1/messages", "alice", {**CHAT, "max_tokens": 900}
            )
            assert (status, json.loads(body)["type"]) == (429, "error")
            assert (await service.proxied("/check/v1/models", "alice"))[0] == 200
            assert (await service.proxied("/check/metrics", "alice"))[0] == 404
            assert (await service.proxied("/v1/models", "alice"))[0] == 404

    run(test)


def test_a_checked_request_counts_at_its_bound_and_holds_no_slot(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-organisation": {"concurrent_requests": 1, "tokens_per_day": 500}}
        async with deciding(tmp_path / "a", ORG, tiers) as service:
            told = [(await service.proxied("/check" + CHATS, "alice", SHORT))[0] for _ in range(6)]
            assert told == [200, 200, 200, 429, 429, 429]
        async with deciding(tmp_path / "b", ORG, tiers, decide={"count_tokens": False}) as service:
            told = [(await service.proxied("/check" + CHATS, "alice", SHORT))[0] for _ in range(6)]
            assert told == [200] * 6

    run(test)


def test_a_stream_that_is_checked_counts_whole(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-contact": {"tokens_per_minute": 1000, "tokens_per_day": 1000}}
        async with deciding(tmp_path / "g", {"carol": "verified-contact"}, tiers) as service:
            streamed = {**CHAT, "stream": True, "max_tokens": 800}
            told = [(await service.proxied("/check" + CHATS, "carol", streamed))[0] for _ in range(2)]
            assert told == [200, 429]

    run(test)


def test_a_length_can_be_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with deciding(tmp_path / "g", decide={"need_length": True}) as service:
            status, _, body = await service.proxied("/check" + CHATS, "alice", CHAT)
            assert (status, json.loads(body)["error"]["code"]) == (400, "answer_length_missing")
            assert (await service.proxied("/check" + CHATS, "alice", SHORT))[0] == 200
            body = {"model": "m", "input": "x"}
            assert (await service.proxied("/check/v1/embeddings", "alice", body))[0] == 200
            status, _, told = await service.proxied("/check/v1/responses", "alice", body)
            assert (status, json.loads(told)["error"]["param"]) == (400, "max_output_tokens")

    run(test)


# Steps that stand against an account.


def test_what_a_step_leaves_out_is_told_to_programs_and_asked_of_who_is_checked(tmp_path: Path) -> None:
    async def test() -> None:
        begun = time.time_ns() // 1000 - 1_000_000
        new_casebook(tmp_path / "desk", SETTINGS, pack("reduce"), begun)
        with open_casebook(tmp_path / "desk", SETTINGS) as book:
            book.propose(report(1), "alice", begun)
            book.confirm("birch-harvest", "bob", begun)
        name = "birch-00000"
        async with deciding(tmp_path / "g", {name: "contracted"}, casebook=str(tmp_path / "desk")) as service:
            told = await service.decided(name, {**CHAT, "max_tokens": 5000, "logprobs": True})
            assert (told["terms"]["max_tokens"], told["body"]["max_tokens"]) == (1024, 1024)
            assert "logprobs" in told["terms"]["drop"]
            assert "logprobs" not in told["body"]
            for body, status, code in (
                ({**CHAT, "max_tokens": 5000}, 400, "answer_too_long"),
                (CHAT, 400, "answer_length_missing"),
                ({**SHORT, "logprobs": True}, 403, "feature_not_available"),
            ):
                got, _, said = await service.proxied("/check" + CHATS, name, body)
                assert (got, json.loads(said)["error"]["code"]) == (status, code)
            status, headers, _ = await service.proxied("/check" + CHATS, name, SHORT)
            assert (status, headers["x-headwater-max-tokens"]) == (200, "1024")
            status, headers, _ = await service.authorize(CHATS, name)
            assert (status, headers["x-headwater-max-tokens"]) == (200, "1024")
            assert "logprobs" in headers["x-headwater-drop"]

    run(test)


def test_what_is_refused_after_all_takes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-organisation": {"tokens_per_day": 400}}
        async with deciding(tmp_path / "g", ORG, tiers, decide={"need_length": True}) as service:
            for _ in range(5):
                assert (await service.proxied("/check" + CHATS, "alice", CHAT))[0] == 400
            assert (await service.proxied("/check" + CHATS, "alice", SHORT))[0] == 200
        accepted, outcomes = recorded(tmp_path / "g")
        assert [one.id for one in accepted] == [one.id for one in outcomes]
        assert len(accepted) == 1

    run(test)


# Tokens.


def test_the_token_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "decisions.token"
    assert make_tokens(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text()
    assert not make_tokens(path)
    assert path.read_text() == kept
    own = kept.splitlines()[-1].encode()
    path.write_text(f"{kept}{'n' * 40}\n")
    tokens = load_tokens(path)
    assert (tokens.good(own), tokens.good(b"n" * 40), tokens.good(b"n" * 39)) == (True, True, False)
    assert own.decode() not in repr(tokens)


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "short\n", "two words that are long enough for a token\n"]
)
def test_a_file_without_a_token_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "decisions.token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        load_tokens(path)
    assert "words" not in str(caught.value)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others than its owner"):
        load_tokens(path)


def test_a_service_is_one_process(tmp_path: Path) -> None:
    from headwater.gateway.composition import Gateway, GatewaySettings
    from headwater.gateway.settings import RelaySettings

    gateway = Gateway(tmp_path, GatewaySettings(relay=RelaySettings(workers=2)), IdentitySettings())
    with pytest.raises(ConfigurationError, match="one process"):
        gateway.checked_to_decide()

"""Steps of a casebook on gateways that run: proposed, confirmed and taken back by the commands, felt by clients."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from casework.books import HOUR, SETTINGS, pack, report
from explain.builders import campaign, findings
from faults.gateways import Model, Served, chat, journalled, modelled, numbers, run
from headwater.casework import new_casebook, open_casebook
from headwater.cli.app import run as command
from headwater.explain import dumps

pytestmark = pytest.mark.xdist_group("gateway-casebook")

RUNGS = ("shape", "reduce", "step-up", "quarantine", "suspend")
LEFT = "x-ratelimit-remaining-requests"
APPEALS = "https://example.com/appeals"


class Desk:
    """A casebook, and what persons do at it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._reports = folder, folder.parent / "reports"
        self("casebook", "new", str(folder), "--operator", "Example AI", "--appeals", APPEALS)
        with (folder / "casebook.toml").open("a") as settings:
            settings.write("\n[effects]\nshape_delay_ms = 400\n")

    def __call__(self, *words: str) -> None:
        assert command([*words, "--quiet"]) == 0

    def at(self, *words: str, by: str = "alice") -> None:
        self(*words, "--casebook", str(self.folder), "--by", by)

    def propose(self, rung: str, accounts: int = 2) -> None:
        """Steps of a rung for the accounts `RUNG-00000`, …, all of them of the campaign `RUNG-harvest`."""
        name = rung.replace("-", "")
        place = self._reports / name
        place.mkdir(parents=True, exist_ok=True)
        told = findings(campaigns=(campaign(f"{name}-harvest", n=accounts),), considered=())
        (place / "campaigns.json").write_bytes(dumps(told))
        (place / "pack.yaml").write_bytes(pack(rung))
        self.at("casebook", "policy", str(place / "pack.yaml"))
        self.at("step", "propose", str(place))

    def confirm(self, rung: str) -> None:
        self.at("step", "confirm", f"{rung.replace('-', '')}-harvest", by="bob")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


@pytest.fixture
def model() -> Iterator[tuple[Model, int]]:
    model = Model()
    with modelled(model) as port:
        yield model, port


def account(rung: str, number: int = 0) -> str:
    return f"{rung.replace('-', '')}-{number:05}"


def greedy(number: int) -> bytes:
    """Asks for more than a reduced account may have."""
    return json.dumps({**json.loads(chat(number, 5_000)), "logprobs": True, "top_logprobs": 5}).encode()


async def until(true: Any, told: object = None) -> None:
    """Wait until something holds; `told` is shown where it never does."""
    end = time.monotonic() + 60
    while not await true():
        assert time.monotonic() < end, str(told)
        await asyncio.sleep(0.02)


def test_a_step_is_felt_and_its_end_too(desk: Desk, model: tuple[Model, int], tmp_path: Path) -> None:
    served, upstream = model
    for rung in RUNGS:
        desk.propose(rung)
    accounts = {account(rung): "verified-organisation" for rung in RUNGS}
    with Served(
        tmp_path / "g", upstream, "--workers", "2", "--casebook", str(desk.folder),
        toml=f'[control]\nappeals = "{APPEALS}"', accounts=accounts,
    ) as gateway:  # fmt: skip

        async def felt(rung: str) -> str:
            """What an account's request feels."""
            began = time.monotonic()
            status, fields, body = await gateway.ask(account(rung), greedy(1))
            if status == 403:
                return str(body["error"]["code"])
            went_on, left = (served.asked["max_tokens"], "logprobs" in served.asked), int(fields[LEFT])
            if went_on == (1024, False):
                return "reduced" if left < 750 else f"not slowed, {left} left"
            if went_on == (5_000, True) and left < 1500:
                return "shaped" if time.monotonic() - began >= 0.4 else "not delayed"
            return "usual" if went_on == (5_000, True) else str(went_on)

        words = {
            "shape": "shaped", "reduce": "reduced", "step-up": "verification_required",
            "quarantine": "account_under_review", "suspend": "account_suspended",
        }  # fmt: skip

        async def feel(what: Mapping[str, str]) -> None:
            """Each worker, as far as several connections tell."""
            for rung, word in what.items():

                async def all_do(rung: str = rung, word: str = word) -> bool:
                    said = {await felt(rung) for _ in range(6)}
                    told[rung] = said
                    return said == {word}

                await until(all_do, told)

        async def test() -> None:
            await feel(dict.fromkeys(RUNGS, "usual"))
            for rung in RUNGS:
                desk.confirm(rung)
            await feel(words)
            for rung in RUNGS:
                desk.at("step", "reverse", account(rung), "--reason", "A class.", by="carol")
            await feel(dict.fromkeys(RUNGS, "usual"))
            for rung in RUNGS:
                desk.at("step", "undo", account(rung), "--reason", "It wasn't.", by="carol")
            await feel(words)

        told: dict[str, Any] = {}
        run(test)


def test_a_shaped_account_may_wait_longer_than_a_stage_is_waited_for(
    desk: Desk, model: tuple[Model, int], tmp_path: Path
) -> None:
    settings = (desk.folder / "casebook.toml").read_text().replace("= 400", "= 2500")
    (desk.folder / "casebook.toml").write_text(settings)
    desk.propose("shape")
    desk.confirm("shape")
    with Served(
        tmp_path / "g", model[1], "--casebook", str(desk.folder), toml="[relay]\nstage_s = 2",
        accounts={account("shape"): "contracted"},
    ) as gateway:  # fmt: skip
        assert gateway.now(account("shape"), chat(1))[0] == 200


def test_a_step_ends_by_itself(model: tuple[Model, int], tmp_path: Path) -> None:
    """Nobody does anything: its hour is over."""
    begun = time.time_ns() // 1000 - HOUR + 8_000_000
    new_casebook(tmp_path / "desk", SETTINGS, pack("quarantine", extra="    for: 1h"), begun)
    with open_casebook(tmp_path / "desk", SETTINGS) as book:
        book.propose(report(2), "alice", begun)
        book.confirm("birch-harvest", "bob", begun)
    with Served(
        tmp_path / "g", model[1], "--casebook", str(tmp_path / "desk"), accounts={"birch-00000": "contracted"}
    ) as gateway:
        assert gateway.now("birch-00000", chat(1))[0] == 403
        gateway.wait_for(lambda: gateway.now("birch-00000", chat(1))[0] == 200)


@pytest.mark.parametrize("how", ["step", "account", "key"])
def test_what_runs_for_an_account_is_cut_when_it_is_suspended(desk: Desk, tmp_path: Path, how: str) -> None:
    """In its own words where the answer has begun and as an answer where it hasn't; others go on."""
    model = Model(words=3, pause_s=30)
    desk.propose("suspend")
    accounts = {account("suspend"): "contracted", "other": "contracted"}
    with (
        modelled(model) as upstream,
        Served(tmp_path / "g", upstream, "--casebook", str(desk.folder), accounts=accounts) as gateway,
    ):

        async def test() -> None:
            asks = [(account("suspend"), True), (account("suspend"), False), ("other", True)]
            running = [
                asyncio.ensure_future(gateway.ask(who, chat(1, stream=stream))) for who, stream in asks
            ]
            async with asyncio.timeout(60):
                while model.running < 3:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)  # heads are on their way
            identity = ("--identity", str(gateway.folder / "identity"), "--by", "bob")
            if how == "step":
                desk.confirm("suspend")
            elif how == "account":
                desk("account", "change", account("suspend"), "--state", "suspended", *identity)
            else:
                key = gateway.keys[account("suspend")].split("_")[2]
                desk("key", "revoke", key, *identity)
            begun, answer = await asyncio.gather(*running[:2])
            said = "account_suspended" if how == "step" else None
            code = {"step": "account_suspended", "account": "account_inactive", "key": "invalid_api_key"}[how]
            assert begun[0] == 200
            told = json.loads(begun[2].strip().split(b"\n\n")[-1].removeprefix(b"data: "))["error"]
            assert told["code"] == code
            assert (answer[0], answer[2]["error"]["code"]) == (401 if how == "key" else 403, code)
            if said:
                assert told["decision_id"].startswith("d-")
            async with asyncio.timeout(60):
                while model.running > 1:
                    await asyncio.sleep(0.02)
            assert not running[2].done()
            running[2].cancel()

        run(test)
    records = journalled(gateway.folder)
    assert sorted(numbers(records)) == [1, 1, 1]


def test_official_clients_read_a_suspension_and_do_not_come_again(
    desk: Desk, model: tuple[Model, int], tmp_path: Path
) -> None:
    anthropic, openai = pytest.importorskip("anthropic"), pytest.importorskip("openai")
    desk.propose("suspend")
    desk.confirm("suspend")
    who = account("suspend")
    with Served(
        tmp_path / "g", model[1], "--casebook", str(desk.folder), "--verbose",
        toml=f'[control]\nappeals = "{APPEALS}"', accounts={who: "contracted"},
    ) as gateway:  # fmt: skip
        url, words = f"http://127.0.0.1:{gateway.port}", [{"role": "user", "content": "Hi"}]
        ours = openai.OpenAI(base_url=f"{url}/v1", api_key=gateway.keys[who])
        with pytest.raises(openai.PermissionDeniedError) as told:
            ours.chat.completions.create(model="m", messages=words)
        assert told.value.body["code"] == "account_suspended"
        assert told.value.body["appeal_url"] == APPEALS
        decisions = [told.value.body["decision_id"]]
        theirs = anthropic.Anthropic(base_url=url, api_key=gateway.keys[who])
        with pytest.raises(anthropic.PermissionDeniedError) as said:
            theirs.messages.create(model="m", max_tokens=5, messages=words)
        assert said.value.body["error"]["type"] == "permission_error"
        assert said.value.body["error"]["appeal_url"] == APPEALS
        decisions.append(said.value.body["error"]["decision_id"])
        lines = [line for line in gateway.log.splitlines() if "denied: suspended" in line]
        # Each came once, and the operator's log names each decision.
        assert [line.rpartition(" ")[2] for line in lines] == decisions


def test_accounts_of_one_campaign_share_its_budget(
    desk: Desk, model: tuple[Model, int], tmp_path: Path
) -> None:
    """Fifty accounts, each far below every limit of its own."""
    served, upstream = model
    limit, most = 6_000, 50
    desk.propose("notice", most)
    desk.confirm("notice")
    accounts = {account("notice", number): "contracted" for number in range(most)} | {"other": "contracted"}
    toml = f"""
[[control.budgets]]
name = "campaigns"
kind = "token-quota"
scope = "campaign"
limit = {limit}
per = "day"
lease = 50
"""
    with Served(
        tmp_path / "g",
        upstream,
        "--workers",
        "2",
        "--casebook",
        str(desk.folder),
        toml=toml,
        accounts=accounts,
    ) as gateway:

        async def test() -> None:
            said: Counter[int] = Counter()
            for turn in range(12):
                asked = [
                    gateway.ask(account("notice", number), chat(1_000_000 + turn)) for number in range(most)
                ]
                said.update(status for status, _, _ in await asyncio.gather(*asked))
            assert set(said) == {200, 429}
            assert (await gateway.ask("other", chat(1)))[0] == 200

        run(test)
        # At the end each worker has less than one request's upper bound left.
        assert limit * 0.95 <= served.tokens[1] <= limit

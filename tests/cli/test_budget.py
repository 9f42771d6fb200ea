"""`headwater budget show`: every limit that applies, what the store has left of it, and nothing taken by looking."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from casework.books import SETTINGS as BOOK
from casework.books import pack, proposed
from control.budget.servers import Postgres, Redis
from headwater.casework import new_casebook, open_casebook
from headwater.cli import app
from headwater.control.budget import Budget, Kind, Per, Scope, ask_nothing, open_store
from headwater.control.identity import IdentitySettings, open_identity
from headwater.gateway.composition import IDENTITY
from headwater.gateway.founding import found
from headwater.gateway.stages.stores import check_store
from ports import free_port

pytest.importorskip("redis")
pytest.importorskip("psycopg")
pytestmark = pytest.mark.xdist_group("budget-stores")

TOML = """
[[control.budgets]]
name = "org-tokens"
kind = "token-quota"
scope = "organisation"
limit = 1_000_000
per = "month"

[[control.budgets]]
name = "card-spend"
kind = "spend-quota"
scope = "payment"
limit = 5_000
per = "day"
fails = "open"

[[control.budgets]]
name = "net-rate"
kind = "requests"
scope = "address"
limit = 600
per = "minute"

[[control.budgets]]
name = "others"
kind = "request-quota"
scope = "account"
limit = 7
per = "day"
only = ["somebody-else"]
"""
TIER = {
    "requests_per_minute": 600,
    "requests_per_day": 1000,
    "tokens_per_minute": "unlimited",
    "tokens_per_day": 0,
    "concurrent_requests": 8,
    "spend_per_month_micros": "unlimited",
    "addresses_per_day": 20,
    "asns_per_day": "unlimited",
}
DAILY = Budget("account.requests-per-day", Kind.REQUEST_QUOTA, Scope.ACCOUNT, 1000, Per.DAY)
SLOTS = Budget("account.concurrent-requests", Kind.CONCURRENCY, Scope.ACCOUNT, 8)
MINUTE = Budget("account.requests-per-minute", Kind.REQUESTS, Scope.ACCOUNT, 600, Per.MINUTE)
ORGANISATION = Budget("org-tokens", Kind.TOKEN_QUOTA, Scope.ORGANISATION, 10**6, Per.MONTH)
CARD = "4f1c29a07be6d3815a90c2e4"


def gateway(folder: Path, first: str = "", account: str = "bot") -> Path:
    """A gateway's folder with an account of an organisation; `first`: settings before the tables."""
    found(folder, "http://127.0.0.1:9")
    file = folder / "gateway.toml"
    file.write_text(f"{first}\n{file.read_text()}\n{TOML}")
    with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
        identity.change_tier("verified-payment", "ann", 1, TIER)
        identity.new_organisation("acme", "ann", 1, tier="verified-payment", payment=CARD)
        identity.new_account(account, "ann", 1, organisation="acme")
    return folder


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres") / "cluster")
    yield server
    server.kill()


@pytest.fixture(params=["node", "redis", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    """What the setting `budgets` says."""
    if request.param == "redis":
        return str(request.getfixturevalue("redis_server").url)
    if request.param == "postgres":
        port = request.getfixturevalue("postgres_server").port
        return f"postgresql://headwater@127.0.0.1:{port}/postgres"
    return "node"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command prints; it must end well."""
    monkeypatch.delenv("HEADWATER_GATEWAY_BUDGETS", raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str, code: int = 0) -> str:
        assert app.run(["budget", *arguments]) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    return run


def shown(
    run: Callable[..., str], folder: Path, account: str = "bot", *more: str
) -> dict[str, dict[str, Any]]:
    """The limits of an account by name (a step's with a star)."""
    told = json.loads(run("show", account, "--folder", str(folder), "--json", *more))
    return {one["name"] + "*" * (one["of"] == "step"): one for one in told}


def test_every_limit_that_applies_is_shown_and_leases_count_as_used(
    tmp_path: Path, store: str, run: Callable[..., str]
) -> None:
    folder = gateway(tmp_path / "gateway", f'budgets = "{store}"')
    (folder / "gateway.toml").write_text((folder / "gateway.toml").read_text() + "\n[relay]\nworkers = 2\n")
    run("begin", "--forget", "--folder", str(folder))
    before = shown(run, folder)
    assert {name: (one["of"], one["limit"], one["per"]) for name, one in before.items()} == {
        "requests_per_minute": ("tier", 600, "minute"),
        "requests_per_day": ("tier", 1000, "day"),
        "tokens_per_day": ("tier", 0, "day"),
        "concurrent_requests": ("tier", 8, "none"),
        "addresses_per_day": ("tier", 20, "day"),
        "org-tokens": ("own", 1_000_000, "month"),
        "card-spend": ("own", 5000, "day"),
    }
    assert (before["org-tokens"]["key"], before["card-spend"]["key"]) == ("acme", ""), (
        "a card is told of nobody"
    )
    assert (before["tokens_per_day"]["left"], before["tokens_per_day"]["resets_us"]) == (0, None)
    whole = {name: one["left"] for name, one in before.items()}
    assert (whole["requests_per_day"], whole["concurrent_requests"], whole["org-tokens"]) == (1000, 8, 10**6)
    assert 0 < whole["requests_per_minute"] <= 600
    asks = [
        ask_nothing(DAILY, "bot")._replace(need=30, want=30),
        ask_nothing(SLOTS, "bot")._replace(need=2, want=2),
        ask_nothing(MINUTE, "bot")._replace(need=100, want=100),
        ask_nothing(ORGANISATION, "acme")._replace(need=5, want=5),
        ask_nothing(DAILY, "another")._replace(need=500, want=500),
    ]
    held = open_store(store, folder)
    held.exchange("r1", asks)
    for _ in range(3):
        after = shown(run, folder)
        assert after["requests_per_day"]["left"] == 970
        assert after["concurrent_requests"]["left"] == 6
        assert after["org-tokens"]["left"] == 10**6 - 5
        assert after["requests_per_minute"]["left"] < whole["requests_per_minute"]
        assert after["card-spend"]["left"] == 5000
    assert 0 < after["requests_per_day"]["resets_us"] <= 86_400_000_000
    assert after["concurrent_requests"]["resets_us"] is None
    assert [answer.granted for answer in held.exchange("r1", asks[:2])] == [30, 2], "looking took nothing"
    held.close()
    text = run("show", "bot", "--folder", str(folder))
    assert "970" in text
    assert CARD not in text
    assert "when requests end" in text


def test_a_gateway_of_one_process_counts_its_rates_itself_and_no_file_is_made(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    folder = gateway(tmp_path / "gateway")
    told = shown(run, folder)
    assert told["requests_per_minute"]["left"] is None
    assert told["requests_per_day"]["left"] == 1000
    assert not (folder / "budgets.sqlite").exists()
    assert "no store knows them" in run("show", "bot", "--folder", str(folder))


def test_eighty_columns_are_enough_for_whole_lines(
    tmp_path: Path, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = gateway(tmp_path / "gateway")
    monkeypatch.setenv("COLUMNS", "80")
    told = run("show", "bot", "--folder", str(folder)).splitlines()
    assert len(told) == 1 + 7 + 2, told
    (line,) = [line for line in told if line.startswith("org-tokens")]
    assert "organisation acme  1,000,000/month  1,000,000" in line
    told = run("show", "--folder", str(folder)).splitlines()
    assert [line.split()[0] for line in told] == ["budget", "org-tokens", "card-spend", "net-rate", "others"]


def test_without_an_account_the_settings_are_shown(tmp_path: Path, run: Callable[..., str]) -> None:
    folder = gateway(tmp_path / "gateway")
    told = json.loads(run("show", "--folder", str(folder), "--json"))
    assert [one["name"] for one in told] == ["org-tokens", "card-spend", "net-rate", "others"]
    text = run("show", "--folder", str(folder))
    assert "5,000/day" in text
    assert "somebody-else" not in text
    (folder / "gateway.toml").write_text("")
    assert "no budgets beside" in run("show", "--folder", str(folder))


def test_what_a_step_takes_is_shown_beside_the_tiers_own(tmp_path: Path, run: Callable[..., str]) -> None:
    now_us = time.time_ns() // 1000
    new_casebook(tmp_path / "book", BOOK, pack(), now_us)
    with open_casebook(tmp_path / "book", BOOK) as book:
        proposed(book, at_us=now_us)
        account = sorted(book.accounts().values())[0]
        step = next(one for one in book.steps() if book.accounts()[one.step.account] == account)
        book.confirm(step.id, "alice", now_us, "looked at")
        campaign = step.campaign
    budgets = '\n[[control.budgets]]\nname = "all-of-it"\nkind = "request-quota"\nscope = "campaign"\n'
    budgets += 'limit = 40\nper = "day"\n'
    folder = gateway(tmp_path / "gateway", 'casebook = "../book"', account)
    (folder / "gateway.toml").write_text((folder / "gateway.toml").read_text() + budgets)
    told = shown(run, folder, account)
    assert (told["all-of-it"]["key"], told["all-of-it"]["left"]) == (campaign, 40)


def test_what_cannot_be_shown_is_said(tmp_path: Path, run: Callable[..., str]) -> None:
    folder = gateway(tmp_path / "gateway")
    assert "no such account" in run("show", "nobody", "--folder", str(folder), code=2)
    assert "is no gateway's folder" in run("show", "bot", "--folder", str(tmp_path / "none"), code=2)
    for url in (
        f"redis://:hunter2@127.0.0.1:{free_port()}/0",
        f"postgresql://x:hunter2@127.0.0.1:{free_port()}/x",
    ):
        said = run("show", "bot", "--folder", str(folder), "--budgets", url, code=2)
        assert "the store of budgets can't be read" in said
        assert "hunter2" not in said


def test_a_redis_that_nobody_has_begun_serves_no_gateway(
    tmp_path: Path, run: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    server = Redis(tmp_path / "redis")
    try:
        folder = gateway(tmp_path / "gateway")
        asked = ["serve", "--folder", str(folder), "--port", "0", "--budgets", server.url]
        assert app.run(asked) == 2
        told = capsys.readouterr().err
        assert "hasn't been begun" in told
        assert "headwater budget begin" in told
        run("begin", "--forget", "--budgets", server.url)
        check_store(server.url, folder)
    finally:
        server.kill()

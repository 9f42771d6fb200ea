"""Webhooks of providers that verify: what is signed raises a tier once, what isn't does nothing and is held back."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.identity_company import SECRET, Company, company, install, passes, sent
from console.offices import Client, Served, served
from gateway.gates import Gate, gate
from headwater.cli import app
from headwater.control.identity import IdentitySettings, new_identity, sign_webhook, webhook_secret
from headwater.gateway.composition import IDENTITY

OLD = "whsec_" + base64.b64encode(b"the secret of before, in 32 bytes").decode()
NAME = "acme-checks"


def secret_file(folder: Path, text: str = f"# two count while it is changed\n{OLD}\n{SECRET}\n") -> Path:
    file = folder / "webhook.secret"
    file.write_text(text)
    file.chmod(0o600)
    return file


def settings(file: Path, more: str = "") -> str:
    own = f'[[admin.verifiers]]\nname = "{NAME}"\nplugin = "identity-company"\nsecret_file = "{file}"\n'
    return f"failures_a_minute = 1000\n{own}{more}"


@contextmanager
def offices(folder: Path, identity: Path, text: str = "") -> Iterator[tuple[Served, Company]]:
    """An admin API that a company sends webhooks to."""
    file = secret_file(folder)
    path = str(install(folder / "installed"))
    with served(identity, settings=text or settings(file), PYTHONPATH=path) as server, company() as firm:
        firm.webhook = f"{server.url}/v1/verifications/{NAME}"
        yield server, firm


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Company]]:
    folder = tmp_path_factory.mktemp("verifications")
    with offices(folder, folder / "identity") as found:
        yield found


@pytest.fixture
def firm(both: tuple[Served, Company]) -> Company:
    return both[1]


@pytest.fixture(scope="module")
def admin(both: tuple[Served, Company]) -> Client:
    return both[0].client(name="ann")


def tier(admin: Client, account: str) -> str:
    found: str = admin.get(f"/v1/accounts/{account}")["tier"]
    return found


def completed(account: str, check: str, result: str = "passed", kind: str = "company") -> dict[str, object]:
    told = {"id": check, "client_reference": account, "kind": kind}
    return {"event": "check.completed", "result": result, "check": told}


def test_a_customer_goes_through_a_check_and_it_is_taken_back(admin: Client, firm: Company) -> None:
    admin.made("/v1/accounts", {"id": "bot", "tier": "verified-contact"})
    page = firm.begin("bot", "company")
    assert firm.answers[-1].told == {"outcome": "passed-over"}, "a check that began asserts nothing"
    assert tier(admin, "bot") == "verified-contact"
    passes(page)
    assert (firm.answers[-1].status, firm.answers[-1].told) == (200, {"outcome": "taken"})
    assert tier(admin, "bot") == "verified-organisation"
    (one,) = admin.get("/v1/accounts/bot/verifications")["items"]
    assert (one["provider"], one["reference"], one["asserted"]) == (NAME, page.rpartition("/")[2], "company")
    assert admin.get("/v1/changes?limit=1")["items"][0]["by"] == f"provider.{NAME}"
    assert admin.get("/v1/accounts/bot/standing")["tier_by"] == "verification"
    firm.withdraw(page)
    assert firm.answers[-1].told == {"outcome": "taken"}
    assert tier(admin, "bot") == "verified-contact"


def test_what_is_not_signed_as_it_must_be_does_nothing(admin: Client, firm: Company) -> None:
    admin.made("/v1/accounts", {"id": "forged"})
    body, now = json.dumps(completed("forged", "chk_forged")).encode(), int(time.time())
    right = sign_webhook(webhook_secret(SECRET), "msg_forged", now, body)
    other = sign_webhook(b"a secret that nobody gave us", "msg_forged", now, body)
    cases: list[tuple[dict[str, str], bytes, str]] = [
        (other, body, "signature"),
        (right, body.replace(b"company", b"mail"), "signature"),
        (right | {"webhook-id": "msg_another"}, body, "signature"),
        (right | {"webhook-timestamp": str(now + 1)}, body, "signature"),
        ({name: one for name, one in right.items() if name != "webhook-id"}, body, "missing or malformed"),
        ({}, body, "missing or malformed"),
        (sign_webhook(webhook_secret(SECRET), "msg_forged", now - 400, body), body, "too old"),
        (sign_webhook(webhook_secret(SECRET), "msg_forged", now + 400, body), body, "from the future"),
    ]
    for headers, data, says in cases:
        answer = sent(firm.webhook, headers, data)
        assert (answer.status, answer.problem) == (403, "untrusted-webhook")
        assert says in answer.told["detail"]
    bearer = {"Authorization": f"Bearer {admin.key}"}
    assert sent(firm.webhook, bearer, body).status == 403, "an admin key is no signature"
    assert tier(admin, "forged") == "anonymous"
    assert sent(firm.webhook, right, body).told == {"outcome": "taken"}
    assert tier(admin, "forged") == "verified-organisation"


def test_the_secret_of_before_counts_while_it_stands_in_the_file(admin: Client, firm: Company) -> None:
    admin.made("/v1/accounts", {"id": "rotated"})
    body = json.dumps(completed("rotated", "chk_rotated")).encode()
    headers = sign_webhook(webhook_secret(OLD), "msg_rotated", int(time.time()), body)
    assert sent(firm.webhook, headers, body).told == {"outcome": "taken"}


def test_a_webhook_that_comes_again_is_taken_once(admin: Client, firm: Company) -> None:
    admin.made("/v1/accounts", {"id": "again"})
    assert firm.send(completed("again", "chk_again"), "msg_again").told == {"outcome": "taken"}
    admin.ask("PATCH", "/v1/accounts/again", {"tier": "anonymous"})
    newest = admin.get("/v1/changes?limit=1")
    assert firm.send(completed("again", "chk_again"), "msg_again").told == {"outcome": "repeated"}
    assert admin.get("/v1/changes?limit=1") == newest
    assert tier(admin, "again") == "anonymous", "a person had the last word"


def test_of_eight_that_come_at_once_one_is_taken(admin: Client, firm: Company) -> None:
    admin.made("/v1/accounts", {"id": "eight"})
    with ThreadPoolExecutor(8) as pool:
        same = [pool.submit(firm.send, completed("eight", "chk_8"), "msg_eight") for _ in range(8)]
        assert Counter(one.result().told["outcome"] for one in same) == {"taken": 1, "repeated": 7}
        two = [
            pool.submit(firm.send, completed("eight", "chk_8", "withdrawn"), "msg_back"),
            pool.submit(firm.send, completed("eight", "chk_9", kind="mail"), "msg_mail"),
        ]
        assert {one.result().told["outcome"] for one in two} == {"taken"}
    assert tier(admin, "eight") == "verified-contact"


def test_an_account_that_is_not_there_yet_can_be_told_of_again(admin: Client, firm: Company) -> None:
    answer = firm.send(completed("late", "chk_late"), "msg_late")
    assert (answer.status, answer.problem) == (422, "invalid")
    assert answer.told["errors"] == [{"field": "account", "detail": "there is no such account"}]
    admin.made("/v1/accounts", {"id": "late"})
    assert firm.send(completed("late", "chk_late"), "msg_late").told == {"outcome": "taken"}


def test_a_provider_that_is_not_configured_is_not_there(both: tuple[Served, Company], admin: Client) -> None:
    body = json.dumps(completed("bot", "chk_x")).encode()
    headers = sign_webhook(webhook_secret(SECRET), "msg_x", int(time.time()), body)
    answer = sent(f"{both[0].url}/v1/verifications/another", headers, body)
    assert (answer.status, answer.problem) == (404, "not-found")


def test_bodies_are_bounded_and_read_by_the_plug_in_alone(
    both: tuple[Served, Company], admin: Client, firm: Company
) -> None:
    large = firm.send({"event": "check.opened", "padding": "x" * 65_536})
    assert (large.status, large.problem) == (413, "too-large")
    assert firm.send(completed("bot", "chk_y", "lost")).problem == "invalid"
    assert firm.send(completed("bot", "chk_y", kind="palm")).problem == "invalid"
    assert firm.send(completed("b t", "chk_y")).problem == "invalid"
    admin.made("/v1/accounts", {"id": "logged"})
    assert firm.send(completed("logged", "chk_logged"), "msg_logged").told == {"outcome": "taken"}
    broken = firm.send({"event": "check.exploded", "of": "a person"})
    assert (broken.status, broken.problem) == (500, "fault")
    assert b"person" not in broken.body
    said = both[0].said
    assert f"the plug-in of {NAME} failed (RuntimeError)" in said
    assert "person" not in said
    for secret in (SECRET, OLD):
        assert secret.removeprefix("whsec_") not in said
    assert "POST /v1/verifications/<provider> 200" in said


def test_who_sends_what_is_not_signed_waits_and_admin_keys_go_on(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    text = settings(file).replace("1000", "5")
    with offices(tmp_path, tmp_path / "identity", text) as (server, firm):
        answers = [sent(firm.webhook, {}, b"{}") for _ in range(9)]
        assert [one.status for one in answers] == [403] * 5 + [429] * 4
        assert answers[-1].problem == "too-many-failures"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
        assert server.client().ask("GET", "/v1/me").status == 200


@pytest.mark.parametrize(
    ("entries", "secret", "mode", "says"),
    [
        ('name = "a"\nplugin = "standard"', SECRET, 0o644, "others than its owner may read these keys"),
        ('name = "a"\nplugin = "standard"', "whsec_short", 0o600, "not the secret of a webhook"),
        ('name = "a"\nplugin = "standard"', "# none\n", 0o600, "holds 0 secrets"),
        ('name = "a"\nplugin = "nothing"', SECRET, 0o600, "no plug-in for verification is called so"),
        ('name = "A b"', SECRET, 0o600, "a provider's name is a-z"),
        ('name = "a"\nhighest = "contracted"', SECRET, 0o600, "no tier that a provider can assert"),
        ('name = "a"\nsecrets = "x"', SECRET, 0o600, "unknown field"),
    ],
)
def test_what_is_set_wrong_is_said_at_the_start(
    tmp_path: Path, entries: str, secret: str, mode: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    identity, file, config = tmp_path / "identity", tmp_path / "secret", tmp_path / "admin.toml"
    new_identity(identity, IdentitySettings())
    file.write_text(secret)
    file.chmod(mode)
    config.write_text(f'[[admin.verifiers]]\nsecret_file = "{file}"\n{entries}\n')
    code = app.run(["admin", "serve", "--identity", str(identity), "--config", str(config), "--port", "0"])
    said = capsys.readouterr().err
    assert code == 2, said
    assert says in said
    assert secret.strip() not in said


BODY = (
    b'{"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5, "logprobs": true}'
)


async def asked(door: Gate) -> int:
    """The status of a request that a tier of verified organisations may make."""
    return (await door.ask("bot", "/v1/chat/completions", BODY, b"Content-Type: application/json\r\n"))[0]


def test_a_running_gateway_goes_by_what_was_verified(tmp_path: Path) -> None:
    async def until(door: Gate, status: int) -> None:
        async with asyncio.timeout(30):
            while await asked(door) != status:
                await asyncio.sleep(0.02)

    async def run() -> None:
        tiers: dict[str, dict[str, Any]] = {
            "anonymous": {
                "logprobs": False,
                "requests_per_minute": "unlimited",
                "requests_per_day": "unlimited",
            },
            "verified-organisation": {"logprobs": True},
        }
        folder = tmp_path / "gateway"
        async with gate(folder, accounts={"bot": "anonymous"}, tiers=tiers) as door:
            assert await asked(door) == 403
            with offices(tmp_path, folder / IDENTITY) as (_, firm):
                page = await asyncio.to_thread(firm.begin, "bot", "company")
                await asyncio.to_thread(passes, page)
                await until(door, 200)
                await asyncio.to_thread(firm.withdraw, page)
                await until(door, 403)

    asyncio.run(run())

"""What the official clients raise where the gateway refuses: by kind and code, tried again only where that can help."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from casework.books import SETTINGS, pack, report
from gateway.clients import Shop
from gateway.test_sdk import SAY, through
from headwater.casework import new_casebook, open_casebook

RATED = {"verified-contact": {"requests_per_minute": 60, "requests_per_day": "unlimited"}}


def outcomes(shop: Shop) -> int:
    """How many requests the gateway has answered."""
    return len(shop.door.watch.outcomes)


async def refused(shop: Shop, asked: Any, kind: type[Exception], *, final: bool = True) -> Any:
    """What is raised; and whether it was asked once, or three times."""
    before = outcomes(shop)
    with pytest.raises(kind) as failed:
        await asked
    assert outcomes(shop) - before == (1 if final else 3)
    return failed.value


def test_a_feature_that_a_tier_lacks_is_final(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        chats = shop.openai["bob"].chat.completions
        for more in ({"logprobs": True}, {"n": 2}, {"extra_body": {"prompt_logprobs": 0}}):
            told = await refused(
                shop, chats.create(model="m", messages=SAY, **more), openai.PermissionDeniedError
            )
            assert (told.code, told.type) == ("feature_not_available", "invalid_request_error")
            assert "this needs the tier" in told.message
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        messages = shop.anthropic["bob"].messages
        other = await refused(
            shop,
            messages.create(model="m", max_tokens=2000, messages=SAY, thinking=thinking),
            anthropic.PermissionDeniedError,
        )
        assert other.body["error"]["type"] == "permission_error"
        told = await refused(
            shop,
            shop.openai["bob"].responses.create(model="m", input="a", top_logprobs=2),
            openai.PermissionDeniedError,
        )
        assert told.code == "feature_not_available"

    through(tmp_path / "g", test, accounts={"bob": "verified-contact"}, retries=2)


def test_a_key_that_isnt_known_and_a_path_that_isnt_there(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        stranger = shop.openai["alice"].with_options(api_key="hw_live_nobody")
        told = await refused(shop, stranger.models.list(), openai.AuthenticationError)
        assert told.code == "invalid_api_key"
        other = shop.anthropic["alice"].with_options(api_key="nobody")
        said = await refused(
            shop, other.messages.create(model="m", max_tokens=5, messages=SAY), anthropic.AuthenticationError
        )
        assert said.body["error"]["type"] == "authentication_error"
        for asked in (
            shop.openai["alice"].images.generate(prompt="a", model="m"),
            shop.openai["alice"].moderations.create(input="a"),
        ):
            with pytest.raises(openai.NotFoundError) as missing:
                await asked
            assert missing.value.code == "unknown_url"

    through(tmp_path / "g", test, retries=2)


def test_a_body_that_has_no_meaning_is_refused_by_its_field(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        asked = shop.openai["alice"].chat.completions.create(model="m", messages=SAY, max_tokens=-1)
        told = await refused(shop, asked, openai.BadRequestError)
        assert (told.param, told.type) == ("max_tokens", "invalid_request_error")
        other = shop.anthropic["alice"].messages.create(model="m", max_tokens=-1, messages=SAY)
        said = await refused(shop, other, anthropic.BadRequestError)
        assert said.body["error"]["message"] == "max_tokens is out of range."

    through(tmp_path / "g", test, retries=2)


def test_a_rate_is_waited_for_and_a_quota_isnt(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["bob"].chat.completions
        raw = await client.with_raw_response.create(model="m", messages=SAY, max_tokens=5)
        assert raw.headers["x-ratelimit-limit-requests"] == "60"
        assert int(raw.headers["x-ratelimit-remaining-requests"]) in (58, 59)
        assert '"requests";q=60' in raw.headers["ratelimit-policy"]
        told = await shop.anthropic["bob"].messages.with_raw_response.create(
            model="m", max_tokens=5, messages=SAY
        )
        assert told.headers["anthropic-ratelimit-requests-limit"] == "60"
        assert "x-ratelimit-limit-requests" not in told.headers
        while (
            await shop.door.ask(
                "bob",
                "/v1/chat/completions",
                json.dumps({"model": "m", "max_tokens": 5, "messages": SAY}).encode(),
            )
        )[0] == 200:
            pass
        began, before = time.monotonic(), outcomes(shop)
        assert (await client.create(model="m", messages=SAY, max_tokens=5)).choices
        assert outcomes(shop) - before == 2  # it waited as long as it was told, and was served
        assert time.monotonic() - began < 10
        other = shop.openai["carol"].chat.completions
        assert (await other.create(model="m", messages=SAY, max_tokens=5)).choices
        spent = await refused(
            shop, other.create(model="m", messages=SAY, max_tokens=5), openai.RateLimitError
        )
        assert (spent.code, spent.type) == ("insufficient_quota", "insufficient_quota")
        assert spent.body["violated_policies"] == ["requests_per_day"]
        until_midnight_s = -time.time() % 86_400
        assert abs(int(spent.response.headers["retry-after"]) - until_midnight_s) < 60
        said = await refused(
            shop,
            shop.anthropic["carol"].messages.create(model="m", max_tokens=5, messages=SAY),
            anthropic.RateLimitError,
        )
        assert said.body["error"]["type"] == "rate_limit_error"

    accounts = {"bob": "verified-contact", "carol": "anonymous"}
    tiers = {**RATED, "anonymous": {"requests_per_day": 1, "spend_per_month_micros": "unlimited"}}
    through(tmp_path / "g", test, accounts=accounts, tiers=tiers, retries=2)


def test_what_can_never_fit_is_the_requests_own_fault(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["bob"].chat.completions
        long = [{"role": "user", "content": "a" * 100_000}]
        told = await refused(
            shop, client.create(model="m", messages=long, max_tokens=5), openai.BadRequestError
        )
        assert told.code == "context_length_exceeded"
        told = await refused(
            shop, client.create(model="m", messages=SAY, max_tokens=90_000), openai.BadRequestError
        )
        assert told.code == "request_too_large_for_limits"

    through(tmp_path / "g", test, accounts={"bob": "verified-contact"}, retries=2)


@pytest.mark.parametrize(
    ("rung", "code"), [("suspend", "account_suspended"), ("quarantine", "account_under_review")]
)
def test_a_block_is_final_and_says_where_to_appeal(tmp_path: Path, rung: str, code: str) -> None:
    begun = time.time_ns() // 1000 - 1_000_000
    new_casebook(tmp_path / "desk", SETTINGS, pack(rung), begun)
    with open_casebook(tmp_path / "desk", SETTINGS) as book:
        book.propose(report(1), "alice", begun)
        book.confirm("birch-harvest", "bob", begun)
    name = "birch-00000"

    async def test(shop: Shop) -> None:
        client = shop.openai[name]
        for asked in (
            client.chat.completions.create(model="m", messages=SAY),
            client.chat.completions.create(model="m", messages=SAY, stream=True),
            client.responses.create(model="m", input="Hi"),
        ):
            told = await refused(shop, asked, openai.PermissionDeniedError)
            assert told.code == code
            assert told.body["appeal_url"] == "https://example.com/appeals"
            assert told.response.headers["x-should-retry"] == "false"
        said = await refused(
            shop,
            shop.anthropic[name].messages.create(model="m", max_tokens=5, messages=SAY),
            anthropic.PermissionDeniedError,
        )
        assert said.body["error"]["type"] == "permission_error"
        if rung == "suspend":  # neither its objects are told of
            assert (await refused(shop, client.files.list(), openai.PermissionDeniedError)).code == code
        assert shop.platform.requests == []

    through(
        tmp_path / "g", test, accounts={name: "contracted"}, retries=2, casebook=str(tmp_path / "desk"),
        control={"appeals": "https://example.com/appeals"},
    )  # fmt: skip


def test_clients_that_are_refused_dont_storm(tmp_path: Path) -> None:
    """Fifty agents at once, whose quota is used up: each asks once."""

    async def test(shop: Shop) -> None:
        clients = [
            shop.openai["carol"].chat.completions.create(model="m", messages=SAY, max_tokens=5)
            for _ in range(50)
        ]
        told = await asyncio.gather(*clients, return_exceptions=True)
        assert sum(isinstance(one, openai.RateLimitError) for one in told) == 49
        assert outcomes(shop) == 50

    tiers = {
        "anonymous": {
            "requests_per_day": 1,
            "spend_per_month_micros": "unlimited",
            "concurrent_requests": "unlimited",
        }
    }
    through(tmp_path / "g", test, accounts={"carol": "anonymous"}, tiers=tiers, retries=2)

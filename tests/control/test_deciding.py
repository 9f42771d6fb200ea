"""What a request can rely on when it is decided about: order, words, terms, and that it pays once or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from control.budget.world import HOUR_US, NOW_US, SECOND_US
from control.deciding_world import HOME, Desk, admitted, asked, boundless, denied, own, tier, who
from headwater.cli.settings import load_settings
from headwater.control.deciding import NOTHING_USED, ControlSettings, Model, Reason, Stands, Used
from headwater.control.identity import Credential, Sources
from headwater.control.ladder import Restrictions
from headwater.errors import ConfigurationError

UPPER = "verified-organisation"


def free(desk: Desk) -> None:
    """Nothing runs and nothing was taken of any limit."""
    assert not desk.budgets.open
    assert [one for one in desk.control.standing(who(), desk.clock()) if one.remaining != one.limit] == []


@pytest.mark.parametrize(
    ("stands", "wish", "why", "told"),
    [
        ({"served": False}, {}, Reason.SUSPENDED, "The account is suspended."),
        ({"held": True}, {}, Reason.HELD, "Requests of this account wait until a person has looked at them."),
        ({"proof": True}, {}, Reason.STEP_UP, "The account needs a stronger proof of identity before more is served."),
        ({}, {"scope": "other"}, Reason.SCOPE, "What this request does needs a key with the scope other."),
        ({}, {"model": "dear"}, Reason.MODEL, "This model needs the tier contracted."),
        ({}, {"scope": "batch"}, Reason.FEATURE, "Batches: this needs the tier verified-payment or a higher one."),
        ({}, {"logprobs": True}, Reason.FEATURE,
         "Token probabilities (logprobs): this needs the tier verified-organisation or a higher one."),
        ({}, {"answers": 2}, Reason.FEATURE,
         "Several answers to one request (n, best_of): this needs the tier verified-payment or a higher one."),
        ({}, {"raw_reasoning": True}, Reason.FEATURE,
         "Reasoning as the model wrote it: this needs the tier verified-organisation or a higher one."),
        ({}, {"input_tokens": 32_769}, Reason.CONTEXT,
         "An input of this length: this needs the tier verified-payment or a higher one."),
        ({}, {"output_tokens": 40_000}, Reason.BUDGET_TOO_LARGE,
         "The request is larger than this account may make: make it smaller, or say a lower max_tokens."),
    ],
)  # fmt: skip
def test_who_is_refused_hears_why_and_pays_nothing(
    stands: dict[str, Any], wish: dict[str, Any], why: Reason, told: str
) -> None:
    desk = Desk(
        ControlSettings(models=(Model(name="dear", tier="contracted"),), appeals="https://appeals.example")
    )
    desk.stands("acct-1", "camp-7", step_ids=("step-9",), **stands)
    no = denied(desk.decide(who(), asked(**wish)))
    assert (no.why, no.told, no.final, no.retry_after_us) == (why, told, True, None)
    assert no.appeal == "https://appeals.example"
    shown = " ".join((no.told, no.decision_id, *no.violated))
    assert not any(word in shown for word in ("step-9", "camp-7", "rule", "0.5", "40000"))
    free(desk)


def test_the_first_thing_that_stands_in_the_way_is_told() -> None:
    """Account, scope, feature, budget: in this order."""
    desk = Desk()
    everything = asked(scope="other", logprobs=True, output_tokens=10**9)
    desk.stands("acct-1", served=False, held=True, proof=True)
    assert denied(desk.decide(who(), everything)).why is Reason.SUSPENDED
    desk.standings.load({"acct-1": Stands(Restrictions(held=True, proof=True))})
    assert denied(desk.decide(who(), everything)).why is Reason.HELD
    desk.standings.load({})
    assert denied(desk.decide(who(), everything)).why is Reason.SCOPE
    assert denied(desk.decide(who(), asked(logprobs=True, output_tokens=10**9))).why is Reason.FEATURE
    assert denied(desk.decide(who(), asked(output_tokens=10**9))).why is Reason.BUDGET_TOO_LARGE
    free(desk)


def test_nobody_without_a_credential_is_let_in() -> None:
    desk = Desk()
    for shown in (Credential(), Credential(b"hw_live_nonsense"), Credential(b"x.y.z")):
        no = denied(desk.control.who(shown, HOME, NOW_US))
        assert (no.why, no.told) == (
            Reason.CREDENTIAL,
            "The request shows no API key or token that is accepted.",
        )
        assert no.cause


def test_each_denial_has_a_name_of_its_own() -> None:
    desk, other = Desk(), Desk(name="r2")
    no = [denied(at.decide(who(), asked(logprobs=True))).decision_id for at in (desk, desk, other)]
    assert len(set(no)) == 3


def test_a_feature_that_a_step_takes_is_left_out_in_silence() -> None:
    desk = Desk()
    rich = who(tier(UPPER))
    plain = admitted(desk.decide(rich, asked(logprobs=True, raw_reasoning=True))).terms
    assert (plain.drop, plain.max_tokens) == (frozenset(), None)
    desk.stands("acct-1", logprobs=False, reasoning=False, max_tokens=20, delay_ms=7)
    terms = admitted(desk.decide(rich, asked(logprobs=True, raw_reasoning=True))).terms
    assert (terms.drop, terms.max_tokens, terms.delay_ms) == ({"logprobs", "raw_reasoning"}, 20, 7)
    assert admitted(desk.decide(rich, asked(output_tokens=5))).terms.max_tokens is None
    assert admitted(desk.decide(rich, asked(output_tokens=None))).terms.max_tokens == 20


def test_where_nobody_says_how_long_an_answer_is_held_to_what_was_reserved() -> None:
    desk = Desk(ControlSettings(models=(Model(name="long-*", answer_tokens=30_000),)))
    large = who(tier(UPPER))
    assert admitted(desk.decide(large, asked(output_tokens=None))).terms.max_tokens == 8192
    assert admitted(desk.decide(large, asked(output_tokens=None, model="long-1"))).terms.max_tokens == 30_000
    small = who(tier("anonymous", tokens_per_minute=1000), account="acct-2")
    assert admitted(desk.decide(small, asked(output_tokens=None))).terms.max_tokens == 900
    assert denied(desk.decide(small, asked(output_tokens=None, input_tokens=1000))).final


def test_where_nobody_says_how_long_an_answer_gets_what_is_left_of_a_day() -> None:
    desk = Desk(ControlSettings(slice_tokens=256))
    one = who(tier("anonymous", tokens_per_day=5000))
    wish = asked(output_tokens=None)  # an input of 100
    first = admitted(desk.decide(one, wish))
    assert first.terms.max_tokens == 4900
    assert denied(desk.decide(one, wish)).violated == ("tokens_per_day",)  # while it runs
    desk.control.settle(first, Used(input_tokens=100, output_tokens=20), desk.clock())
    second = admitted(desk.decide(one, wish))
    assert second.terms.max_tokens == 4780
    desk.control.settle(second, Used(input_tokens=100, output_tokens=4430), desk.clock())
    assert denied(desk.decide(one, wish)).quota  # 350 are left: less than a slice beside the input
    assert admitted(desk.decide(one, asked(output_tokens=200))).terms.max_tokens is None
    # A minute's limit is worth the wait.
    pace = who(tier("anonymous", tokens_per_minute=5000), account="acct-2")
    held = admitted(desk.decide(pace, wish))
    desk.control.settle(held, Used(input_tokens=100, output_tokens=2000), desk.clock())
    assert denied(desk.decide(pace, wish)).retry_after_us


def test_limits_of_nothing_refuse_always_and_no_limit_never() -> None:
    desk = Desk(ControlSettings(models=(Model(name="*", input=1_000_000, output=2_000_000),)))
    no = denied(desk.decide(who(boundless(spend_per_month_micros=0)), asked()))
    assert (no.why, no.violated) == (Reason.BUDGET_TOO_LARGE, ("spend_per_month_micros",))
    assert denied(desk.decide(who(boundless(requests_per_day=0)), asked())).violated == ("requests_per_day",)
    for _ in range(50):
        admitted(desk.decide(who(boundless()), asked(output_tokens=10**6)))
    assert admitted(desk.decide(who(boundless(requests_per_day=0)), asked(counts=False))).reservation is None


def test_money_is_counted_by_the_price_of_the_model() -> None:
    desk = Desk(ControlSettings(models=(Model(name="m*", input=1_000_000, output=2_000_000),)))
    one = who(boundless(spend_per_month_micros=300))
    first = admitted(desk.decide(one, asked()))  # 100 + 2 · 50
    assert denied(desk.decide(one, asked())).violated == ("spend_per_month_micros",)
    desk.control.settle(first, Used(input_tokens=60, output_tokens=20), desk.clock())
    second = admitted(desk.decide(one, asked()))
    desk.control.settle(second, NOTHING_USED, desk.clock())
    assert [figure.remaining for figure in desk.control.standing(one, desk.clock())] == [200]


SCOPES = {
    "tier": {"account": "acct-2"},
    "account": {},
    "organisation": {"account": "acct-2", "organisation": "org-1"},
    "payment": {"account": "acct-2", "payment": "pm:0123456789abcdef"},
    "address": {"account": "acct-2"},
    "asn": {"account": "acct-2"},
    "campaign": {"account": "acct-2"},
}


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("scope", SCOPES)
def test_the_least_of_all_limits_decides(scope: str, alone: bool) -> None:
    """Two accounts that share nothing but one thing share its budget."""
    few = own(name="few", kind="request-quota", scope=scope, limit=3, per="day")
    desk = Desk(ControlSettings(budgets=(few,)), alone=alone)
    shared = {"organisation": "org-1", "payment": "pm:0123456789abcdef"}
    first, second = who(boundless(), **shared), who(boundless(), **SCOPES[scope])
    for account in ("acct-1", "acct-2"):
        desk.stands(account, "camp-7")
    for asking in (first, second, first):
        admitted(desk.decide(asking, asked()))
    no = denied(desk.decide(second, asked()))
    assert (no.why, no.final, no.violated) == (Reason.BUDGET_SPENT, False, ())
    assert no.retry_after_us is not None
    assert "few" not in no.told
    assert no.cause == "budget few"
    strange = who(boundless("anonymous"), account="acct-3")
    elsewhere = Sources(find_asn=lambda _: 64501).of("198.51.100.1")
    admitted(desk.decide(strange, asked(), elsewhere))


def test_who_joins_or_leaves_a_campaign_does_so_at_once() -> None:
    few = own(name="camp", kind="request-quota", scope="campaign", limit=1, per="day")
    desk = Desk(ControlSettings(budgets=(few,)))
    for _ in range(3):
        admitted(desk.decide(who(), asked()))
    desk.stands("acct-1", "camp-7")
    desk.stands("acct-2", "camp-7")
    admitted(desk.decide(who(), asked()))
    assert denied(desk.decide(who(account="acct-2"), asked())).why is Reason.BUDGET_SPENT
    desk.standings.apply([("acct-2", None)])
    admitted(desk.decide(who(account="acct-2"), asked()))


def test_a_budget_may_be_for_some_keys_only() -> None:
    few = own(name="one", kind="concurrency", scope="account", limit=1, only=["acct-2"])
    desk = Desk(ControlSettings(budgets=(few,)))
    for account, passes in (("acct-1", 2), ("acct-2", 1)):
        for _ in range(passes):
            admitted(desk.decide(who(account=account), asked()))
    assert denied(desk.decide(who(account="acct-2"), asked())).cause == "budget one"


@pytest.mark.parametrize("of", [tier(), boundless()])
def test_a_shaped_account_has_a_lower_rate_and_sees_only_that_less_remains(of: Any) -> None:
    desk = Desk(ControlSettings(usual_requests_per_minute=20))
    desk.stands("acct-1", rate=0.1)
    for _ in range(2):
        desk.control.settle(admitted(desk.decide(who(of), asked())), Used(), desk.clock())
    no = denied(desk.decide(who(of), asked()))
    assert (no.why, no.violated, no.retry_after_us) == (
        Reason.BUDGET_SPENT, ("requests_per_minute",), 30 * SECOND_US,
    )  # fmt: skip
    figures = {one.name: one for one in desk.control.standing(who(of), desk.clock())}
    if of.requests_per_minute:
        assert (figures["requests_per_minute"].limit, figures["requests_per_minute"].remaining) == (20, 0)
    assert len(figures) == sum(getattr(of, name) is not None for name in (
        "requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day", "concurrent_requests",
        "spend_per_month_micros", "addresses_per_day", "asns_per_day"))  # fmt: skip
    desk.standings.load({})
    admitted(desk.decide(who(of), asked()))


@pytest.mark.parametrize(
    ("entries", "quota"),
    [
        ({"kind": "request-quota", "per": "day"}, True), ({"kind": "request-quota", "per": "month"}, True),
        ({"kind": "request-quota", "per": "hour"}, False), ({"kind": "requests", "per": "day"}, False),
        ({"kind": "concurrency"}, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before_midnight_us", [SECOND_US, 23 * 3600 * SECOND_US])
def test_what_is_a_quota_doesnt_go_by_the_time_of_day(
    entries: dict[str, str], quota: bool, before_midnight_us: int
) -> None:
    desk = Desk(ControlSettings(budgets=(own(name="one", scope="account", limit=1, **entries),)))
    desk.clock.now_us += -desk.clock.now_us % (24 * 3600 * SECOND_US) - before_midnight_us
    admitted(desk.decide(who(boundless()), asked()))
    assert denied(desk.decide(who(boundless()), asked())).quota is quota


def test_another_tier_brings_no_new_day() -> None:
    """What was used under one tier counts under the next, and on the way back."""
    desk = Desk()
    low, high = who(boundless(requests_per_day=2)), who(boundless(requests_per_day=3))
    other = Sources().of("198.51.100.1")
    admitted(desk.decide(low, asked()))
    admitted(desk.decide(low, asked(), other))
    assert denied(desk.decide(low, asked())).why is Reason.BUDGET_SPENT
    admitted(desk.decide(high, asked()))
    assert denied(desk.decide(low, asked(), other)).why is Reason.BUDGET_SPENT
    assert denied(desk.decide(high, asked())).why is Reason.BUDGET_SPENT


def test_streams_of_low_tiers_are_paid_by_the_slice_and_can_be_stopped() -> None:
    desk = Desk(ControlSettings(slice_tokens=100))
    one = who(boundless("anonymous", tokens_per_day=1000))
    stream = admitted(desk.decide(one, asked(stream=True, output_tokens=None)))
    assert (stream.terms.max_tokens, stream.terms.slice_tokens) == (None, 100)
    slices = 0
    while (more := desk.extend(stream)) == 100:
        slices += 1
    assert slices == 8
    assert denied(more).violated == ("tokens_per_day",)
    desk.control.settle(stream, Used(input_tokens=100, output_tokens=250), desk.clock())
    assert desk.control.standing(one, desk.clock())[0].remaining == 650
    assert denied(desk.extend(stream)).why is Reason.ENDED
    short = admitted(desk.decide(one, asked(stream=True, output_tokens=40)))
    assert short.terms.slice_tokens == 0
    whole = admitted(desk.decide(who(boundless()), asked(stream=True, output_tokens=5000)))
    assert whole.terms.slice_tokens == 0


def test_a_stream_ends_with_the_account() -> None:
    desk = Desk()
    stream = admitted(desk.decide(who(), asked(stream=True, output_tokens=None)))
    desk.stands("acct-1", served=False)
    assert denied(desk.extend(stream)).why is Reason.SUSPENDED
    desk.control.settle(stream, NOTHING_USED, desk.clock())
    desk.standings.load({})
    figures = {one.name: one for one in desk.control.standing(who(), desk.clock())}
    assert figures["concurrent_requests"].remaining == 4


def test_settling_twice_is_settling_once() -> None:
    desk = Desk()
    one = who(boundless(requests_per_day=5, tokens_per_day=1000, concurrent_requests=1))
    for _ in range(2):
        held = admitted(desk.decide(one, asked()))
        for used in (Used(input_tokens=30, output_tokens=20), NOTHING_USED, Used(input_tokens=900)):
            desk.control.settle(held, used, desk.clock())
    remaining = [figure.remaining for figure in desk.control.standing(one, desk.clock())]
    assert remaining == [3, 900, 1]


def test_a_batch_takes_its_lines_from_the_day_and_not_from_the_minute() -> None:
    desk = Desk()
    one = who(tier("verified-payment"))
    batch = asked(scope="batch", requests=10_000, input_tokens=900_000, output_tokens=100)
    held = admitted(desk.decide(one, batch))
    figures = {figure.name: figure.remaining for figure in desk.control.standing(one, desk.clock())}
    assert (figures["requests_per_day"], figures["requests_per_minute"]) == (40_000, 300)
    assert figures["tokens_per_day"] == 20_000_000 - 1_900_000
    desk.control.settle(held, NOTHING_USED, desk.clock())
    desk.stands("acct-1", rate=0.5)
    assert denied(desk.decide(one, batch)).why is Reason.BUDGET_TOO_LARGE


def test_a_store_that_is_gone_refuses_what_must_not_be_over() -> None:
    desk = Desk(alone=False)
    desk.budgets.gone([], desk.clock())
    no = denied(desk.decide(who(), asked()))
    assert (no.why, no.final, no.told) == (
        Reason.STORE_GONE, False, "Limits can't be checked at the moment: try again soon.",
    )  # fmt: skip


def test_more_addresses_than_a_tier_allows_are_refused() -> None:
    desk = Desk(alone=False)
    one = who(boundless(addresses_per_day=2))
    for last in (1, 2, 1):
        admitted(desk.decide(one, asked(), Sources().of(f"203.0.113.{last}")))
    no = denied(desk.decide(one, asked(), Sources().of("203.0.113.3")))
    assert (no.why, no.violated) == (Reason.BUDGET_SPENT, ("addresses_per_day",))


def test_the_casebook_is_asked_again_where_a_step_has_ended() -> None:
    desk = Desk()
    desk.stands("acct-1", served=False, until_us=NOW_US + HOUR_US)
    desk.stands("acct-2", served=False)
    assert desk.standings.due(NOW_US + HOUR_US - 1) == []
    assert desk.standings.due(NOW_US + HOUR_US) == ["acct-1"]
    assert denied(desk.decide(who(), asked())).why is Reason.SUSPENDED


def test_what_is_kept_at_hand_has_a_bound_and_forgetting_it_costs_nothing() -> None:
    desk = Desk(ControlSettings(cached=2))
    one = boundless(requests_per_day=2)
    for _ in range(2):
        for account in range(5):
            admitted(desk.decide(who(one, account=f"acct-{account}"), asked()))
    for account in range(5):
        assert denied(desk.decide(who(one, account=f"acct-{account}"), asked())).final is False


TOML = """
bytes_per_token = 1.0
[[budgets]]
name = "campaigns"
kind = "token-quota"
scope = "campaign"
limit = 1_000_000
per = "day"
[[models]]
name = "big-*"
input = 3_000_000
"""


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "control.toml"
    file.write_text(TOML)
    settings = load_settings(ControlSettings, file, {})
    assert (settings.input_tokens(7), settings.input_tokens(1, 2)) == (7, 3201)
    assert ControlSettings().input_tokens(4) == 3
    assert [one.budget().limit for one in settings.budgets] == [1_000_000]
    found = settings.model("big-1")
    assert found is not None
    assert found.micros(1, 1) == 3
    assert ControlSettings(only_listed=True).model("m") is None


@pytest.mark.parametrize(
    "text",
    [
        "bytes_per_token = 0.5",
        '[[budgets]]\nname = "account.x"\nkind = "concurrency"\nscope = "asn"\nlimit = 1',
        '[[budgets]]\nname = "x"\nkind = "requests"\nscope = "asn"\nlimit = 1\nper = "month"',
        '[[models]]\nname = "*"\ntier = "gold"',
        '[[models]]\nname = "*"\nprice = 1',
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "control.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        load_settings(ControlSettings, file, {})


def test_who_decides_never_loads_arrow() -> None:
    program = "import sys, headwater.control.deciding; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()} & {"pyarrow", "numpy", "cel", "yaml"} == set()

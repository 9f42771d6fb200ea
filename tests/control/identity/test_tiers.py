"""The table of tiers: closed, whole, and an operator's own laid over it."""

from __future__ import annotations

import pytest

from headwater.control.identity import (
    FEATURES,
    LIMITS,
    TIERS,
    oddities,
    overlaid,
    plain,
    reference_rows,
    shipped_tiers,
)
from headwater.errors import ConfigurationError


def test_the_shipped_table_is_whole_and_rises() -> None:
    assert list(shipped_tiers()) == list(TIERS)
    assert list(oddities(shipped_tiers())) == []
    low, high = (shipped_tiers()[name] for name in ("anonymous", "contracted"))
    assert not any(low.may(feature) for feature in FEATURES)
    assert all(high.may(feature) for feature in FEATURES)


def test_what_helps_to_copy_a_model_asks_for_an_organisation() -> None:
    for name in ("logprobs", "raw_reasoning"):
        having = [tier for tier, row in shipped_tiers().items() if row.may(name)]
        assert having == ["verified-organisation", "contracted"]


def test_an_own_table_changes_what_it_names() -> None:
    text = '[verified-payment]\nrequests_per_minute = 7\ntokens_per_day = "unlimited"\nlogprobs = true\n'
    own = overlaid(shipped_tiers(), text, "own.toml")
    assert own["verified-payment"].requests_per_minute == 7
    assert own["verified-payment"].tokens_per_day is None
    assert own["verified-payment"].may("logprobs")
    assert own["contracted"] == shipped_tiers()["contracted"]
    assert "verified-payment has less requests_per_minute than verified-contact" in list(oddities(own))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gold]\n", "own.toml, field gold: there is no such tier"),
        ("contracted = 1\n", "own.toml, field contracted: a table [contracted] is expected"),
        (
            "[contracted]\nrequest_per_day = 1\n",
            "own.toml, field contracted.request_per_day: there is no such entry",
        ),
        ("[contracted]\nrequests_per_day = -1\n", "own.toml, field contracted.requests_per_day: a limit is"),
        (
            "[contracted]\nrequests_per_day = true\n",
            "own.toml, field contracted.requests_per_day: a limit is",
        ),
        ("[contracted]\nrequests_per_day = 1.5\n", "own.toml, field contracted.requests_per_day: a limit is"),
        ("[contracted]\nlogprobs = 1\n", "own.toml, field contracted.logprobs: a feature is true or false"),
        ("[contracted\n", "own.toml: is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        overlaid(shipped_tiers(), text, "own.toml")
    assert str(error.value).startswith(said)
    assert not said.endswith("entry") or error.value.hint == "did you mean requests_per_day?"


def test_a_value_is_written_as_it_is_read() -> None:
    for tier in shipped_tiers().values():
        lines = [f"{name} = {plain(getattr(tier, name))}" for name in (*LIMITS, *FEATURES)]
        assert overlaid({}, "\n".join([f"[{tier.name}]", *lines]), "")[tier.name] == tier


def test_the_reference_has_every_entry() -> None:
    rows = reference_rows()
    assert [row[0].strip("`") for row in rows] == [*LIMITS, *FEATURES]
    assert all(len(row) == 2 + len(TIERS) for row in rows)

"""Reports of others: weighed by rarity and confidence while they hold, named with source and date."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import Made, dealt_log, folded
from headwater.detect.evidence.outside import indicator
from headwater.detect.fold import Finding
from headwater.detect.indicators import Indicator

N, ACCOUNT = 60 * 24, np.repeat(np.arange(60), 24)
LATER, PAST = date(2030, 1, 1), date(1969, 1, 1)


def report(
    kind: str, value: str, *, source: str = "a peer", expires: date = LATER, sure: float = 1.0
) -> Indicator:
    return Indicator(kind, value, source, expires, sure)


def made(client: np.ndarray) -> Made:
    """A log in which these accounts (n: truth of each row) have a client of their own."""
    known = {"email_domain": ["Rare.Example" if a < 8 else "mail.example" for a in range(60)]}
    tls = pa.array(["t13_rare" if c else None for c in client], pa.string())
    return dealt_log(1, more={"tls": tls, "user_agent": pa.array(["agent"] * N)}, known=known)


def found(log: Made, *indicators: Indicator) -> Any:
    world = log.world(range(12), range(20, 32))
    world.context["indicators"] = indicators
    return folded(indicator.test, world, [log.batch(world)])


def test_members_that_match_a_rare_report() -> None:
    finding: Finding = found(made(ACCOUNT < 12), report("tls", "t13_rare", sure=0.8))[0]
    assert finding.raw == pytest.approx(0.8 * 3)
    assert "tls from a peer, until 2030-01-01" in finding.sentence
    assert "t13_rare" not in finding.sentence
    assert found(made(ACCOUNT < 12), report("tls", "t13_rare"))[0].raw > finding.raw
    assert found(made(ACCOUNT < 0), report("tls", "t13_rare")) == {}


def test_an_expired_report_is_counted_and_does_not_weigh() -> None:
    finding = found(made(ACCOUNT < 12), report("tls", "t13_rare", expires=PAST))[0]
    assert (finding.raw, finding.figures["expired"]) == (0.0, 1.0)
    assert "expired" in finding.sentence
    both = found(
        made(ACCOUNT < 12),
        report("tls", "t13_rare", expires=PAST),
        report("tls", "t13_rare", source="another"),
    )[0]
    assert both.raw == 3
    assert "another" in both.sentence
    assert both.figures["expired"] == 0


def test_what_everybody_matches_is_no_indicator() -> None:
    assert found(made(ACCOUNT < 12), report("user_agent", "agent")) == {}
    common = found(made(ACCOUNT < 12), report("user_agent", "agent"), report("tls", "t13_rare"))[0]
    assert common.raw == 3
    assert "user_agent" not in common.sentence


def test_a_report_with_little_confidence_weighs_little() -> None:
    assert found(made(ACCOUNT < 12), report("tls", "t13_rare", sure=0.01))[0].raw == pytest.approx(0.03)


@pytest.mark.parametrize("kind", ["account", "email_domain", "template"])
def test_accounts_domains_and_templates(kind: str) -> None:
    log = made(ACCOUNT < 0)
    world = log.world(range(12))
    skeleton = int(log.batch(world).column("imprint.skeleton")[0])
    values = {"account": [f"a{a:05d}" for a in range(6)], "email_domain": ["RARE.example"]}
    values["template"] = [f"{skeleton:016x}"]
    finding = found(log, *(report(kind, value) for value in values[kind]))[0]
    assert finding.figures["match"] == {"account": 6, "email_domain": 8, "template": 12}[kind]
    assert finding.raw > 1


def test_one_account_and_no_columns_are_no_error() -> None:
    log = dealt_log(1)
    assert found(log, report("ja4h", "x"), report("ip", "y"), report("organisation", "z")) == {}
    assert found(log) == {}

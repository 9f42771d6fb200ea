"""Where only a few of the proposed groups may be tested, a ring is among them, and it is said that others are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

import headwater
from headwater.engine import Resources
from headwater.investigation import Settings
from investigation.worlds import SETTINGS, accounts, exchanges, members, plain, shuffled, verdicts

pytestmark = pytest.mark.xdist_group("small")
FEW = replace(SETTINGS, detect=replace(SETTINGS.detect, most_rings=2))
ONE = replace(SETTINGS, detect=replace(SETTINGS.detect, most_exchanges=1))


@pytest.mark.parametrize(("settings", "tested"), [(FEW, 2), (ONE, 1)])
def test_the_ring_is_tested_and_judged_as_it_was(settings: Settings, tested: int) -> None:
    with headwater.investigate(exchanges(), accounts(), settings=settings) as found:
        assert members(found) == members(plain())
        assert found.campaigns[0].log_odds == pytest.approx(plain().campaigns[0].log_odds, abs=0.5)
        assert len(found.campaigns) + len(found.findings.considered) <= tested
        (note,) = [note for note in found.findings.notes if "without a test" in note]
        every = found.findings.settings["rings_proposed"]
        assert f"{every - tested:,} of {every:,} proposed groups" in note


def test_nothing_is_said_where_all_were_tested() -> None:
    assert not [note for note in plain().findings.notes if "without a test" in note]


def test_order_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.engine.arranged.ALONE_BELOW", 0)
    with headwater.investigate(exchanges(), accounts(), settings=FEW) as one:
        two = replace(FEW, engine=Resources(threads=2))
        with headwater.investigate(shuffled(exchanges(), 5), accounts(), settings=two) as other:
            assert verdicts(one) == verdicts(other)

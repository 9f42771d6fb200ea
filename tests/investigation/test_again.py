"""Investigating again: names that stay while a log grows, and parties that the operator has declared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import headwater
from headwater.detect import Declaration
from headwater.explain import compare
from headwater.investigation import Investigation
from investigation.worlds import SETTINGS, accounts, exchanges, members, plain

pytestmark = pytest.mark.xdist_group("small")


def until_day(day: int) -> pa.Table:
    """The first days of the small world."""
    table = exchanges()
    end = pc.min(table["at"]).as_py() + timedelta(days=day)
    return table.filter(pc.less(table["at"], pa.scalar(end, table.schema.field("at").type)))


@pytest.fixture(scope="module")
def earlier() -> Investigation:
    return headwater.investigate(until_day(10), accounts(), settings=SETTINGS)


def test_a_ring_keeps_its_name_as_the_log_grows(earlier: Investigation) -> None:
    assert len(earlier.campaigns) == 1
    assert [ring.id for ring in plain().campaigns] == [ring.id for ring in earlier.campaigns]


def test_a_name_is_taken_over_from_what_was_found_before(earlier: Investigation, tmp_path: Path) -> None:
    """Also where the first member is gone, and with it what the name came from."""
    earlier.write(tmp_path)
    (ring,) = earlier.campaigns
    first = min(ring.members, key=lambda member: member.first_at_us).account
    rest = exchanges().filter(pc.not_equal(exchanges()["account"], first))
    for previous in (earlier.findings, tmp_path, tmp_path / "campaigns.json"):
        with headwater.investigate(rest, accounts(), settings=SETTINGS, previous=previous) as found:
            assert [each.id for each in found.campaigns] == [ring.id]
    with headwater.investigate(rest, accounts(), settings=SETTINGS) as found:
        assert [each.id for each in found.campaigns] != [ring.id]


def test_diff_says_that_it_has_grown() -> None:
    with headwater.investigate(until_day(4), accounts(), settings=SETTINGS) as first:
        (change,) = compare(first.findings, plain().findings).of("grown")
        before, after = members(first)[0], members(plain())[0]
    assert len(after) > len(before)
    assert set(change.joined) == after - before
    assert set(change.left) == before - after
    assert change.sentence.startswith(f"{plain().campaigns[0].id}: {len(before)} → {len(after)} accounts")


def test_a_declared_evaluator_is_shown_and_not_reported(tmp_path: Path) -> None:
    ring = plain().campaigns[0]
    names = ", ".join(f'"{member.account}"' for member in ring.members)
    known = tmp_path / "known.toml"
    known.write_text(f'[[known]]\nname = "Example lab"\nkind = "evaluator"\naccounts = [{names}]\n')
    # With the settings that users have: the usual threshold.
    with headwater.investigate(exchanges(), accounts(), known=known) as found:
        assert found.campaigns == ()
        shown = next(each for each in found.findings.considered if each.id == ring.id)
    assert shown.declared == "evaluator: Example lab"
    (piece,) = [piece for piece in shown.pieces if piece.evidence == "declared"]
    assert piece.against
    assert piece.llr < 0
    assert "Example lab" in piece.sentence
    assert shown.proposal is not None
    assert shown.proposal.rung == "observe"
    assert b"Example lab" in found.html()


def test_a_declaration_that_has_ended_says_nothing() -> None:
    ended = plain().findings.log.first_at_us // 86_400_000_000 - 30
    party = Declaration(
        "Example lab",
        "evaluator",
        frozenset(members(plain())[0]),
        frozenset(),
        datetime.fromtimestamp(ended * 86_400, UTC).date(),
        "",
    )
    with headwater.investigate(exchanges(), accounts(), known=[party], settings=SETTINGS) as found:
        assert members(found) == members(plain())
        assert found.campaigns[0].declared is None

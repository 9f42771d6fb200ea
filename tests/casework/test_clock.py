"""A clock that can't be right ends and erases nothing; one that is right has only to say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, made, proposed
from headwater.casework import Casebook
from headwater.casework.clock import FAR_DAYS
from headwater.control import State
from headwater.errors import UsageError


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    with made(tmp_path / "desk") as found:
        proposed(found)
        found.confirm("birch-harvest", "bob", BEGIN + HOUR)
        yield found


def untouched(book: Casebook) -> None:
    assert [kept.step.state for kept in book.steps()] == [State.STANDING] * 3
    assert book.check().differences == ()


@pytest.mark.parametrize("days", [730, FAR_DAYS + 1, -FAR_DAYS - 1, -20_000])
def test_a_tick_that_is_far_away_is_refused_and_done_where_that_is_said(book: Casebook, days: int) -> None:
    with pytest.raises(UsageError, match=r"the clock says .* the last that was done") as raised:
        book.tick(BEGIN + days * DAY)
    assert "tick --far" in str(raised.value.hint)
    untouched(book)
    ticked = book.tick(BEGIN + days * DAY, far=True)
    assert len(ticked.expired) == (3 if days > 0 else 0)
    book.tick(BEGIN + days * DAY + HOUR)  # said once, it is the time


def test_no_other_change_moves_the_time_on_for_a_tick(book: Casebook) -> None:
    late = BEGIN + 730 * DAY
    for change in (
        lambda: book.confirm("birch-00000", "carol", late),
        lambda: book.file("birch-00000", "text", "support", late),
        lambda: book.erase("birch-00000", "carol", "asked for", late, even_so=True),
        lambda: proposed(book, at_us=late),
    ):
        with pytest.raises(UsageError, match="the clock says"):
            change()
        with pytest.raises(UsageError, match="the clock says"):
            book.tick(late)
    untouched(book)


def test_ticks_that_go_on_are_never_far_however_quiet_it_is(book: Casebook) -> None:
    for days in range(0, 400, FAR_DAYS - 1):
        book.tick(BEGIN + days * DAY)
    assert book.steps() == []


def test_a_clock_that_was_set_far_ahead_is_set_right_again(book: Casebook) -> None:
    book.tick(BEGIN + 730 * DAY, far=True)
    with pytest.raises(UsageError, match="730 days before"):
        proposed(book, at_us=BEGIN)
    book.tick(BEGIN, far=True)
    proposed(book, at_us=BEGIN)


def test_a_casebook_of_before_knows_its_time_from_its_log(book: Casebook) -> None:
    with book.store.write() as tx:
        tx.run("DELETE FROM registers WHERE name = 'casework/last'")
    with pytest.raises(UsageError, match="the clock says"):
        book.tick(BEGIN + 730 * DAY)
    untouched(book)

"""One row that can't be read is set aside and named; the others are shown, and time goes on for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, SETTINGS, made, proposed
from headwater.casework import Casebook, StandingsReader, Unread
from headwater.control import State
from headwater.errors import ConflictError, HeadwaterError

DAMAGE = {
    "basis": "UPDATE steps SET basis = x'7b' WHERE id = ?",
    "another basis": "UPDATE steps SET basis = CAST('{\"decision\": {}}' AS BLOB) WHERE id = ?",
    "deep": f"UPDATE steps SET basis = CAST('{'[' * 100_000}' AS BLOB) WHERE id = ?",
    "no bytes of a text": "UPDATE steps SET basis = x'ff' WHERE id = ?",
    "no end": "UPDATE steps SET basis = CAST(replace(CAST(basis AS TEXT), '_after_h\":', '_after_h\":-')"
    " AS BLOB) WHERE id = ?",
    "an unknown event": "UPDATE events SET what = 'gossip' WHERE revision = 2 AND step = ?",
    "an event that can't follow": "UPDATE events SET what = 'expired' WHERE revision = 2 AND step = ?",
    "a person who is none": "UPDATE events SET by = 'clock' WHERE revision = 2 AND step = ?",
    "no text": "UPDATE steps SET campaign = CAST(x'62ff' AS TEXT) WHERE id = ?",
    "an event of no text": "UPDATE events SET reason = CAST(x'ff' AS TEXT) WHERE revision = 2 AND step = ?",
    "no events": "DELETE FROM events WHERE step = ?",
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    with made(tmp_path / "desk") as found:
        proposed(found)
        found.confirm("birch-harvest", "bob", BEGIN)
        yield found


def damaged(book: Casebook, sql: str) -> str:
    """The step of birch-00001, which the statement makes unreadable."""
    name = book.step("birch-00001").id
    with book.store.write() as tx:
        tx.run(sql, (name,))
    return name


@pytest.mark.parametrize("damage", DAMAGE)
def test_one_unreadable_step_is_set_aside_and_the_others_are_shown(book: Casebook, damage: str) -> None:
    bad = damaged(book, DAMAGE[damage])
    aside: list[Unread] = []
    assert len(book.steps(aside=aside)) == 2
    assert [one.id for one in aside] == [bad]
    aside = []
    assert len(book.steps("birch-harvest", aside=aside)) == 2
    assert [one.id for one in aside] == ([] if damage == "no text" else [bad])
    for asked in (lambda: book.step(bad), lambda: book.step("birch-00001"), book.steps):
        with pytest.raises(HeadwaterError, match=f"{bad} can't be read: ") as raised:
            asked()
        assert "headwater casebook check" in str(raised.value.hint)
    assert book.step("birch-00000").step.state is State.STANDING


@pytest.mark.parametrize("damage", DAMAGE)
def test_persons_and_time_go_on_with_the_others(book: Casebook, damage: str) -> None:
    bad, batch = damaged(book, DAMAGE[damage]), book.step("birch-00000").batch
    acted = book.reverse(batch, "bob", BEGIN + HOUR, "a course")
    assert len(acted.steps) == 2
    assert [step for step, _ in acted.passed_over] == [bad]
    assert book.restrictions("birch-00001", BEGIN + HOUR).served
    with StandingsReader(book.folder, SETTINGS.effects) as reader:
        assert reader.read(BEGIN + HOUR) == {}
    ticked = book.tick(BEGIN + 20 * DAY)
    assert [one.id for one in ticked.unread] == [bad]


@pytest.mark.parametrize("change", ["state = 'gossip'", "text = CAST(x'ff' AS TEXT)"])
def test_an_unreadable_appeal_is_set_aside(book: Casebook, change: str) -> None:
    first = book.file("birch-00000", "we teach", "support", BEGIN)
    second = book.file("birch-00001", "so do we", "support", BEGIN)
    with book.store.write() as tx:
        tx.run(f"UPDATE appeals SET {change} WHERE id = ?", (first.id,))
    aside: list[Unread] = []
    assert [one.id for one in book.appeals(aside=aside)] == [second.id]
    assert [one.id for one in aside] == [first.id]
    with pytest.raises(HeadwaterError, match=f"{first.id} can't be read"):
        book.take(first.id, "carol", BEGIN)
    assert [one.id for one in book.tick(BEGIN + HOUR).unread] == [first.id]


def test_an_account_with_an_unreadable_step_is_erased_where_that_is_said(book: Casebook) -> None:
    bad = damaged(book, DAMAGE["basis"])
    with pytest.raises(ConflictError, match=f"{bad} can't be read"):
        book.erase("birch-00001", "bob", "asked for", BEGIN + HOUR)
    book.erase("birch-00001", "bob", "asked for", BEGIN + HOUR, even_so=True)
    assert len(book.steps()) == 2


def test_what_was_found_and_is_damaged_is_told(book: Casebook) -> None:
    with book.store.write() as tx:
        tx.run("UPDATE verdicts SET body = x'7b'")
    with pytest.raises(HeadwaterError, match="can't be read"):
        book.verdict(book.step("birch-00000").verdict)

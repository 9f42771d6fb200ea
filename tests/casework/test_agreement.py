"""A casebook agrees with its log whatever was done with it, and what was changed past it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, made, pack, proposed, report
from headwater.casework import AppealState, Casebook
from headwater.casework.settings import Retention
from headwater.policy import Rung


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    with made(
        tmp_path / "desk", retention=Retention(steps=30, notices=40, appeals=50, statements=20)
    ) as found:
        yield found


def lived(book: Casebook) -> None:
    """One of everything: confirmed, appealed, lowered, upheld, reversed, undone, declined, expired, told."""
    proposed(book, 6)
    book.confirm("birch-harvest", "bob", BEGIN + 1)
    book.file("birch-00000", "we teach\x00 ☃", "support", BEGIN + 2)
    book.take("birch-00000", "carol", BEGIN + 3)
    book.decide("birch-00000", AppealState.LOWERED, "carol", "it is a course", BEGIN + 4, to=Rung.REDUCE)
    book.file("birch-00001", "so do we", "support", BEGIN + 5)
    book.take("birch-00001", "carol", BEGIN + 6)
    book.take("birch-00001", "dave", BEGIN + 7, instead_of="carol")
    book.decide("birch-00001", AppealState.UPHELD, "dave", "no", BEGIN + 8)
    book.file("birch-00002", "open", "support", BEGIN + 9)
    book.reverse("birch-00003", "bob", BEGIN + 10, "a mistake")
    book.undo("birch-00003", "erin", BEGIN + 11, "no mistake")
    book.propose(report(2, id="oak"), "alice", BEGIN + 12)
    book.decline("oak", "bob", BEGIN + 13, "no")


def agrees(book: Casebook) -> None:
    assert book.check().differences == ()


def test_it_agrees_after_everything_that_can_be_done(book: Casebook) -> None:
    agrees(book)
    lived(book)
    agrees(book)
    compared = book.check().compared
    assert set(compared) >= {"accounts", "verdicts", "steps", "events", "notices", "statements", "appeals"}
    assert compared["steps"] == 9
    for days in (1, 5, 22, 32, 42, 60, 200, 400):
        book.tick(BEGIN + days * DAY, far=True)
        agrees(book)
    assert [one.state for one in book.appeals()] == [AppealState.FILED]  # it holds its step
    assert len(book.steps()) == 1


def test_it_agrees_after_erasing_and_exporting_an_account(book: Casebook, tmp_path: Path) -> None:
    lived(book)
    book.export("birch-00000", tmp_path / "out", "bob", BEGIN + HOUR)
    book.erase("birch-00000", "bob", "asked for", BEGIN + HOUR, even_so=True)
    agrees(book)
    book.erase("birch-00004", "bob", "asked for", BEGIN + HOUR, even_so=True)
    agrees(book)


def test_it_agrees_while_records_wait_for_the_log(book: Casebook) -> None:
    proposed(book)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book.log, "drain", lambda *_args, **_more: None)
        book.confirm("birch-harvest", "bob", BEGIN + 1)
        with book.store.read() as tx:
            assert tx.row("SELECT count(*) FROM outbox") != (0,)
        agrees(book)


def test_records_whose_time_was_over_excuse_their_rows_and_no_others(tmp_path: Path) -> None:
    with made(tmp_path / "desk", retention=Retention(records=5, steps=100)) as book:
        lived(book)
        book.tick(BEGIN + 60 * DAY, far=True)
        found = book.check()
        assert found.differences == ()
        assert found.untold > 10
        step = book.steps("birch-harvest")[0].id
        with book.store.write() as tx:
            tx.run(
                "INSERT INTO notices (step, account, kind, at_us, subject, text)"
                " SELECT step, account, kind, at_us + 100, subject, 'a forged one' FROM notices WHERE step = ? LIMIT 1",
                (step,),
            )
        assert [one.id for one in book.check().differences] == [step]


CHANGES = {
    "who": (
        "UPDATE events SET by = 'mallory' WHERE revision = 2 AND step = :step",
        "revision 2: by is “mallory”",
    ),
    "what": (
        "UPDATE events SET what = 'declined' WHERE revision = 2 AND step = :step",
        "what happened is “declined”",
    ),
    "when": (
        "UPDATE events SET at_us = at_us - 86400000000 WHERE revision = 2 AND step = :step",
        "its time is",
    ),
    "a moment": ("UPDATE events SET at_us = at_us + 1 WHERE revision = 2 AND step = :step", "µs"),
    "no calendar's": (
        "UPDATE events SET at_us = 9000000000000000000 WHERE revision = 2 AND step = :step",
        "its time",
    ),
    "why": ("UPDATE events SET reason = 'x' WHERE revision = 2 AND step = :step", "the reason is not what"),
    "an event gone": (
        "DELETE FROM events WHERE revision = 2 AND step = :step",
        "revision 2: the log tells of it",
    ),
    "an event more": (
        (
            "INSERT INTO events SELECT step, 3, 'reversed', 'bob', at_us, 'x' FROM events"
            " WHERE revision = 2 AND step = :step"
        ),
        "revision 3: the log doesn't tell of it",
    ),
    "state": (
        "UPDATE steps SET state = 'reversed' WHERE id = :step",
        "state is reversed, and its events make standing",
    ),
    "rung": ("UPDATE steps SET rung = 1 WHERE id = :step", "rung is 1"),
    "revision": ("UPDATE steps SET revision = 9 WHERE id = :step", "revision is 9"),
    "whose": ("UPDATE steps SET account = 'acct-0000000000000000' WHERE id = :step", "the account is"),
    "verdict": ("UPDATE steps SET verdict = 'verdict-0' WHERE id = :step", "verdict is"),
    "no text": ("UPDATE steps SET campaign = CAST(x'ff' AS TEXT) WHERE id = :step", "can't be read"),
    "a reason of no text": (
        "UPDATE events SET reason = CAST(x'ff' AS TEXT) WHERE revision = 2 AND step = :step",
        "the reason is not what",
    ),
    "a notice of no text": ("UPDATE notices SET text = CAST(x'ff' AS TEXT) WHERE step = :step", "its text"),
    "unreadable": ("UPDATE steps SET basis = x'7b' WHERE id = :step", "can't be read"),
    "terms": (
        (
            "UPDATE steps SET basis = CAST(replace(CAST(basis AS TEXT), 'rule-seventeen', 'rule-eighteen') AS BLOB)"
            " WHERE id = :step"
        ),
        "rule is “rule-eighteen”",
    ),
    "facts": (
        (
            "UPDATE steps SET basis = CAST(replace(CAST(basis AS TEXT), '\"tier\":0', '\"tier\":3') AS BLOB)"
            " WHERE id = :step"
        ),
        "the facts it rests on",
    ),
    "a step gone": (
        "DELETE FROM steps WHERE id = :step",
        "the log tells of it, and the casebook doesn't hold it",
    ),
    "a notice": ("UPDATE notices SET text = 'nothing' WHERE step = :step", "notice “quarantine” of"),
    "a notice gone": ("DELETE FROM notices WHERE step = :step", "doesn't hold it"),
    "a notice earlier": ("UPDATE notices SET at_us = 1 WHERE step = :step", "its time is"),
    "a statement": (
        "UPDATE statements SET body = CAST('{}' AS BLOB) WHERE step = :step",
        "statement of reasons is not",
    ),
    "a statement gone": ("DELETE FROM statements WHERE step = :step", "doesn't hold it"),
    "an outcome": (
        (
            "INSERT INTO outcomes (step, rule, rung, evidence, outcome, day)"
            " VALUES (:step, 'x', 'x', '[]', 'reversed', '2026-01-01')"
        ),
        "it counts as “reversed”",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_past_the_casebook_is_named(book: Casebook, change: str) -> None:
    lived(book)
    step = book.step("birch-00004").id
    sql, said = CHANGES[change]
    with book.store.write() as tx:
        assert tx.run(sql, {"step": step}) > 0
    found = book.check().differences
    assert {one.id for one in found} <= {step, "notices"}, found
    assert any(said in one.what for one in found), found


APPEALS = {
    "text": "its text",
    "answer": "its answer",
    "reviewer": "its reviewer is “x”",
    "step": "its step is “x”",
    "account": "its account is “x”",
    "state": "its state is “x”",
}


@pytest.mark.parametrize("column", APPEALS)
def test_a_changed_appeal_is_named(book: Casebook, column: str) -> None:
    lived(book)
    name = next(one.id for one in book.appeals() if one.state is AppealState.UPHELD)
    with book.store.write() as tx:
        tx.run(f"UPDATE appeals SET {column} = 'x' WHERE id = ?", (name,))
    found = book.check().differences
    assert [one.id for one in found] == [name]
    assert APPEALS[column] in found[0].what


def test_what_is_gone_and_what_stands_for_another_is_named(book: Casebook) -> None:
    lived(book)
    pseudonym = next(name for name, account in book.accounts().items() if account == "birch-00004")
    with book.store.write() as tx:
        tx.run("UPDATE accounts SET account = 'victim' WHERE pseudonym = ?", (pseudonym,))
        tx.run("UPDATE verdicts SET body = CAST('{}' AS BLOB) WHERE campaign = 'oak'")
        tx.run("DELETE FROM appeals WHERE state = 'filed'")
    told = {one.id.partition("-")[0]: one.what for one in book.check().differences}
    assert told["acct"] == "stands for an account that has another pseudonym"
    assert told["verdict"] == "what was found is not what the log says"
    assert told["appeal"] == "the log tells of it, and the casebook doesn't hold it"


def test_rows_taken_out_before_an_erasure_are_counted_against_it(book: Casebook) -> None:
    """Whoever takes rows out and lets time erase others can't hide behind that."""
    lived(book)
    gone = book.step("birch-00004").id
    with book.store.write() as tx:
        tx.run("DELETE FROM steps WHERE id = ?", (gone,))
    book.tick(BEGIN + 5 * DAY)
    book.tick(BEGIN + 36 * DAY, far=True)
    assert any(one.id == "steps" and "are gone" in one.what for one in book.check().differences)


def test_a_changed_record_and_a_changed_commitment_are_named(book: Casebook) -> None:
    lived(book)
    with book.store.write() as tx:
        row = tx.row("SELECT idx, record FROM log_records WHERE kind = 'decision' ORDER BY idx LIMIT 1")
        assert row is not None
        tx.run(
            "UPDATE log_records SET record = ? WHERE idx = ?", (row[1].replace(b'"bob"', b'"eve"'), row[0])
        )
    found = [one.what for one in book.check().differences]
    assert any(f"entry {row[0]}: its record is not what the entry commits to" in what for what in found)
    assert any("the log doesn't tell of it" in what for what in found)
    with book.store.write() as tx:
        tx.run("UPDATE log_commitments SET entry = x'00' WHERE idx = 0")
    assert ("log", "its entries don't make the root that was signed") in [
        (one.id, one.what) for one in book.check().differences
    ]


def test_an_automatic_step_agrees_too(tmp_path: Path) -> None:
    with made(tmp_path / "desk", pack("shape", person=False)) as book:
        proposed(book)
        agrees(book)
        book.tick(BEGIN + 3 * DAY)
        agrees(book)
        book.tick(BEGIN + 60 * DAY, far=True)
        agrees(book)

"""Steps from a report to their end: proposed once, decided by persons, undone, and each change in the log once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, made, pack, proposed, records, report
from explain.builders import findings
from headwater.casework.log import verify_log
from headwater.casework.shelf import history
from headwater.control import State, canonical
from headwater.errors import ConflictError, HeadwaterError, UsageError
from headwater.explain import without_details
from headwater.policy import AccountFacts, Rung
from headwater.proof import Trust, VerifierKey


def trust(folder: Path) -> Trust:
    return Trust((VerifierKey.parse((folder / "log.vkey").read_text().strip()),))


def test_a_report_becomes_a_step_for_each_account_and_only_once(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        batch = proposed(book)
        assert [kept.step.state for kept in batch.steps] == [State.PROPOSED] * 3
        assert {kept.step.rung for kept in batch.steps} == {Rung.QUARANTINE}
        again = proposed(book, at_us=BEGIN + HOUR)
        assert (len(again.steps), again.known_before) == (0, 3)
        assert len(book.steps()) == 3
        kinds = [kind for kind, _ in records(book)]
        assert kinds.count("verdict") == 1
        assert kinds.count("proposal") == 3


def test_no_account_id_is_kept_but_in_one_table(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        book.confirm("birch-harvest", "bob", BEGIN + HOUR)
        book.file("birch-00000", "we are a class", "support", BEGIN + 2 * HOUR)
        with book.store.read() as tx:
            tables = [row[0] for row in tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            for table in tables:
                content = repr(tx.rows(f"SELECT * FROM {table}"))
                assert ("birch-0000" in content) == (table == "accounts"), table
        assert all("birch-0000" not in str(body) for _, body in records(book))
        assert "birch-0000" not in repr(book.steps())
    for path in (tmp_path / "desk" / "log").rglob("*"):
        if path.is_file():
            assert b"birch-" not in path.read_bytes()
            assert b"acct-" not in path.read_bytes()


def test_watching_makes_no_step(tmp_path: Path) -> None:
    with made(tmp_path / "desk", pack("observe", person=False)) as book:
        batch = proposed(book)
        assert (batch.steps, batch.observed) == ((), 3)
        assert book.steps() == []


def test_facts_of_accounts_decide_account_by_account(tmp_path: Path) -> None:
    extra = """
limits:
  - id: known-customer
    at_most: notice
    when: tier >= 2
    reason: We know whom we serve.
"""
    with made(tmp_path / "desk", pack(extra=extra)) as book:
        known = {"birch-00001": AccountFacts(tier=3)}
        batch = book.propose(report(), "alice", BEGIN, known)
        rungs = {book.accounts()[kept.step.account]: kept.step.rung for kept in batch.steps}
        assert rungs == {
            "birch-00000": Rung.QUARANTINE,
            "birch-00001": Rung.NOTICE,
            "birch-00002": Rung.QUARANTINE,
        }


def test_a_campaign_is_confirmed_in_one_transaction_and_others_are_told(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        batch = proposed(book)
        book.decline(batch.steps[0].id, "bob", BEGIN + HOUR, "a test of ours")
        acted = book.confirm("birch-harvest", "carol", BEGIN + 2 * HOUR)
        assert len(acted.steps) == 2
        assert acted.passed_over == (
            (
                batch.steps[0].id,
                f"{batch.steps[0].id} is declined and can't be confirmed: bob declined it",
            ),
        )
        with pytest.raises(ConflictError, match="carol confirmed it"):
            book.confirm("birch-harvest", "dora", BEGIN + 3 * HOUR)


def test_a_person_may_insist_on_what_they_saw(tmp_path: Path) -> None:
    with made(tmp_path / "desk", pack("ban")) as book:
        (kept, *_) = proposed(book).steps
        book.confirm(kept.id, "bob", BEGIN + HOUR, seen=1)
        with pytest.raises(ConflictError, match=r"has changed since revision 1.*“confirmed” by bob"):
            book.confirm(kept.id, "carol", BEGIN + HOUR, seen=1)
        book.confirm(kept.id, "carol", BEGIN + HOUR, seen=2)
        assert book.step(kept.id).step.state is State.STANDING


def test_undo_restores_step_and_restrictions_and_stays_in_the_history(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        (kept, *_) = proposed(book).steps
        account = kept.step.account
        book.confirm(kept.id, "bob", BEGIN + HOUR)
        standing, restrictions = book.step(kept.id).step, book.restrictions(account, BEGIN + 5 * HOUR)
        book.reverse(kept.id, "carol", BEGIN + 2 * HOUR, "a mistake of ours")
        assert book.restrictions(account, BEGIN + 5 * HOUR).rung is Rung.OBSERVE
        book.undo(kept.id, "dora", BEGIN + 3 * HOUR, "it was none")
        assert canonical(book.step(kept.id).step) == canonical(standing)
        assert book.restrictions(account, BEGIN + 5 * HOUR) == restrictions
        whats = [event.what.value for event in book.history(kept.id)]
        assert whats == ["proposed", "confirmed", "reversed", "undone"]
        kinds = [notice.kind for notice in book.notices(kept.id)]
        assert kinds == ["quarantine", "ended", "quarantine"]


def test_every_event_is_one_entry_of_the_log_and_the_log_verifies(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    with made(folder) as book:
        batch = proposed(book)
        book.confirm("birch-harvest", "bob", BEGIN + HOUR)
        book.undo(batch.steps[0].id, "carol", BEGIN + 2 * HOUR, "wait")
        book.decline(batch.steps[0].id, "carol", BEGIN + 2 * HOUR, "known to us")
        book.tick(BEGIN + 90 * HOUR)
        told = [
            (body["step"], body["revision"])
            for kind, body in records(book)
            if kind in ("proposal", "decision", "step")
        ]
        with book.store.read() as tx:
            kept = [
                (step.id, number)
                for step in batch.steps
                for number in range(1, len(history(tx, step.id)) + 1)
            ]
        assert sorted(told) == sorted(kept)
    assert verify_log(folder / "log", trust(folder)).holds


def test_a_change_that_fails_leaves_neither_step_nor_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path / "desk") as book:
        (kept, *_) = proposed(book).steps
        before = len(records(book))

        def broken(*_: object, **__: object) -> None:
            raise HeadwaterError("the texts can't be read")

        monkeypatch.setattr("headwater.casework.follow.send", broken)
        with pytest.raises(HeadwaterError):
            book.confirm(kept.id, "bob", BEGIN + HOUR)
        assert book.step(kept.id).step == kept.step
        book.publish(BEGIN + HOUR)
        assert len(records(book)) == before


def test_what_is_wrong_is_said_with_the_nearest_name(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        for name, hint in (("birch-harvst", "birch-harvest"), ("nothing", "headwater step list")):
            with pytest.raises(UsageError) as caught:
                book.confirm(name, "bob", BEGIN)
            assert hint in str(caught.value.hint)
        for by in ("", "clock", "two words", "x" * 65):
            with pytest.raises(UsageError):
                book.confirm("birch-harvest", by, BEGIN)
        with pytest.raises(UsageError, match="say why"):
            book.reverse("birch-harvest", "bob", BEGIN, " ")


def test_a_quarantine_that_nobody_confirms_ends_after_a_day_and_counts_as_wrong(tmp_path: Path) -> None:
    with made(tmp_path / "desk", pack(person=False, extra="    for: 3d")) as book:
        batch = proposed(book)
        assert {kept.step.state for kept in batch.steps} == {State.STANDING}
        first, second, third = batch.steps
        book.confirm(first.id, "bob", BEGIN + HOUR)
        book.reverse(second.id, "bob", BEGIN + HOUR, "a class")
        assert book.tick(BEGIN + 23 * HOUR).expired == ()
        assert book.tick(BEGIN + DAY).expired == (third.id,)
        assert book.tick(BEGIN + 3 * DAY).expired == (first.id,)
        (rate,) = [one for one in book.outcomes() if one.by == "rule"]
        assert (rate.name, rate.ended, rate.false) == ("rule-seventeen", 3, 2)


def test_shaping_is_told_when_it_lasts_and_once(tmp_path: Path) -> None:
    rules = pack("shape", person=False, defaults="  notify_shaping_after: 24h")
    with made(tmp_path / "desk", rules) as book:
        batch = proposed(book, accounts=1)
        (kept,) = batch.steps
        assert book.notices(kept.id) == []
        assert book.statement(kept.id) is None
        assert book.tick(BEGIN + 23 * HOUR).notified == ()
        assert book.tick(BEGIN + 24 * HOUR).notified == (kept.id,)
        assert book.tick(BEGIN + 25 * HOUR).notified == ()
        assert [one.kind for one in book.notices(kept.id)] == ["shape"]
        assert book.statement(kept.id) is not None


def test_a_suspension_waits_out_its_notice(tmp_path: Path) -> None:
    rules = pack("suspend", defaults="  notice_before: 48h")
    with made(tmp_path / "desk", rules) as book:
        (kept,) = proposed(book, accounts=1).steps
        (now,) = book.confirm(kept.id, "bob", BEGIN + HOUR).steps
        assert now.step.state is State.ANNOUNCED
        (notice,) = book.notices(kept.id)
        assert notice.kind == "suspend"
        assert book.restrictions(kept.step.account, BEGIN + 2 * HOUR).served
        assert book.tick(BEGIN + 48 * HOUR).began == ()
        assert book.tick(BEGIN + 49 * HOUR).began == (kept.id,)
        assert not book.restrictions(kept.step.account, BEGIN + 50 * HOUR).served
        assert len(book.notices(kept.id)) == 1


def test_tick_twice_does_no_more_than_once_and_a_late_clock_nothing_wrong(tmp_path: Path) -> None:
    with made(tmp_path / "desk", pack(person=False)) as book:
        proposed(book)
        assert len(book.tick(BEGIN + DAY).expired) == 3
        assert book.tick(BEGIN + DAY).expired == ()
        assert book.tick(BEGIN - 10 * DAY).expired == ()
        for kept in book.steps():
            times = [event.at_us for event in book.history(kept.id)]
            assert times == sorted(times)


def test_prior_notices_and_reversals_are_facts_of_the_next_decision(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        (kept, *_) = proposed(book).steps
        book.confirm(kept.id, "bob", BEGIN + HOUR)
        book.reverse(kept.id, "bob", BEGIN + 2 * HOUR, "a mistake")
        later = dataclasses.replace(report().campaigns[0], exchanges=77)
        batch = book.propose(findings(campaigns=(later,), considered=()), "alice", BEGIN + DAY)
        facts = {k.step.account: k.basis.facts for k in batch.steps}
        mine = facts[kept.step.account]
        assert mine is not None
        assert (mine.notices, mine.reversals, mine.outcomes, mine.false_positive_rate) == (1, 1, 1, 1.0)


def test_a_pack_that_does_not_load_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    from headwater.policy import parse_pack

    with made(tmp_path / "desk") as book:
        proposed(book)
        new = pack("shape", person=False)
        book.adopt(new, parse_pack(new, "new.yaml"), "alice", BEGIN + HOUR)
        assert book.pack.sha256 == parse_pack(new, "new.yaml").sha256
        assert {kept.step.rung for kept in book.steps()} == {Rung.QUARANTINE}
        assert [body["by"] for kind, body in records(book) if kind == "policy" and "by" in body] == ["alice"]


def test_a_pack_that_was_changed_by_hand_is_told_to_the_log(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        (book.folder / "policy.yaml").write_bytes(pack("shape", person=False))
        proposed(book, at_us=BEGIN + HOUR)
        told = [body["pack_sha256"] for kind, body in records(book) if kind == "policy"]
        assert len(told) == 2
        assert told[1] == book.pack.sha256


def test_a_report_without_accounts_makes_no_steps(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        with pytest.raises(UsageError, match="names no account"):
            book.propose(without_details(report()), "alice", BEGIN)
        assert book.steps() == []


@pytest.mark.parametrize("again", ["Bob", "BOB"])
def test_one_person_under_two_spellings_is_one_person(tmp_path: Path, again: str) -> None:
    with made(tmp_path / "desk", pack("ban")) as book:
        (kept, *_) = proposed(book).steps
        book.confirm(kept.id, "bob", BEGIN + HOUR)
        with pytest.raises(ConflictError):
            book.confirm(kept.id, again, BEGIN + HOUR)
        assert book.step(kept.id).step.state is not State.STANDING
        book.confirm(kept.id, "carol", BEGIN + HOUR)
        assert book.step(kept.id).step.state is State.STANDING


@pytest.mark.parametrize("name", ["bob.", "-bob", "@bob", "b\u043eb", "bob ", "\uff22ob"])
def test_a_name_that_could_pass_for_another_is_refused(tmp_path: Path, name: str) -> None:
    with made(tmp_path / "desk", pack("ban")) as book:
        (kept, *_) = proposed(book).steps
        with pytest.raises(UsageError, match="not a person's name"):
            book.confirm(kept.id, name, BEGIN + HOUR)

"""An appeal ends with an answer, by somebody who had no part in the step, and what was taken back shows at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, made, pack, proposed, records
from headwater.casework import APPEALS, AppealState, Casebook, CasebookSettings, Kept
from headwater.casework.settings import Clock
from headwater.control import State
from headwater.errors import ConflictError, UsageError
from headwater.policy import Rung


def standing(book: Casebook) -> Kept:
    proposed(book, accounts=1)
    (kept,) = book.confirm("birch-harvest", "bob", BEGIN + HOUR).steps
    return kept


@pytest.fixture
def book(tmp_path: Path) -> Casebook:
    return made(tmp_path / "desk")


def test_the_table_of_states_ends() -> None:
    assert set(APPEALS) == set(AppealState)
    assert {to for led in APPEALS.values() for to in led} | {AppealState.FILED} == set(AppealState)


def test_a_reversal_restores_the_account_and_counts(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "we are a class", "support", BEGIN + 2 * HOUR)
    assert appeal.answer_by_us == BEGIN + 2 * HOUR + 14 * DAY
    with pytest.raises(UsageError, match="bob had a part"):
        book.take(appeal.id, "bob", BEGIN + 3 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    assert book.restrictions(kept.step.account, BEGIN + 3 * HOUR).held
    done, milder = book.decide(appeal.id, AppealState.REVERSED, "carol", "It was a class.", BEGIN + 4 * HOUR)
    assert (done.state, milder) == (AppealState.REVERSED, None)
    assert book.step(kept.id).step.state is State.REVERSED
    assert not book.restrictions(kept.step.account, BEGIN + 4 * HOUR).held
    kinds = [notice.kind for notice in book.notices(kept.id)]
    assert kinds == ["quarantine", "appeal-received", "appeal-reversed"]
    assert "It was a class." in book.notices(kept.id)[-1].text
    assert [(r.ended, r.false) for r in book.outcomes() if r.by == "rule"] == [(1, 1)]
    states = [body["state"] for kind, body in records(book) if kind == "appeal"]
    assert states == ["filed", "taken", "reversed"]
    with pytest.raises(ConflictError, match="taken back on appeal"):
        book.undo(kept.id, "bob", BEGIN + 5 * HOUR, "no")


def test_who_proposed_a_step_reviews_no_appeal_against_it(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "we are a class", "support", BEGIN + 2 * HOUR)
    for name in ("alice", "ALICE"):  # she ran the proposal, and one person is one name
        with pytest.raises(UsageError, match="alice had a part"):
            book.take(appeal.id, name, BEGIN + 3 * HOUR)
    book.take(appeal.id, "support", BEGIN + 3 * HOUR)  # filing it for the customer is no part in the step


def test_the_policy_and_the_clock_are_no_persons_who_had_a_part(tmp_path: Path) -> None:
    from headwater.casework.shelf import hands

    with made(tmp_path / "other", pack("quarantine", person=False)) as book:
        step = proposed(book).steps[0].id
        book.tick(BEGIN + 2 * DAY)
        with book.store.read() as tx:
            assert hands(tx, step) == {"alice"}


def test_an_upheld_step_goes_on_and_counts_as_right_when_it_ends(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "why?", "support", BEGIN + 2 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    book.decide(appeal.id, AppealState.UPHELD, "carol", "The terms say so.", BEGIN + 4 * HOUR)
    assert book.restrictions(kept.step.account, BEGIN + 5 * HOUR).held
    book.tick(BEGIN + 100 * HOUR)
    assert [(r.ended, r.false) for r in book.outcomes() if r.by == "rule"] == [(1, 0)]


def test_a_lowered_step_gives_way_to_a_milder_one_that_ends_no_later(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "too much", "support", BEGIN + 2 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    with pytest.raises(UsageError, match="to which rung below quarantine"):
        book.decide(appeal.id, AppealState.LOWERED, "carol", "Half of it.", BEGIN + 4 * HOUR, to=Rung.BAN)
    _, milder = book.decide(
        appeal.id, AppealState.LOWERED, "carol", "Half of it.", BEGIN + 4 * HOUR, to=Rung.REDUCE
    )
    assert milder is not None
    assert milder.step.expires_us is not None
    assert kept.step.expires_us is not None
    assert milder.step.expires_us <= kept.step.expires_us + HOUR
    now = book.restrictions(kept.step.account, BEGIN + 4 * HOUR)
    assert (now.rung, now.held, now.step_ids) == (Rung.REDUCE, False, (milder.id,))
    rates = {(r.by, r.name): r for r in book.outcomes()}
    assert rates["rung", "quarantine"].false == 1
    assert all(r.false == 0 for (by, _), r in rates.items() if by == "evidence")
    # The reviewer decided the milder step, and doesn't review an appeal against that one.
    second = book.file(milder.id, "still too much", "support", BEGIN + 5 * HOUR)
    with pytest.raises(UsageError, match="carol had a part"):
        book.take(second.id, "carol", BEGIN + 6 * HOUR)
    book.tick(BEGIN + 200 * HOUR)
    assert [r.ended for r in book.outcomes() if r.by == "rule"] == [1]


def test_one_appeal_a_step_within_its_time_and_only_where_there_is_something_to_take_back(
    book: Casebook,
) -> None:
    (waiting,) = proposed(book, accounts=1).steps
    with pytest.raises(UsageError, match="nothing to take back"):
        book.file(waiting.id, "text", "support", BEGIN)
    book.confirm(waiting.id, "bob", BEGIN + HOUR)
    with pytest.raises(UsageError, match="says something"):
        book.file(waiting.id, " \n", "support", BEGIN + HOUR)
    with pytest.raises(UsageError, match="too long"):
        book.file(waiting.id, "x" * 30_000, "support", BEGIN + HOUR)
    book.tick(BEGIN + 20 * DAY)
    with pytest.raises(UsageError, match="the time to appeal ended"):
        book.file(waiting.id, "text", "support", BEGIN + 40 * DAY)
    book.file(waiting.id, "text", "support", BEGIN + 21 * DAY)
    with pytest.raises(ConflictError, match="was filed"):
        book.file(waiting.id, "text", "support", BEGIN + 21 * DAY)


def test_a_step_that_is_over_can_still_turn_out_to_have_been_wrong(book: Casebook) -> None:
    kept = standing(book)
    book.tick(BEGIN + 100 * HOUR)
    assert book.step(kept.id).step.state is State.EXPIRED
    appeal = book.file(kept.id, "it was wrong all the same", "support", BEGIN + 101 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 102 * HOUR)
    book.decide(appeal.id, AppealState.REVERSED, "carol", "It was.", BEGIN + 103 * HOUR)
    assert book.step(kept.id).step.state is State.EXPIRED
    assert [(r.ended, r.false) for r in book.outcomes() if r.by == "rule"] == [(1, 1)]


def test_two_reviewers_at_one_appeal(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "text", "support", BEGIN + 2 * HOUR)
    with pytest.raises(ConflictError, match="nobody has taken"):
        book.decide(appeal.id, AppealState.UPHELD, "carol", "no", BEGIN + 3 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    with pytest.raises(ConflictError, match="carol has taken"):
        book.take(appeal.id, "dora", BEGIN + 3 * HOUR)
    with pytest.raises(ConflictError, match="carol has taken"):
        book.decide(appeal.id, AppealState.UPHELD, "dora", "no", BEGIN + 3 * HOUR)
    book.take(appeal.id, "dora", BEGIN + 4 * HOUR, instead_of="carol")
    book.decide(appeal.id, AppealState.UPHELD, "dora", "no", BEGIN + 5 * HOUR)
    with pytest.raises(ConflictError, match="was upheld by dora meanwhile"):
        book.take(appeal.id, "carol", BEGIN + 6 * HOUR, instead_of="dora")


def test_a_reviewer_who_decides_on_the_step_meanwhile_decides_no_appeal(book: Casebook) -> None:
    kept = standing(book)
    appeal = book.file(kept.id, "text", "support", BEGIN + 2 * HOUR)
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    book.reverse(kept.id, "carol", BEGIN + 4 * HOUR, "at once")
    with pytest.raises(UsageError, match="carol had a part"):
        book.decide(appeal.id, AppealState.REVERSED, "carol", "yes", BEGIN + 5 * HOUR)


def test_an_overdue_appeal_is_told_and_ends_the_step_where_that_is_set(tmp_path: Path) -> None:
    rules = pack("suspend", extra="    for: 90d")
    with made(tmp_path / "patient", rules) as book:
        kept = standing(book)
        appeal = book.file(kept.id, "text", "support", BEGIN + 2 * HOUR)
        assert book.tick(BEGIN + DAY).overdue == ()
        assert [one.id for one in book.tick(BEGIN + 15 * DAY).overdue] == [appeal.id]
        assert not book.restrictions(kept.step.account, BEGIN + 15 * DAY).served
    with made(tmp_path / "strict", rules, clock=Clock(unanswered_ends=True)) as book:
        kept = standing(book)
        appeal = book.file(kept.id, "text", "support", BEGIN + 2 * HOUR)
        ticked = book.tick(BEGIN + 15 * DAY)
        assert ticked.unanswered == (appeal.id,)
        assert book.restrictions(kept.step.account, BEGIN + 15 * DAY).served
        assert book.notices(kept.id)[-1].kind == "appeal-unanswered"
        assert [(r.ended, r.false) for r in book.outcomes() if r.by == "rule"] == [(1, 1)]


def test_a_hostile_text_stays_text(book: Casebook) -> None:
    kept = standing(book)
    said = "<script>alert(1)</script>\x1b[31m{reference}\u202e\ud800"
    appeal = book.file(kept.id, said, "support", BEGIN + 2 * HOUR)
    assert "<script>" in appeal.text
    book.take(appeal.id, "carol", BEGIN + 3 * HOUR)
    book.decide(appeal.id, AppealState.UPHELD, "carol", "{answer}\x1b[31m {clause}", BEGIN + 4 * HOUR)
    text = book.notices(kept.id)[-1].text
    assert "\x1b" not in text
    assert "{answer}" in text


def test_settings_have_their_lines() -> None:
    from headwater.cli.settings import paths_of

    assert [path for path, entry in paths_of(CasebookSettings) if not entry.metadata.get("doc")] == []

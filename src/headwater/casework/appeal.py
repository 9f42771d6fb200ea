"""An appeal against a step: its states as one table, its clock, and who may decide it.

A person who had a hand in the step never decides the appeal against it. How an appeal is kept is `appeals`' business,
and what becomes of the step `control`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from headwater.errors import ConflictError, UsageError

DAY_US: Final = 86_400_000_000
#: The longest text of an appeal or an answer, in characters.
MOST_CHARACTERS: Final = 20_000


class AppealState(StrEnum):
    """Where an appeal is."""

    #: It has come in, and its clock runs.
    FILED = "filed"
    #: A reviewer looks at it.
    TAKEN = "taken"
    #: The step stays.
    UPHELD = "upheld"
    #: The step ends, and the account has what it had without it.
    REVERSED = "reversed"
    #: The step ends, and a milder one stands instead.
    LOWERED = "lowered"
    #: Nobody answered in time, and the operator's settings end the step for that.
    UNANSWERED = "unanswered"


#: State → the states that may follow; what isn't here can't happen.
APPEALS: Final[Mapping[AppealState, tuple[AppealState, ...]]] = {
    AppealState.FILED: (AppealState.TAKEN, AppealState.UNANSWERED),
    AppealState.TAKEN: (
        AppealState.TAKEN,
        AppealState.UPHELD,
        AppealState.REVERSED,
        AppealState.LOWERED,
        AppealState.UNANSWERED,
    ),
    AppealState.UPHELD: (),
    AppealState.REVERSED: (),
    AppealState.LOWERED: (),
    AppealState.UNANSWERED: (),
}
#: What a reviewer may decide.
DECISIONS: Final = (AppealState.UPHELD, AppealState.REVERSED, AppealState.LOWERED)


@dataclass(frozen=True)
class Appeal:
    """One appeal. `text` is what the customer says, `answer` what the reviewer says to the customer.

    It is to be answered by `answer_by_us`; `last_us` is the latest time of anything that happened to it.
    """

    id: str
    step: str
    state: AppealState
    filed_us: int
    answer_by_us: int
    last_us: int
    text: str = ""
    reviewer: str = ""
    answer: str = ""

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return bool(APPEALS[self.state])

    def overdue(self, at_us: int) -> bool:
        """Whether it should have been answered before `at_us`."""
        return self.open and at_us >= self.answer_by_us


def taken(appeal: Appeal, by: str, at_us: int, *, hands: Collection[str], instead_of: str = "") -> Appeal:
    """`appeal`, taken by `by`, who must be none of the `hands` that the step went through.

    Raises `UsageError` where they are, `ConflictError` where another person has it, unless it is taken `instead_of`
    that person.
    """
    if by in hands:
        raise UsageError(
            f"{by} had a part in {appeal.step}, and doesn't review it",
            hint="let a person take it who neither proposed it nor decided on it",
        )
    if appeal.state is AppealState.TAKEN and appeal.reviewer not in (instead_of, by):
        raise ConflictError(
            f"{appeal.reviewer} has taken {appeal.id} meanwhile",
            hint=f"to take it over: --instead-of {appeal.reviewer}",
        )
    return replace(_moved(appeal, AppealState.TAKEN, at_us), reviewer=by)


def decided(appeal: Appeal, outcome: AppealState, by: str, answer: str, at_us: int) -> Appeal:
    """`appeal`, decided by the person who took it, with the `answer` that goes to the customer."""
    if outcome not in DECISIONS:
        raise UsageError(f"an appeal is decided {', '.join(DECISIONS)}")
    if appeal.state is AppealState.FILED:
        raise ConflictError(
            f"nobody has taken {appeal.id} yet", hint=f"headwater appeal take {appeal.id} --by {by}"
        )
    if appeal.state is AppealState.TAKEN and appeal.reviewer != by:
        raise ConflictError(f"{appeal.reviewer} has taken {appeal.id}, and decides it")
    if not answer.strip():
        raise UsageError("the customer is told why", hint="--reason: in a sentence or two")
    return replace(_moved(appeal, outcome, at_us), answer=checked_text(answer, "reason"))


def unanswered(appeal: Appeal, at_us: int) -> Appeal:
    """`appeal`, whose time is over; `ConflictError` while it isn't."""
    if not appeal.overdue(at_us):
        raise ConflictError(f"{appeal.id} is not overdue")
    return _moved(appeal, AppealState.UNANSWERED, at_us)


def checked_text(text: str, field: str) -> str:
    """A text that a person wrote, as it is; `UsageError` where it is longer than anybody would read."""
    from headwater.errors import Where

    if len(text) > MOST_CHARACTERS:
        what = f"a text of {len(text):,} characters is too long"
        raise UsageError(what, where=Where(field=field), hint=f"at most {MOST_CHARACTERS:,}")
    return text.encode("utf-8", "replace").decode()


def _moved(appeal: Appeal, state: AppealState, at_us: int) -> Appeal:
    if state not in APPEALS[appeal.state]:
        who = f" by {appeal.reviewer}" if appeal.reviewer else ""
        raise ConflictError(
            f"{appeal.id} was {appeal.state.value}{who} meanwhile",
            hint=f"headwater appeal list --step {appeal.step}",
        )
    return replace(appeal, state=state, last_us=max(at_us, appeal.last_us))

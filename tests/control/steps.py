"""Steps for tests: terms of any kind, and sequences of events as persons, packs and clocks make them."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from headwater.control import CLOCK, HOUR_US, POLICY, Event, Step, Terms, What, apply
from headwater.errors import ConflictError
from headwater.policy import Rung

BEGIN = 1_780_000_000_000_000
PERSONS = ("alice", "bob", "carol")
#: Fewest persons, where the pack says nothing else.
FEWEST = {Rung.SUSPEND: 1, Rung.BAN: 2, Rung.REFER: 2}

rungs = st.sampled_from([rung for rung in Rung if rung > Rung.OBSERVE])


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Terms that a pack may lead to."""
    rung = draw(rungs)
    return Terms(
        rung=rung,
        rule="hold",
        reason="Three kinds of evidence agree.",
        reason_class="linked-accounts",
        clause="Terms of service, 4.2",
        expires_after_h=draw(st.integers(1, 2000)),
        persons=draw(st.integers(FEWEST.get(rung, 0), 2)),
        notice_before_h=draw(st.sampled_from([0, 0, 24])),
    )


#: What somebody tries: what, who, and by how many minutes their clock has moved since the last event.
attempts = st.lists(
    st.tuples(
        st.sampled_from([what for what in What if what is not What.PROPOSED]),
        st.sampled_from([*PERSONS, POLICY, CLOCK]),
        st.integers(-600, 6000),
    ),
    max_size=12,
)


def proposed(terms: Terms, *, step_id: str = "step-1", at_us: int = BEGIN) -> Step:
    """A step that was just proposed."""
    return apply(None, Event(What.PROPOSED, "alice", at_us, terms=terms), step_id=step_id, account="acct-1")


def tried(step: Step, attempts: Iterable[tuple[What, str, int]]) -> list[Step]:
    """Every step on the way, the first included; attempts that are refused change nothing."""
    steps, at_us = [step], step.last_us
    for what, by, minutes in attempts:
        at_us += minutes * HOUR_US // 60
        try:
            steps.append(apply(steps[-1], Event(what, by, at_us, f"{what} by {by}")))
        except ConflictError:
            continue
    return steps

"""A step and its events: `apply` is the only way from one state to the next, and `fold` the only way to have a step.

Undo takes the last event that counts off the stack, so that the step is bit for bit what it was before. What is kept
beside the stack (how many events there were, the latest time, whether the last was an undo) is no part of that: a
clock never runs back, and never does again by itself what a person undid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final

from headwater.control.ladder.events import HOUR_US, Event, Terms
from headwater.control.ladder.states import ACTIVE, TRANSITIONS, State, What
from headwater.errors import ConflictError
from headwater.policy import Rung
from headwater.proof import canonical_json

#: Hours that a measure from quarantine up lasts where no person has confirmed it.
AUTOMATIC_HOURS: Final = 24
_NEEDS_A_PERSON: Final = (What.CONFIRMED, What.DECLINED, What.UNDONE)
_DID: Final = {What.BEGAN: "began", What.LAPSED: "let lapse", What.EXPIRED: "ended"}


@dataclass(frozen=True)
class Step:
    """One rung on one account. `counted` are the events that count, oldest first, and `states` where each led.

    `revision` counts every event, also those undone; `last_us` is the latest time of any; `held` says that the last
    one was an undo, after which time alone begins nothing.
    """

    id: str
    account: str
    counted: tuple[Event, ...]
    states: tuple[State, ...]
    revision: int
    last_us: int
    held: bool = False

    @property
    def state(self) -> State:
        """Where it is."""
        return self.states[-1]

    @property
    def terms(self) -> Terms:
        """What was proposed."""
        terms = self.counted[0].terms
        assert terms is not None
        return terms

    @property
    def rung(self) -> Rung:
        """The rung that it is about."""
        return self.terms.rung

    @property
    def proposed_us(self) -> int:
        """When it was proposed."""
        return self.counted[0].at_us

    @property
    def deciders(self) -> tuple[str, ...]:
        """The persons who confirmed it, in order."""
        return tuple(_confirmed(self.counted))

    @property
    def begins_us(self) -> int | None:
        """When it may begin, its period of notice over; None while it isn't decided."""
        return _begins_us(self.counted)

    @property
    def began_us(self) -> int | None:
        """When it came into force; None where it didn't."""
        if State.STANDING not in self.states:
            return None
        return self.counted[self.states.index(State.STANDING)].at_us

    @property
    def expires_us(self) -> int | None:
        """When it ends by itself; None where it hasn't begun."""
        began, hours = self.began_us, self.terms.expires_after_h
        if began is None:
            return None
        if not self.deciders and self.rung >= Rung.QUARANTINE:
            hours = min(hours, AUTOMATIC_HOURS)
        return began + hours * HOUR_US

    @property
    def ended(self) -> bool:
        """Whether it is over, one way or another."""
        return self.state not in ACTIVE


def fold(step_id: str, account: str, events: Iterable[Event]) -> Step:
    """The step that `events`, oldest first, make; `ConflictError` where they can't follow each other."""
    step: Step | None = None
    for event in events:
        step = apply(step, event, step_id=step_id, account=account)
    if step is None:
        raise ConflictError(f"{step_id} has no events")
    return step


def apply(step: Step | None, event: Event, *, step_id: str = "", account: str = "") -> Step:
    """The step after `event`; the first event, a proposal, needs `step_id` and `account`.

    Raises `ConflictError`, which says who did what meanwhile, where the event can't follow.
    """
    if step is None:
        if event.what is not What.PROPOSED or event.terms is None:
            raise ConflictError("a step begins with its proposal")
        return Step(step_id, account, (event,), (_next(None, (event,)),), 1, event.at_us)
    # A clock that is behind never makes an event older than what it follows.
    event = replace(event, at_us=max(event.at_us, step.last_us))
    if event.what in _NEEDS_A_PERSON and not event.by_person:
        raise ConflictError(f"{event.what.value} is a person's to say")
    if event.what is What.UNDONE:
        return _undone(step, event)
    if (step.state, event.what) not in TRANSITIONS or event.terms is not None:
        raise _too_late(step, event)
    _check(step, event)
    counted = (*step.counted, event)
    states = (*step.states, _next(step.state, counted))
    return Step(step.id, step.account, counted, states, step.revision + 1, event.at_us)


def due(step: Step, at_us: int, *, lapses_after_h: int) -> What | None:
    """What time does to `step` at `at_us`, if anything: it begins, expires, or lapses where nobody decided."""
    if step.ended:
        return None
    if step.state is State.STANDING:
        expires = step.expires_us
        return What.EXPIRED if expires is not None and at_us >= expires else None
    begins = step.begins_us
    if begins is not None and not step.held:
        return What.BEGAN if at_us >= begins else None
    waits_since = step.last_us if step.held else step.proposed_us
    return What.LAPSED if at_us >= waits_since + lapses_after_h * HOUR_US else None


def canonical(step: Step) -> bytes:
    """What a step is, as canonical JSON (RFC 8785): two steps are the same exactly where these bytes are."""
    events = [{"what": e.what.value, "by": e.by, "at_us": e.at_us, "reason": e.reason} for e in step.counted]
    terms = {**asdict(step.terms), "rung": step.rung.word}
    states = [state.value for state in step.states]
    return canonical_json(
        {"id": step.id, "account": step.account, "terms": terms, "events": events, "states": states}
    )


def _confirmed(counted: tuple[Event, ...]) -> dict[str, int]:
    """Each person who confirmed, with the first time."""
    confirmed: dict[str, int] = {}
    for event in counted:
        if event.what is What.CONFIRMED:
            confirmed.setdefault(event.by, event.at_us)
    return confirmed


def _decided_us(counted: tuple[Event, ...]) -> int | None:
    terms = counted[0].terms
    assert terms is not None
    if terms.persons == 0:
        return counted[0].at_us
    times = list(_confirmed(counted).values())
    return times[terms.persons - 1] if len(times) >= terms.persons else None


def _begins_us(counted: tuple[Event, ...]) -> int | None:
    terms, decided = counted[0].terms, _decided_us(counted)
    assert terms is not None
    return None if decided is None else decided + terms.notice_before_h * HOUR_US


def _next(before: State | None, counted: tuple[Event, ...]) -> State:
    """Where the last of `counted` leads from `before`, of the states that the table allows."""
    last, begins = counted[-1], _begins_us(counted)
    allowed = TRANSITIONS[before, last.what]
    if len(allowed) == 1:
        return allowed[0]
    if begins is None or (before is None and begins <= last.at_us):
        return State.PROPOSED
    return State.STANDING if begins <= last.at_us else State.ANNOUNCED


def _check(step: Step, event: Event) -> None:
    """Refuse an event that the table allows and that comes too early, too late or twice."""
    begins, expires = step.begins_us, step.expires_us
    if event.what is What.CONFIRMED:
        done = step.state is State.STANDING or (step.state is State.ANNOUNCED and not step.held)
        if step.deciders and done:
            raise _too_late(step, event)
        if expires is not None and event.at_us >= expires:
            raise ConflictError(f"the time of {step.id} is over", hint="propose it again")
        if begins is None and event.by in step.deciders:
            raise ConflictError(f"{event.by} has confirmed {step.id}", hint="now another person has to")
    if event.what is What.BEGAN and (begins is None or event.at_us < begins or step.held):
        raise ConflictError(f"{step.id} may not begin yet", hint="it waits for a person or its notice")
    if event.what is What.EXPIRED and (expires is None or event.at_us < expires):
        raise ConflictError(f"{step.id} has not expired yet", hint="a person may reverse it")


def _undone(step: Step, event: Event) -> Step:
    if len(step.counted) == 1:
        raise ConflictError(f"{step.id} was only proposed: there is nothing to undo", hint="decline it")
    return Step(
        step.id, step.account, step.counted[:-1], step.states[:-1], step.revision + 1, event.at_us, held=True
    )


def _too_late(step: Step, event: Event) -> ConflictError:
    """What to tell somebody whose event can't follow: who did what meanwhile."""
    last = step.counted[-1]
    return ConflictError(
        f"{step.id} is {step.state.value} and can't be {event.what.value}: "
        f"{last.by} {_DID.get(last.what, last.what.value)} it",
        hint=f"see what happened: headwater step show {step.id}",
    )

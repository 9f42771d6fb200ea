"""What the log tells of a casebook, sorted by what it is about; and what it can tell no more.

Nothing is compared here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.casework.log import Entered, Record

#: Kinds of entries that tell of an event.
_EVENTS: Final = ("proposal", "decision", "step")


@dataclass(frozen=True)
class Said:
    """One record: its place among all, its entry's id, when, about whom, and what it says."""

    place: int
    entry: str
    record: Record

    @property
    def body(self) -> Mapping[str, Any]:
        """What it says."""
        return self.record.body

    @property
    def at_us(self) -> int:
        """When that happened."""
        return self.record.at_us


@dataclass
class Testimony:
    """All that the log tells: events by step and revision, notices, statements and outcomes by step, and so on.

    `gone`: kind and time of records that were erased, how many of each; `lost`: how many were lost with an older
    store. `erased`: what time erased of each class of rows, with the place of the record that tells of it. `wrong`:
    entries whose record isn't what they commit to, and why.
    """

    events: dict[str, dict[int, Said]] = field(default_factory=lambda: defaultdict(dict))
    notices: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    statements: dict[str, Said] = field(default_factory=dict)
    appeals: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[str, Said] = field(default_factory=dict)
    verdicts: dict[str, Said] = field(default_factory=dict)
    gone: Counter[tuple[str, int]] = field(default_factory=Counter)
    lost: int = 0
    erased: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[tuple[str, str]] = field(default_factory=list)
    records: int = 0

    def excused(self, kind: str, at_us: int) -> bool:
        """Whether a record that isn't there may have been erased or lost; each excuses one row."""
        if self.gone[kind, at_us] > 0:
            self.gone[kind, at_us] -= 1
            return True
        if self.lost > 0:
            self.lost -= 1
            return True
        return False


def heard(entries: Iterable[Entered]) -> Testimony:
    """What all the entries of a log tell."""
    made = Testimony()
    for place, one in enumerate(entries):
        if one.wrong:
            made.wrong.append((one.id, one.wrong))
        if one.record is None:
            _gone(made, one)
            continue
        made.records += 1
        take = _TAKE.get(one.record.kind)
        if take is not None:
            take(made, Said(place, one.id, one.record))
    return made


def _gone(made: Testimony, one: Entered) -> None:
    if one.wrong:
        return
    if one.kind:
        made.gone[one.kind, one.at_us] += 1
    else:
        made.lost += 1


def _event(made: Testimony, said: Said) -> None:
    step, revision = str(said.body.get("step")), said.body.get("revision")
    if not isinstance(revision, int):
        return
    if revision in made.events[step]:
        made.wrong.append((step, f"the log tells of its revision {revision} more than once"))
    made.events[step][revision] = said


def _notice(made: Testimony, said: Said) -> None:
    made.notices[str(said.body.get("step"))].append(said)


def _statement(made: Testimony, said: Said) -> None:
    made.statements[str(said.body.get("step"))] = said  # a later one takes the place of the one before


def _appeal(made: Testimony, said: Said) -> None:
    made.appeals[str(said.body.get("appeal"))].append(said)


def _outcome(made: Testimony, said: Said) -> None:
    made.outcomes[str(said.body.get("step"))] = said


def _verdict(made: Testimony, said: Said) -> None:
    made.verdicts[str(said.body.get("verdict"))] = said


def _erasure(made: Testimony, said: Said) -> None:
    if "by" in said.body:  # an account's: its records went with it
        return
    for name, count in said.body.get("erased", {}).items():
        made.erased[name].append((said.place, int(count)))


_TAKE: Final[Mapping[str, Callable[[Testimony, Said], None]]] = {
    **dict.fromkeys(_EVENTS, _event),
    "notice": _notice,
    "statement": _statement,
    "appeal": _appeal,
    "outcome": _outcome,
    "verdict": _verdict,
    "erasure": _erasure,
}

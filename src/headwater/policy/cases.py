"""Tests that lie beside a pack: facts, and the decision that they should come to.

`balanced.yaml` has `balanced.tests.yaml`. Read as strictly as a pack; nothing is decided here but whether what was
expected came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.errors import HeadwaterError, UnreadableInput, Where
from headwater.policy.condition import nearest
from headwater.policy.decision import Decider, Decision
from headwater.policy.duration import hours, worded
from headwater.policy.facts import FACTS, Fact, Facts
from headwater.policy.fields import Field, Line, checked, mistaken_kind
from headwater.policy.pack import SHIPPED, Pack, read_bounded, shipped_file
from headwater.policy.place import Place
from headwater.policy.rungs import REASON_CLASSES, RUNGS
from headwater.policy.strict_yaml import strict_yaml

_FILE = {
    "about": Field(str, "what the tests are for"),
    "given": Field(dict, "facts that every test begins with"),
    "tests": Field(list, "the tests", True),
}
_TEST = {
    "name": Field(str, "what the test shows", True),
    "facts": Field(dict, "facts that differ from `given`"),
    "expect": Field(dict, "what the decision should say", True),
}
#: What a test may expect of a decision; the reference page is generated from it.
EXPECT = {
    "rung": Field(str, "the rung", True),
    "rule": Field(str, "id of the line that decides"),
    "limited": Field(bool, "whether a limit, programme or overlay capped it"),
    "persons": Field(str, "how many persons have to agree"),
    "reason_class": Field(str, "what the customer learns"),
    "clause": Field(str, "the clause that the customer is told"),
    "for": Field(str, "how long the step lasts"),
    "statement": Field(bool, "whether a statement of reasons is owed"),
    "notice_before": Field(str, "time between notice and step"),
    "notify_shaping_after": Field(str, "after which a shaping is told"),
    "appeal_within": Field(str, "time to appeal"),
    "answer_within": Field(str, "time to answer"),
    "retention": Field(str, "time after which records go"),
    "overlays": Field(list, "the overlays that hold"),
}
_DURATIONS = {"for", "notice_before", "notify_shaping_after", "appeal_within", "answer_within", "retention"}


@dataclass(frozen=True)
class Case:
    """One test: `facts`, and what is expected, by the names of `EXPECT`."""

    name: str
    facts: Facts
    expected: Mapping[str, object]
    place: Place


@dataclass(frozen=True)
class Result:
    """What came of one test: nothing in `differs` where all is as expected; `decided` names the line that decided."""

    name: str
    decided: str
    differs: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.differs


def cases_beside(pack: Path | str) -> tuple[bytes, str]:
    """The tests of a pack's file, or of a shipped pack, and their name; `UnreadableInput` where there are none."""
    if str(pack) in SHIPPED and not Path(pack).exists():
        name = f"{pack}.tests.yaml"
        return shipped_file(name), name
    beside = Path(pack).with_suffix(".tests.yaml")
    if not beside.exists():
        raise UnreadableInput(
            "has no tests beside it",
            where=Where(str(pack)),
            hint=f"write {beside.name}, or name a file of tests",
        )
    return read_bounded(beside), str(beside)


def read_cases(data: bytes, file: str) -> tuple[Case, ...]:
    """The tests written in `data`; `ConfigurationError` names test and field of the first fault."""
    line = checked(strict_yaml(data, file), _FILE, Place(file))
    if not line["tests"]:
        raise line.at("tests").fault("there are no tests", hint="write one with name, facts, expect")
    given = _texts(line.get("given", {}), line.at("given"))
    # A test's place is its number: names of tests are sentences.
    found = [checked(raw, _TEST, line.at("tests") / str(n)) for n, raw in enumerate(line["tests"], 1)]
    return tuple(_case(each, given) for each in found)


def _case(line: Line, given: Mapping[str, Any]) -> Case:
    said = {**given, **_texts(line.get("facts", {}), line.at("facts"))}
    expect = checked(line["expect"], EXPECT, line.at("expect"))
    for name, known in (("rung", RUNGS), ("reason_class", REASON_CLASSES)):
        if name in expect.fields and expect[name] not in known:
            raise expect.at(name).fault(
                f"there is no such {name.replace('_', ' ')}", hint=nearest(expect[name], known)
            )
    expected = dict(expect.fields)
    for name in _DURATIONS & expected.keys():
        expected[name] = worded(hours(expect[name], expect.at(name), least=0))
    try:
        facts = Facts(**said)
    except TypeError:
        needed = ("word", "probability", "chance", "kind", "accounts", "exchanges", "groups")
        missing = next(name for name in needed if name not in said)
        raise (line.at("facts") / missing).fault(
            "this fact is missing", hint="write it here, or for every test under given"
        ) from None
    return Case(line["name"], facts, expected, line.place)


def _texts(raw: Mapping[object, object], place: Place) -> dict[str, Any]:
    """Facts as they are written in YAML, where numbers are texts, by their types."""
    found: dict[str, Any] = {}
    for key, value in raw.items():
        name = str(key)
        if name not in FACTS:
            raise (place / name).fault(f"there is no fact called {name}", hint=nearest(name, FACTS))
        found[name] = _value(FACTS[name], value, place / name)
    return found


def _value(fact: Fact, value: object, place: Place) -> object:
    if isinstance(value, bool) != (fact.type == "true or false") or not isinstance(value, (bool, str)):
        raise mistaken_kind(bool if fact.type == "true or false" else str, value, place)
    if fact.type not in ("number", "whole number") or isinstance(value, bool):
        return value
    try:
        return int(value) if fact.type == "whole number" else float(value)
    except ValueError:
        raise place.fault(f"this is no {fact.type}", hint="write it in digits: 400000, 0.95") from None


def run_cases(pack: Pack, cases: tuple[Case, ...]) -> tuple[Result, ...]:
    """Each test under `pack`, in order."""
    decider = Decider(pack)
    return tuple(_run(decider, case) for case in cases)


def _run(decider: Decider, case: Case) -> Result:
    try:
        decision = decider.decide(case.facts)
    except HeadwaterError as error:
        return Result(case.name, "", (str(error),))
    found = _said(decision)
    differs = [
        f"{name} is {_shown(found[name])}, not {_shown(wanted)}"
        for name, wanted in case.expected.items()
        if found[name] != wanted
    ]
    return Result(case.name, decision.rule, tuple(differs))


def _said(decision: Decision) -> dict[str, object]:
    """A decision by the names of `EXPECT`, as a test writes it."""
    duties = decision.duties
    return {
        "rung": decision.rung.word,
        "rule": decision.rule,
        "limited": decision.limited,
        "persons": str(decision.persons),
        "reason_class": decision.reason_class,
        "clause": decision.clause,
        "for": worded(decision.expires_after_h),
        "statement": duties.statement,
        "notice_before": worded(duties.notice_before_h),
        "notify_shaping_after": worded(duties.notify_shaping_after_h),
        "appeal_within": worded(24 * duties.appeal_within_days),
        "answer_within": worded(24 * duties.answer_within_days),
        "retention": worded(24 * duties.retention_days),
        "overlays": list(duties.overlays),
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value) or "nothing"


def untested(pack: Pack, results: tuple[Result, ...]) -> tuple[str, ...]:
    """Rules, limits and programmes that cap, which decide no test."""
    decided = {result.decided for result in results}
    caps = [each.name for each in pack.programmes if each.at_most is not None]
    caps += [each.id for each in pack.overlays if each.at_most is not None]
    every = [*(each.id for each in pack.rules), *(each.id for each in pack.limits), *caps]
    return tuple(name for name in every if name not in decided)

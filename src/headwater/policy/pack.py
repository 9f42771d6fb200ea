"""A policy pack: a YAML file of rules, limits, overlays and programmes, read, checked and compiled once.

A pack with any fault does not load: the error names file, line and field. What a condition may say is `condition`'s
business, and which rule wins `order`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from headwater.errors import unreadable
from headwater.policy.bounds import check_bounds
from headwater.policy.condition import Condition, Scope, condition, nearest
from headwater.policy.duration import days, hours
from headwater.policy.duties import Asked, Duties
from headwater.policy.facts import Facts
from headwater.policy.fields import (
    DEFAULTS,
    LIMIT,
    OVERLAY,
    PACK,
    PROGRAMME,
    RULE,
    Line,
    checked,
    checked_each,
    mistaken_kind,
)
from headwater.policy.place import Place
from headwater.policy.rungs import (
    LASTS_H,
    PERSON_FROM,
    REASON_CLASS,
    REASON_CLASSES,
    RUNGS,
    WITHOUT_A_PERSON,
    Rung,
)
from headwater.policy.strict_yaml import MOST_BYTES, strict_yaml

#: Packs that come with Headwater, by the name that stands for a file.
SHIPPED = ("default", "observe-only", "balanced", "strict", "research-access")
#: The class of a suspension or ban that no person decides.
_AUTOMATIC = "linked-accounts"
_PARTS = {"rules": RULE, "limits": LIMIT, "overlays": OVERLAY, "programmes": PROGRAMME}


@dataclass(frozen=True)
class Rule:
    """One line that raises: `rung` where `condition` holds, for `reason`, for `lasts_h` hours.

    `said` are the optional fields that the file has, so that what it leaves open can be told from what it says.
    """

    id: str
    rung: Rung
    condition: Condition
    reason: str
    person_required: bool
    lasts_h: int = 0
    reason_class: str = ""
    clause: str = ""
    said: frozenset[str] = frozenset()

    def holds(self, facts: Facts) -> bool:
        """Whether the condition holds for `facts`; `ConfigurationError` where it has no answer."""
        return self.condition.holds(facts)


@dataclass(frozen=True)
class Limit:
    """One line that caps at `rung` where `condition` holds; None where it leaves the rest to rule and rung."""

    id: str
    rung: Rung
    condition: Condition
    reason: str
    lasts_h: int | None = None
    reason_class: str | None = None
    clause: str | None = None

    def holds(self, facts: Facts) -> bool:
        """Whether the condition holds for `facts`; `ConfigurationError` where it has no answer."""
        return self.condition.holds(facts)


@dataclass(frozen=True)
class Overlay:
    """What a jurisdiction or a kind of customer asks for where `condition` holds. Rules can't loosen it."""

    id: str
    condition: Condition
    asked: Asked
    at_most: Rung | None = None
    person_from: Rung | None = None
    about: str = ""


@dataclass(frozen=True)
class Programme:
    """Access for a purpose on a list, such as evaluation or research: it caps at `at_most`, where that is said."""

    name: str
    purpose: str
    budgets: str = ""
    at_most: Rung | None = None


@dataclass(frozen=True)
class Pack:
    """A pack that loaded; `sha256` is that of the file's bytes, `duties` and `lasts_h` what counts by default."""

    name: str
    sha256: str
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...]
    overlays: tuple[Overlay, ...] = ()
    programmes: tuple[Programme, ...] = ()
    without_a_person: frozenset[Rung] = frozenset()
    duties: Duties = field(default_factory=Duties)
    lasts_h: Mapping[Rung, int] = field(default_factory=lambda: LASTS_H)
    clause: str = ""
    about: str = ""
    file: str = ""

    def conditions(self) -> Iterator[Condition]:
        """Every condition: of the rules, then the limits, then the overlays."""
        yield from (rule.condition for rule in self.rules)
        yield from (limit.condition for limit in self.limits)
        yield from (overlay.condition for overlay in self.overlays)


@cache
def default_pack() -> Pack:
    """The pack that proposes where no other is named."""
    return shipped("default")


def shipped(name: str) -> Pack:
    """The pack of this name that comes with Headwater (`SHIPPED`)."""
    return parse_pack(shipped_file(f"{name}.yaml"), f"{name}.yaml")


def shipped_file(name: str) -> bytes:
    """The bytes of a file beside the packs that come with Headwater."""
    return files("headwater.policy").joinpath(f"packs/{name}").read_bytes()


def load_pack(path: Path | str) -> Pack:
    """The pack in the file at `path`, or the shipped one of that name where there is no such file.

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` with rule and field of the first fault.
    """
    if str(path) in SHIPPED and not Path(path).exists():
        return shipped(str(path))
    return parse_pack(read_bounded(Path(path)), str(path))


def read_bounded(path: Path) -> bytes:
    """The bytes of a pack's file, one more than is allowed at most; `UnreadableInput` where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None


def parse_pack(data: bytes, file: str) -> Pack:
    """The pack written in `data`; `file` is its name in errors."""
    place = Place(file)
    line = checked(strict_yaml(data, file), PACK, place)
    if not line["rules"]:
        raise line.at("rules").fault(
            "a pack needs at least one rule", hint="write one with id, rung, when, reason"
        )
    parts = {name: checked_each(line.get(name, []), shape, line.at(name)) for name, shape in _PARTS.items()}
    lines = [each for name in ("rules", "limits", "overlays") for each in parts[name]]
    check_bounds((each["when"] for each in lines), place)
    _check_ids(each for lines in parts.values() for each in lines)
    programmes = tuple(_programme(each) for each in parts["programmes"])
    names = tuple(each.name for each in programmes)
    raises, protects = Scope(names), Scope(names, protects=True)
    without = _without_a_person(line.get("without_a_person", []), line.at("without_a_person"))
    defaults = checked(line.get("defaults", {}), DEFAULTS, line.at("defaults"))
    lasts = _lasts(defaults)
    clause = defaults.get("clause", "")
    return Pack(
        line["name"],
        hashlib.sha256(data).hexdigest(),
        tuple(_rule(each, raises, without, lasts, clause) for each in parts["rules"]),
        tuple(_limit(each, protects) for each in parts["limits"]),
        tuple(_overlay(each, protects) for each in parts["overlays"]),
        programmes,
        without,
        _duties(_asked(defaults)),
        lasts,
        clause,
        line.get("about", ""),
        file,
    )


def _check_ids(lines: Iterable[Line]) -> None:
    seen: set[str] = set()
    for line in lines:
        key = next(name for name in ("id", "name") if name in line.fields)
        if line[key] in seen:
            raise line.at(key).fault(
                "two rules share one id",
                hint="reports name the rule that decided: give each an id of its own",
            )
        seen.add(line[key])


def _rule(line: Line, scope: Scope, without: frozenset[Rung], lasts: Mapping[Rung, int], clause: str) -> Rule:
    rung = _rung(line["rung"], line.at("rung"))
    person = line.get("person_required", True)
    if rung >= PERSON_FROM and not person and rung not in without:
        never = rung not in WITHOUT_A_PERSON
        raise line.at("person_required").fault(
            f"{rung.word} is never proposed without a person",
            hint="leave it true: a person always refers"
            if never
            else f"leave it true, or list {rung.word} under without_a_person of the pack",
        )
    named = _class(line)
    if named == "person-decided" and not person:
        raise line.at("reason_class").fault(
            "the customer would be told that a person decided, and none is asked",
            hint="leave person_required true, or name another class",
        )
    usual = REASON_CLASS[rung] if person or REASON_CLASS[rung] != "person-decided" else _AUTOMATIC
    return Rule(
        line["id"],
        rung,
        condition(line["when"], line.at("when"), scope),
        line["reason"],
        person,
        hours(line["for"], line.at("for")) if "for" in line.fields else lasts[rung],
        named or usual,
        line.get("clause", clause),
        frozenset(line.fields) & {"for", "reason_class", "clause", "person_required"},
    )


def _limit(line: Line, scope: Scope) -> Limit:
    return Limit(
        line["id"],
        _rung(line["at_most"], line.at("at_most")),
        condition(line["when"], line.at("when"), scope),
        line["reason"],
        hours(line["for"], line.at("for")) if "for" in line.fields else None,
        _class(line),
        line.get("clause"),
    )


def _overlay(line: Line, scope: Scope) -> Overlay:
    asks = frozenset(line.fields) - {"id", "when", "about"}
    if not asks:
        raise line.place.fault(
            "this overlay asks for nothing",
            hint=f"one of: {', '.join(n for n in OVERLAY if n not in ('id', 'when', 'about'))}",
        )
    at_most, person_from = (
        _rung(line[name], line.at(name)) if name in line.fields else None
        for name in ("at_most", "person_from")
    )
    if line.get("statement") is False:
        raise line.at("statement").fault(
            "an overlay takes nothing away", hint="write statement: false under defaults, or nothing here"
        )
    when = condition(line["when"], line.at("when"), scope)
    return Overlay(line["id"], when, _asked(line), at_most, person_from, line.get("about", ""))


def _programme(line: Line) -> Programme:
    at_most = _rung(line["at_most"], line.at("at_most")) if "at_most" in line.fields else None
    return Programme(line["name"], line["purpose"], line.get("budgets", ""), at_most)


def _without_a_person(words: list[object], place: Place) -> frozenset[Rung]:
    found = set()
    for word in words:
        if not isinstance(word, str):
            raise mistaken_kind(str, word, place)
        rung = _rung(word, place)
        if rung not in WITHOUT_A_PERSON:
            allowed = ", ".join(each.word for each in WITHOUT_A_PERSON)
            raise place.fault(
                f"{rung.word} has no place here",
                hint=f"here: {allowed}; below them a rule says person_required: false, and a person always refers",
            )
        found.add(rung)
    return frozenset(found)


def _lasts(defaults: Line) -> Mapping[Rung, int]:
    place = defaults.at("for")
    lasts = dict(LASTS_H)
    for word, text in defaults.get("for", {}).items():
        rung = _rung(str(word), place)
        if rung is Rung.OBSERVE:
            raise (place / rung.word).fault("watching begins nothing that could end", hint="remove this line")
        if not isinstance(text, str):
            raise mistaken_kind(str, text, place / rung.word)
        lasts[rung] = hours(text, place / rung.word)
    return lasts


def _asked(line: Line) -> Asked:
    """The duties that a line asks for."""

    def said(name: str, *, in_days: bool) -> int | None:
        if name not in line.fields:
            return None
        return days(line[name], line.at(name)) if in_days else hours(line[name], line.at(name), least=0)

    return Asked(
        line.get("statement"),
        said("notice_before", in_days=False),
        said("notify_shaping_after", in_days=False),
        said("appeal_within", in_days=True),
        said("answer_within", in_days=True),
        said("retention", in_days=True),
    )


def _duties(asked: Asked) -> Duties:
    said = {name: value for name, value in vars(asked).items() if value is not None}
    return replace(Duties(), **said)


def _class(line: Line) -> str | None:
    named: str | None = line.get("reason_class")
    if named is not None and named not in REASON_CLASSES:
        raise line.at("reason_class").fault(
            "there is no such reason class", hint=nearest(named, REASON_CLASSES)
        )
    return named


def _rung(word: str, place: Place) -> Rung:
    if word not in RUNGS:
        raise place.fault("there is no such rung", hint=nearest(word, RUNGS))
    return RUNGS[word]

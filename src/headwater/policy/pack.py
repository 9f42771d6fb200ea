"""A policy pack: a YAML file of rules, read, checked and compiled once.

A pack with any fault does not load: the error names file, rule and field. Conditions are CEL over the names
of `Facts`; each is compiled, and run over a few invented facts to see that it answers true or false.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigurationError, UnreadableInput, Where
from headwater.policy.facts import Facts
from headwater.policy.rungs import PERSON_FROM, RUNGS, Rung
from headwater.policy.strict_yaml import strict_yaml

if TYPE_CHECKING:
    from cel import Program

_NAMES = frozenset(fact.name for fact in fields(Facts))
_RULE = {"id": str, "rung": str, "when": str, "reason": str, "person_required": bool}
_LIMIT = {"id": str, "at_most": str, "when": str, "reason": str}
_PACK = {"name": str, "about": str, "rules": list, "limits": list}
_OPTIONAL = {"person_required", "limits", "about"}

#: Invented facts that every condition must be able to answer for.
_TRIALS = (
    Facts("likely", 0.999, 1e-4, "extraction ring", 1200, 400_000, 4),
    Facts("unlikely", 0.0, 30.0, "undetermined", 2, 0, 0, "evaluator"),
    Facts("inconclusive", 1.0, 0.0, "legitimate fleet", 0, 1, 1, "partner"),
)


@dataclass(frozen=True)
class Rule:
    """One line of a pack: `rung` where `condition` holds, for `reason`."""

    id: str
    rung: Rung
    condition: str
    reason: str
    person_required: bool
    program: Program

    def holds(self, facts: Facts) -> bool:
        """Whether the condition holds for `facts`."""
        return self.program.execute(asdict(facts)) is True


@dataclass(frozen=True)
class Pack:
    """A pack that loaded: `rules` raise, `limits` cap; `sha256` is that of the file's bytes."""

    name: str
    sha256: str
    rules: tuple[Rule, ...]
    limits: tuple[Rule, ...]


@dataclass(frozen=True)
class _Place:
    """Where in which pack a fault is."""

    file: str
    at: str = ""

    def __truediv__(self, part: str) -> _Place:
        return _Place(self.file, f"{self.at}.{part}" if self.at else part)

    def fault(self, what: str, hint: str | None = None) -> ConfigurationError:
        return ConfigurationError(what, where=Where(file=self.file, field=self.at or None), hint=hint)


@cache
def default_pack() -> Pack:
    """The pack that comes with Headwater."""
    resource = files("headwater.policy").joinpath("packs/default.yaml")
    return parse_pack(resource.read_bytes(), "default.yaml")


def load_pack(path: Path) -> Pack:
    """The pack in the file at `path`; `ConfigurationError` names rule and field of the first fault."""
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"the policy pack cannot be read ({error.strerror})"
        raise UnreadableInput(what, where=Where(file=str(path))) from None
    return parse_pack(data, str(path))


def parse_pack(data: bytes, file: str) -> Pack:
    """The pack written in `data`; `file` is its name in errors."""
    place = _Place(file)
    raw = _checked(strict_yaml(data, file), _PACK, place)
    if not raw["rules"]:
        raise (place / "rules").fault("a pack needs at least one rule")
    rules = tuple(_rule(item, place / "rules", n) for n, item in enumerate(raw["rules"]))
    limits = tuple(_limit(item, place / "limits", n) for n, item in enumerate(raw.get("limits", [])))
    seen: set[str] = set()
    for rule in (*rules, *limits):
        if rule.id in seen:
            raise (place / "rules" / rule.id / "id").fault("two rules share one id")
        seen.add(rule.id)
    return Pack(raw["name"], hashlib.sha256(data).hexdigest(), rules, limits)


def _checked(raw: object, shape: Mapping[str, type], place: _Place) -> dict[str, Any]:
    """`raw` as a mapping with the keys of `shape`, each of its type."""
    if not isinstance(raw, dict):
        raise place.fault(f"a mapping is expected here, not {type(raw).__name__}")
    for key in raw:
        if key not in shape:
            raise (place / str(key)).fault("there is no such field", _nearest(str(key), shape))
    for key, kind in shape.items():
        if key not in raw and key not in _OPTIONAL:
            raise (place / key).fault("this field is missing")
        if key in raw and not isinstance(raw[key], kind):
            found = type(raw[key]).__name__
            raise (place / key).fault(f"{kind.__name__} is expected here, not {found}")
    return raw


def _nearest(name: str, names: Iterable[object]) -> str:
    known = sorted(str(each) for each in names)
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _named(raw: object, shape: Mapping[str, type], place: _Place, n: int) -> tuple[dict[str, Any], _Place]:
    """The checked mapping of rule `n`, and its place, by id where it has one."""
    named = raw.get("id") if isinstance(raw, dict) else None
    inside = place / (named if isinstance(named, str) and named else str(n + 1))
    return _checked(raw, shape, inside), inside


def _rule(raw: object, place: _Place, n: int) -> Rule:
    fields_, inside = _named(raw, _RULE, place, n)
    rung = _rung(fields_["rung"], inside / "rung")
    person = fields_.get("person_required", True)
    if rung >= PERSON_FROM and not person:
        raise (inside / "person_required").fault(
            f"{rung.word} is never proposed without a person", f"from {PERSON_FROM.word} on, leave it true"
        )
    program = _program(fields_["when"], inside / "when")
    return Rule(fields_["id"], rung, fields_["when"], fields_["reason"], person, program)


def _limit(raw: object, place: _Place, n: int) -> Rule:
    fields_, inside = _named(raw, _LIMIT, place, n)
    rung = _rung(fields_["at_most"], inside / "at_most")
    program = _program(fields_["when"], inside / "when")
    return Rule(fields_["id"], rung, fields_["when"], fields_["reason"], False, program)


def _rung(word: str, place: _Place) -> Rung:
    if word not in RUNGS:
        raise place.fault("there is no such rung", _nearest(word, RUNGS))
    return RUNGS[word]


def _program(condition: str, place: _Place) -> Program:
    import cel

    try:
        program = cel.compile(condition)
    except ValueError as error:
        reason = str(error).splitlines()[0].split("ERROR: ")[-1]
        raise place.fault(f"the condition cannot be parsed: {reason}") from None
    for name in program.variables():
        if name not in _NAMES:
            raise place.fault(f"there is no fact called {name}", _nearest(name, _NAMES))
    for trial in _TRIALS:
        try:
            answer = program.execute(asdict(trial))
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            what = f"the condition cannot be evaluated ({type(error).__name__})"
            raise place.fault(what, "CEL does not mix types: write size(word) > 3, not word > 3") from None
        if not isinstance(answer, bool):
            what = f"the condition answers with {type(answer).__name__}, not with true or false"
            raise place.fault(what)
    return program

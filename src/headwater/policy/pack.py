"""A policy pack: a YAML file of rules, read, checked and compiled once.

A pack with any fault does not load: the error names file, rule and field. What a condition may say is `condition`'s
business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from headwater.errors import ConfigurationError, unreadable
from headwater.policy.condition import Condition, condition, nearest
from headwater.policy.facts import Facts
from headwater.policy.place import Place
from headwater.policy.rungs import PERSON_FROM, RUNGS, Rung
from headwater.policy.strict_yaml import MOST_BYTES, strict_yaml

_RULE = {"id": str, "rung": str, "when": str, "reason": str, "person_required": bool}
_LIMIT = {"id": str, "at_most": str, "when": str, "reason": str}
_PACK = {"name": str, "about": str, "rules": list, "limits": list}
_OPTIONAL = {"person_required", "limits", "about"}
#: How each kind is called, and written.
_KINDS: dict[type, tuple[str, str]] = {
    str: ("a text", 'put it in quotes: "true"'),
    bool: ("true or false", "write true or false, without quotes"),
    list: ("a list", "begin each item with a dash"),
    dict: ("a mapping", "write it as field: value"),
    type(None): ("nothing", ""),
}


@dataclass(frozen=True)
class Rule:
    """One line of a pack: `rung` where `condition` holds, for `reason`."""

    id: str
    rung: Rung
    condition: Condition
    reason: str
    person_required: bool

    def holds(self, facts: Facts) -> bool:
        """Whether the condition holds for `facts`; `ConfigurationError` where it has no answer."""
        return self.condition.holds(facts)


@dataclass(frozen=True)
class Pack:
    """A pack that loaded: `rules` raise, `limits` cap; `sha256` is that of the file's bytes."""

    name: str
    sha256: str
    rules: tuple[Rule, ...]
    limits: tuple[Rule, ...]


@cache
def default_pack() -> Pack:
    """The pack that comes with Headwater."""
    resource = files("headwater.policy").joinpath("packs/default.yaml")
    return parse_pack(resource.read_bytes(), "default.yaml")


def load_pack(path: Path | str) -> Pack:
    """The pack in the file at `path`.

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` with rule and field of the first fault.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(Path(path), error) from None
    return parse_pack(data, str(path))


def parse_pack(data: bytes, file: str) -> Pack:
    """The pack written in `data`; `file` is its name in errors."""
    place = Place(file)
    raw = _checked(strict_yaml(data, file), _PACK, place)
    if not raw["rules"]:
        raise (place / "rules").fault(
            "a pack needs at least one rule", hint="write one with id, rung, when, reason"
        )
    rules = tuple(_rule(item, place / "rules", n) for n, item in enumerate(raw["rules"]))
    limits = tuple(_limit(item, place / "limits", n) for n, item in enumerate(raw.get("limits", [])))
    seen: set[str] = set()
    for part, each in (("rules", rules), ("limits", limits)):
        for rule in each:
            if rule.id in seen:
                raise (place / part / rule.id / "id").fault(
                    "two rules share one id",
                    hint="reports name the rule that decided: give each an id of its own",
                )
            seen.add(rule.id)
    return Pack(raw["name"], hashlib.sha256(data).hexdigest(), rules, limits)


def _checked(raw: object, shape: Mapping[str, type], place: Place) -> dict[str, Any]:
    """`raw` as a mapping with the keys of `shape`, each of its type."""
    if not isinstance(raw, dict):
        raise _mistaken(dict, raw, place)
    for key in raw:
        if key not in shape:
            raise (place / str(key)).fault("there is no such field", hint=nearest(str(key), shape))
    for key, kind in shape.items():
        if key not in raw and key not in _OPTIONAL:
            needed = ", ".join(name for name in shape if name not in _OPTIONAL)
            raise (place / key).fault("this field is missing", hint=f"needed here: {needed}")
        if key in raw and not isinstance(raw[key], kind):
            raise _mistaken(kind, raw[key], place / key)
        if key in raw and kind is str and not raw[key].strip():
            raise (place / key).fault("this field is empty", hint="fill it in")
    return raw


def _mistaken(kind: type, found: object, place: Place) -> ConfigurationError:
    expected, written = _KINDS[kind]
    return place.fault(f"{expected} is expected here, not {_KINDS[type(found)][0]}", hint=written)


def _named(raw: object, shape: Mapping[str, type], place: Place, n: int) -> tuple[dict[str, Any], Place]:
    """The checked mapping of rule `n`, and its place, by id where it has one."""
    named = raw.get("id") if isinstance(raw, dict) else None
    inside = place / (named if isinstance(named, str) and named else str(n + 1))
    return _checked(raw, shape, inside), inside


def _rule(raw: object, place: Place, n: int) -> Rule:
    fields_, inside = _named(raw, _RULE, place, n)
    rung = _rung(fields_["rung"], inside / "rung")
    person = fields_.get("person_required", True)
    if rung >= PERSON_FROM and not person:
        raise (inside / "person_required").fault(
            f"{rung.word} is never proposed without a person",
            hint=f"from {PERSON_FROM.word} on, leave it true",
        )
    when = condition(fields_["when"], inside / "when")
    return Rule(fields_["id"], rung, when, fields_["reason"], person)


def _limit(raw: object, place: Place, n: int) -> Rule:
    fields_, inside = _named(raw, _LIMIT, place, n)
    rung = _rung(fields_["at_most"], inside / "at_most")
    when = condition(fields_["when"], inside / "when")
    return Rule(fields_["id"], rung, when, fields_["reason"], False)


def _rung(word: str, place: Place) -> Rung:
    if word not in RUNGS:
        raise place.fault("there is no such rung", hint=nearest(word, RUNGS))
    return RUNGS[word]

"""The fields of a pack and of each kind of line in it: name, type, whether it must be there, and what it says.

Readers check against these tables, and the reference page is generated from them. What a value means is decided by who
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from headwater.errors import ConfigurationError
from headwater.policy.condition import nearest
from headwater.policy.place import Place


class Field(NamedTuple):
    """One field: its type, what it says, and whether it must be there."""

    type: type
    says: str
    needed: bool = False


Shape = Mapping[str, Field]
_ID = Field(str, "name of the line, unique in the pack; reports and decisions carry it", True)
_WHEN = Field(str, "condition (CEL) under which it counts", True)
_LASTS = Field(str, "how long the step lasts: `24h`, `30d`; then it ends, or is decided again")
_CLASS = Field(str, "what the customer learns of why: a reason class")
_CLAUSE = Field(str, "the clause of the contract that the customer is told")

DUTIES: Shape = {
    "statement": Field(bool, "a statement of reasons goes with the step"),
    "notice_before": Field(str, "time between the notice and the step"),
    "notify_shaping_after": Field(str, "a shaping that lasts longer is told to the customer"),
    "appeal_within": Field(str, "time in which an appeal may be filed, in days"),
    "answer_within": Field(str, "time in which an appeal is answered, in days"),
    "retention": Field(
        str, "time after which records are erased, in days; never before an appeal could be answered"
    ),
}
RULE: Shape = {
    "id": _ID,
    "rung": Field(str, "the rung that it raises to", True),
    "when": _WHEN,
    "reason": Field(str, "why, for the operator; the customer is not told this", True),
    "person_required": Field(bool, "whether a person has to agree first; true unless said otherwise"),
    "for": _LASTS,
    "reason_class": _CLASS,
    "clause": _CLAUSE,
}
LIMIT: Shape = {
    "id": _ID,
    "at_most": Field(str, "the rung that it caps at", True),
    "when": _WHEN,
    "reason": Field(str, "why, for the operator", True),
    "for": _LASTS,
    "reason_class": _CLASS,
    "clause": _CLAUSE,
}
OVERLAY: Shape = {
    "id": _ID,
    "when": _WHEN,
    "about": Field(str, "where it comes from"),
    "at_most": Field(str, "the rung that it caps at"),
    "person_from": Field(str, "from this rung on a person decides"),
    **DUTIES,
}
PROGRAMME: Shape = {
    "name": Field(str, "what the fact `purpose` says of the accounts that it covers", True),
    "purpose": Field(str, "what access is given for", True),
    "budgets": Field(str, "what the accounts may use, for those who set budgets"),
    "at_most": Field(str, "the rung that it caps at"),
}
DEFAULTS: Shape = {
    **DUTIES,
    "clause": Field(str, "the clause of rules that name none"),
    "for": Field(dict, "how long steps last, by rung, where rules don't say"),
}
PACK: Shape = {
    "name": Field(str, "name of the pack; decisions carry it", True),
    "about": Field(str, "what it is for"),
    "rules": Field(list, "what raises: the highest rung whose condition holds, the first among equals", True),
    "limits": Field(list, "what caps, after the rules"),
    "overlays": Field(
        list, "what jurisdictions and kinds of customers ask for: the more protective of each counts"
    ),
    "programmes": Field(list, "access for evaluation and research: allow-listed purposes"),
    "without_a_person": Field(list, "rungs that may be automatic: suspend, ban; refer never"),
    "defaults": Field(dict, "what counts where a rule says nothing"),
}

#: How each kind is called, and written.
_KINDS: dict[type, tuple[str, str]] = {
    str: ("a text", 'put it in quotes: "true"'),
    bool: ("true or false", "write true or false, without quotes"),
    list: ("a list", "begin each item with a dash"),
    dict: ("a mapping", "write it as field: value"),
    type(None): ("nothing", ""),
}


@dataclass(frozen=True)
class Line:
    """One checked mapping of a pack, and its place."""

    fields: dict[str, Any]
    place: Place

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The field, or `default`."""
        return self.fields.get(name, default)

    def at(self, name: str) -> Place:
        """The place of the field."""
        return self.place / name


def checked(raw: object, shape: Shape, place: Place) -> Line:
    """`raw` as a mapping with the fields of `shape`, each of its type."""
    if not isinstance(raw, dict):
        raise mistaken_kind(dict, raw, place)
    for key in raw:
        if key not in shape:
            raise (place / str(key)).fault("there is no such field", hint=nearest(str(key), shape))
    for key, field in shape.items():
        if key not in raw and field.needed:
            needed = ", ".join(name for name in shape if shape[name].needed)
            raise (place / key).fault("this field is missing", hint=f"needed here: {needed}")
        if key in raw and not isinstance(raw[key], field.type):
            raise mistaken_kind(field.type, raw[key], place / key)
        if key in raw and field.type is str and not raw[key].strip():
            raise (place / key).fault("this field is empty", hint="fill it in")
    return Line(raw, place)


def checked_each(raw: list[object], shape: Shape, place: Place) -> list[Line]:
    """The mappings of a list, each placed by its name where it has one, else by its number from 1."""
    name = next(iter(shape))
    lines = []
    for number, item in enumerate(raw, 1):
        named = item.get(name) if isinstance(item, dict) else None
        inside = place / (named if isinstance(named, str) and named else str(number))
        lines.append(checked(item, shape, inside))
    return lines


def mistaken_kind(kind: type, found: object, place: Place) -> ConfigurationError:
    """The error for a value of another type than `kind`."""
    expected, written = _KINDS[kind]
    return place.fault(f"{expected} is expected here, not {_KINDS[type(found)][0]}", hint=written)

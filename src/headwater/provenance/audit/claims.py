"""Stage 0: what a row, and the corpus as a whole, claim of who wrote it, when, and under which licence.

Claims are taken at their word and told as claims. The column's value, its label (GB 45438-2025 `AIGC`) and the card
of the corpus become an `Origin`, on which the terms registry can be asked; what a row says wins over the card.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from headwater.exchange import DecodingError, TimeFormatError, decode, instant
from headwater.provenance.audit.columns import LONGEST_CLAIM, Claimed, Role, without_places
from headwater.provenance.audit.record import Card
from headwater.provenance.audit.rights import Rights, of_column
from headwater.provenance.terms import Origin, Registry, Signal, is_human

_HUMAN: Final = frozenset(
    """
    human humans people person crowd crowdsourced crowdworker crowdworkers annotator annotators expert experts
    expert-generated human-generated human_written human-written hand-written handwritten volunteer volunteers manual
    """.split()  # noqa: SIM905
)
_MACHINE: Final = frozenset(
    "machine model llm ai synthetic generated machine-generated ai-generated llm-generated".split()  # noqa: SIM905
)
#: Words for "nobody knows".
_NOTHING: Final = frozenset(("", "-", "?", "n/a", "na", "nan", "none", "null", "undefined", "unknown"))
_TRUE: Final = frozenset(("true", "yes", "1", "y", "t"))
_FALSE: Final = frozenset(("false", "no", "0", "n", "f"))
#: `Label` of GB 45438-2025: 1 generated, 2 possibly, 3 suspected.
_LABELLED: Final = ("1", 1)
#: Roles whose values differ from row to row and tell nothing by themselves.
_ALONE: Final = frozenset(("id", "url"))
_EPOCH: Final = date(1970, 1, 1).toordinal()
#: Origins that are remembered with their key.
_MOST: Final = 100_000


@dataclass(frozen=True)
class Told:
    """What a row claims: one origin for each writer that it names (one without a writer where it names none).

    `basis`: for each origin, the columns and cards that say so.
    """

    keys: tuple[str, ...]
    origins: tuple[Origin, ...]
    basis: tuple[tuple[str, ...], ...]
    at: date | None
    #: columns for days in which something stands that is no day
    undated: tuple[str, ...] = ()


class Claims:
    """Makes origins of claims. `card` and `constants` (by role) hold for rows that say nothing themselves.

    `rights` says what the sites of rows with a URL say.
    """

    def __init__(
        self, registry: Registry, card: Card, constants: Mapping[Role, str], rights: Rights | None = None
    ) -> None:
        self._rights = rights
        self._registry = registry
        self._card = card
        self._constants = [Claimed(role, "--set", value) for role, value in constants.items()]
        days = {day for document in registry.documents() for day in registry.starts(document)}
        self._changes = sorted(days)
        self._providers = frozenset(registry.providers())
        self._known: dict[object, Told] = {}

    def of(self, claimed: Sequence[Claimed]) -> Told:
        """What a row's claims come to; the same claims give the same keys."""
        key = tuple([(role, path, _plain(value)) for role, path, value in claimed if role not in _ALONE])
        if self._rights is not None and any(role == "url" for role, _, _ in claimed):
            return self._read([*claimed, *self._constants])
        told = self._known.get(key)
        if told is None:
            told = self._read([*claimed, *self._constants])
            if len(self._known) < _MOST:
                self._known[key] = told
        return told

    def _read(self, claimed: Sequence[Claimed]) -> Told:
        models: list[str] = []
        licences: list[str] = []
        signals: list[Signal] = []
        basis: list[tuple[str, bool | None]] = []  # with whom it speaks of: people, models, or either
        plain: dict[str, str] = {}
        writers: set[bool] = set()
        asked = (
            False  # a column is there for the writer, filled or not: the card then says nothing of the row
        )
        at: date | None = None
        undated: list[str] = []
        for claim in claimed:
            said = True
            named: set[bool] = set()
            if claim.role == "generator":
                said = bool(_names(claim.value))
                asked = True
                found = [name for name in self._models(claim.value) if not _people(name)]
                models += found
                writers |= (here := _writers(claim.value))
                named = here | ({False} if found else set())
            elif claim.role == "source":
                found = [name for name in _names(claim.value) if self._registry.identify(name) is not None]
                models += found
                writers |= (here := _writers(claim.value))
                named = here | ({False} if found else set())
                said = bool(named)
            elif claim.role == "licence":
                licences += _names(claim.value)
            elif claim.role in ("synthetic", "human"):
                truth = _truth(claim.value)
                named = set() if truth is None else {truth == (claim.role == "human")}
                writers |= named
            elif claim.role == "label":
                label = _label(claim.value)
                writers |= {False} if label.get("Label") in _LABELLED else set()
                plain.setdefault("provider", _readable(label.get("ContentProducer") or ""))
            elif claim.role == "date":
                day = day_of(claim.value)
                said = day is not None
                at = day or at
                undated += [without_places(claim.path)] if day is None and _names(claim.value) else []
            elif claim.role == "rights":
                spoken = of_column(claim.path, claim.value)
                signals += spoken
                said = bool(spoken)
            elif claim.role == "url":
                spoken = list(self._rights.of_url(str(claim.value))) if self._rights else []
                signals += spoken
                said = bool(spoken)
            elif claim.role not in _ALONE and (names := _names(claim.value)):
                plain.setdefault(claim.role, names[0])
            if said and claim.role != "id":
                place = "--set" if claim.path == "--set" else f"column {without_places(claim.path)}"
                basis.append((place, next(iter(named)) if len(named) == 1 else None))
        # Whoever is said to be both is neither: nobody knows.
        human = writers.pop() if len(writers) == 1 else None
        if human and plain.get("provider") in self._providers:
            human = None
        if not (asked or models or writers or human is not None or plain.get("provider")):
            models, human = list(self._card.generators), self._card_writer()
            if models or human is not None:
                basis += [(f"{form} {path}", None) for path, form in self._card.found_in]
        if not licences:
            licences = list(self._card.license)
        shared = Origin(
            provider=plain.get("provider") or None,
            product=plain.get("product"),
            account_type=plain.get("account-type"),
            router=plain.get("router"),
            # The day tells something only where somebody is named whose terms it could decide.
            at=at if models or plain.get("provider") else None,
            licences=tuple(dict.fromkeys(licences)),
            signals=tuple(signals),
            human=human,
        )
        origins = [
            msgspec.structs.replace(shared, model=model, human=None) for model in dict.fromkeys(models)
        ]
        # A row may name people beside a model: people wrote the question, a model the answer.
        if human or not origins:
            origins.append(shared)
        bases = tuple(_supporting(origin, basis) for origin in origins)
        return Told(tuple(map(self.key, origins)), tuple(origins), bases, at, tuple(undated))

    def _models(self, value: object) -> list[str]:
        """The models that a value names; several in one text where each of them is known."""
        names: list[str] = []
        for name in _names(value):
            parts = [part.strip() for part in name.split(",")]
            known = len(parts) > 1 and all(self._registry.identify(part) is not None for part in parts)
            names += parts if known else [name] if name.lower() not in _MACHINE else []
        return names

    def _card_writer(self) -> bool | None:
        """Whether the card says that people wrote the rows, or models did; None where it says both, or nothing."""
        people, models = bool(self._card.human), bool(self._card.synthetic)
        return people if people != models else None

    def key(self, origin: Origin) -> str:
        """A short name of an origin, the same in any process; days between which no terms change share one."""
        era = None
        if origin.at is not None:
            at = bisect_right(self._changes, origin.at)
            era = self._changes[at - 1] if at else date.min
        return hashlib.blake2b(
            msgspec.json.encode(msgspec.structs.replace(origin, at=era)), digest_size=6
        ).hexdigest()


def _supporting(origin: Origin, basis: Sequence[tuple[str, bool | None]]) -> tuple[str, ...]:
    """Of all that a row says, what speaks for this origin: who names people says nothing of a model beside them."""
    by_model = bool(origin.model or origin.provider) or origin.human is False
    told = True if origin.human else False if by_model else None
    return tuple(dict.fromkeys(place for place, of in basis if told is None or of is None or of == told))


def _people(name: str) -> bool:
    return name.lower() in _HUMAN or is_human(name)


def _writers(value: object) -> set[bool]:
    """Whether people are named (True), and a machine without a name (False)."""
    names = _names(value)
    people = {True} if any(_people(name) for name in names) else set()
    return people | ({False} if any(name.lower() in _MACHINE for name in names) else set())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, (dict, list)) else value


def _names(value: object) -> list[str]:
    """The names in a value: one, or a list of them; words for nothing are none."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("id") or value.get("model")
    values = value if isinstance(value, (list, tuple)) else [value]
    told = (_readable(each) for each in values if each is not None)
    return [name for name in told if name.lower() not in _NOTHING]


def _readable(value: object) -> str:
    """A value as a name: cut, on its own, and without halves of surrogate pairs."""
    return str(value).strip()[:LONGEST_CLAIM].encode("utf-8", "backslashreplace").decode()


def _truth(value: object) -> bool | None:
    word = str(value).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def day_of(value: object) -> date | None:
    """The day (UTC) of a time in any form; None for what is none."""
    if isinstance(value, str) and len(value) == 10:  # the commonest form, at a tenth of the cost
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    try:
        micros, _ = instant(value)
        return date.fromordinal(_EPOCH + micros // 86_400_000_000)
    except (TimeFormatError, ValueError, OverflowError, OSError):
        return None


def _label(value: object) -> dict[str, object]:
    """The fields of an `AIGC` label, given as an object or as its JSON."""
    if isinstance(value, str):
        try:
            value = decode(value)
        except DecodingError:
            return {}
    if isinstance(value, dict) and isinstance(inner := value.get("AIGC"), dict):
        value = inner
    return value if isinstance(value, dict) else {}

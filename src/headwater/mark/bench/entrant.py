"""What takes part in the bench: a scheme found through the entry points, with how it is written and how it is read.

Its reader is the engine's own statistic with its exact p-value, of the answer alone: prompts aren't known to readers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError
from headwater.mark import registry
from headwater.mark.bench.pen import DELTA, Pen, SchemePen, kind_of
from headwater.mark.evidence import standard
from headwater.mark.scheme import MarkKey, Scheme, Tokens, Units
from headwater.mark.score import OwnTails, tails

Floats = NDArray[np.float64]
#: Settings that the bench fills in where they are missing: made once, so that runs can be compared.
_COIN = (0x0123456789ABCDEF, 0xFEDCBA9876543210)


#: A text, and keys that it is read under.
Asked = tuple[Tokens, Sequence[MarkKey]]


class Entrant(Protocol):
    """One line of the table. `label`: its name with its settings; `exact`: whether its p-values hold exactly."""

    @property
    def label(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def key(self, random: np.random.Generator) -> MarkKey:
        """A key drawn at random."""
        ...

    def pen(self, keys: list[MarkKey], random: np.random.Generator) -> Pen:
        """What writes answers, each under its key."""
        ...

    def log_ps(self, asked: Sequence[Asked]) -> list[Floats]:
        """ln p (keys,) of each text under each of its keys; many texts at once, for their laws may be the same."""
        ...


@dataclass(frozen=True)
class SchemeEntrant:
    """A scheme of the Protocol. `mark_key`: the key that all answers are written under; None: each has its own."""

    label: str
    scheme: Scheme
    delta: float | None = None
    mark_key: MarkKey | None = None
    exact: bool = True

    def key(self, random: np.random.Generator) -> MarkKey:
        """See `Entrant`."""
        return self.mark_key or self.scheme.random_key(random)

    def wrong_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody used."""
        return self.scheme.random_key(random)

    def pen(self, keys: list[MarkKey], random: np.random.Generator) -> Pen:
        """See `Entrant`."""
        return SchemePen(self.scheme, keys, random, delta=self.delta)

    def log_ps(self, asked: Sequence[Asked]) -> list[Floats]:
        """See `Entrant`. Texts with as many units, read as often, have one law."""
        scorer = standard(self.scheme)
        found: list[Floats] = [np.zeros(len(keys)) for _, keys in asked]
        alike: dict[object, list[tuple[int, Units, NDArray[np.int64]]]] = {}
        for number, (tokens, keys) in enumerate(asked):
            units = self.scheme.units(tokens)
            if not len(units):
                continue
            totals = [int(scorer.scores(self.scheme.values(key, units)) @ units.times) for key in keys]
            times = np.unique(units.times, return_counts=True)
            law = number if isinstance(self.scheme, OwnTails) else tuple(np.concatenate(times).tolist())
            alike.setdefault(law, []).append((number, units, np.array(totals, np.int64)))
        for some in alike.values():
            every = tails(self.scheme, scorer, some[0][1], np.concatenate([each[2] for each in some]))
            ends = np.cumsum([len(each[2]) for each in some])[:-1]
            for (number, _, _), log_p in zip(some, np.split(every, ends), strict=True):
                found[number] = log_p
        return found

    def scores(self, tokens: Tokens, key: MarkKey) -> NDArray[np.int64]:
        """The scores (units,) of one text's distinct units under its key, in the statistic's steps."""
        units = self.scheme.units(tokens)
        return standard(self.scheme).scores(self.scheme.values(key, units), None)


def entrant(name: str, config: Mapping[str, Any], size: int) -> SchemeEntrant:
    """The scheme `name` with settings, for a source of `size` token ids.

    `delta` is taken for a green list that has none of its own. A vocabulary's size and a layer's coin are filled in
    where the scheme needs one and none is given. Errors as `registry.scheme` has them.
    """
    label = name + "".join(f" {key}={value}" for key, value in sorted(config.items()))
    rest, delta = dict(config), None
    try:
        scheme = _made(name, rest, size)
    except ConfigurationError as error:
        if error.where.field != "delta" or "delta" not in rest:
            raise
        delta = rest.pop("delta")
        if isinstance(delta, bool) or not isinstance(delta, int | float) or not 0 <= delta <= 100:
            raise
        scheme = _made(name, rest, size)
        if kind_of(scheme) != "tilt":
            raise
    kind = kind_of(scheme)
    if kind == "tilt" and "delta" not in config and not hasattr(scheme, "delta"):
        label += f" delta={DELTA:g}"
    return SchemeEntrant(label, scheme, delta)


def _made(name: str, config: Mapping[str, Any], size: int) -> Scheme:
    for field, value in (("vocab_size", size), ("coin", list(_COIN))):
        try:
            return registry.scheme(name, config)
        except ConfigurationError as error:
            if error.where.field == field and field not in config:
                config = {**config, field: value}
    return registry.scheme(name, config)

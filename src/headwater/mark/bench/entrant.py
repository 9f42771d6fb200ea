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
from headwater.mark.scheme import MarkKey, Scheme, Tokens
from headwater.mark.score import tails

Floats = NDArray[np.float64]
#: Settings that the bench fills in where they are missing: made once, so that runs can be compared.
_COIN = (0x0123456789ABCDEF, 0xFEDCBA9876543210)


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

    def log_p(self, tokens: Tokens, keys: Sequence[MarkKey]) -> Floats:
        """ln p (keys,) of one text under each of several keys."""
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

    def log_p(self, tokens: Tokens, keys: Sequence[MarkKey]) -> Floats:
        """See `Entrant`."""
        units = self.scheme.units(tokens)
        if not len(units):
            return np.zeros(len(keys))
        scorer = standard(self.scheme)
        totals = [int(scorer.scores(self.scheme.values(key, units)) @ units.times) for key in keys]
        return tails(self.scheme, scorer, units, np.array(totals, np.int64))

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

"""What every scheme promises, checked on a stranger's: pure, deterministic, prompts never scored, values that fall as
its null says under keys that nobody used.

Chance is bounded: a scheme that keeps its promises is told a fault once in a million checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.decoy import at_least
from headwater.mark.evidence import standard
from headwater.mark.scheme import Scheme
from headwater.mark.score import tails

#: How seldom a scheme that is right may be told to be wrong, in one check.
DISBELIEF = 1e-7
_TOKENS, _PROMPT, _KEYS, _TEXTS, _LEVEL = 400, 50, 20, 40, 0.01


@dataclass(frozen=True)
class Finding:
    """One promise, whether it was kept, and what was seen where it wasn't."""

    promise: str
    kept: bool
    seen: str = ""


def conformance(scheme: Scheme, *, size: int = 4096, seed: int = 0) -> list[Finding]:
    """Every promise of `scheme`, checked on random texts of `size` token ids.

    What its methods raise is found, too, and ends the check.
    """
    found: list[Finding] = []
    try:
        found += _checks(scheme, size, np.random.default_rng(seed))
    except Exception as error:  # a stranger's code may raise anything; its message may hold a key
        found.append(Finding("its methods take any text and key", False, type(error).__name__))
    return found


def _checks(scheme: Scheme, size: int, random: np.random.Generator) -> Iterator[Finding]:
    text = random.integers(1, size, _TOKENS)
    yield from _units(scheme, text)
    yield from _values(scheme, text, random)
    yield _fair(scheme, size, random)
    told = bool(dict(scheme.card))
    yield Finding("its card says what it was checked against", told, "" if told else "the card is empty")


def _units(scheme: Scheme, text: NDArray[np.int64]) -> Iterator[Finding]:
    before = text.copy()
    units, again = scheme.units(text, prompt=_PROMPT), scheme.units(text, prompt=_PROMPT)
    same = all(
        np.array_equal(getattr(units, name), getattr(again, name))
        for name in ("context", "token", "position", "times")
    )
    yield Finding("units are the same each time", same)
    yield Finding("the text is left as it is", np.array_equal(before, text))
    ascending = bool((np.diff(units.position) > 0).all())
    yield Finding("positions ascend", ascending)
    yield Finding("the prompt isn't scored", not len(units) or int(units.position.min()) >= _PROMPT)
    inside = not len(units) or int(units.position.max()) < len(text)
    yield Finding("each unit's token stands at its position",
                  inside and np.array_equal(text[units.position], units.token))  # fmt: skip
    yield Finding("each unit was read at least once", bool((units.times >= 1).all()))
    shape = units.context.shape == (len(units), scheme.width)
    yield Finding("contexts have the scheme's width", shape, f"{units.context.shape[1:]}")
    short = [len(scheme.units(text[:length])) for length in (0, 1)]
    yield Finding("an empty text has no units", short[0] == 0)


def _values(scheme: Scheme, text: NDArray[np.int64], random: np.random.Generator) -> Iterator[Finding]:
    units = scheme.units(text)
    keys = [scheme.random_key(random) for _ in range(_KEYS)]
    values = [scheme.values(key, units) for key in keys]
    shape = values[0].shape == (len(units), scheme.streams)
    yield Finding("a unit has one value a stream", shape, f"{values[0].shape}")
    yield Finding("values are the same each time", np.array_equal(values[0], scheme.values(keys[0], units)))
    yield Finding("keys that differ give other values", not np.array_equal(values[0], values[1]))
    every = np.concatenate(values).ravel().astype(float)
    top = scheme.null.size if scheme.null.ones is None else 2
    inside = bool((every >= 0).all() and (every < top).all())
    yield Finding("values are within the null's range", inside)
    chance = (scheme.null.ones or 0) / scheme.null.size
    mean = (scheme.null.size - 1) / 2 if scheme.null.ones is None else chance
    spread = (scheme.null.size**2 - 1) / 12 if scheme.null.ones is None else chance * (1 - chance)
    # Units of one green list aren't independent, so the bound is that of the keys' means.
    means = np.array([each.mean() for each in values], float)
    z = abs(means.mean() - mean) / max(np.sqrt(spread / every.size), means.std(ddof=1) / np.sqrt(_KEYS))
    yield Finding("values have the null's mean", bool(z < 6), f"{z:.1f} standard errors off")


def _fair(scheme: Scheme, size: int, random: np.random.Generator) -> Finding:
    """p-values of keys that nobody used, by the engine's own statistic."""
    scorer, low, trials = standard(scheme), 0, 0
    for _ in range(_TEXTS):
        units = scheme.units(random.integers(1, size, _TOKENS // 4))
        keys = [scheme.random_key(random) for _ in range(_KEYS)]
        totals = [int(scorer.scores(scheme.values(key, units)) @ units.times) for key in keys]
        log_p = tails(scheme, scorer, units, np.array(totals, np.int64))
        low, trials = low + int((log_p <= np.log(_LEVEL)).sum()), trials + len(keys)
    fair = at_least(low, trials, _LEVEL) >= DISBELIEF
    seen = f"{low} of {trials} p-values are {_LEVEL:g} or less"
    return Finding("p-values under keys that nobody used hold", fair, seen)

"""Writes marked tokens for any scheme: where a token counts, and with which context, is asked of the scheme itself.

So text is marked as the scheme's own reader counts it: repeated contexts, prompts and the first tokens of an answer as
its engine has them. How a token is chosen follows from the kind of its values, or is the scheme's own `choose`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.bench import rules
from headwater.mark.scheme import MarkKey, Scheme, Units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: The tilt of a green list whose scheme doesn't say one, in nats.
DELTA = 2.0
_FINE = 256


class Pen(Protocol):
    """Chooses the next tokens of answers that are written side by side."""

    def choose(self, chances: Floats, tokens: Ints, prompt: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Tokens (rows,) from laws (rows, ids) after `tokens` (rows, n), whose first `prompt` are the prompt; and
        which of them are marked."""
        ...


class Plain:
    """No mark: tokens are drawn as the laws say."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def choose(self, chances: Floats, tokens: Ints, prompt: int) -> tuple[Ints, NDArray[np.bool_]]:
        """See `Pen`."""
        return drawn(chances, self.random), np.zeros(len(chances), bool)


def drawn(chances: Floats, random: np.random.Generator) -> Ints:
    """One token a row, drawn with `chances` (rows, ids)."""
    ends = np.cumsum(chances, 1)
    at = (ends <= random.random(len(chances))[:, None] * ends[:, -1:]).sum(1)
    found: Ints = np.minimum(at, chances.shape[1] - 1).astype(np.int64)
    return found


class SchemePen:
    """Writes `scheme`, each row under its key of `keys`. `delta`: the tilt of a green list that doesn't say one.

    A scheme of two layers (an attribute `layer`: account or master) is written with both: the other layer's contexts
    under the row's key of `others`.
    """

    def __init__(
        self,
        scheme: Scheme,
        keys: list[MarkKey],
        random: np.random.Generator,
        *,
        delta: float | None = None,
    ) -> None:
        self.scheme, self.keys, self.random = scheme, keys, random
        self.delta = float(getattr(scheme, "delta", DELTA) if delta is None else delta)
        self.kind = kind_of(scheme)
        layer = getattr(scheme, "layer", None)
        self.twin: Any = None
        if layer in {"account", "master"}:
            either: Any = scheme
            self.twin = replace(either, layer="master" if layer == "account" else "account")
        self.others = [scheme.random_key(random) for _ in keys]

    def choose(self, chances: Floats, tokens: Ints, prompt: int) -> tuple[Ints, NDArray[np.bool_]]:
        """See `Pen`."""
        found = drawn(chances, self.random)
        marked = np.zeros(len(chances), bool)
        contexts: list[Ints] = []
        keys: list[MarkKey] = []
        for row, text in enumerate(tokens):
            context = next_context(self.scheme, text, prompt, chances.shape[1])
            key = self.keys[row]
            if context is None and self.twin is not None:
                context = next_context(self.twin, text, prompt, chances.shape[1])
                key = self.others[row]
            if context is not None:
                marked[row] = True
                contexts.append(context)
                keys.append(key)
        if contexts:
            found[marked] = self._chosen(chances[marked], contexts, keys, tokens[marked])
        return found, marked

    def _chosen(self, chances: Floats, contexts: list[Ints], keys: list[MarkKey], texts: Ints) -> Ints:
        if self.kind == "own":
            return self._own(chances, keys, texts)
        row, token = np.nonzero(chances)
        begins = np.searchsorted(row, np.arange(len(chances)))
        values = np.concatenate([
            self.scheme.values(key, _units(context, token[row == number]))
            for number, (context, key) in enumerate(zip(contexts, keys, strict=True))
        ])  # fmt: skip
        flat = chances[row, token]
        if self.kind == "race":
            stream = self._streams(len(chances))[row]
            picked = values[np.arange(len(values)), stream]
            return _best(rules.race(flat, picked, self.scheme.null.size), row, token, chances.shape)
        if self.kind == "tournament":
            weights = rules.tournament(flat, values, begins, row)
        else:
            weights = rules.tilt(flat, values[:, 0], self.delta)
        again = np.zeros(chances.shape)
        again[row, token] = weights
        return drawn(again, self.random)

    def _streams(self, rows: int) -> NDArray[np.intp]:
        """Which stream each row races in: with the chances that the scheme's `weights` say."""
        if self.scheme.streams == 1:
            return np.zeros(rows, np.intp)
        weights = np.asarray(getattr(self.scheme, "weights", np.ones(self.scheme.streams)), float)
        return self.random.choice(self.scheme.streams, rows, p=weights / weights.sum()).astype(np.intp)

    def _own(self, chances: Floats, keys: list[MarkKey], texts: Ints) -> Ints:
        with np.errstate(divide="ignore"):
            logits = np.log(chances)
        choose = self.scheme.choose  # type: ignore[attr-defined]
        return np.array(
            [
                choose(key, [int(each) for each in text], law)
                for key, text, law in zip(keys, texts, logits, strict=True)
            ],
            np.int64,
        )


def kind_of(scheme: Scheme) -> str:
    """How a scheme's tokens are chosen: `race` (fine uniform values), `tournament` (many bits), `tilt` (one bit), or
    `own`: by its own `choose(key, tokens, logits)`, where it has one and isn't one of ours.

    Ours have a `choose`, too: the rules here give the same tokens and are faster.
    """
    if hasattr(scheme, "choose") and not type(scheme).__module__.startswith("headwater.mark."):
        return "own"
    if scheme.null.ones is None and scheme.null.size > _FINE:
        return "race"
    if scheme.null.ones is not None or scheme.null.size == 2:
        return "tilt" if scheme.streams == 1 else "tournament"
    raise UsageError(
        f"how {scheme.name} is written isn't known",
        hint="give the scheme a method choose(key, tokens, logits)",
    )


def next_context(scheme: Scheme, text: Ints, prompt: int, size: int) -> Ints | None:
    """The context (width,) of a token that would come next in `text`, or None where it would carry no mark.

    Asked with a token that the text doesn't have, so that no earlier unit can stand for it; twice, for two windows may
    meet by chance.
    """
    seen = set(text[prompt:].tolist())
    tried = 0
    for candidate in range(size - 1, 0, -1):
        if candidate in seen:
            continue
        units = scheme.units(np.append(text, candidate), prompt=prompt)
        if len(units) and units.position[-1] == len(text):
            found: Ints = units.context[-1]
            return found
        tried += 1
        if tried == 2:
            break
    return None


def _units(context: Ints, tokens: Ints) -> Units:
    """A context with each of `tokens` behind it."""
    places = np.arange(len(tokens), dtype=np.int64)
    before = np.tile(context, (len(tokens), 1))
    return Units(before, tokens.astype(np.int64), places, np.ones_like(places), len(tokens))


def _best(speed: Floats, row: NDArray[np.intp], token: NDArray[np.intp], shape: tuple[int, ...]) -> Ints:
    whole = np.full(shape, -np.inf)
    whole[row, token] = speed
    found: Ints = np.argmax(whole, 1).astype(np.int64)
    return found

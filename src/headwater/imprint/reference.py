"""The whole imprint of one text in plain Python: the specification that the compiled loops are held to.

Nothing but tests and readers needs it. `reference_text` cuts texts into tokens, `reference_skeleton` takes
slots out; here the fields are computed from both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from headwater.exchange.model import MINIMISERS
from headwater.imprint.intents import flags_from_groups, phrase_groups
from headwater.imprint.kernel import codes
from headwater.imprint.material import secrets_of
from headwater.imprint.reference_skeleton import skeleton
from headwater.imprint.reference_text import folded, masked, tokens
from headwater.imprint.scripts import Script, dominant, properties
from headwater.keys import ImprintKey
from headwater.siphash import siphash

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Reference:
    """Fields of one imprint, as in `headwater.exchange.model.IMPRINT_TYPE`."""

    exact: int
    skeleton: int
    opening: int
    closing: int
    minimisers: tuple[int, ...]
    sketch: tuple[int, ...]
    chars: int
    words: int
    script: int
    intents: int
    passages: tuple[int, ...] | None


def reference(text: str, key: ImprintKey, *, passages: int | None = None) -> Reference:
    """The imprint of `text` under `key`, computed slowly."""
    secrets = [int(secret) for secret in secrets_of(key)]

    def hashed(place: int, message: bytes) -> int:
        return siphash(secrets[place], secrets[place + 1], message)

    def sequence(place: int, hashes: Sequence[int]) -> int:
        return hashed(place, b"".join(h.to_bytes(8, "little") for h in hashes)) if hashes else 0

    units, shape = folded(text)
    words = tokens(units, shape)
    plain = [hashed(codes.TOKEN, word.encode()) for word, _ in words]
    hidden = [hashed(codes.TOKEN, masked(word, klass).encode()) for word, klass in words]
    bare = [
        hashed(codes.TOKEN, item.encode()) if is_word else ord(item)
        for is_word, item in skeleton(units, shape)
    ]
    return Reference(
        exact=sequence(codes.EXACT, plain),
        skeleton=sequence(codes.SKELETON, bare),
        opening=sequence(codes.OPENING, hidden[: codes.EDGE]),
        closing=sequence(codes.CLOSING, hidden[-codes.EDGE :]),
        minimisers=_minimisers(hidden, secrets[codes.SHINGLE :]),
        sketch=_sketch(units, shape, secrets[codes.MIX], secrets[codes.MIX + 1]),
        chars=len(text),
        words=len(words),
        script=_script(units),
        intents=_intents([word for word, _ in words]),
        passages=None
        if passages is None
        else _passages(plain, passages, lambda r: sequence(codes.PASSAGE, r)),
    )


def _runs(hashes: Sequence[int], width: int, digest: Callable[[Sequence[int]], int]) -> list[int]:
    """Digest of every run of `width` hashes; of all of them if there are fewer."""
    width = min(width, len(hashes))
    return [digest(hashes[i : i + width]) for i in range(len(hashes) - width + 1)] if width else []


def _minimisers(hashes: Sequence[int], multipliers: Sequence[int]) -> tuple[int, ...]:
    """The smallest distinct values of three tokens: their keyed sum, spread over all bits as in splitmix64."""

    def spread(run: Sequence[int]) -> int:
        value = sum(h * multiplier for h, multiplier in zip(run, multipliers, strict=False)) & _MASK
        value = (value ^ value >> 30) * codes.SPREAD[0] & _MASK
        value = (value ^ value >> 27) * codes.SPREAD[1] & _MASK
        return value ^ value >> 31

    smallest = sorted(set(_runs(hashes, codes.SHINGLE_TOKENS, spread)))[:MINIMISERS]
    return (*smallest, *[codes.ABSENT] * (MINIMISERS - len(smallest)))


def _passages(hashes: Sequence[int], window: int, digest: Callable[[Sequence[int]], int]) -> tuple[int, ...]:
    """The minimum of every window of shingles, the rightmost of equals, each place once, in the text's order."""
    shingles = _runs(hashes, codes.PASSAGE_TOKENS, digest)
    spacing = min(window - codes.PASSAGE_TOKENS + 1, len(shingles))
    windows = (range(i, i + spacing) for i in range(len(shingles) - spacing + 1)) if shingles else iter(())
    places = {min(window, key=lambda i: (shingles[i], -i)): None for window in windows}
    return tuple(shingles[i] for i in places)


def _sketch(units: str, shape: str, mix0: int, mix1: int) -> tuple[int, ...]:
    """Signed counts of pairs of code points (96) and of triples of classes (32), each part scaled.

    Digits count as 0 in the pairs; code points outside the first plane as their low sixteen bits.
    """
    sums = [0] * (codes.CONTENT + codes.LAYOUT)

    def add(value: int, first: int, second: int, start: int, size: int) -> None:
        value = value * first & _MASK
        value = (value ^ value >> 32) * second & _MASK
        sums[start + ((value >> 32) * size >> 32)] += (value & 2) - 1

    content = [ord("0" if klass == "0" else unit) & 0xFFFF for unit, klass in zip(units, shape, strict=True)]
    layout = [_class(klass) for klass in shape]
    for i in range(1, len(units)):
        add(content[i - 1] << 16 | content[i], mix0, mix1, 0, codes.CONTENT)
    for i in range(2, len(units)):
        triple = layout[i - 2] << 16 | layout[i - 1] << 8 | layout[i]
        add(triple, mix1, mix0, codes.CONTENT, codes.LAYOUT)
    return (*_scaled(sums[: codes.CONTENT]), *_scaled(sums[codes.CONTENT :]))


def _class(shape: str) -> int:
    """The class of a shape: its place among white space, letters and digits, else that of a symbol."""
    known = " \n\vaA0u".find(shape)
    return known if known >= 0 else codes.symbol_class(ord(shape))


def _scaled(sums: Sequence[int]) -> list[int]:
    """Signed square roots, brought to length 127 and rounded, halves up, in whole numbers."""
    total = sum(map(abs, sums))
    square = 4 * codes.SKETCH_LENGTH**2
    levels = ((math.isqrt(square * abs(s) // total) + 1) // 2 if total else 0 for s in sums)
    return [level if s >= 0 else -level for s, level in zip(sums, levels, strict=True)]


def _script(units: str) -> int:
    counts = np.zeros((1, len(Script)), np.int64)
    for unit in units:
        counts[0, properties()[ord(unit)] >> 3] += 1
    return int(dominant(counts)[0])


def _intents(words: Sequence[str]) -> int:
    """Looks for each phrase at each place: no automaton, no hashes."""
    line = "\n" + "\n".join(words) + "\n"
    groups = [any("\n" + "\n".join(phrase) + "\n" in line for phrase in group) for group in phrase_groups()]
    found = sum(1 << bit for bit, hit in enumerate(groups) if hit)
    return int(flags_from_groups(np.array([found], np.uint64))[0])

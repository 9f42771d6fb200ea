"""Intent flags: what a prompt asks for, by a closed list of phrases in eleven languages (`intents.toml`).

A flag says that the prompt asks for this, never that asking is wrong: students, graders and evaluators ask for
the same things. Finding the phrases is the affair of `automaton` and the kernel.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from headwater.imprint.reference_text import folded, tokens

#: Groups of phrases of one intent, in the order of their bits: one of `alone`, or one of both others.
PARTS = ("alone", "first", "second")


@dataclass(frozen=True)
class Intent:
    """One flag: its bit in `intents` of an imprint, its name, and what a prompt that has it asks for."""

    bit: int
    name: str
    sentence: str
    phrases: dict[str, dict[str, tuple[str, ...]]]


@cache
def intents() -> tuple[Intent, ...]:
    """The closed list, in the order of the bits; `phrases[part][language]` are the phrases."""
    text = resources.files(__package__).joinpath("intents.toml").read_text(encoding="utf-8")
    return tuple(
        Intent(
            bit,
            entry["name"],
            entry["sentence"],
            {part: {lang: tuple(p) for lang, p in entry.get(part, {}).items()} for part in PARTS},
        )
        for bit, entry in enumerate(tomllib.loads(text)["intent"])
    )


def intent_names(flags: int) -> tuple[str, ...]:
    """Names of the intents whose bits are set in `flags`."""
    return tuple(intent.name for intent in intents() if flags >> intent.bit & 1)


def intent_flags(names: Iterable[str]) -> int:
    """The bits of the named intents; raises `KeyError` for a name that is not in the list."""
    bits = {intent.name: 1 << intent.bit for intent in intents()}
    return sum(bits[name] for name in set(names))


@cache
def phrase_groups() -> list[list[list[str]]]:
    """Phrases as tokens; group 3 × bit + part belongs to that part (in the order of `PARTS`) of that intent."""
    groups = []
    for intent in intents():
        for part in PARTS:
            phrases = (phrase for of_language in intent.phrases[part].values() for phrase in of_language)
            groups.append([[text for text, _ in tokens(*folded(phrase))] for phrase in phrases])
    return groups


def flags_from_groups(groups: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Intent flags (uint32[n]) from the bit sets of groups that were found (uint64[n])."""
    flags = np.zeros(len(groups), np.uint32)
    some = np.flatnonzero(groups)  # most texts hold no phrase at all
    groups = groups[some]
    for intent in intents():
        alone, first, second = (
            (groups >> np.uint64(3 * intent.bit + part)) & np.uint64(1) for part in range(3)
        )
        flags[some] |= ((alone | (first & second)) << np.uint64(intent.bit)).astype(np.uint32)
    return flags

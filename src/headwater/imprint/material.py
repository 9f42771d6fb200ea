"""What one key is turned into before texts are read: secrets for each purpose, and the phrase table under them.

`IMPRINT_VERSION` goes into every secret, so imprints of different versions never match by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from headwater.imprint.automaton import Automaton, automaton
from headwater.imprint.intents import phrase_groups
from headwater.imprint.kernel.codes import (
    CLASSES,
    CONTENT,
    LAYOUT,
    MIX,
    SECRET_WORDS,
    TOKEN,
)
from headwater.keys import ImprintKey
from headwater.siphash import siphash

#: Version of everything that decides the bits of an imprint: rules, tables, Unicode data.
IMPRINT_VERSION = 1


@dataclass(frozen=True)
class Material:
    """One key, ready for use.

    `secrets` (uint64[17]) as placed by `codes`. `pairs` (uint8[128 * 128]) and `triples` (uint8[64 * 64 * 64])
    hold, for what ASCII text consists of, the place in the sketch, plus 128 where it counts up. `table`
    (uint64[size]) holds each word in `phrases` by its keyed hash, at one of two places, with its number.
    """

    secrets: NDArray[np.uint64]
    pairs: NDArray[np.uint8]
    triples: NDArray[np.uint8]
    table: NDArray[np.uint64]
    phrases: Automaton


def secrets_of(key: ImprintKey) -> NDArray[np.uint64]:
    """The secrets of `key`, uint64[17]; the multipliers are odd."""
    derived = key.derive(f"imprint version {IMPRINT_VERSION}", 8 * SECRET_WORDS)
    secrets = np.frombuffer(derived, "<u8").astype(np.uint64)
    secrets[MIX:] |= np.uint64(1)
    secrets.setflags(write=False)
    return secrets


@lru_cache(maxsize=4)
def material(key: ImprintKey) -> Material:
    """Everything that the kernel needs to know about `key`."""
    secrets = secrets_of(key)
    codes = np.arange(128, dtype=np.uint64)
    codes[ord("0") : ord("9") + 1] = ord("0")
    pairs = (codes[:, None] << np.uint64(16)) | codes
    classes = np.arange(CLASSES, dtype=np.uint64)
    triples = (classes[:, None, None] << np.uint64(16)) | (classes[:, None] << np.uint64(8)) | classes
    return Material(
        secrets,
        _places(pairs, secrets[MIX], secrets[MIX + 1], 0, CONTENT),
        _places(triples, secrets[MIX + 1], secrets[MIX], CONTENT, LAYOUT),
        _table(secrets, phrase_automaton()),
        phrase_automaton(),
    )


def _places(
    grams: NDArray[np.uint64], first: np.uint64, second: np.uint64, start: int, size: int
) -> NDArray[np.uint8]:
    """The place in the sketch of each gram, plus 128 where it counts up."""
    value = grams * first
    value = (value ^ (value >> np.uint64(32))) * second
    place = np.uint64(start) + ((value >> np.uint64(32)) * np.uint64(size) >> np.uint64(32))
    return (place | (value & np.uint64(2)) << np.uint64(6)).astype(np.uint8).reshape(-1)


def _table(secrets: NDArray[np.uint64], phrases: Automaton) -> NDArray[np.uint64]:
    """Cuckoo hashing (Pagh and Rodler, 2001): whoever finds its first place taken sends the other on.

    An entry is a word's hash, its last twelve bits replaced by the word's number.
    """
    if len(phrases.words) > 0xFFF:
        raise ValueError("more words in the phrase table than twelve bits can number")
    k0, k1 = int(secrets[TOKEN]), int(secrets[TOKEN + 1])
    entries = [siphash(k0, k1, word.encode()) >> 12 << 12 | number for word, number in phrases.words.items()]
    size = 1 << (2 * len(entries)).bit_length()
    places: dict[int, int] = {}
    while not all(_settled(places, entry, size) for entry in entries):
        places, size = {}, size * 2
    table = np.zeros(size, np.uint64)
    for place, entry in places.items():
        table[place] = entry
    return table


def _settled(places: dict[int, int], entry: int, size: int) -> bool:
    """Put an entry into one of its two places; False if that takes too long."""
    place = (entry >> 12) % size
    for _ in range(64):
        evicted = places.get(place)
        places[place] = entry
        if evicted is None:
            return True
        entry = evicted
        here, there = (entry >> 12) % size, (entry >> 32) % size
        place = there if place == here else here
    return False


@lru_cache(maxsize=1)
def phrase_automaton() -> Automaton:
    """The automaton of the built-in phrase table."""
    return automaton(phrase_groups())

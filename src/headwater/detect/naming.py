"""Names that people can say, and that stay: a ring found again tomorrow is called what it was called today.

The name follows from the ring's first member to appear, which later logs don't change. Where an earlier investigation
is at hand, a ring that shares most of its members with one of its campaigns takes over that campaign's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

_FIRST = [
    "alder",
    "amber",
    "ash",
    "aspen",
    "basalt",
    "bay",
    "birch",
    "bramble",
    "briar",
    "cedar",
    "chalk",
    "clay",
    "clover",
    "coral",
    "cove",
    "crag",
    "delta",
    "dune",
    "elder",
    "fen",
    "fern",
    "fir",
    "flint",
    "ford",
    "gale",
    "garnet",
    "glen",
    "gorse",
    "granite",
    "grove",
    "hazel",
    "heath",
    "holly",
    "inlet",
    "iris",
    "ivy",
    "jade",
    "juniper",
    "kelp",
    "larch",
    "lichen",
    "linden",
    "loam",
    "maple",
    "marsh",
    "meadow",
    "mesa",
    "mica",
    "mist",
    "moor",
    "moss",
    "oak",
    "onyx",
    "opal",
    "osier",
    "peat",
    "pebble",
    "pine",
    "quartz",
    "rapid",
    "reed",
    "ridge",
    "rowan",
    "rush",
    "sage",
    "shale",
    "shoal",
    "slate",
    "sorrel",
    "spruce",
    "stone",
    "tarn",
    "thistle",
    "thyme",
    "tide",
    "umber",
    "vale",
    "willow",
    "yarrow",
    "yew",
]
_SECOND = [
    "anchor",
    "arch",
    "bank",
    "basin",
    "beacon",
    "bend",
    "bridge",
    "brook",
    "canal",
    "cascade",
    "channel",
    "cliff",
    "coast",
    "creek",
    "crossing",
    "current",
    "dam",
    "dell",
    "eddy",
    "falls",
    "ferry",
    "field",
    "fjord",
    "gate",
    "gorge",
    "harbour",
    "haven",
    "hill",
    "hollow",
    "island",
    "isle",
    "lagoon",
    "lake",
    "landing",
    "ledge",
    "lock",
    "marsh",
    "mill",
    "mouth",
    "narrows",
    "oxbow",
    "pass",
    "path",
    "pier",
    "point",
    "pond",
    "pool",
    "port",
    "quay",
    "rapids",
    "reach",
    "reef",
    "rill",
    "run",
    "shelf",
    "shore",
    "sluice",
    "sound",
    "spring",
    "strait",
    "strand",
    "stream",
    "summit",
    "terrace",
    "trail",
    "vale",
    "valley",
    "wash",
    "weir",
    "well",
    "wharf",
    "wood",
    "yard",
]


def name_of(anchor: str, taken: Iterable[str] = ()) -> str:
    """Two words and, where those are taken, a number: deterministic in the anchor (an account's name)."""
    digest = hashlib.sha256(f"headwater campaign\0{anchor}".encode()).digest()
    first, second = int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")
    name = f"{_FIRST[first % len(_FIRST)]}-{_SECOND[second % len(_SECOND)]}"
    used = set(taken)
    if name not in used:
        return name
    return next(f"{name}-{k}" for k in range(2, len(used) + 3) if f"{name}-{k}" not in used)


def inherit(rings: Sequence[frozenset[str]], earlier: Sequence[tuple[str, frozenset[str]]]) -> dict[int, str]:
    """Names that rings take over from an earlier investigation: ring index → name.

    A ring inherits where it shares at least half of the smaller of the two; the largest overlap goes first, and each
    name is given once.
    """
    pairs = []
    for at, ring in enumerate(rings):
        for name, members in earlier:
            common = len(ring & members)
            if common and 2 * common >= min(len(ring), len(members)):
                pairs.append((-common, name, at))
    out: dict[int, str] = {}
    for _, name, at in sorted(pairs):
        if at not in out and name not in out.values():
            out[at] = name
    return out

"""Merkle trees by their recursive definition (RFC 9162, 2.1), slow and short: what the tiles are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(number: int) -> bytes:
    """The hash of a leaf that no other number has."""
    return hashlib.sha256(b"\x00" + str(number).encode()).digest()


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, over the hashes of leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:half]) + mth(leaves[half:])).digest()


class Tiles(dict[tuple[int, int], bytes]):
    """Tiles in memory, the widest of each; a narrower one is cut from it."""

    def __call__(self, level: int, index: int, width: int) -> bytes:
        return self[level, index][: width * 32]

    def take(self, tiles: Sequence[tuple[int, int, bytes]]) -> None:
        for level, index, data in tiles:
            before = self.get((level, index), b"")
            assert data.startswith(before)
            assert len(data) > len(before), "a tile that is neither new nor wider"
            self[level, index] = data

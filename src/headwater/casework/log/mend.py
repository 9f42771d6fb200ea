"""Tiles and bundles made again from the store's commitments, where files of a log are torn, changed or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from headwater.casework.log.files import HASH_BYTES, MOST_BUNDLE, Fetch, Files
from headwater.errors import HeadwaterError
from headwater.proof import TILE, encode_bundle, entries_path, grow, leaf_hash, tile_path

#: Entries that are held in memory at once; a multiple of a tile.
AT_ONCE: Final = 65_536

#: The entries from an index to before another.
Entries = Callable[[int, int], list[bytes]]


def mended(size: int, root: bytes, entries: Entries, fetch: Fetch, files: Files) -> int:
    """Write each file of the tree of `size` leaves that isn't there or isn't what `entries` make it; how many.

    Raises HeadwaterError where the entries don't make `root`, and writes no tile then that wasn't right.
    """
    made = 0
    for path, data in _whole(size, root, entries):
        if fetch(path, max(MOST_BUNDLE, TILE * HASH_BYTES)) != data:
            files.put(path, data)
            made += 1
        if ".p/" not in path:
            files.remove_partial(path)
    files.settle()
    return made


def _whole(size: int, root: bytes, entries: Entries) -> Iterator[tuple[str, bytes]]:
    """Path and content of every tile and bundle of the tree, once its root is known to be right."""
    if root_of_entries(size, entries) != root:
        what = "the store's commitments don't give the root that was signed"
        hint = "restore its newest copy, or take them back from what is published: `headwater log recover`"
        raise HeadwaterError(what, hint=hint)
    edge: dict[tuple[int, int], bytes] = {}
    for start in range(0, size, AT_ONCE):
        end = min(size, start + AT_ONCE)
        held = entries(start, end)
        yield from bundles(start, held)
        for level, index, data in grown(start, held, edge):
            if len(data) == TILE * HASH_BYTES:
                yield tile_path(level, index), data
    for (level, index), data in edge.items():
        yield tile_path(level, index, len(data) // HASH_BYTES), data


def bundles(start: int, entries: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Path and content of the bundles of entries that begin at `start`, the beginning of a bundle."""
    for at in range(0, len(entries), TILE):
        part = entries[at : at + TILE]
        yield entries_path((start + at) // TILE, len(part)), encode_bundle(part)


def grown(
    start: int, entries: list[bytes], edge: dict[tuple[int, int], bytes]
) -> list[tuple[int, int, bytes]]:
    """Tiles that the entries from `start` on add; `edge` holds those that aren't full, before and after."""

    def read(level: int, index: int, _width: int) -> bytes:
        return edge[level, index]

    tiles = grow(start, b"".join(map(leaf_hash, entries)), read).tiles
    for level, index, data in tiles:
        if len(data) == TILE * HASH_BYTES:
            edge.pop((level, index), None)
        else:
            edge[level, index] = data
    return tiles


def root_of(size: int, edge: dict[tuple[int, int], bytes]) -> bytes:
    """Root of the tree of `size` leaves, from the tiles on its edge."""
    return grow(size, b"", lambda level, index, _: edge[level, index]).root


def root_of_entries(size: int, entries: Entries) -> bytes:
    """Root of the tree of the first `size` entries."""
    edge: dict[tuple[int, int], bytes] = {}
    for start in range(0, size, AT_ONCE):
        grown(start, entries(start, min(size, start + AT_ONCE)), edge)
    return root_of(size, edge)

"""Merkle trees kept as tiles (c2sp.org/tlog-tiles): growing them in bulk, their roots and proofs, entry bundles.

A tile at level `l` holds up to 256 hashes of subtrees of 256**l leaves each. Where tiles lie is the caller's affair:
they are read through a callable, and what comes back isn't believed before a root or a proof is checked (`merkle`).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from headwater.proof.lines import HASH_BYTES, LARGEST
from headwater.proof.merkle import EMPTY_ROOT, node_hash
from headwater.proof.rejected import Rejected

#: Hashes in a full tile, and entries in a full bundle.
TILE = 256
#: Bytes of the longest entry: bundles count them with 16 bits.
MOST_ENTRY = 2**16 - 1

#: Reads a tile: level, index and width (1–256), as a tree of the size at hand has it there; exactly `width` hashes
#: come back. A tile that has become wider since is cut to `width`.
ReadTile = Callable[[int, int, int], bytes]

_LEVEL_BITS = 8
_TILE_BYTES = TILE * HASH_BYTES
_PAIRS = struct.Struct(f"{2 * HASH_BYTES}s").iter_unpack
_NODE = hashlib.sha256(b"\x01")
_MOST_AT_ONCE = 64 * _TILE_BYTES


@dataclass(frozen=True)
class Grown:
    """A tree after leaves were added: its size and root, and the tiles that are new or wider.

    A tile is (level, index, bytes of its hashes).
    """

    size: int
    root: bytes
    tiles: list[tuple[int, int, bytes]]


def tile_path(level: int, index: int, width: int = TILE) -> str:
    """Where the tile is served, below the log's prefix: `tile/0/x001/067.p/8`; a full tile has no `.p/`."""
    if not 0 <= level < 64:
        raise Rejected("the level of a tile is from 0 to 63")
    return f"tile/{level}/{_path(index, width)}"


def entries_path(index: int, width: int = TILE) -> str:
    """Where the bundle of entries is served, below the log's prefix: `tile/entries/x001/067.p/8`."""
    return f"tile/entries/{_path(index, width)}"


def grow(
    size: int, leaves: Sequence[bytes] | bytes, read: ReadTile, *, expected: bytes | None = None
) -> Grown:
    """The tree of `size` leaves with `leaves` added: their hashes, one by one or in one row of 32 bytes each.

    Reads the tiles on the right edge, at most one per level. `expected` is the root that the tree had: where the tiles
    read have another, they were changed, and nothing is grown on them (`Rejected`). Needs about half a microsecond of
    one core per leaf.
    """
    rows = [leaves] if isinstance(leaves, bytes) else leaves
    added = b"".join(rows)
    if len(added) % HASH_BYTES or (rows is leaves and not set(map(len, rows)) <= {HASH_BYTES}):
        raise Rejected(f"leaves are hashes of {HASH_BYTES} bytes")
    _is_size(size)
    grown = _is_size(size + len(added) // HASH_BYTES)
    tiles: list[tuple[int, int, bytes]] = []
    before: list[bytes] = []
    after: list[bytes] = []
    for level, index, width in _edge(size, grown):
        held = _read(read, level, index, width) if width else b""
        before += _peaks(held)
        row = held + added
        if added:
            cuts = range(0, len(row), _TILE_BYTES)
            tiles += [(level, index + nth, row[at : at + _TILE_BYTES]) for nth, at in enumerate(cuts)]
        full = len(row) - len(row) % _TILE_BYTES
        after += _peaks(row[full:])
        added = _tile_roots(row, full)
    if expected is not None and _folded(before) != expected:
        raise Rejected("the tiles on the right edge of the tree are not those of its root")
    return Grown(grown, _folded(after), tiles)


def root(size: int, read: ReadTile) -> bytes:
    """Root of the tree of `size` leaves; reads one tile per level at most."""
    edge = _edge(_is_size(size), size)
    return _folded(peak for at in edge if at[2] for peak in _peaks(_read(read, *at)))


def inclusion_proof(index: int, size: int, read: ReadTile) -> list[bytes]:
    """Proof that the leaf at `index` (from 0) stands in the tree of `size` leaves (RFC 9162, 2.1.3.1).

    Reads two tiles per level at most, each once.
    """
    if not 0 <= index < _is_size(size):
        raise Rejected("the index lies outside of the tree")
    tree = _Tree(size, read)
    start, end = 0, size
    proof = []
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            proof.append(tree.span(middle, end))
            end = middle
        else:
            proof.append(tree.span(start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(first: int, second: int, read: ReadTile) -> list[bytes]:
    """Proof that the tree of `first` leaves is the beginning of that of `second` leaves (RFC 9162, 2.1.4.1).

    Empty where nothing needs to be shown: from no leaves, or to the same size. Reads two tiles per level at most.
    """
    if not 0 <= first <= _is_size(second):
        raise Rejected("consistency is shown to a tree that isn't smaller")
    if first in (0, second):
        return []
    tree = _Tree(second, read)
    start, end = 0, second
    proof = []
    while end != first:
        middle = start + _left(end - start)
        if first <= middle:
            proof.append(tree.span(middle, end))
            end = middle
        else:
            proof.append(tree.span(start, middle))
            start = middle
    if start:  # else the rest is the first tree itself, whose root whoever checks has
        proof.append(tree.span(start, end))
    return proof[::-1]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """1 to 256 entries as a bundle: each with its length before it, 16 bits, the high byte first."""
    if not 0 < len(entries) <= TILE:
        raise Rejected(f"a bundle has 1 to {TILE} entries, not {len(entries)}")
    if any(len(entry) > MOST_ENTRY for entry in entries):
        raise Rejected(f"an entry has at most {MOST_ENTRY:,} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The `count` entries of a bundle; `Rejected` where it holds fewer, more, or half a one."""
    if not 0 < count <= TILE:
        raise Rejected(f"a bundle has 1 to {TILE} entries, not {count}")
    entries, at = [], 0
    for _ in range(count):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if len(data) < end:
            raise Rejected("the bundle ends within an entry")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data):
        raise Rejected("the bundle goes on after its last entry")
    return entries


class _Tree:
    """The hashes of a tree of `size` leaves, from tiles that are read once each."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self._size = size
        self._read = read
        self._held: dict[tuple[int, int], bytes] = {}

    def span(self, start: int, end: int) -> bytes:
        """Hash over the leaves from `start` to before `end`, where `start` is a multiple of the first part's size."""
        peaks = []
        while start < end:
            height = (end - start).bit_length() - 1
            peaks.append(self._node(height, start))
            start += 1 << height
        return _folded(peaks[::-1])

    def _node(self, height: int, start: int) -> bytes:
        """Hash of the full subtree of 2**`height` leaves that begins at the leaf `start`."""
        level, inner = divmod(height, _LEVEL_BITS)
        index, first = divmod(start >> (_LEVEL_BITS * level), TILE)
        row = self._tile(level, index)[first * HASH_BYTES : (first + (1 << inner)) * HASH_BYTES]
        for _ in range(inner):
            row = _parents(row)
        return row

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._held:
            width = min(TILE, (self._size >> (_LEVEL_BITS * level)) - index * TILE)
            self._held[level, index] = _read(self._read, level, index, width)
        return self._held[level, index]


def _edge(size: int, grown: int) -> Iterator[tuple[int, int, int]]:
    """Of every level of a tree that grows from `size` to `grown`: level, index and width of the tile on its edge."""
    level = 0
    while grown >> (_LEVEL_BITS * level):
        index, width = divmod(size >> (_LEVEL_BITS * level), TILE)
        yield level, index, width
        level += 1


def _left(count: int) -> int:
    """Leaves in the left part of a tree of `count` > 1: the largest power of two below it."""
    return 1 << ((count - 1).bit_length() - 1)


def _peaks(row: bytes) -> list[bytes]:
    """Roots of the full subtrees that a row of hashes splits into, from right to left: the smallest first."""
    peaks = []
    while row:
        if len(row) % (2 * HASH_BYTES):
            peaks.append(row[-HASH_BYTES:])
            row = row[:-HASH_BYTES]
        row = _parents(row)
    return peaks


def _folded(peaks: Iterable[bytes]) -> bytes:
    """The root over full subtrees, given from right to left."""
    made = b""
    for peak in peaks:
        made = node_hash(peak, made) if made else peak
    return made or EMPTY_ROOT


def _tile_roots(row: bytes, end: int) -> bytes:
    """One hash for each full tile in `row` up to `end`; some tiles at a time, so that memory stays small."""
    roots = []
    for at in range(0, end, _MOST_AT_ONCE):
        part = row[at : min(at + _MOST_AT_ONCE, end)]
        for _ in range(_LEVEL_BITS):
            part = _parents(part)
        roots.append(part)
    return b"".join(roots)


def _parents(row: bytes) -> bytes:
    """Hashes of the nodes over each pair of hashes in `row`."""
    # Copying a hash that has begun is quicker than beginning one: this loop is what growing costs.
    begun, made = _NODE.copy, []
    for (pair,) in _PAIRS(row):
        node = begun()
        node.update(pair)
        made.append(node.digest())
    return b"".join(made)


def _read(read: ReadTile, level: int, index: int, width: int) -> bytes:
    data = read(level, index, width)
    if len(data) != width * HASH_BYTES:
        path = tile_path(level, index, width)
        raise Rejected(f"{path} has {len(data):,} bytes instead of {width * HASH_BYTES:,}")
    return data


def _is_size(size: int) -> int:
    if not 0 <= size <= LARGEST:
        raise Rejected("a tree has from 0 to 2**63 - 1 leaves")
    return size


def _path(index: int, width: int) -> str:
    if not 0 <= index <= LARGEST or not 0 < width <= TILE:
        raise Rejected(f"a tile has an index from 0 and 1 to {TILE} hashes")
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    return "/".join(parts) + (f".p/{width}" if width < TILE else "")

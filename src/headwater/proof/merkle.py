"""Merkle trees of transparency logs: hashes of leaves and nodes, and checking proofs (RFC 9162, section 2.1).

An inclusion proof shows that a leaf stands at an index of a tree; a consistency proof that a tree is the beginning of
a larger one. Trees are kept, and proofs made, in `tiles`; which roots are believed is decided by `trust`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from headwater.proof.lines import HASH_BYTES, LARGEST, MOST_HASHES
from headwater.proof.rejected import Rejected

#: Root of the tree without leaves: the hash of nothing (RFC 9162, 2.1.1).
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of the leaf that holds `entry`: SHA-256(0x00 || entry), 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of the node over two hashes: SHA-256(0x01 || left || right), 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf of hash `leaf` stands at `index` (from 0) of the tree with `size` leaves and this `root`.

    RFC 9162, 2.1.3.2. Raises `Rejected` where `proof` doesn't show that.
    """
    if not 0 <= index < size <= LARGEST:
        raise Rejected("the index lies outside of the tree")
    _are_hashes((leaf, *proof))
    at, last, made = index, size - 1, leaf
    for sibling in proof:
        if not last:
            raise Rejected("the inclusion proof is too long")
        if at & 1 or at == last:
            made = node_hash(sibling, made)
            at, last = _past_alone(at, last)
        else:
            made = node_hash(made, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Rejected("the inclusion proof is too short")
    if made != root:
        raise Rejected("the inclusion proof leads to another root")


def check_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the tree of `first` leaves is the beginning of that of `second` leaves (RFC 9162, 2.1.4.2).

    Raises `Rejected` where `proof` doesn't show that; also from a tree without leaves, which every tree begins with
    and nothing is shown of.
    """
    if not 0 < first <= second <= LARGEST:
        raise Rejected("consistency is shown from a tree with leaves to one that isn't smaller")
    if first == second:
        if proof or first_root != second_root:
            raise Rejected("two trees of one size differ, or there is a proof where none is needed")
        return
    # Where the first tree is a full subtree of the second, the proof begins at its root without naming it.
    path = (first_root, *proof) if first & (first - 1) == 0 else tuple(proof)
    _are_hashes(path)
    if not path:
        raise Rejected("the consistency proof is too short")
    at, last = _past_right(first - 1, second - 1)
    old = new = path[0]
    for sibling in path[1:]:
        if not last:
            raise Rejected("the consistency proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _past_alone(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Rejected("the consistency proof is too short")
    if old != first_root or new != second_root:
        raise Rejected("the consistency proof leads to other roots")


def _past_alone(at: int, last: int) -> tuple[int, int]:
    """Up to the level where the node has a left sibling: on the right edge it rises alone."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _past_right(at: int, last: int) -> tuple[int, int]:
    """Up to the level where the node isn't a right child: the root of the largest full subtree at the edge."""
    while at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _are_hashes(values: Sequence[bytes]) -> None:
    if len(values) > 1 + MOST_HASHES:  # the leaf or the first root is one of them
        raise Rejected("the proof is too long")
    if any(len(value) != HASH_BYTES for value in values):
        raise Rejected(f"the proof has a hash that isn't {HASH_BYTES} bytes")

"""Merkle proofs against the vectors of transparency-dev/merkle and against every changed bit."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from headwater.proof import EMPTY_ROOT, Rejected, check_consistency, check_inclusion, leaf_hash, node_hash

FOLDER = Path(__file__).parents[1] / "vectors" / "proof"


def vectors(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))["vectors"]
    assert len(found) == 98
    return found


def decoded(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def test_hashes_have_their_own_domain() -> None:
    """rfc6962/rfc6962_test.go of transparency-dev/merkle: no leaf, the empty leaf, a leaf, a node."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


@pytest.mark.parametrize("vector", vectors("inclusion"), ids=lambda vector: vector["path"])
def test_inclusion(vector: dict[str, Any]) -> None:
    leaf, root = decoded([vector["leafHash"], vector["root"]])
    try:
        check_inclusion(leaf, vector["leafIdx"], vector["treeSize"], decoded(vector["proof"]), root)
        refused = False
    except Rejected:
        refused = True
    assert refused == vector["wantErr"], vector["desc"]


@pytest.mark.parametrize("vector", vectors("consistency"), ids=lambda vector: vector["path"])
def test_consistency(vector: dict[str, Any]) -> None:
    first, second = decoded([vector["root1"], vector["root2"]])
    try:
        check_consistency(vector["size1"], vector["size2"], decoded(vector["proof"]), first, second)
        refused = False
    except Rejected:
        refused = True
    assert refused == vector["wantErr"], vector["desc"]


@pytest.mark.parametrize(
    ("index", "size"), [(-1, 1), (0, 0), (1, 1), (0, -1), (0, 2**63), (2**63, 2**64), (-(2**70), 2**80)]
)
def test_an_index_outside_of_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(Rejected):
        check_inclusion(leaf_hash(b""), index, size, [], leaf_hash(b""))


def test_a_proof_of_a_million_hashes_is_refused_at_once() -> None:
    with pytest.raises(Rejected, match="too long"):
        check_inclusion(leaf_hash(b""), 0, 2**63 - 1, [EMPTY_ROOT] * 1_000_000, EMPTY_ROOT)
    with pytest.raises(Rejected, match="too long"):
        check_consistency(1, 2**63 - 1, [EMPTY_ROOT] * 1_000_000, EMPTY_ROOT, EMPTY_ROOT)


def test_hashes_of_other_lengths_are_refused() -> None:
    """A node over 31 and 33 bytes would have the hash of one over 32 and 32."""
    left, right = leaf_hash(b"1"), leaf_hash(b"2")
    root = node_hash(left, right)
    check_inclusion(left, 0, 2, [right], root)
    with pytest.raises(Rejected, match="32 bytes"):
        check_inclusion(left[:31], 0, 2, [left[31:] + right], root)

"""Our notes, tiles and proofs before Go's own reference (golang.org/x/mod/sumdb), and the reference's before us.

The other side is `peer/main.go`; it is built where Go and Debian's golang-golang-x-mod-dev are there.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.keys import SigningKey
from headwater.proof import (
    Checkpoint,
    NoteSigner,
    Rejected,
    VerifierKey,
    check_consistency,
    check_inclusion,
    consistency_proof,
    cosigned,
    grow,
    inclusion_proof,
    leaf_hash,
    opened,
    signed_note,
    tile_path,
    tiles,
)
from proof.trees import Tiles

SOURCE = Path(__file__).parent / "peer" / "main.go"
GOPATH = Path("/usr/share/gocode")
KEYS = [SigningKey(bytes([nth]) * 32, "log") for nth in range(1, 4)]
SIGNERS = [NoteSigner(f"log.example/nö{nth}", key.public, key.sign) for nth, key in enumerate(KEYS)]
TRUSTED = [VerifierKey(one.name, one.public) for one in SIGNERS]
RECORDS = [b"record %d" % number for number in range(66_000)]
LEAVES = [leaf_hash(record) for record in RECORDS]

Peer = Callable[..., dict[str, Any]]


class Refused(Exception):  # noqa: N818  (the counterpart of Rejected)
    """The other side said no."""


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Peer:
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("peer")
    binary = folder / "peer"
    home = {"GOCACHE": str(folder / "cache")} if "HOME" not in os.environ else {}
    environment = os.environ | home | {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", binary, SOURCE], check=True, env=environment, timeout=200)

    def ask(command: str, **job: Any) -> dict[str, Any]:
        said = json.dumps(job, default=lambda data: base64.b64encode(data).decode())
        run = subprocess.run(
            [binary, command], input=said.encode(), capture_output=True, check=False, timeout=100
        )
        if run.returncode:
            raise Refused(run.stderr.decode())
        return dict(json.loads(run.stdout))

    return ask


def plain(proofs: list[list[str]] | None) -> list[list[bytes]]:
    return [[base64.b64decode(one) for one in proof] for proof in proofs or []]


def test_go_opens_our_notes(peer: Peer) -> None:
    text = Checkpoint("log.example/nö0", 5, LEAVES[0], ("more",)).text()
    note = cosigned(signed_note(text, SIGNERS), SIGNERS[2], 1_700_000_000)
    answer = peer("open", Note=note.decode(), Keys=[key.text() for key in TRUSTED[:2]])
    assert answer["Note"] == text
    assert answer["By"] == [key.name for key in TRUSTED[:2]]
    changed = note.replace(b"\n5\n", b"\n6\n")
    with pytest.raises(Refused, match="invalid signature"):
        peer("open", Note=changed.decode(), Keys=[TRUSTED[0].text()])


def test_we_open_the_notes_of_go(peer: Peer) -> None:
    secret = base64.b64encode(b"\x01" + KEYS[0].seed).decode()
    skey = f"PRIVATE+KEY+{TRUSTED[0].name}+{TRUSTED[0].hash.hex()}+{secret}"
    text = "a text\n\nof go\n"
    note = peer("sign", Note=text, Keys=[skey])["Note"].encode()
    assert note == signed_note(text, SIGNERS[:1])
    assert opened(note, TRUSTED).by == (TRUSTED[0],)


def written(folder: Path, kept: Tiles) -> None:
    for (level, index), data in kept.items():
        path = folder / tile_path(level, index, len(data) // 32)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 1_000, 65_535, 65_536, 66_000])
def test_go_checks_our_tiles_and_proofs(peer: Peer, tmp_path: Path, size: int) -> None:
    kept, root, done = Tiles(), None, 0
    for to in sorted({size // 3, size // 2, size}):
        made = grow(done, b"".join(LEAVES[done:to]), kept, expected=root)
        kept.take(made.tiles)
        root, done = made.root, to
    assert root is not None
    written(tmp_path, kept)
    indices = sorted({0, size // 3, size // 2, size - 1})
    firsts = sorted({1, size // 3 or 1, size // 2 or 1, size})
    ours = [inclusion_proof(index, size, kept) for index in indices]
    longer = [consistency_proof(first, size, kept) for first in firsts]
    job = {
        "Folder": str(tmp_path),
        "Size": size,
        "Root": root,
        "Leaves": LEAVES[:size],
        "Indices": indices,
        "Firsts": firsts,
        "Roots": [tiles.root(first, kept) for first in firsts],
        "Proofs": ours,
        "Longer": longer,
    }
    answer = peer("check", **job)
    assert plain(answer["Proofs"]) == ours
    assert plain(answer["Longer"]) == longer
    with pytest.raises(Refused):
        peer("check", **job | {"Root": LEAVES[1]})
    changed = tmp_path / tile_path(0, 0, min(size, 256))
    changed.write_bytes(b"\0" + changed.read_bytes()[1:])
    with pytest.raises(Refused):
        peer("check", **job)


@pytest.mark.parametrize("size", [1, 2, 7, 256, 300, 1_000, 66_000])
def test_we_accept_the_trees_of_go(peer: Peer, size: int) -> None:
    indices = sorted({0, size // 3, size // 2, size - 1})
    firsts = sorted({1, size // 3 or 1, size // 2 or 1, size})
    answer = peer("make", Size=size, Records=RECORDS[:size], Indices=indices, Firsts=firsts)
    theirs = {path: base64.b64decode(data) for path, data in answer["Tiles"].items()}
    root = base64.b64decode(answer["Root"])

    def read(level: int, index: int, width: int) -> bytes:
        return theirs[tile_path(level, index, width)]

    made = grow(0, LEAVES[:size], read)
    assert made.root == tiles.root(size, read) == root
    # Go lists every width that the last tile of a level ever had; we keep the widest.
    ours = {tile_path(at, nth, len(data) // 32): data for at, nth, data in made.tiles}
    assert ours.items() <= theirs.items()
    assert {path.split(".p/")[0] for path in theirs} == {path.split(".p/")[0] for path in ours}
    for index, proof in zip(indices, plain(answer["Proofs"]), strict=True):
        assert inclusion_proof(index, size, read) == proof
        check_inclusion(LEAVES[index], index, size, proof, root)
        with pytest.raises(Rejected):
            check_inclusion(LEAVES[index], index, size, [*proof, root], root)
    for first, proof in zip(firsts, plain(answer["Longer"]), strict=True):
        assert consistency_proof(first, size, read) == proof
        check_consistency(first, size, proof, grow(0, LEAVES[:first], read).root, root)

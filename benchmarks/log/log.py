"""What publishing an entry costs, by stage, and how long a proof takes in a log of 10⁸ entries, beside pymerkle.

Publishing: records that wait in the outbox → places, tiles, bundles, a signed checkpoint that is published; all
durable (fsync), on one core. Proofs: a tree built from synthetic leaf hashes, its tiles on the disk, each proof by a
reader that holds nothing. pymerkle 7.0.0 (GPLv3+) keeps leaves in SQLite and hashes its tree anew; it's measured here
and used nowhere. Install it apart: `pip install --target PEER pymerkle==7.0.0`.

    python benchmarks/log/log.py --work out --peer PEER --date 2026-01-31 [--part publish|proof] [--size 100000000]
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.casework.log import MIGRATIONS, Log, from_folder, verify_log
from headwater.casework.log.files import tiles_of
from headwater.keys import SigningKey
from headwater.proof import (
    NoteSigner,
    ReadTile,
    Trust,
    VerifierKey,
    check_consistency,
    check_inclusion,
    consistency_proof,
    grow,
    inclusion_proof,
    tile_path,
)
from headwater.store import Store

ORIGIN = "example.com/benchmark"
BAR_ENTRIES = 20_000.0
BAR_PROOF_S = 0.005
HASH = 32
AT_ONCE = 65_536
#: What a step says, in the size that real ones have.
BODY = {
    "rung": "quarantine",
    "rule": "ring-of-many",
    "reason_class": "linked-accounts",
    "clause": "terms 3.2",
    "expires_at_us": 1_790_000_000_000_000,
    "pack_sha256": "0" * 64,
    "inputs_sha256": "1" * 64,
}

#: Run apart, with the peer's folder as its only path.
PEER = """
import json, random, sys, time
sys.path.insert(0, sys.argv[1])
from pymerkle import SqliteTree, verify_inclusion
place, count, size, proofs = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
entries = [b"\\x01" + at.to_bytes(32, "big") for at in range(count)]
tree = SqliteTree(place + ".publish")
began = time.perf_counter()
tree.append_entries(entries)
tree.get_root()
spent = time.perf_counter() - began
tree.close()
tree = SqliteTree(place + ".proof")
tree.append_entries(b"\\x01" + at.to_bytes(32, "big") for at in range(size))
root = tree.get_root()
tree.close()
draw, times = random.Random(1), []
for _ in range(proofs):
    index = draw.randrange(1, size + 1)
    tree = SqliteTree(place + ".proof")
    began = time.perf_counter()
    proof = tree.prove_inclusion(index, size)
    times.append(time.perf_counter() - began)
    verify_inclusion(tree.get_leaf(index), root, proof, index=index, size=size)
    tree.close()
print(json.dumps({"append_s": spent, "proofs_s": times}))
"""


class Stages:
    """Seconds between a moment and the one before it, by the later one's name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._last = 0.0

    def begin(self) -> None:
        """From now on."""
        self.seconds.clear()
        self._last = time.perf_counter()

    def __call__(self, moment: str) -> None:
        now = time.perf_counter()
        self.seconds[moment] += now - self._last
        self._last = now


def publish(work: Path, count: int, rounds: int) -> dict[str, Any]:
    """Entries a second from the outbox to the published checkpoint, in one batch of `count`, and what it's made of."""
    folder = work / "publish"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    key, stages = SigningKey(bytes(range(32)), "log"), Stages()
    told = []
    with Store.open(folder / "store.sqlite", MIGRATIONS) as store:
        signer = NoteSigner(ORIGIN, key.public, key.sign)
        log = Log.new(folder / "log", ORIGIN, signer, store, 0, between=stages)
        for number in range(rounds):
            began = time.perf_counter()
            with store.write() as tx:
                for at in range(count):
                    log.enter(tx, "step", f"acct-{at:016x}", BODY, 1_790_000_000_000_000 + at)
            entered = time.perf_counter() - began
            processor = time.process_time()
            stages.begin()
            began = time.perf_counter()
            log.drain(number)
            wall = time.perf_counter() - began
            stages("rest")
            told.append(
                {
                    "entries_per_s": count / wall,
                    "processor_us": (time.process_time() - processor) / count * 1e6,
                    "entered_per_s": count / entered,
                    "stages_us": {name: spent / count * 1e6 for name, spent in stages.seconds.items()},
                }
            )
    began = time.perf_counter()
    found = verify_log(folder / "log", Trust((VerifierKey(ORIGIN, key.public),)))
    assert found.holds, found.findings
    verified = found.entries / (time.perf_counter() - began)
    shutil.rmtree(folder)
    middle = sorted(told, key=lambda one: one["entries_per_s"])[len(told) // 2]
    return {
        "count": count,
        **middle,
        "rounds": [one["entries_per_s"] for one in told],
        "verified_per_s": verified,
        "bar": BAR_ENTRIES,
        "met": middle["entries_per_s"] >= BAR_ENTRIES,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def built(work: Path, size: int) -> tuple[Path, bytes, float | None]:
    """A folder with the tiles of a tree of `size` synthetic leaf hashes, its root, and how long it took, if now."""
    folder = work / f"tree-{size}"
    mark = folder / "root"
    if mark.exists():
        return folder, bytes.fromhex(mark.read_text()), None
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    edge: dict[tuple[int, int], bytes] = {}
    made: set[Path] = set()
    for start in range(0, size, AT_ONCE):
        leaves = leaves_of(start, min(size, start + AT_ONCE))
        for level, index, data in grow(start, leaves, lambda level, index, _: edge[level, index]).tiles:
            if len(data) < 256 * HASH:
                edge[level, index] = data
                continue
            edge.pop((level, index), None)
            put(folder / tile_path(level, index), data, made)
    for (level, index), data in edge.items():
        put(folder / tile_path(level, index, len(data) // HASH), data, made)
    root = grow(size, b"", lambda level, index, _: edge[level, index]).root
    os.sync()
    mark.write_text(root.hex())
    return folder, root, time.perf_counter() - began


def leaves_of(start: int, end: int) -> bytes:
    """Synthetic leaf hashes: random bytes, the same for the same place."""
    return np.random.Generator(np.random.Philox(start)).bytes((end - start) * HASH)


def put(path: Path, data: bytes, made: set[Path]) -> None:
    """Write a file, without waiting for the disk."""
    if path.parent not in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.add(path.parent)
    path.write_bytes(data)


def proof(work: Path, size: int, proofs: int) -> dict[str, Any]:
    """Seconds for a proof in a tree of `size` leaves: files out of the page cache, and in it; each one is checked."""
    folder, root, took = built(work, size)
    draw = random.Random(20261127)
    cold, warm, consistent, read_count = [], [], [], []
    for _ in range(proofs):
        index = draw.randrange(size)
        start = index - index % AT_ONCE
        leaf = leaves_of(start, min(size, start + AT_ONCE))[(index - start) * HASH :][:HASH]
        seen: list[Path] = []

        def one(read: ReadTile, index: int = index) -> list[bytes]:
            return inclusion_proof(index, size, read)

        made, _ = timed(folder, one, seen)
        check_inclusion(leaf, index, size, made, root)
        read_count.append(len(seen))
        for path in seen:
            forget(path)
        cold.append(timed(folder, one)[1])
        warm.append(timed(folder, one)[1])
        first = draw.randrange(1, size)
        before = grow(first, b"", tiles_of(from_folder(folder), size)).root
        shown, spent = timed(folder, lambda read, first=first: consistency_proof(first, size, read))
        check_consistency(first, size, shown, before, root)
        consistent.append(spent)
    worst = max(cold)
    return {
        "size": size,
        "built_s": took,
        "bytes": sum(256 * HASH for _ in range(size // 256)) * 257 // 256,
        "proofs": proofs,
        "files_read": {"median": statistics.median(read_count), "most": max(read_count)},
        "cold_s": spread(cold),
        "warm_s": spread(warm),
        "consistency_warm_s": spread(consistent),
        "bar_s": BAR_PROOF_S,
        "met": worst < BAR_PROOF_S,
    }


def timed(
    folder: Path, make: Callable[[ReadTile], list[bytes]], seen: list[Path] | None = None
) -> tuple[list[bytes], float]:
    """What `make` gives with a fresh reader of the folder's files, and the seconds it took."""
    fetch = from_folder(folder)

    def noting(path: str, most: int) -> bytes | None:
        if seen is not None:
            seen.append(folder / path)
        return fetch(path, most)

    began = time.perf_counter()
    made = make(tiles_of(noting))
    return made, time.perf_counter() - began


def forget(path: Path) -> None:
    """Have the system drop a file's pages, so that the next read comes from the disk; names may stay cached."""
    if path.exists():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def spread(times: list[float]) -> dict[str, float]:
    """Median, 99th percentile and worst."""
    ordered = sorted(times)
    at = min(len(ordered) - 1, int(0.99 * len(ordered)))
    return {"median": statistics.median(ordered), "p99": ordered[at], "worst": ordered[-1]}


def peer(folder: Path, work: Path, count: int, size: int, proofs: int) -> dict[str, Any]:
    """The same of pymerkle's SQLite tree: appending a batch and its root; a proof by a tree that was just opened."""
    place = work / "peer"
    for old in work.glob("peer.*"):
        old.unlink()
    command = [sys.executable, "-c", PEER, str(folder), str(place), str(count), str(size), str(proofs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for old in work.glob("peer.*"):
        old.unlink()
    told = json.loads(done.stdout)
    return {
        "name": "pymerkle 7.0.0, SqliteTree",
        "count": count,
        "entries_per_s": count / told["append_s"],
        "does": "leaves and hashes into SQLite and the root; no records, tiles, signature, or outbox",
        "proof_size": size,
        "proof_s": spread(told["proofs_s"]),
    }


def main() -> None:
    """Run the parts that were asked for; parts that weren't keep the figures of `--out`."""
    parser = record.options(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--peer", type=Path, help="the folder that pymerkle was installed into")
    parser.add_argument("--part", action="append", choices=["publish", "proof"])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=100_000_000)
    parser.add_argument("--proofs", type=int, default=500)
    parser.add_argument("--peer-size", type=int, default=1_000_000)
    parser.add_argument("--note", default="", help="what else ran on the machine")
    asked = parser.parse_args()
    date.fromisoformat(asked.date)
    asked.work.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    for part in asked.part or ["publish", "proof"]:
        made = (
            publish(asked.work, asked.count, asked.rounds)
            if part == "publish"
            else {"same_size_as_peer": proof(asked.work, asked.peer_size, asked.proofs)}
            | proof(asked.work, asked.size, asked.proofs)
        )
        result[part] = {"date": asked.date, "revision": asked.revision, "note": asked.note, **made}
    if asked.peer:
        result["peer"] = peer(asked.peer, asked.work, asked.count, asked.peer_size, 20)
    result["machine"] = {"cores": cores, "used": 1, "python": platform.python_version()}
    record.keep(result, asked)


if __name__ == "__main__":
    main()

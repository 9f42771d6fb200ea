"""A log whose process is killed between any two writes, or runs out of room: nothing lost, doubled or contradicted."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from casework.log_world import AT, ORIGIN, SIGNER, TRUST, VKEY, World
from headwater.casework.log import MOMENTS, Evidence, cosign, entry_id, from_folder, verify_log
from headwater.casework.log.verify import entries_of
from headwater.errors import HeadwaterError
from headwater.keys import SigningKey
from headwater.proof import Checkpoint, NoteSigner, VerifierKey, cosignatures, grow, leaf_hash

pytestmark = pytest.mark.xdist_group("small")

#: Opens or makes a log, writes records and publishes; ends itself at the nth coming of a moment. What it signs is
#: written down before anybody else can know of it, and so is each record that was committed.
PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
from headwater.casework.log import MIGRATIONS, Log
from headwater.errors import HeadwaterError
from headwater.errors import HeadwaterError
from headwater.keys import SigningKey
from headwater.proof import NoteSigner
from headwater.store import Store

folder, first, times = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
at, _, count = os.environ.get("TEST_KILL_AT", "").partition("@")
room = int(os.environ.get("TEST_ROOM", 0))
origin, key, seen = "example.com/casework", SigningKey(bytes([1]) * 32, "log"), {}

def noted(name, data):
    with (folder / name).open("ab") as file:
        file.write(data)
        os.fsync(file.fileno())

def sign(message):
    noted("signed", message + b"--\\n")
    return key.sign(message)

def between(moment):
    seen[moment] = seen.get(moment, 0) + 1
    noted("moments", moment.encode() + b"\\n")
    if moment == at and seen[moment] == int(count):
        os.kill(os.getpid(), signal.SIGKILL)

signer = NoteSigner(origin, key.public, sign)
store = Store.open(folder / "casebook.sqlite", MIGRATIONS)
if (folder / "made").exists():
    log = Log.open(folder / "log", origin, signer, store, between=between)
else:
    log = Log.new(folder / "log", origin, signer, store, 0, between=between)
    noted("made", b"")
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
try:
    for number in range(first, first + times):
        with store.write() as tx:
            name = log.enter(tx, "step", "acct-1", {"number": number}, number, lambda n: number.to_bytes(n, "big"))
        noted("entered", name.encode() + b"\\n")
    log.drain(1)
except HeadwaterError as error:
    print(error, "|", error.hint)
    sys.exit(7)
"""


def run(
    folder: Path, first: int, times: int, *, at: str = "", room: int = 0
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TEST_KILL_AT": at, "TEST_ROOM": str(room)}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(first), str(times)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def moments(folder: Path) -> list[str]:
    return (folder / "moments").read_text().splitlines()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with 300 entries that a witness has seen."""
    folder = tmp_path_factory.mktemp("begun")
    assert run(folder, 0, 300).returncode == 0
    assert isinstance(looked_at(folder), bytes)
    (folder / "moments").unlink()
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "log"))


WITNESS = SigningKey(b"\x03" * 32, "witness")
WITNESS_KEY = VerifierKey("example.com/witness", WITNESS.public, 4)


def looked_at(folder: Path) -> bytes | Evidence:
    signer = NoteSigner("example.com/witness", WITNESS.public, WITNESS.sign)
    return cosign(from_folder(folder / "log"), signer, folder / "witness.json", 5, key=VKEY)


def holds(folder: Path) -> int:
    """Check all that must hold once the log goes on; how many entries it has."""
    entered = (folder / "entered").read_text().split()
    world = World(folder, *opened(folder))
    assert world.log.drain(AT).size == len(entered)
    fetch = from_folder(folder / "log")
    checkpoint = world.log.head().checkpoint
    entries = entries_of(fetch, checkpoint)
    assert [entry_id(entry) for entry in entries] == entered  # none lost, none doubled, in their order
    assert [world.log.prove(at).proof.index for at in (0, len(entered) - 1)] == [0, len(entered) - 1]
    leaves = [leaf_hash(entry) for entry in entries]
    for text in (folder / "signed").read_text().split("--\n")[:-1]:
        signed = Checkpoint.parse(text)
        assert grow(0, leaves[: signed.size], lambda *_: b"").root == signed.root, signed.size
    assert verify_log(folder / "log", TRUST).findings == []
    answer = looked_at(folder)
    assert isinstance(answer, bytes), answer
    assert [key.name for key, _ in cosignatures(answer, [WITNESS_KEY])] == [WITNESS_KEY.name]
    assert not [path for path in (folder / "log").rglob("*") if path.name.startswith(".")], "left behind"
    world.store.close()
    return len(entered)


def opened(folder: Path):  # type: ignore[no-untyped-def]
    from headwater.casework.log import MIGRATIONS, Log
    from headwater.store import Store

    store = Store.open(folder / "casebook.sqlite", MIGRATIONS)
    return store, Log.open(folder / "log", ORIGIN, SIGNER, store)


def test_every_moment_comes_and_every_one_that_comes_is_listed(folder: Path) -> None:
    assert run(folder, 300, 230).returncode == 0
    assert list(dict.fromkeys(moments(folder))) == list(MOMENTS)
    assert holds(folder) == 530


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment_and_started_again(folder: Path, moment: str) -> None:
    assert run(folder, 300, 230, at=f"{moment}@1").returncode == -signal.SIGKILL
    assert holds(folder) == 530
    assert run(folder, 530, 1).returncode == 0
    assert holds(folder) == 531


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("moment", ["file written", "file in its place"])
def test_killed_between_two_files(folder: Path, moment: str, count: int) -> None:
    assert run(folder, 300, 230, at=f"{moment}@{count}").returncode == -signal.SIGKILL
    assert holds(folder) == 530


def test_killed_at_each_moment_one_after_the_other(folder: Path) -> None:
    """What one kill leaves, the next run finds, and is killed a moment later."""
    for at, moment in enumerate(MOMENTS):
        assert run(folder, 300 + 60 * at, 60, at=f"{moment}@1").returncode == -signal.SIGKILL
    assert holds(folder) == 300 + 60 * len(MOMENTS)
    assert len((folder / "signed").read_text().split("--\n")) > 5


@pytest.mark.parametrize("moment", ["signed", "checkpoint stored", "checkpoint written", "published"])
def test_killed_while_a_log_is_made(tmp_path: Path, moment: str) -> None:
    assert run(tmp_path, 0, 0, at=f"{moment}@1").returncode == -signal.SIGKILL
    if moment != "signed":  # then the store has a log, and goes on with it
        (tmp_path / "made").touch()
    assert run(tmp_path, 0, 5).returncode == 0
    assert holds(tmp_path) == 5


@pytest.mark.parametrize("room", [3_000, 12_000, 40_000, 400_000])
def test_no_room_left(folder: Path, room: int) -> None:
    """Files end at `room` bytes, as where a disk is full: that of the store, or only those of the log."""
    done = run(folder, 300, 400, room=room)
    if done.returncode:
        assert done.returncode == 7, done.stderr
        assert "lost" in done.stdout
    assert holds(folder) >= 300
    next_number = len((folder / "entered").read_text().split())
    assert run(folder, next_number, 5).returncode == 0
    assert holds(folder) == next_number + 5


def test_no_room_for_one_of_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the nth file that is made durable; each time the next try goes on."""
    plain, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(descriptor)

    told: list[HeadwaterError] = []
    for nth in range(1, 12):
        calls = 0
        world = World(folder, *opened(folder))
        with world.store.write() as tx:
            name = world.log.enter(tx, "step", "", {"nth": nth}, AT)
        with (folder / "entered").open("a") as file:
            file.write(f"{name}\n")
        monkeypatch.setattr(os, "fsync", full)
        try:
            world.log.drain(AT)
        except HeadwaterError as error:
            told.append(error)
        monkeypatch.undo()
        world.store.close()
    assert len(told) > 5
    assert all("No space left" in error.what and "nothing was lost" in str(error.hint) for error in told)
    assert holds(folder) == 311

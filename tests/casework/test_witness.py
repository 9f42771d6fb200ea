"""A witness cosigns a log that goes on, and keeps as evidence what contradicts what it saw; a torn log is none."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pytest

from casework.log_world import AT, ORIGIN, SIGNER, TRUST, VKEY, World
from headwater.casework.log import Evidence, add_cosignatures, cosign, from_folder, verify_log
from headwater.casework.log.files import locked
from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UnreadableInput, UsageError
from headwater.keys import SigningKey
from headwater.proof import (
    Checkpoint,
    NoteSigner,
    Trust,
    VerifierKey,
    Witness,
    cosignatures,
    opened,
    read_note,
)

KEY = SigningKey(b"\x03" * 32, "witness")
NAME = "example.com/witness"
WITNESS = VerifierKey(NAME, KEY.public, 4)
QUORUM = Trust((VKEY,), (Witness("w", WITNESS),), (), "w")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.new(tmp_path)


def look(world: World, at_s: int = 100, **other: Any) -> bytes | Evidence:
    signer = NoteSigner(NAME, KEY.public, KEY.sign)
    place = other.pop("place", world.log.folder)
    options = {"key": VKEY, **other}
    return cosign(from_folder(place), signer, world.folder / "witness.json", at_s, **options)


def fork(world: World, at: int, more: int, folder: Path) -> World:
    """Another log in the same name and key, which is the same up to an entry and then goes its own way."""
    other = World.new(folder)
    other.enter(at)
    other.enter(more, said="what others shall see")
    other.publish()
    return other


def test_a_log_that_goes_on_is_cosigned_and_the_quorum_reached(world: World) -> None:
    for at_s, more in ((100, 0), (200, 3), (300, 300), (400, 0), (500, 70_000)):
        with world.store.write() as tx:
            for number in range(more):
                world.log.enter(tx, "step", "", {"n": number}, AT, world.secret)
        world.publish()
        note = look(world, at_s)
        assert isinstance(note, bytes)
        assert cosignatures(note, [WITNESS]) == [(WITNESS, at_s)]
        assert add_cosignatures(world.log, note, [WITNESS]) == (NAME,)
        found = verify_log(world.log.folder, QUORUM)
        assert found.holds
        assert found.cosigned == (("w", at_s),)


def test_until_the_newest_is_cosigned_the_one_before_is_believed(world: World) -> None:
    world.publish(5)
    with pytest.raises(UsageError, match="too few of the trusted witnesses"):
        verify_log(world.log.folder, QUORUM)
    note = look(world)
    assert isinstance(note, bytes)
    add_cosignatures(world.log, note, [WITNESS])
    world.publish(600)
    found = verify_log(world.log.folder, QUORUM)
    assert found.holds
    assert found.checkpoint.size == 5
    assert found.told == ["the newest checkpoint (605 entries) has too few cosignatures yet"]
    assert verify_log(world.log.folder, TRUST).checkpoint.size == 605
    world.log.prove(2).write(
        world.folder / "shown"
    )  # the cosigned one is shown, as long as it's large enough
    assert (world.folder / "shown" / "entry.tlog-proof").read_text().count("— ") == 2


def test_cosignatures_stay_when_the_checkpoint_is_published_again(world: World) -> None:
    world.publish(5)
    note = look(world)
    assert isinstance(note, bytes)
    add_cosignatures(world.log, note, [WITNESS])
    (world.log.folder / "checkpoint").unlink()
    world.publish()
    assert (world.log.folder / "checkpoint").read_bytes() == note


def test_cosignatures_of_several_witnesses_stand_together(world: World) -> None:
    world.publish(5)
    keys = []
    for number in (1, 2):
        key = SigningKey(bytes([40 + number]) * 32, "witness")
        signer = NoteSigner(f"example.com/{number}", key.public, key.sign)
        keys.append(VerifierKey(signer.name, key.public, 4))
        for at_s in (5, 6):
            state = world.folder / f"{number}.json"
            note = cosign(from_folder(world.log.folder), signer, state, at_s, key=VKEY)
            assert isinstance(note, bytes)
            add_cosignatures(world.log, note, keys)
    found = cosignatures((world.log.folder / "checkpoint").read_bytes(), keys)
    assert sorted((key.name, at_s) for key, at_s in found) == [("example.com/1", 6), ("example.com/2", 6)]


@pytest.mark.parametrize(("at", "more"), [(0, 10), (9, 1), (5, 5), (3, 900), (9, 300)])
def test_a_split_view_is_refused_and_shown(world: World, tmp_path: Path, at: int, more: int) -> None:
    world.publish(10)
    assert isinstance(look(world), bytes)
    other = fork(world, at, more, tmp_path / "other")
    assert verify_log(other.log.folder, TRUST).holds  # by itself, nothing is wrong with it
    before = (tmp_path / "witness.json").read_bytes()
    found = look(world, place=other.log.folder)
    assert isinstance(found, Evidence)
    for note, size in ((found.seen, 10), (found.shown, at + more)):
        opened(note, [VKEY])
        assert Checkpoint.parse(read_note(note).text).size == size
    assert (tmp_path / "witness.json").read_bytes() == before
    world.publish(300)
    assert isinstance(look(world), bytes)  # the log that it saw first still goes on


def test_a_smaller_tree_is_refused_and_shown(world: World, tmp_path: Path) -> None:
    world.publish(10)
    shutil.copytree(world.log.folder, tmp_path / "before")
    world.publish(10)
    assert isinstance(look(world), bytes)
    found = look(world, place=tmp_path / "before")
    assert isinstance(found, Evidence)
    assert found.why == "the log had 20 entries before, and shows 10 now"


@pytest.mark.parametrize("which", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
@pytest.mark.parametrize("damage", ["torn", "other", "gone"])
def test_a_damaged_log_is_no_evidence(world: World, which: str, damage: str) -> None:
    world.publish(200)
    assert isinstance(look(world), bytes)
    world.publish(100)
    path = world.log.folder / which
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:31] if damage == "torn" else bytes(path.stat().st_size))
    with pytest.raises(HeadwaterError, match="tiles don't fit the checkpoint"):
        look(world)
    world.log.mend()
    assert isinstance(look(world), bytes)


def test_a_clock_that_goes_back_says_the_last_time_again(world: World) -> None:
    world.publish(5)
    look(world, 1000)
    world.publish(5)
    note = look(world, 10)
    assert isinstance(note, bytes)
    assert cosignatures(note, [WITNESS]) == [(WITNESS, 1000)]


def test_who_is_not_known_or_has_another_key_is_told(world: World) -> None:
    world.publish(5)
    other = VerifierKey(ORIGIN, SigningKey(b"\x09" * 32).public)
    with pytest.raises(UsageError, match="doesn't know"):
        look(world, key=None)
    with pytest.raises(UsageError, match="no trusted key"):
        look(world, key=other)
    with pytest.raises(UsageError, match="another log"):
        look(world, key=VerifierKey("example.com/other", SIGNER.public))
    look(world)
    assert isinstance(look(world, key=None), bytes)
    with pytest.raises(UsageError, match="another key than before"):
        look(world, key=other)
    (world.log.folder / "checkpoint").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="no checkpoint"):
        look(world)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"logs": {"x": {"key": "no key"}}}',
        b'{"logs": {"x": {}}}',
        b"{" * 100_000,
        b'{"logs":' * 50_000,
    ],
)
def test_a_witness_that_forgot_says_so(world: World, content: bytes) -> None:
    world.publish(5)
    (world.folder / "witness.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="not what a witness remembers"):
        look(world)


def test_the_state_is_one_process_s(world: World) -> None:
    world.publish(5)
    with locked(world.folder / "witness.json"), pytest.raises(ConflictError, match="another witness"):
        look(world)


def test_cosignatures_of_others_and_on_others_are_not_taken(world: World, tmp_path: Path) -> None:
    world.publish(5)
    note = look(world)
    assert isinstance(note, bytes)
    stranger = VerifierKey(NAME, SigningKey(b"\x08" * 32).public, 4)
    with pytest.raises(UsageError, match="no cosignature of a trusted key"):
        add_cosignatures(world.log, note, [stranger])
    other = fork(world, 0, 5, tmp_path / "other")
    with pytest.raises(UsageError, match="has not signed"):
        add_cosignatures(other.log, note, [WITNESS])
    false = note[:-6] + b"AAAA=\n"
    with pytest.raises(UsageError):
        add_cosignatures(world.log, false, [WITNESS])


def _look_often(folder: Path, times: int, out: Any) -> None:
    for _ in range(times):
        try:
            signer = NoteSigner(NAME, KEY.public, KEY.sign)
            note = cosign(from_folder(folder / "log"), signer, folder / "witness.json", 5, key=VKEY)
        except ConflictError:
            continue
        out.put(isinstance(note, bytes))


def test_two_witness_processes_never_go_back(world: World) -> None:
    world.publish(5)
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    both = [context.Process(target=_look_often, args=(world.folder, 30, out)) for _ in range(2)]
    for one in both:
        one.start()
    world.publish(20)
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    found = look(world)
    assert isinstance(found, bytes)
    assert out.get(timeout=5)


def state_with(world: World, **changed: Any) -> None:
    """Changes what the witness remembers of the log."""
    path = world.folder / "witness.json"
    state = json.loads(path.read_text())
    state["logs"][ORIGIN] |= changed
    path.write_text(json.dumps(state))


def test_what_somebody_wrote_into_the_memory_is_no_evidence(world: World) -> None:
    world.publish(5)
    look(world)
    note = json.loads((world.folder / "witness.json").read_text())["logs"][ORIGIN]["note"]
    for changed in (
        {"note": note.replace("\n5\n", "\n9\n")},
        {"note": note.replace(ORIGIN, "example.com/other")},
        {"key": VerifierKey("example.com/other", KEY.public).text()},
        {"at_s": -1},
        {"at_s": 2**62},
    ):
        before = (world.folder / "witness.json").read_bytes()
        state_with(world, **changed)
        with pytest.raises(ConfigurationError, match="not what a witness remembers"):
            look(world)
        (world.folder / "witness.json").write_bytes(before)
    assert not isinstance(look(world), Evidence)


def test_a_memory_of_before_goes_on_and_one_of_after_is_evidence(world: World, tmp_path: Path) -> None:
    world.publish(5)
    look(world)
    older = (world.folder / "witness.json").read_bytes()
    shutil.copytree(world.log.folder, tmp_path / "older")
    world.publish(5)
    look(world)
    found = look(world, place=tmp_path / "older")
    assert isinstance(found, Evidence)
    assert found.why == "the log had 10 entries before, and shows 5 now"
    (world.folder / "witness.json").write_bytes(older)
    assert not isinstance(look(world), Evidence)


def test_a_clock_that_is_far_behind_the_last_cosignature_is_told(world: World) -> None:
    world.publish(5)
    look(world, at_s=10_000_000)
    world.publish(5)
    with pytest.raises(UsageError, match="115 days after the clock's"):
        look(world, at_s=1000)
    assert not isinstance(look(world, at_s=10_000_000 - 3600), Evidence)


def test_a_memory_in_no_folder_is_told(world: World, tmp_path: Path) -> None:
    world.publish(1)
    signer = NoteSigner(NAME, KEY.public, KEY.sign)
    with pytest.raises(UnreadableInput, match="no such folder"):
        cosign(from_folder(world.log.folder), signer, tmp_path / "none" / "seen.json", 100, key=VKEY)

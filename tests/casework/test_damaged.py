"""A store whose signed entries were damaged publishes nothing, and takes them back from what is published."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from casework.books import BEGIN, DAY, HOUR, SETTINGS, made, pack, proposed
from casework.log_world import AT, TRUST, VKEY, World
from headwater.casework import Casebook, open_casebook
from headwater.casework.log import recover, verify_log
from headwater.control import State
from headwater.errors import HeadwaterError, UnreadableInput, UsageError
from headwater.policy import Rung, parse_pack
from headwater.proof import VerifierKey


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.new(tmp_path)


def damage(world: World, *at: int, entry: bytes = b"\x01" + b"x" * 32) -> None:
    with world.store.write() as tx:
        for index in at:
            tx.run("UPDATE log_commitments SET entry = ? WHERE idx = ?", (entry, index))


def files(world: World) -> dict[str, str]:
    """What every published file is."""
    return {
        str(path.relative_to(world.log.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in world.log.folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("more", [1, 250, 70_000])
def test_damaged_entries_of_the_last_bundle_are_neither_published_nor_signed(world: World, more: int) -> None:
    world.publish(300)
    before = files(world)
    damage(world, 297, 298)
    with world.store.write() as tx:
        for number in range(more):
            world.log.enter(tx, "step", "", {"n": number}, AT, world.secret)
    with pytest.raises(HeadwaterError, match="entries 297 to 298") as raised:
        world.log.drain(AT)
    assert "headwater log recover" in str(raised.value.hint)
    assert files(world) == before
    assert world.log.head().size == 300
    assert verify_log(world.log.folder, TRUST).holds


def test_one_damaged_entry_is_named_alone(world: World) -> None:
    world.publish(5)
    damage(world, 2)
    with pytest.raises(HeadwaterError, match="entry 2 "):
        world.publish(1)


def test_damage_is_seen_before_anything_is_changed(world: World) -> None:
    world.publish(5)
    damage(world, 2)
    world.enter(1)
    with pytest.raises(HeadwaterError, match="entry 2 "):
        world.log.settle()
    with world.store.read() as tx:
        assert tx.row("SELECT count(*) FROM outbox") == (1,)


def test_damaged_entries_are_taken_back_from_what_is_published(world: World) -> None:
    ids = world.enter(300)
    world.publish()
    damage(world, 7, 299)
    with pytest.raises(HeadwaterError, match="entry 299 "):
        world.publish(1)
    taken = recover(world.log, VKEY, AT)
    assert (taken.missing, taken.mended) == (0, 2)
    assert world.log.drain(AT).size == 301
    assert world.log.prove(ids[7]).proof.index == 7
    assert world.log.prove(ids[299]).proof.index == 299
    assert verify_log(world.log.folder, TRUST).holds
    with pytest.raises(UsageError, match="nothing is missing"):
        recover(world.log, VKEY, AT)


def test_entries_that_are_gone_from_the_middle_are_taken_back(world: World) -> None:
    ids = world.enter(300)
    world.publish()
    with world.store.write() as tx:
        tx.run("PRAGMA defer_foreign_keys = ON")
        tx.run("DELETE FROM log_records WHERE idx = 280")
        tx.run("DELETE FROM log_commitments WHERE idx = 280")
    with pytest.raises(HeadwaterError, match="43 of the log's entries 256 to 299"):
        world.publish(1)
    taken = recover(world.log, VKEY, AT)
    assert (taken.missing, taken.mended) == (1, 0)
    assert world.log.drain(AT).size == 301
    with pytest.raises(UsageError, match="was lost"):
        world.log.prove(ids[280])
    assert verify_log(world.log.folder, TRUST).holds


def test_a_changed_record_is_not_mended_with_its_entry(world: World) -> None:
    """The commitment comes back; that the record is another one stays to be seen."""
    ids = world.enter(3)
    world.publish()
    with world.store.write() as tx:
        tx.run("UPDATE log_records SET record = x'7b7d' WHERE idx = 1")
    damage(world, 1)
    assert recover(world.log, VKEY, AT).mended == 1
    with pytest.raises(UsageError, match="not what the store holds"):
        world.log.prove(ids[1])


def restored(folder: Path, copy: Path) -> Casebook:
    """The casebook in `folder`, whose store is an older copy."""
    for path in folder.glob("casebook.sqlite*"):
        path.unlink()
    shutil.move(copy, folder / "casebook.sqlite")
    return open_casebook(folder, SETTINGS)


def test_nothing_is_changed_where_it_cannot_be_told(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        book.store.copy_to(tmp_path / "copy")
        book.confirm("birch-00000", "bob", BEGIN + HOUR)
    with restored(tmp_path / "desk", tmp_path / "copy") as book:
        for change in (
            lambda: book.confirm("birch-harvest", "bob", BEGIN + HOUR),
            lambda: book.tick(BEGIN + 20 * DAY),
            lambda: book.erase("birch-00001", "bob", "asked for", BEGIN + HOUR, even_so=True),
            lambda: book.adopt(pack("shape"), parse_pack(pack("shape"), "p"), "bob", BEGIN + HOUR),
        ):
            with pytest.raises(HeadwaterError, match="restored from an older copy"):
                change()
        assert [kept.step.state for kept in book.steps()] == [State.PROPOSED] * 3
        assert book.pack.rules[0].rung is Rung.QUARANTINE
        with book.store.read() as tx:
            assert tx.row("SELECT count(*) FROM outbox") == (0,)
        recover(book.log, VerifierKey.parse((tmp_path / "desk/log.vkey").read_text().strip()), BEGIN + HOUR)
        book.confirm("birch-harvest", "bob", BEGIN + 2 * HOUR)
        assert len(book.steps(states=(State.STANDING,))) == 3


def test_nothing_is_changed_over_damaged_entries(tmp_path: Path) -> None:
    with made(tmp_path / "desk") as book:
        proposed(book)
        with book.store.write() as tx:
            tx.run("UPDATE log_commitments SET entry = x'00' WHERE idx = 1")
        with pytest.raises(HeadwaterError, match="entry 1 in the store"):
            book.confirm("birch-harvest", "bob", BEGIN + HOUR)
        assert [kept.step.state for kept in book.steps()] == [State.PROPOSED] * 3


@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/0/001.p/44", "tile/entries/000", "tile/entries/001.p/44"]
)
def test_a_folder_in_the_place_of_a_file_is_found_and_named(world: World, name: str) -> None:
    world.publish(300)
    place = world.log.folder / name
    place.unlink()
    place.mkdir()
    found = verify_log(world.log.folder, TRUST)
    assert any(one.startswith(f"{name}: ") for one in found.findings), found.findings
    with pytest.raises(HeadwaterError, match="a folder lies where") as raised:
        world.log.mend()
    assert str(raised.value.where) == str(place)
    place.rmdir()
    world.log.mend()
    assert verify_log(world.log.folder, TRUST).holds


def test_a_folder_in_the_place_of_the_checkpoint_is_named_before_anything_gets_its_place(
    world: World,
) -> None:
    world.publish(3)
    place = world.log.folder / "checkpoint"
    place.unlink()
    place.mkdir()
    with pytest.raises(UnreadableInput, match="no file `checkpoint`"):
        verify_log(world.log.folder, TRUST)
    with pytest.raises(HeadwaterError, match="a folder lies where"):
        world.publish(1)
    assert world.log.head().size == 3
    place.rmdir()
    assert world.publish().size == 4


def test_what_stands_in_the_place_of_others_word_is_none(world: World) -> None:
    world.publish(3)
    (world.log.folder / "cosigned").mkdir()
    (world.log.folder / "stamps").write_text("no folder")
    assert world.publish(1).size == 4
    assert verify_log(world.log.folder, TRUST).holds


def test_nothing_is_changed_where_the_log_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access  # whoever runs tests as root may write anywhere
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "entries" and real(path, mode))
    with made(tmp_path / "desk") as book:
        with pytest.raises(HeadwaterError, match="no permission") as raised:
            proposed(book)
        assert str(raised.value.where) == str(tmp_path / "desk/log/tile/entries")
        assert book.steps() == []


def test_a_lost_key_of_a_log_is_restored_and_never_made_anew(tmp_path: Path) -> None:
    made(tmp_path / "desk").close()
    (tmp_path / "desk/log.key").unlink()
    with pytest.raises(UnreadableInput, match="the log's key isn't there") as raised:
        open_casebook(tmp_path / "desk", SETTINGS)
    assert "restore it" in str(raised.value.hint)

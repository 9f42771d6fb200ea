"""A store whose signed entries were damaged publishes nothing, and takes them back from what is published."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from casework.log_world import AT, TRUST, VKEY, World
from headwater.casework.log import recover, verify_log
from headwater.errors import HeadwaterError, UsageError


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

"""The store keeps what was committed and nothing else; who loses a race is told; what was erased is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UnreadableInput
from headwater.store import Migration, Store

NOTES = Migration("notes", 1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "a.sqlite", [NOTES])


def texts(store: Store) -> list[str]:
    with store.read() as tx:
        return [text for (text,) in tx.rows("SELECT text FROM notes ORDER BY id")]


def write(store: Store, text: str) -> None:
    with store.write() as tx:
        tx.run("INSERT INTO notes (text) VALUES (?)", (text,))


def test_what_was_committed_is_there_when_opened_again(store: Store, tmp_path: Path) -> None:
    write(store, "one")
    store.close()
    with Store.open(tmp_path / "a.sqlite", [NOTES], must_exist=True) as again:
        assert texts(again) == ["one"]


def test_an_exception_undoes_all_of_a_transaction_and_its_messages(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.run("INSERT INTO notes (text) VALUES ('one')")
            tx.later("topic", "subject", b"payload", 1)
            tx.create("register", b"x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert texts(store) == []
    with store.read() as tx:
        assert tx.waiting(10) == []
        assert tx.fetch("register") is None


def test_a_transaction_cannot_be_used_after_its_end_or_within_another(store: Store) -> None:
    with store.write() as tx:
        with pytest.raises(RuntimeError, match="pass it on"), store.write():
            pass
        tx.run("INSERT INTO notes (text) VALUES ('one')")
    with pytest.raises(RuntimeError, match="over"):
        tx.run("INSERT INTO notes (text) VALUES ('two')")
    assert texts(store) == ["one"]


def test_reading_sees_one_state_and_cannot_write(store: Store, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "a.sqlite", [NOTES])
    with store.read() as tx:
        assert tx.rows("SELECT * FROM notes") == []
        write(other, "meanwhile")
        assert tx.rows("SELECT * FROM notes") == []
        with pytest.raises(HeadwaterError, match="read only"):
            tx.run("INSERT INTO notes (text) VALUES ('no')")
    assert texts(store) == ["meanwhile"]


def test_registers_are_created_once_and_replaced_only_where_unchanged(store: Store) -> None:
    with store.write() as tx:
        tx.create("head", b"1")
    with pytest.raises(ConflictError, match="exists"), store.write() as tx:
        tx.create("head", b"2")
    with store.write() as tx:
        tx.replace("head", b"1", b"2")
    with pytest.raises(ConflictError, match="meanwhile"), store.write() as tx:
        tx.replace("head", b"1", b"3")
    with pytest.raises(ConflictError), store.write() as tx:
        tx.replace("never", b"1", b"3")
    with store.read() as tx:
        assert tx.fetch("head") == b"2"


def test_swap_says_what_the_caller_says(store: Store) -> None:
    write(store, "one")
    with pytest.raises(ConflictError, match="bob was first") as raised, store.write() as tx:
        tx.swap("UPDATE notes SET text = 'x' WHERE text = ?", ("two",), "bob was first", hint="look again")
    assert raised.value.hint == "look again"
    assert texts(store) == ["one"]


def test_messages_wait_in_order_and_numbers_never_come_again(store: Store) -> None:
    with store.write() as tx:
        first = [tx.later(topic, "s", topic.encode(), 9 - at) for at, topic in enumerate("abab")]
        assert [one.payload for one in tx.waiting(10)] == [b"a", b"b", b"a", b"b"]
        assert [one.id for one in tx.waiting(10, "b")] == [first[1], first[3]]
        tx.done(first)
        assert tx.waiting(10) == []
    with store.write() as tx:
        assert tx.later("a", "s", b"", 0) > max(first)


def test_a_store_that_others_may_read_is_refused(store: Store, tmp_path: Path) -> None:
    write(store, "one")
    for beside in tmp_path.iterdir():
        assert beside.stat().st_mode & 0o077 == 0, beside
    store.close()
    (tmp_path / "a.sqlite").chmod(0o644)
    with pytest.raises(ConfigurationError, match="others than its owner") as raised:
        Store.open(tmp_path / "a.sqlite", [NOTES])
    assert raised.value.hint == f"chmod 600 {tmp_path / 'a.sqlite'}"


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    store.close()
    newer = Migration("notes", 2, "ALTER TABLE notes ADD COLUMN more TEXT;")
    Store.open(tmp_path / "a.sqlite", [NOTES, newer]).close()
    with pytest.raises(ConfigurationError, match="newer version"):
        Store.open(tmp_path / "a.sqlite", [NOTES])
    with Store.open(tmp_path / "a.sqlite", []) as without:  # a room that isn't asked for
        assert texts(without) == []


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    broken = Migration("notes", 2, "CREATE TABLE more (id INTEGER); CREATE TABLE notes (id INTEGER);")
    with pytest.raises(sqlite3.OperationalError):
        Store.open(tmp_path / "a.sqlite", [NOTES, broken])
    with Store.open(tmp_path / "a.sqlite", [NOTES]) as store, store.read() as tx:
        assert tx.rows("SELECT name FROM sqlite_schema WHERE name = 'more'") == []


def test_migrations_have_semicolons_in_texts_and_triggers(tmp_path: Path) -> None:
    sql = """
    CREATE TABLE t (a TEXT NOT NULL DEFAULT 'x;y') STRICT;
    CREATE TRIGGER never BEFORE DELETE ON t BEGIN SELECT raise(ABORT, 'kept; always'); END;
    """
    with Store.open(tmp_path / "a.sqlite", [Migration("t", 1, sql)]) as store:
        with store.write() as tx:
            tx.run("INSERT INTO t DEFAULT VALUES")
        with pytest.raises(sqlite3.IntegrityError), store.write() as tx:
            tx.run("DELETE FROM t")


def test_migrations_are_numbered_without_gaps(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="numbered"):
        Store.open(tmp_path / "a.sqlite", [Migration("notes", 2, "SELECT 1;")])


def test_files_that_are_no_stores(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, though long enough to be looked at " * 40)
    (tmp_path / "text").chmod(0o600)
    with pytest.raises(UnreadableInput, match="no database"):
        Store.open(tmp_path / "text", [NOTES])
    foreign = sqlite3.connect(tmp_path / "foreign")
    foreign.execute("CREATE TABLE other (id INTEGER)")
    foreign.close()
    (tmp_path / "foreign").chmod(0o600)
    with pytest.raises(ConfigurationError, match="another program"):
        Store.open(tmp_path / "foreign", [NOTES])
    with pytest.raises(UnreadableInput, match="does not exist"):
        Store.open(tmp_path / "gone", [NOTES], must_exist=True)
    with pytest.raises(UnreadableInput, match="does not exist"):
        Store.open(tmp_path / "no" / "folder", [NOTES])
    with pytest.raises(ConfigurationError, match="regular"):
        Store.open(tmp_path, [NOTES])


def test_what_was_erased_is_not_in_any_file(store: Store, tmp_path: Path) -> None:
    for at in range(50):
        write(store, f"a name that must go {at}")
    with store.write() as tx:
        tx.run("UPDATE notes SET text = '' WHERE id % 2 = 0")
        tx.run("DELETE FROM notes WHERE id % 2 = 1")
    store.scrub()
    assert sum(path.read_bytes().count(b"a name that must go") for path in tmp_path.iterdir()) == 0


def test_a_copy_is_whole(store: Store, tmp_path: Path) -> None:
    write(store, "one")
    store.copy_to(tmp_path / "copy.sqlite")
    write(store, "two")
    with Store.open(tmp_path / "copy.sqlite", [NOTES]) as copy:
        assert texts(copy) == ["one"]
    with pytest.raises(ConfigurationError, match="exists"):
        store.copy_to(tmp_path / "copy.sqlite")


def _count(path: Path, times: int) -> None:
    with Store.open(path, [NOTES]) as store:
        for _ in range(times):
            with store.write() as tx:
                seen = tx.fetch("count") or b"0"
                tx.replace("count", seen, b"%d" % (int(seen) + 1))


def test_two_processes_lose_no_change(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        tx.create("count", b"0")
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_count, args=(tmp_path / "a.sqlite", 100)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with store.read() as tx:
        assert tx.fetch("count") == b"200"


KILLED = """
import os, signal, sys
from pathlib import Path
from headwater.store import Migration, Store
store = Store.open(Path(sys.argv[1]), [Migration("notes", 1, sys.argv[2])])
with store.write() as tx:
    tx.run("INSERT INTO notes (text) VALUES ('kept')")
with store.write() as tx:
    tx.run("INSERT INTO notes (text) VALUES ('half')")
    tx.later("topic", "s", b"", 0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_within_a_transaction_leaves_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), NOTES.sql], check=False)
    assert done.returncode == -signal.SIGKILL
    with Store.open(path, [NOTES]) as store:
        assert texts(store) == ["kept"]
        with store.read() as tx:
            assert tx.waiting(1) == []


FULL = """
import resource, sys
from pathlib import Path
from headwater.errors import HeadwaterError
from headwater.store import Migration, Store
store = Store.open(Path(sys.argv[1]), [Migration("notes", 1, sys.argv[2])])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        with store.write() as tx:
            tx.run("INSERT INTO notes (text) VALUES (?)", ("x" * 9000,))
        kept += 1
except HeadwaterError as error:
    print(error, "|", error.hint)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with store.write() as tx:
    tx.run("INSERT INTO notes (text) VALUES ('after')")
print(kept)
"""


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), NOTES.sql],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    said, kept = done.stdout.splitlines()
    assert "nothing that was done before is lost" in said
    with Store.open(path, [NOTES]) as store:
        found = texts(store)
    assert len(found) == int(kept) + 1 > 5
    assert found[-1] == "after"

"""A log keeps order and loses nothing; what it publishes, a stranger verifies; what is erased is gone."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.log_world import AT, KEY, ORIGIN, SIGNER, TRUST, VKEY, World
from headwater.casework.log import (
    KINDS,
    MIGRATIONS,
    Log,
    Record,
    Recovered,
    check_disclosed,
    entry_id,
    entry_of,
    erase,
    find,
    held,
    recover,
    verify_log,
)
from headwater.casework.log.files import locked
from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UnreadableInput, UsageError
from headwater.keys import SigningKey
from headwater.proof import NoteSigner, Rejected, Trust, VerifierKey, decode_bundle
from headwater.store import Store


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.new(tmp_path)


def published_entries(folder: Path, size: int) -> list[bytes]:
    out: list[bytes] = []
    for index in range(-(-size // 256)):
        width = min(256, size - 256 * index)
        name = f"{index:03}" + (f".p/{width}" if width < 256 else "")
        out += decode_bundle((folder / "log/tile/entries" / name).read_bytes(), width)
    return out


@given(st.lists(st.integers(0, 600), min_size=1, max_size=4))
def test_entries_are_published_once_in_their_order_and_verify(batches: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World.new(Path(folder))
        ids: list[str] = []
        for batch in batches:
            with world.store.write() as tx:
                ids += [
                    world.log.enter(tx, "step", "", {"n": len(ids) + at}, AT - at, world.secret)
                    for at in range(batch)
                ]
            done = world.log.drain(AT)
            assert (done.size, done.entries) == (len(ids), batch)
            found = verify_log(world.log.folder, TRUST)
            assert (found.findings, found.entries) == ([], len(ids))
        assert list(map(entry_id, published_entries(world.folder, len(ids)))) == ids
        partial = [path for path in world.log.folder.rglob("*.p") if (path.with_suffix("")).exists()]
        assert partial == []
        world.store.close()


def test_a_drain_takes_no_more_than_it_is_told(world: World) -> None:
    world.enter(10)
    assert world.log.drain(AT, most=4).size == 4
    assert world.log.drain(AT, most=0).size == 4
    assert world.log.drain(AT).entries == 6


def test_nothing_new_changes_nothing(world: World) -> None:
    world.publish(3)
    before = {path: path.read_bytes() for path in world.log.folder.rglob("*") if path.is_file()}
    assert world.publish().entries == 0
    assert before == {path: path.read_bytes() for path in world.log.folder.rglob("*") if path.is_file()}


def test_a_record_is_in_the_log_only_if_its_transaction_is(world: World) -> None:
    def fail() -> None:
        with world.store.write() as tx:
            world.log.enter(tx, "step", "acct-1", {}, AT)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert world.publish().size == 0


def test_the_log_folder_holds_no_secret_and_no_content(world: World) -> None:
    world.enter(300, subject="acct-feed", said="what was said of somebody")
    world.publish()
    published = b"".join(path.read_bytes() for path in world.log.folder.rglob("*") if path.is_file())
    for n in range(1, 301):
        assert n.to_bytes(32, "big") not in published
    assert b"acct-feed" not in published
    assert b"somebody" not in published


def test_a_disclosed_entry_is_checked_by_a_stranger_offline(world: World, tmp_path: Path) -> None:
    ids = world.enter(700)
    world.publish()
    out = tmp_path / "shown"
    shown = world.log.prove(ids[500])
    shown.write(out)
    with pytest.raises(UsageError, match="exists"):
        shown.write(out)
    shutil.rmtree(world.log.folder)
    found = check_disclosed(out, TRUST)
    assert (found.index, found.id, found.size, found.origin) == (500, ids[500], 700, ORIGIN)
    assert found.record.body == {"number": 500, "text": "said"}


def test_entries_are_found_by_index_id_and_its_beginning(world: World) -> None:
    ids = world.enter(20)
    world.publish()
    for entry in (7, ids[7], ids[7][:12]):
        assert world.log.prove(entry).proof.index == 7
    for entry in (20, -1, 2**70, "0" * 32, "xyz", ids[7][:4], ids[7].upper()):
        with pytest.raises(UsageError):
            world.log.prove(entry)
    world.enter(1)
    with pytest.raises(UsageError) as raised:
        world.log.prove(20)
    assert raised.value.hint == "1 wait to be published"


@pytest.mark.parametrize("name", ["record.json", "entry.tlog-proof"])
def test_a_disclosed_entry_with_any_change_is_refused(world: World, tmp_path: Path, name: str) -> None:
    world.publish(5)
    world.log.prove(3).write(tmp_path / "shown")
    path = tmp_path / "shown" / name
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(UsageError):
            check_disclosed(tmp_path / "shown", TRUST)
    path.write_bytes(whole + b" ")
    with pytest.raises(UsageError):
        check_disclosed(tmp_path / "shown", TRUST)
    path.write_bytes(b"x" * 2_000_000)
    with pytest.raises(UsageError):
        check_disclosed(tmp_path / "shown", TRUST)
    path.unlink()
    with pytest.raises(UnreadableInput):
        check_disclosed(tmp_path / "shown", TRUST)


def test_a_disclosed_entry_under_another_key_is_refused(world: World, tmp_path: Path) -> None:
    world.publish(5)
    world.log.prove(3).write(tmp_path / "shown")
    with pytest.raises(UsageError, match="no trusted key"):
        check_disclosed(tmp_path / "shown", Trust((VerifierKey(ORIGIN, SigningKey(b"\x02" * 32).public),)))


def test_erasing_takes_content_and_secret_and_no_proof(world: World, tmp_path: Path) -> None:
    world.enter(300, subject="acct-stays")
    gone = world.enter(2, subject="acct-goes", said="a text that must go")
    world.publish()
    gone += world.enter(1, subject="acct-goes", said="a text that must go")  # waits when it's erased
    with world.store.write() as tx:
        assert erase(tx, AT + 5, "asked for by the customer", subject="acct-goes") == 3
    world.store.scrub()
    files = b"".join(path.read_bytes() for path in tmp_path.glob("casebook*"))
    assert b"a text that must go" not in files
    assert b"acct-goes" not in files
    for number in (301, 302, 303):
        assert number.to_bytes(32, "big") not in files
    world.publish(10)
    for entry in gone:
        with pytest.raises(UsageError, match=r"erased on 2026-09-21 14:13 UTC: asked for by the customer"):
            world.log.prove(entry)
    for index in (0, 150, 299, 312):
        world.log.prove(index).write(tmp_path / f"shown-{index}")
        check_disclosed(tmp_path / f"shown-{index}", TRUST)
    assert verify_log(world.log.folder, TRUST).holds


def test_erasing_by_age_and_kind_and_never_all(world: World) -> None:
    world.publish(10)
    with world.store.write() as tx:
        world.log.enter(tx, "appeal", "acct-1", {}, AT)
    world.publish()
    with world.store.write() as tx:
        with pytest.raises(ValueError, match="whole log"):
            erase(tx, AT, "why")
        assert erase(tx, AT, "retention", kinds=["step"], before_us=AT + 4) == 4
        assert erase(tx, AT, "retention", kinds=["step"], before_us=AT + 4) == 0
        assert erase(tx, AT, "one", index=10) == 1
        assert [one.index for one in held(tx, subject="acct-1")] == [4, 5, 6, 7, 8, 9]
        assert find(tx, 2).erased_why == "retention"
        assert find(tx, 2).kind == "step"
        assert [one.index for one in held(tx, kind="step", first=2, limit=3)] == [2, 3, 4]


def test_a_clock_that_goes_back_changes_nothing(world: World) -> None:
    world.enter(3)
    world.log.drain(AT + 100)
    world.count = -50_000_000  # records from before
    ids = world.enter(3)
    world.log.drain(AT - 10**12)
    assert [world.log.prove(entry).proof.index for entry in ids] == [3, 4, 5]
    with world.store.read() as tx:
        times = [at for (at,) in tx.rows("SELECT at_us FROM log_checkpoints ORDER BY size")]
    assert times == [AT, AT + 100, AT + 100]
    assert verify_log(world.log.folder, TRUST).holds


@pytest.mark.parametrize("damage", ["torn", "gone", "other", "longer"])
@pytest.mark.parametrize("which", ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000"])
def test_damaged_files_are_found_and_made_again(world: World, damage: str, which: str) -> None:
    world.publish(600)
    path = world.log.folder / which
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"torn": whole[:40], "other": bytes(len(whole)), "longer": whole + whole[-34:]}[damage]
        )
    found = verify_log(world.log.folder, TRUST)
    assert any(which in line for line in found.findings), found.findings
    if "entries" not in which:
        world.log.prove(590)
        world.log.prove(300)
    world.log.mend()
    assert path.read_bytes() == whole
    assert verify_log(world.log.folder, TRUST).holds


def test_the_whole_folder_is_made_again(world: World) -> None:
    world.publish(600)
    before = {path: path.read_bytes() for path in world.log.folder.rglob("*") if path.is_file()}
    shutil.rmtree(world.log.folder)
    again = world.again()
    assert again.publish().size == 600
    assert before == {path: path.read_bytes() for path in world.log.folder.rglob("*") if path.is_file()}
    assert again.publish(1).size == 601
    assert verify_log(world.log.folder, TRUST).holds


@pytest.mark.parametrize("content", [b"", b"torn", b"example.com/casework\n3\n", None])
def test_a_torn_checkpoint_is_published_again(world: World, content: bytes | None) -> None:
    world.publish(3)
    path = world.log.folder / "checkpoint"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] if content is None else content)
    world.publish()
    assert path.read_bytes() == whole


def test_commitments_that_were_changed_are_not_published(world: World) -> None:
    world.publish(300)
    with world.store.write() as tx:
        tx.run("UPDATE log_commitments SET entry = x'00' WHERE idx = 299")
    shutil.rmtree(world.log.folder / "tile")
    world.enter(1)
    with pytest.raises(HeadwaterError, match="don't give the root"):
        world.log.drain(AT)
    assert not (world.log.folder / "tile").exists()


def older_copy(world: World, tmp_path: Path) -> World:
    """The store as it was before the last entries were published."""
    world.store.close()
    shutil.move(tmp_path / "copy.sqlite", tmp_path / "casebook.sqlite")
    for path in tmp_path.glob("casebook.sqlite-*"):
        path.unlink()
    return world.again()


def test_a_store_restored_from_an_older_copy_signs_nothing(world: World, tmp_path: Path) -> None:
    world.publish(10)
    world.store.copy_to(tmp_path / "copy.sqlite")
    world.publish(10)
    older = older_copy(world, tmp_path)
    older.enter(1)
    before = (world.log.folder / "checkpoint").read_bytes()
    with pytest.raises(HeadwaterError, match="20 entries, and the store knows of 10") as raised:
        older.log.drain(AT)
    assert "headwater log recover" in str(raised.value.hint)
    assert (world.log.folder / "checkpoint").read_bytes() == before


def test_a_restored_store_signs_nothing_either_where_only_a_witness_s_copy_is_left(
    world: World, tmp_path: Path
) -> None:
    world.publish(10)
    world.store.copy_to(tmp_path / "copy.sqlite")
    world.publish(10)
    (world.log.folder / "checkpoint").rename(world.log.folder / "cosigned")
    older = older_copy(world, tmp_path)
    with pytest.raises(HeadwaterError, match="20 entries, and the store knows of 10"):
        older.publish(1)
    assert not (world.log.folder / "checkpoint").exists()


def test_links_in_the_published_folder_are_not_written_through(world: World, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "7").write_text("a secret")
    (world.log.folder / ".new").symlink_to(kept / "7")
    (world.log.folder / "tile" / "0").mkdir(parents=True)
    (world.log.folder / "tile" / "0" / "000.p").symlink_to(kept)
    world.publish(200)
    (kept / "200").unlink()
    world.publish(100)
    assert (kept / "7").read_text() == "a secret"
    assert world.log.folder.stat().st_mode & 0o077
    assert (world.log.folder / "checkpoint").stat().st_mode & 0o044


def test_recovery_takes_commitments_over_and_doubles_nothing(world: World, tmp_path: Path) -> None:
    world.publish(10)
    waiting = world.enter(5)
    world.store.copy_to(tmp_path / "copy.sqlite")
    lost = world.enter(3)
    world.publish()
    older = older_copy(world, tmp_path)
    new = older.enter(2)
    assert recover(older.log, VKEY, AT) == Recovered(8, 0)
    older.store.close()
    older = older.again()
    assert older.publish().size == 20
    assert [older.log.prove(entry).proof.index for entry in waiting] == [10, 11, 12, 13, 14]
    assert [older.log.prove(entry).proof.index for entry in new] == [18, 19]
    with pytest.raises(UsageError, match="lost when the store was restored"):
        older.log.prove(lost[0])
    assert verify_log(older.log.folder, TRUST).holds
    with pytest.raises(UsageError, match="nothing is missing"):
        recover(older.log, VKEY, AT)


def test_recovery_refuses_what_the_key_did_not_sign_or_entries_do_not_make(
    world: World, tmp_path: Path
) -> None:
    world.publish(10)
    world.store.copy_to(tmp_path / "copy.sqlite")
    world.publish(10)
    older = older_copy(world, tmp_path)
    with pytest.raises(HeadwaterError, match="no trusted key"):
        recover(older.log, VerifierKey(ORIGIN, SigningKey(b"\x02" * 32).public), AT)
    bundle = world.log.folder / "tile/entries/000.p/20"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(HeadwaterError, match="another root"):
        recover(older.log, VKEY, AT)


def test_two_stores_of_one_name_are_told(world: World, tmp_path: Path) -> None:
    world.publish(10)
    other = World.new(tmp_path / "other")
    other.publish(3)
    other.enter(1, said="something else")
    other.publish()
    shutil.copy(other.log.folder / "checkpoint", world.log.folder / "checkpoint")
    with pytest.raises(HeadwaterError, match="two stores"):
        world.publish(1)
    stranger = NoteSigner("example.com/other", KEY.public, KEY.sign)
    third = Store.open(tmp_path / "third.sqlite", MIGRATIONS)
    Log.new(tmp_path / "third", "example.com/other", stranger, third, AT)
    shutil.copy(tmp_path / "third/checkpoint", world.log.folder / "checkpoint")
    with pytest.raises(HeadwaterError, match="another log"):
        world.publish(1)


def test_what_a_log_cannot_be_opened_with(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another key"):
        Log.open(
            world.log.folder,
            ORIGIN,
            NoteSigner(ORIGIN, SigningKey(b"\x02" * 32).public, KEY.sign),
            world.store,
        )
    with pytest.raises(ConfigurationError, match="another name"):
        Log.open(world.log.folder, "example.com/x", None, world.store)
    with pytest.raises(ConfigurationError, match="log's name"):
        Log.open(world.log.folder, ORIGIN, NoteSigner("x", KEY.public, KEY.sign), world.store)
    with pytest.raises(ConflictError, match="exists"):
        Log.new(tmp_path / "fresh", ORIGIN, SIGNER, world.store, AT)
    with pytest.raises(ConfigurationError, match="not empty"):
        Log.new(world.log.folder, ORIGIN, SIGNER, world.store, AT)
    with (
        Store.open(tmp_path / "none.sqlite", MIGRATIONS) as none,
        pytest.raises(ConfigurationError, match="no log"),
    ):
        Log.open(world.log.folder, ORIGIN, None, none)
    reader = Log.open(world.log.folder, ORIGIN, None, world.store)
    world.enter(1)
    with pytest.raises(UsageError, match="without its key"):
        reader.drain(AT)


def test_the_second_who_publishes_is_told_who_the_first_is(world: World) -> None:
    with locked(world.log.folder), pytest.raises(ConflictError, match=r": process \d+ on .* is publishing"):
        world.log.drain(AT, wait_s=0.05)
    assert world.publish(1).size == 1


def _enter_and_drain(folder: Path, times: int) -> None:
    with Store.open(folder / "casebook.sqlite", MIGRATIONS) as store:
        log = Log.open(folder / "log", ORIGIN, SIGNER, store)
        for number in range(times):
            with store.write() as tx:
                log.enter(tx, "step", "", {"number": number}, AT)
            log.drain(AT, wait_s=60)


def test_two_processes_at_once_lose_and_double_nothing(world: World) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_enter_and_drain, args=(world.folder, 40)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert world.log.head().size == 80
    assert verify_log(world.log.folder, TRUST).holds


def test_the_same_records_and_secrets_give_the_same_log(tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b"):
        world = World.new(tmp_path / name)
        world.publish(20)
        folders.append(world.log.folder)
    for path in folders[0].rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (folders[1] / path.relative_to(folders[0])).read_bytes()


@given(
    st.integers(0, 2**53 - 1),
    st.sampled_from(KINDS),
    st.text(max_size=20),
    st.dictionaries(
        st.text(max_size=5), st.recursive(st.text(max_size=5) | st.booleans(), st.lists), max_size=4
    ),
)
def test_a_record_is_read_back_as_it_was(
    at_us: int, kind: str, subject: str, body: dict[str, object]
) -> None:
    record = Record(at_us, kind, subject, body)
    assert Record.parse(record.data()) == record


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        Record.parse(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"v":1', b'"v":2'),
        lambda data: data.replace(b'"v":1', b'"v": 1'),
        lambda data: data.replace(b'"v":1', b'"v":1,"w":1'),
        lambda data: data.replace(b'"step"', b'"other"'),
        lambda data: data.replace(b'"at_us":5', b'"at_us":5.0'),
        lambda data: data.replace(b'"at_us":5', b'"at_us":-5'),
        lambda data: data.replace(b'"body":{}', b'"body":' + b'{"a":' * 100_000 + b"{}" + b"}" * 100_000),
        lambda data: data.replace(b'"body":{}', b'"body":{"a":' + b"[" * 40_000 + b"]" * 40_000 + b"}"),
        lambda data: data.replace(b'"body":{}', b'"body":{"b":1,"a":1}'),
    ],
)
def test_records_of_another_form_are_refused(change) -> None:  # type: ignore[no-untyped-def]
    data = Record(5, "step", "", {}).data()
    assert change(data) != data
    with pytest.raises(Rejected):
        Record.parse(change(data))


def test_what_cannot_be_recorded_is_told(world: World) -> None:
    with world.store.write() as tx:
        for kind, body in (("gossip", {}), ("step", {"x": float("nan")}), ("step", {"x": "y" * 300_000})):
            with pytest.raises(UsageError) as raised:
                world.log.enter(tx, kind, "", body, AT)
            assert "gossip" not in str(raised.value)


def test_the_entry_is_what_the_format_says() -> None:
    """Known answer, made with `openssl dgst -sha256 -mac HMAC`."""
    secret = bytes(range(32))
    record = b'{"at_us":5,"body":{},"kind":"step","subject":"","v":1}'
    assert Record(5, "step", "", {}).data() == record
    assert entry_of(secret, record).hex() == KNOWN_ENTRY


KNOWN_ENTRY = "016f30d26f0adcb255ac42c6178bfd9766179d7cefb1040a30702088c8e668f7ef"

"""The bytes of a journal: known answers, whatever is done to them, and nothing that a prompt can do."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.journal.journals import (
    AT,
    entries,
    filled,
    gaps,
    journal,
    only,
    outcomes,
    read,
    records,
    request,
    requests,
    told,
    whats,
)
from headwater.errors import UnreadableInput
from headwater.exchange.journal import Accepted, FileReader, Record
from headwater.exchange.journal.frame import (
    END,
    FRAME_BYTES,
    HEADER_BYTES,
    Frame,
    Header,
    NewerVersionError,
    Parser,
    Torn,
    framed,
    header,
)
from headwater.exchange.journal.records import ACCEPTED, KINDS, decode, encode

MARKER = bytes(range(8))


def test_a_header_is_these_bytes() -> None:
    made = Header(3, b"incarnat", MARKER, 17, AT).pack()
    assert made.hex(" ", 8) == (
        "8948574a0d0a1a0a 0100400000000000 0300000000000000 696e6361726e6174 "
        "0001020304050607 1100000000000000 00101558b95e0600 00000000"
        + zlib.crc32(made[:60]).to_bytes(4, "little").hex()
    )
    assert header(made) == Header(3, b"incarnat", MARKER, 17, AT)
    assert len(made) == HEADER_BYTES == 64


def test_a_frame_is_these_bytes() -> None:
    made = framed(MARKER, 1, 5, b"rivers") + b"rivers"
    checked = "01" + "06000000" + "0500000000000000" + b"rivers".hex()
    crc = zlib.crc32(bytes.fromhex(checked)).to_bytes(4, "little").hex()
    assert made.hex() == MARKER.hex() + crc + checked
    assert len(made) == FRAME_BYTES + 6 == 31


def test_a_record_is_an_array_of_its_fields() -> None:
    data, mended = encode(Accepted("r", 5, "a", "p"))
    assert data[:9].hex() == "dc001fa17205a161a1"  # of 31 fields
    assert data[9:] == b"p" + b"\xc0" * 27
    assert not mended


@given(st.lists(records, max_size=8), st.lists(st.integers(1, 60), max_size=30))
def test_what_is_framed_is_read_however_it_comes(held: list[Record], cuts: list[int]) -> None:
    data = b""
    for sequence, record in enumerate(held, 1):
        payload = encode(record)[0]
        data += framed(MARKER, KINDS[type(record)], sequence, payload) + payload
    parser, found = Parser(MARKER, 64, 0), []
    for cut in [*cuts, len(data)]:
        parser.feed(data[:cut])
        data = data[cut:]
        while (event := parser.next()) is not None:
            assert isinstance(event, Frame)
            found.append(decode(event.kind, event.payload))
    assert parser.next(final=True) is None
    assert found == held


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Record]]:
    folder = tmp_path_factory.mktemp("whole") / "relay"
    filled(folder, 6, each=2)
    return only(folder).path.read_bytes(), read(folder)


def test_cut_anywhere_it_has_the_records_before_the_cut(
    whole: tuple[bytes, list[Record]], tmp_path: Path
) -> None:
    data, held = whole
    file = tmp_path / "000000000001-a1b2c3d4e5f60718.journal"
    seen = set()
    for size in range(len(data)):
        file.write_bytes(data[:size])
        found, reader = entries(tmp_path)
        assert [entry.record for entry in found] == held[: len(found)]
        assert reader.account.torn == size - (
            found[-1].end if found else min(size, HEADER_BYTES) if size >= 64 else 0
        )
        assert reader.account.whole
        seen.add(len(found))
    assert seen == set(range(len(held) + 1))


@settings(max_examples=400)
@given(st.data())
def test_with_any_bytes_changed_no_wrong_record_is_read(
    whole: tuple[bytes, list[Record]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content, held = bytearray(whole[0]), whole[1]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["bit", "byte", "cut out", "put in", "moved"]))
        if kind == "bit":
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "byte":
            content[at : at + 16] = data.draw(st.binary(min_size=1, max_size=16))
        elif kind == "cut out":
            del content[at : at + data.draw(st.integers(1, 300))]
        elif kind == "put in":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=300))
        else:
            content[at:at] = content[: data.draw(st.integers(1, len(content)))]
        if not content:
            break
    folder = tmp_path_factory.mktemp("changed")
    (folder / "000000000001-a1b2c3d4e5f60718.journal").write_bytes(content)
    reader = FileReader(only(folder))
    try:
        found = [entry.record for entry in reader]
    except UnreadableInput:  # of a newer version: no other error of ours, and none of another kind
        return
    assert all(record in held for record in found)
    places = [held.index(record) for record in found]
    assert places == sorted(set(places)), "in order, and none twice"
    account = reader.account
    if len(found) < len(held):
        assert account.torn or account.damaged or account.missing


def test_every_single_bit_that_flips_costs_one_record_and_is_told(
    whole: tuple[bytes, list[Record]], tmp_path: Path
) -> None:
    data, held = whole
    file = tmp_path / "000000000001-a1b2c3d4e5f60718.journal"
    for at in range(0, len(data) * 8, 3):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        file.write_bytes(changed)
        found, reader = entries(tmp_path)
        assert len(found) >= len(held) - 1
        assert all(entry.record in held for entry in found)
        assert reader.account.damaged or reader.account.torn == FRAME_BYTES
        assert reader.account.missing == len(held) - len(found)


def test_damage_names_file_and_offset_and_reading_goes_on_behind_it(tmp_path: Path) -> None:
    filled(tmp_path / "relay", 3)
    file = only(tmp_path / "relay")
    found, _ = entries(tmp_path / "relay")
    data = bytearray(file.path.read_bytes())
    data[found[1].end + 40] ^= 0xFF
    file.path.write_bytes(data)
    again, reader = entries(tmp_path / "relay")
    assert [entry.sequence for entry in again] == [1, 2, 4, 5, 6]
    (row,) = reader.account.damaged
    size = found[2].end - found[1].end
    assert row.what == f"{size} bytes from byte {found[1].end} on are damaged"
    assert row.where.file == str(file.path)
    assert reader.account.missing == 1


def test_a_record_in_a_prompt_is_never_taken_for_one(tmp_path: Path) -> None:
    """A frame that is right in all but the marker, in a prompt whose own frame was damaged."""
    forged = encode(Accepted("forged", AT, "somebody else", "never asked"))[0]
    frames = b"".join(
        framed(marker, ACCEPTED, sequence, forged) + forged
        for marker in (MARKER, b"\x00" * 8, b"HWJ\r\n\x1a\n\x00")
        for sequence in range(1, 5)
    )
    folder = tmp_path / "relay"
    held = journal(folder)
    held.append(request(1))
    held.append(Accepted("evil", AT, "a", "p", body=frames))
    held.append(request(3))
    held.close(AT)
    file = only(folder)
    data = file.path.read_bytes()
    for at in (data.index(frames) - 1, data.index(frames) - 40, data.index(frames) + len(frames) // 2):
        file.path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        found, rows = told(folder)
        assert [record.id for record in found if isinstance(record, Accepted)] == ["req-1", "req-3"]
        assert len(rows) == 2
    file.path.write_bytes(data[: HEADER_BYTES + 3] + data[HEADER_BYTES + 60 :])
    assert all(record.id != "forged" for record in read(folder) if isinstance(record, Accepted))


@pytest.mark.parametrize("at", [0, 8, 20, 24, 33, 41, 50, 61])
def test_a_damaged_header_costs_no_record(tmp_path: Path, at: int) -> None:
    filled(tmp_path, 3)
    file = only(tmp_path)
    data = bytearray(file.path.read_bytes())
    data[at] ^= 0x04
    file.path.write_bytes(data)
    found, reader = entries(tmp_path)
    assert len(found) == 6
    assert list(whats(reader.account.damaged)) == ["64 bytes from byte 0 on are damaged"]


def test_a_file_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    file = only(tmp_path)
    data = bytearray(file.path.read_bytes())
    data[8] = 2
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    file.path.write_bytes(data)
    with pytest.raises(NewerVersionError):
        header(bytes(data))
    with pytest.raises(UnreadableInput, match="newer version") as caught:
        read(tmp_path)
    assert str(file.path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x", b"\x00" * 64, b"\x00" * 5000, b"PAR1" * 300])
def test_a_file_that_is_none_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "000000000001-a1b2c3d4e5f60718.journal").write_bytes(content)
    found, reader = entries(tmp_path)
    assert found == []
    assert reader.account.torn == len(content) or reader.account.damaged


def test_a_length_beyond_all_bounds_is_damage_and_no_memory() -> None:
    huge = MARKER + b"\x00" * 4 + b"\x01" + b"\xff\xff\xff\x7f" + b"\x00" * 8
    parser = Parser(MARKER, 0, 0)
    parser.feed(huge + framed(MARKER, END, 0, b""))
    events = [parser.next(), parser.next()]
    assert [type(event).__name__ for event in events] == ["Damage", "Frame"]
    parser.feed(huge)
    assert isinstance(parser.next(final=True), Torn)


@given(requests | outcomes | gaps, st.integers(0, 4), st.binary(max_size=40))
def test_payloads_of_any_bytes_are_a_record_or_none(record: Record, kind: int, data: bytes) -> None:
    decode(kind, data)
    payload = encode(record)[0]
    decode(kind, payload[: len(data)] + data)
    assert decode(KINDS[type(record)], payload) == record


class TestMending:
    """What no record can hold is left out, and the exchange is on record all the same."""

    def test_what_a_client_can_send(self) -> None:
        wild = Accepted(
            "r", AT, "a", "half \ud800 pair", seed=1 << 70, temperature=float("inf"), n=-(1 << 63)
        )
        data, mended = encode(wild)
        assert mended
        found = decode(ACCEPTED, data)
        assert found == Accepted("r", AT, "a", "half ? pair", temperature=float("inf"), n=-(1 << 63))

    def test_what_is_too_long(self) -> None:
        data, mended = encode(Accepted("r", AT, "a", "é" * (40 << 20), body=b"{}"))
        assert mended
        found = decode(ACCEPTED, data)
        assert isinstance(found, Accepted)
        assert (found.prompt, found.body) == ("é" * (1 << 20), None)

    def test_types_that_a_door_got_wrong(self) -> None:
        data, _ = encode(Accepted("r", AT, "a", "p", turn="x", top_p=3, stream="no", model=["m"]))  # type: ignore[arg-type]
        assert decode(ACCEPTED, data) == Accepted("r", AT, "a", "p", top_p=3.0)

    def test_fields_of_a_newer_program_are_passed_over_and_an_older_one_had_fewer(self) -> None:
        import msgspec

        data = encode(Accepted("r", AT, "a", "p"))[0]
        values = msgspec.msgpack.decode(data)
        assert decode(ACCEPTED, msgspec.msgpack.encode([*values, "new", 5])) == Accepted("r", AT, "a", "p")
        assert decode(ACCEPTED, msgspec.msgpack.encode(values[:4])) == Accepted("r", AT, "a", "p")
        assert decode(ACCEPTED, msgspec.msgpack.encode(values[:2])) is None

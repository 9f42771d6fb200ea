"""Autonomous systems from a database of the operator's; what isn't one is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.control.identity import Sources, load_asns
from headwater.errors import HeadwaterError

pytest.importorskip("maxminddb")


def control(size: int, kind: int) -> bytes:
    """The control byte of a value (maxmind.github.io/MaxMind-DB, "Output Data Section")."""
    return bytes([(kind << 5) | size]) if kind <= 7 else bytes([size, kind - 7])


def text(value: str) -> bytes:
    return control(len(value.encode()), 2) + value.encode()


def number(value: int, kind: int = 6) -> bytes:
    """An unsigned number: kind 5 of 16 bits, 6 of 32, 9 of 64."""
    data = value.to_bytes(8).lstrip(b"\0")
    return control(len(data), kind) + data


def mapping(**entries: bytes) -> bytes:
    return control(len(entries), 7) + b"".join(text(name) + value for name, value in entries.items())


def database(record: bytes, prefix: int, bits: int, version: int) -> bytes:
    """A database with one record, at a prefix of `bits` bits; 24 bits a branch."""
    nodes = b""
    for at in range(bits):
        onward = at + 1 if at + 1 < bits else bits + 16
        branches = [bits, bits]
        branches[(prefix >> (bits - 1 - at)) & 1] = onward
        nodes += b"".join(branch.to_bytes(3) for branch in branches)
    about = mapping(
        binary_format_major_version=number(2, 5),
        binary_format_minor_version=number(0, 5),
        build_epoch=number(1, 9),
        database_type=text("test-ASN"),
        description=control(0, 7),
        ip_version=number(version, 5),
        languages=control(0, 11),
        node_count=number(bits),
        record_size=number(24, 5),
    )
    return nodes + bytes(16) + record + b"\xab\xcd\xefMaxMind.com" + about


@pytest.mark.parametrize(
    "record",
    [
        mapping(autonomous_system_number=number(64500)),
        mapping(asn=text("AS64500")),
        mapping(asn=text("64500")),
    ],
)
def test_an_address_has_its_system(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "asn.mmdb"
    path.write_bytes(database(record, 0xCB0071, 24, 4))
    sources = Sources(find_asn=load_asns(path))
    assert sources.of("203.0.113.77").asn == 64500
    assert sources.of("::ffff:203.0.113.77").asn == 64500
    assert sources.of("203.0.114.1").asn is None
    assert sources.of("2001:db8::1").asn is None


@pytest.mark.parametrize(
    "record",
    [mapping(asn=text("AS12345678901")), mapping(asn=text("ASü")), text("x"), mapping()],
    ids=["long", "unicode", "text", "empty"],
)
def test_a_record_that_names_none(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "asn.mmdb"
    path.write_bytes(database(record, 0xCB0071, 24, 4))
    assert load_asns(path)("203.0.113.77") is None


@pytest.mark.parametrize(
    "data", [None, b"", b"no database", b"x" * 10_000], ids=["none", "empty", "short", "long"]
)
def test_what_is_no_database(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "asn.mmdb"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(HeadwaterError) as error:
        load_asns(path)
    assert "asn.mmdb" in str(error.value)

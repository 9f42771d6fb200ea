"""Time stamps of a local authority (`openssl ts`): asked over HTTP, checked, and not believed when changed."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.proof import Rejected, check_timestamp, timestamp_request
from proof.authority import Authority, openssl, post, served

pytest.importorskip("rfc3161_client", reason="needs rfc3161-client")

DATA = b"a checkpoint"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stamp(authority: Authority) -> bytes:
    return authority.answer(timestamp_request(DATA))


def test_a_stamp_says_when(authority: Authority) -> None:
    before = int(time.time())
    with served(authority) as address:
        reply = post(address, timestamp_request(DATA))
    at_us = check_timestamp(reply, DATA, authority.root)
    assert before <= at_us / 1e6 <= time.time()
    other = Authority(authority.folder, "second")
    assert check_timestamp(other.answer(timestamp_request(DATA)), DATA, other.root) >= at_us


def test_openssl_verifies_it_too(authority: Authority, stamp: bytes, tmp_path: Path) -> None:
    (tmp_path / "reply").write_bytes(stamp)
    (tmp_path / "data").write_bytes(DATA)
    said = openssl(
        "ts",
        "-verify",
        "-in",
        tmp_path / "reply",
        "-data",
        tmp_path / "data",
        "-CAfile",
        authority.folder / "root.pem",
    )
    assert b"OK" in said


def test_a_request_is_the_same_for_the_same_bytes() -> None:
    assert timestamp_request(DATA) == timestamp_request(DATA) != timestamp_request(DATA + b".")
    with pytest.raises(Rejected):
        timestamp_request(b"")


def test_it_stands_for_these_bytes_alone(authority: Authority, stamp: bytes) -> None:
    for data in (DATA + b".", DATA[:-1], b""):
        with pytest.raises(Rejected, match="for these bytes"):
            check_timestamp(stamp, data, authority.root)


def test_another_root_is_not_trusted(authority: Authority, stamp: bytes, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    with pytest.raises(Rejected, match="trusted authority"):
        check_timestamp(stamp, DATA, stranger.root)
    assert check_timestamp(stamp, DATA, stranger.root + authority.root)
    for roots in (b"", b"no certificate", authority.root[:100]):
        with pytest.raises(Rejected, match="PEM"):
            check_timestamp(stamp, DATA, roots)


def test_no_changed_byte_moves_the_time(authority: Authority, stamp: bytes) -> None:
    """What lies outside of the signature may change; then it is refused, or says what it said."""
    said = check_timestamp(stamp, DATA, authority.root)
    refused = 0
    for at in range(len(stamp)):
        changed = bytes(byte ^ (nth == at) for nth, byte in enumerate(stamp))
        try:
            assert check_timestamp(changed, DATA, authority.root) == said
        except Rejected:
            refused += 1
    assert refused > 0.97 * len(stamp)
    at = stamp.index(time.strftime("%Y%m%d", time.gmtime(said / 1e6)).encode())
    later = stamp[:at] + b"2039" + stamp[at + 4 :]
    with pytest.raises(Rejected):
        check_timestamp(later, DATA, authority.root)


@given(st.binary(max_size=300))
def test_hostile_answers_are_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        check_timestamp(data, DATA, b"")


def test_answers_cut_short_or_endless_are_refused(authority: Authority, stamp: bytes) -> None:
    for data in (
        stamp[:-1],
        stamp + b"\0",
        stamp[: len(stamp) // 2],
        b"\x30\x80" * 400_000,
        b"\0" * 1_000_001,
    ):
        with pytest.raises(Rejected):
            check_timestamp(data, DATA, authority.root)


def test_a_refusal_is_no_stamp(authority: Authority) -> None:
    with pytest.raises(Rejected, match="refused"):
        check_timestamp(authority.answer(b"\x30\x00"), DATA, authority.root)


def test_a_stamp_without_its_certificate_is_refused(authority: Authority) -> None:
    query = openssl("ts", "-query", "-data", authority.folder / "root.pem", "-sha256", "-no_nonce")
    with pytest.raises(Rejected, match="trusted authority"):
        check_timestamp(authority.answer(query), authority.root, authority.root)


def test_without_the_extra_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(UsageError) as raised:
        timestamp_request(DATA)
    assert raised.value.hint == "pip install 'headwater[timestamp]'"

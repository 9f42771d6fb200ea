"""Bytes into records: compressed files that are whole or torn, long lines, documents cut anywhere."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.exchange.streams import Cutter, TornError, blocks, lines

TEXT = b"".join(b"line %d %d\n" % (n, random.Random(n).getrandbits(256)) for n in range(20_000))


def packed(codec: str) -> bytes:
    if codec == "gzip":
        return gzip.compress(TEXT)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(TEXT)
    return sink.getvalue().to_pybytes()


def collect(path: Path, got: bytearray) -> None:
    for block in blocks(path):
        got += block


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_compressed_file_is_known_by_its_bytes(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "anything.jsonl"
    path.write_bytes(packed(codec))
    assert b"".join(blocks(path)) == TEXT


def test_members_of_a_gzip_file_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "appended.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert list(lines(blocks(path))) == [b"one", b"two"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_all_that_stands_before_the_tear_is_read(tmp_path: Path, codec: str, share: float) -> None:
    whole = packed(codec)
    path = tmp_path / "torn"
    path.write_bytes(whole[: int(len(whole) * share)])
    got = bytearray()
    with pytest.raises(TornError, match="damaged or end too early"):
        collect(path, got)
    assert TEXT.startswith(got)
    assert len(got) > len(TEXT) * share * 0.6


def test_damage_in_the_middle_ends_reading_there(tmp_path: Path) -> None:
    whole = bytearray(packed("gzip"))
    whole[len(whole) // 2 : len(whole) // 2 + 64] = b"\0" * 64
    path = tmp_path / "damaged"
    path.write_bytes(whole)
    with pytest.raises(TornError):
        list(blocks(path))


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.integers(1, 9),
    st.integers(0, 12),
)
@example([b"", b"abc", b""], 2, 2)
def test_lines_are_those_of_split_and_long_ones_are_not_held(
    content: list[bytes], size: int, limit: int
) -> None:
    data = b"".join(line + b"\n" for line in content)
    source = (data[start : start + size] for start in range(0, len(data), size))
    assert list(lines(source, limit)) == [line if len(line) <= limit else None for line in content]


def test_the_last_line_needs_no_end() -> None:
    assert list(lines(iter([b"a\nb"]))) == [b"a", b"b"]


def cut(document: bytes, size: int, limit: int = 1 << 20) -> tuple[list[bytes | None], bytes]:
    cutter = Cutter(limit)
    found: list[bytes | None] = []
    for start in range(0, len(document), size):
        found += cutter.feed(document[start : start + size])
    found += cutter.finish()
    return found, cutter.rest


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab"\\{}[], \nä'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(values, max_size=5), st.integers(1, 40), st.sampled_from([None, 2]))
def test_elements_of_an_array_wherever_blocks_end(
    content: list[object], size: int, indent: int | None
) -> None:
    found, rest = cut(json.dumps(content, indent=indent).encode(), size)
    assert [json.loads(record or b"") for record in found] == content
    assert rest == b""


@given(
    st.lists(values.filter(lambda v: isinstance(v, dict | list)), min_size=1, max_size=4), st.integers(1, 40)
)
def test_values_that_follow_each_other(content: list[object], size: int) -> None:
    if isinstance(content[0], list):  # a document that begins with an array is that array
        content = [{}, *content]
    found, rest = cut("\n".join(json.dumps(value) for value in content).encode(), size)
    assert [json.loads(record or b"") for record in found] == content
    assert rest == b""


@given(st.binary(max_size=60), st.integers(1, 20))
@example(b'[{"a":1}}},{"b":2}]', 3)
@example(b'{"a":1}]]] junk {"b":2}', 3)
def test_no_bytes_stop_the_cutter(document: bytes, size: int) -> None:
    found, _ = cut(document, size)
    assert found == cut(document, 1000)[0]
    assert all(found)


def test_a_broken_element_does_not_hide_the_next() -> None:
    assert cut(b'[{"a": nope}, {"b": 1}]', 5) == ([b'{"a": nope}', b'{"b": 1}'], b"")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_what_stands_between_two_arrays_is_handed_on(size: int) -> None:
    document = b'[{"a": 1}]\n"lost" 5 junk\n[{"b": 2}] , \n[3]'
    assert cut(document, size) == ([b'{"a": 1}', b'"lost" 5 junk', b'{"b": 2}', b"3"], b"")


def test_an_unfinished_document_is_told_by_its_rest() -> None:
    assert cut(b'[{"a": 1}, {"b"', 4) == ([b'{"a": 1}'], b'{"b"')


def test_an_endless_element_is_not_held() -> None:
    cutter = Cutter(limit=1000)
    found: list[bytes | None] = list(cutter.feed(b"["))
    for _ in range(10_000):
        found += cutter.feed(b'"' + b"x" * 100)
    assert found == [None]
    assert cutter.rest == b""

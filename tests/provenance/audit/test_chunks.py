"""Chunks cover a file's lines, each once and whole, whatever their lengths; the same file gives the same chunks."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange import LIMIT
from headwater.provenance.audit import chunks as module
from headwater.provenance.audit.chunks import _Cut, chunks
from headwater.provenance.audit.corpus import corpus

BLOCKS = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\x00", b"\n")), max_size=20)


@given(BLOCKS, st.integers(1, 60))
def test_pieces_put_together_are_the_file(blocks: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LINES", size)
        cut = _Cut()
        pieces = [piece for block in blocks for piece in cut.feed(block)] + list(cut.finish())
    whole = b"".join(blocks)
    assert b"".join(piece.data or b"" for piece in pieces) == whole
    start = 0
    for piece in pieces[:-1]:
        assert piece.data is not None
        assert piece.data.endswith(b"\n")
        assert piece.start == start
        start += len(piece.data)
    assert sum(piece.rows for piece in pieces) == whole.count(b"\n") + (
        not whole.endswith(b"\n") and bool(whole)
    )


def test_a_line_that_is_too_long_is_one_bad_row_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 1000)
    monkeypatch.setattr(module, "LINES", 500)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + b"x" * 600_000 + b'\n{"text": "b"}\n')
    found = list(chunks(corpus(path)))
    bad = [chunk for chunk in found if chunk.bad is not None]
    assert [chunk.bad.where.row for chunk in bad if chunk.bad] == [2]
    data = path.read_bytes()
    assert [data[chunk.start : chunk.end] for chunk in found if not chunk.bad] == [
        b'{"text": "a"}\n',
        b'{"text": "b"}\n',
    ]
    assert found[-1].first == 2
    assert LIMIT > 1000


def test_packed_lines_travel_with_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": 1}\n{"text": 2}'))
    (chunk,) = chunks(corpus(path))
    assert chunk.data == b'{"text": 1}\n{"text": 2}'


def test_a_bomb_is_read_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEYOND", 1 << 20)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "good"}\n' + b"\n" * (8 << 20)))
    found = list(chunks(corpus(path)))
    assert found[0].data is not None
    assert found[0].data.startswith(b'{"text": "good"}\n')
    assert found[-1].bad is not None
    assert "unpacks to more than" in found[-1].bad.what

"""Imprints of whole columns: Arrow text in, Arrow structs out, without copying text that is ASCII.

Texts that are not ASCII are brought to one form first, most by the kernel (`simple`), the rest in Python (`normal`).
Which texts are worth an imprint, and what matches mean, is decided above this room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.exchange.model import IMPRINT_TYPE, SKETCH
from headwater.imprint.intents import flags_from_groups
from headwater.imprint.kernel import codes
from headwater.imprint.kernel.codes import PASSAGE_TOKENS
from headwater.imprint.material import Material, material
from headwater.imprint.normal import normal
from headwater.imprint.scripts import Script, dominant, properties
from headwater.imprint.simple import MOST_GROWTH, forms
from headwater.keys import ImprintKey

#: Bytes of text that are read at once; bounds the memory for texts that are not ASCII, and for passages.
_BLOCK_BYTES = 1 << 23


def imprint(
    texts: pa.Array | pa.ChunkedArray | Sequence[str | None], key: ImprintKey, *, passages: int | None = None
) -> pa.StructArray:
    """Imprints of `texts` under `key`: a struct array of `IMPRINT_TYPE`, null where the text is null.

    `passages` is a number of words, at least 5: every run of so many words that two texts share gives them at
    least one common fingerprint in `passages`, which stays null otherwise. Invalid UTF-8 is read as U+FFFD.
    Raises `UsageError` for a column that is not text or a window that is too small.
    """
    if passages is not None and passages < PASSAGE_TOKENS:
        raise UsageError(f"passages are found in windows of at least {PASSAGE_TOKENS} words, not {passages}")
    chunks = _chunks(texts)
    columns = _Columns.of_length(sum(len(chunk) for chunk in chunks))
    secret = material(key)
    base = 0
    for chunk in chunks:
        if chunk.null_count:
            columns.null[base : base + len(chunk)] = chunk.is_null().to_numpy(zero_copy_only=False)
        for block in _blocks(chunk):
            _fill(columns, base, block, secret, passages)
            base += len(block.starts)
    return columns.assembled(passages is not None)


@dataclass(frozen=True)
class _Block:
    """Some rows of one chunk: where in `data` (uint8) each begins and ends, and which are null."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    null: NDArray[np.bool_]


@dataclass
class _Columns:
    """The columns while they are being filled, one row for each text; `numbers` as placed by `codes`."""

    null: NDArray[np.bool_]
    numbers: NDArray[np.uint64]
    sketches: NDArray[np.int8]
    chars: NDArray[np.uint32]
    passage_counts: NDArray[np.int64]
    passage_values: list[NDArray[np.uint64]]

    @classmethod
    def of_length(cls, n: int) -> _Columns:
        return cls(
            null=np.zeros(n, np.bool_),
            numbers=np.zeros((n, codes.NUMBERS), np.uint64),
            sketches=np.zeros((n, SKETCH), np.int8),
            chars=np.zeros(n, np.uint32),
            passage_counts=np.zeros(n, np.int64),
            passage_values=[],
        )

    def assembled(self, with_passages: bool) -> pa.StructArray:
        """All columns as one struct array."""
        types = {field.name: field.type for field in IMPRINT_TYPE}
        numbers = self.numbers
        minima = np.ascontiguousarray(numbers[:, codes.MINIMA_AT : codes.WORDS_AT]).reshape(-1)
        columns = {
            "exact": numbers[:, codes.EXACT_AT],
            "skeleton": numbers[:, codes.SKELETON_AT],
            "opening": numbers[:, codes.OPENING_AT],
            "closing": numbers[:, codes.CLOSING_AT],
            "chars": self.chars,
            "words": numbers[:, codes.WORDS_AT].astype(np.uint32),
            "script": numbers[:, codes.SCRIPT_AT].astype(np.uint8),
            "intents": flags_from_groups(numbers[:, codes.GROUPS_AT]),
        }
        arrays = {name: pa.array(np.ascontiguousarray(column)) for name, column in columns.items()}
        for name, flat in (("minimisers", minima), ("sketch", self.sketches.reshape(-1))):
            arrays[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), type=types[name])
        arrays["passages"] = self._passages(types["passages"], with_passages)
        ordered = [arrays[field.name] for field in IMPRINT_TYPE]
        mask = pa.array(self.null) if self.null.any() else None
        return pa.StructArray.from_arrays(ordered, fields=list(IMPRINT_TYPE), mask=mask)

    def _passages(self, of_type: pa.DataType, wanted: bool) -> pa.Array:
        if not wanted:
            return pa.nulls(len(self.null), of_type)
        values = np.concatenate(self.passage_values or [np.zeros(0, np.uint64)])
        if len(values) > np.iinfo(np.int32).max:
            raise UsageError("too many passages for one column", hint="make imprints of fewer texts at once")
        offsets = np.concatenate([[0], np.cumsum(self.passage_counts)]).astype(np.int32)
        mask = pa.array(self.null) if self.null.any() else None
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), type=of_type, mask=mask)


def _chunks(texts: pa.Array | pa.ChunkedArray | Sequence[str | None]) -> list[pa.Array]:
    """The texts as arrays of strings or large strings."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        try:
            texts = pa.array(texts, pa.large_string())
        except UnicodeEncodeError:  # lone surrogates, which UTF-8 cannot hold
            texts = pa.array([None if text is None else _repaired(text) for text in texts], pa.large_string())
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
            raise UsageError("imprints are made of texts; something else is among them") from error
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        return list(chunks)
    plain = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    if not (pa.types.is_string_view(plain) or pa.types.is_null(plain) or _is_text(plain)):
        raise UsageError(f"imprints are made of texts, not of {texts.type}")
    return [chunk.cast(pa.large_string()) for chunk in chunks]


def _is_text(of_type: pa.DataType) -> bool:
    return bool(pa.types.is_string(of_type) or pa.types.is_large_string(of_type))


def _repaired(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _blocks(chunk: pa.Array) -> Iterator[_Block]:
    """Rows of a chunk, some megabytes of text at a time."""
    n = len(chunk)
    if n == 0:
        return
    _, offset_buffer, data_buffer = chunk.buffers()
    width = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(offset_buffer, width, n + 1, chunk.offset * np.dtype(width).itemsize)
    offsets = offsets.astype(np.int64)
    data = np.frombuffer(b"" if data_buffer is None else data_buffer, np.uint8)
    data.setflags(write=False)  # one type, so that the kernel is compiled once
    null = chunk.is_null().to_numpy(zero_copy_only=False) if chunk.null_count else np.zeros(n, np.bool_)
    first = 0
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK_BYTES, side="right")) - 1
        last = min(max(last, first + 1), n)
        yield _Block(data, offsets[first:last], offsets[first + 1 : last + 1], null[first:last])
        first = last


@dataclass(frozen=True)
class _Part:
    """Texts that the kernel reads as they stand: bytes, and for each text its start, its end and its row."""

    data: NDArray[np.uint8]
    spans: NDArray[np.int64]

    def scratch(self) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint64]]:
        """Room for what the kernel notes about the longest text, or reads beyond it: codes, bytes, hashes."""
        room = (int((self.spans[:, 1] - self.spans[:, 0]).max(initial=0)) + 64) & ~7
        return np.empty((5, room), np.uint32), np.empty((2, room), np.uint8), np.empty((3, room), np.uint64)


def _fill(columns: _Columns, base: int, block: _Block, secret: Material, window: int | None) -> None:
    """Compute the rows of one block into the columns, from row `base` on."""
    rows = np.flatnonzero(~block.null)
    spans = np.stack([block.starts[rows], block.ends[rows], base + rows], axis=1)
    columns.chars[base + rows] = block.ends[rows] - block.starts[rows]
    left_out = _heads(columns, _Part(block.data, spans.copy()), secret, check=True)
    is_left = np.zeros(len(block.starts), np.bool_)
    is_left[left_out - base] = True
    parts = [_Part(block.data, spans[~is_left[rows]])]
    for part in _normalised(columns, block, base, left_out) if len(left_out) else ():
        _heads(columns, part, secret, check=False)
        parts.append(part)
    if window is not None:
        _passages(columns, parts, secret, window)


def _normalised(columns: _Columns, block: _Block, base: int, rows: NDArray[np.int64]) -> Iterator[_Part]:
    """These rows in normal form, most of them by the kernel; their characters, as they were, go into the columns."""
    from headwater.imprint.kernel import head

    place = rows - base
    texts = np.stack([block.starts[place], block.ends[place]], axis=1)
    out = np.empty(MOST_GROWTH * int((texts[:, 1] - texts[:, 0]).sum()), np.uint8)
    spans = np.empty((len(rows), 3), np.int64)
    known = forms()
    head.simplified(block.data, texts, known.table, known.bytes, out, spans)
    simple = spans[:, 0] >= 0
    columns.chars[rows[simple]] = spans[simple, 2]
    if simple.any():
        out.setflags(write=False)
        yield _Part(out, np.stack([spans[simple, 0], spans[simple, 1], rows[simple]], axis=1))
    if not simple.all():
        yield _slowly(columns, block.data, texts[~simple], rows[~simple])


def _slowly(
    columns: _Columns, data: NDArray[np.uint8], texts: NDArray[np.int64], rows: NDArray[np.int64]
) -> _Part:
    """The same in Python, for texts that need all of Unicode's rules."""
    pieces = []
    for row, (start, end) in zip(rows.tolist(), texts.tolist(), strict=True):
        text = data[start:end].tobytes().decode("utf-8", "replace")
        columns.chars[row] = len(text)
        pieces.append(normal(text).encode())
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    return _Part(np.frombuffer(b"".join(pieces), np.uint8), np.stack([starts, ends, rows], axis=1))


def _heads(columns: _Columns, part: _Part, secret: Material, *, check: bool) -> NDArray[np.int64]:
    """Fill the columns from one part; with `check`, returns the rows of texts that are not ASCII (left out)."""
    from headwater.imprint.kernel import head

    codes32, bytes8, hashes = part.scratch()
    tally = np.empty((2, 256), np.int32)
    letters = np.zeros((1 if check else len(part.spans), len(Script)), np.int32)
    left_out = head.heads(
        part.data, part.spans, check, properties(), secret.secrets, secret.pairs, secret.triples, secret.table,
        secret.phrases.steps, secret.phrases.found, codes32, bytes8,
        hashes, tally, columns.numbers, columns.sketches, letters,
    )  # fmt: skip
    if not check:
        columns.numbers[part.spans[:, 2], codes.SCRIPT_AT] = dominant(letters)
    return part.spans[:left_out, 2].copy()


def _passages(columns: _Columns, parts: list[_Part], secret: Material, window: int) -> None:
    """Winnow the texts of one block, and put their fingerprints into the order of the rows."""
    from headwater.imprint.kernel import head

    found: list[NDArray[np.uint64]] = []
    for part in parts:
        rows = part.spans[:, 2]
        out = np.empty(int(columns.numbers[rows, codes.WORDS_AT].sum()), np.uint64)
        lengths = np.zeros(len(rows), np.int64)
        codes32, bytes8, hashes = part.scratch()
        head.passages(
            part.data, part.spans, properties(), secret.secrets, window, codes32, bytes8, hashes, out, lengths,
        )  # fmt: skip
        columns.passage_counts[rows] = lengths
        ends = np.cumsum(lengths)
        found += [out[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    order = np.argsort(np.concatenate([part.spans[:, 2] for part in parts]), kind="stable")
    columns.passage_values += [found[i] for i in order]

"""Values as they lie in a Parquet file: a column that was written as it is, in one page, need not be copied to be read.

Of imprints nothing is left out by packing them, and every pass over a log wants them. Arrow would copy them each time.
Where a chunk isn't laid out so to the last bit of its header, it is left to Arrow.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

#: Fields of a page's header (Thrift's compact protocol): its type, which is 0 for data, then both of its sizes; then of
#: its data the number of values and the encoding, which is 0 for PLAIN.
_DATA, _SIZE, _VALUES, _PLAIN = b"\x15\x00", b"\x15", b"\x2c\x15", b"\x15\x00"
#: More than such a header takes.
_HEADER: Final = 64


def plain_values(file: pa.MemoryMappedFile, column: Any, chunk: Any, width: int) -> pa.Buffer | None:
    """The bytes of a column's chunk (values of `width` bytes, none null); None where they don't lie together.

    `column` and `chunk` are what the file's schema and metadata say of it. Source: the Parquet format, pages of data of
    version 1.
    """
    if chunk.compression != "UNCOMPRESSED" or chunk.has_dictionary_page:
        return None
    if column.max_repetition_level or column.max_definition_level > 1:  # a part of something else
        return None
    rows = chunk.num_values
    levels = _all_there(rows) if column.max_definition_level else b""
    body = len(levels) + rows * width
    header = chunk.total_compressed_size - body
    if not 0 < header <= _HEADER:
        return None
    file.seek(chunk.data_page_offset)
    begin = file.read(header + len(levels))
    both = _SIZE + _varint(body << 1)
    known = _DATA + both + both + _VALUES + _varint(rows << 1) + _PLAIN
    if not begin.startswith(known) or begin[header:] != levels:
        return None
    values = file.read_buffer(rows * width)
    return values if values.size == rows * width else None


def _all_there(rows: int) -> bytes:
    """Definition levels of a column that may hold nulls and has none: their length, and a run of ones."""
    run = _varint(rows << 1) + b"\x01"
    return len(run).to_bytes(4, "little") + run


def _varint(number: int) -> bytes:
    """A whole number (not negative), seven bits a byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

"""One value of a log, turned into what its column holds, or a short account of why it cannot be.

These rules are the same for every format, so that the same traffic gives the same table: numbers may be
written as text, identifiers as numbers; nothing is guessed beyond that. NaN and infinity mean "not known".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from headwater.exchange.decoding import DecodingError, decode
from headwater.exchange.model import IMPRINT_TYPE, OPTIONAL_PARTS
from headwater.exchange.times import described

#: Characters of the longest value of a short text column (identifiers, models, agents).
SHORT: Final = 4096

#: Largest number that single precision holds.
_SINGLE: Final = 3.4e38

Convert = Callable[[object], object]


class ValueFaultError(ValueError):
    """A value that its column cannot hold; the message describes it by type and length only."""


def short_text(value: object) -> str | None:
    """Text of at most SHORT characters; numbers as their digits; empty text is none."""
    if isinstance(value, str):
        if len(value) > SHORT:
            raise ValueFaultError(f"is {described(value)}, longer than {SHORT:,}")
        return value or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 128:
        return str(value)
    raise ValueFaultError(f"is {described(value)}, not text")


def long_text(value: object) -> str:
    """Text of any length, empty text too."""
    if isinstance(value, str):
        return value
    raise ValueFaultError(f"is {described(value)}, not text")


def whole(bits: int) -> Convert:
    """A converter to signed whole numbers of so many bits."""
    top = 1 << (bits - 1)

    def convert(value: object) -> int | None:
        if type(value) is int and -top <= value < top:
            return value
        if isinstance(value, str):
            if not value:
                return None
            value = _number(value)
        if isinstance(value, float | Decimal):
            if not math.isfinite(value):
                return None
            if value != int(value):
                raise ValueFaultError("is a number, not a whole number")
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueFaultError(f"is {described(value)}, not a whole number")
        if not -top <= value < top:
            raise ValueFaultError("is a number out of range")
        return value

    return convert


def real(single: bool) -> Convert:
    """A converter to finite numbers, of single precision where asked; not finite is none."""

    def convert(value: object) -> float | None:
        if type(value) is float and -_SINGLE < value < _SINGLE:
            return value
        if isinstance(value, str):
            if not value:
                return None
            value = _number(value)
        if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
            raise ValueFaultError(f"is {described(value)}, not a number")
        try:
            found = float(value)
            if single and math.isfinite(found):
                struct.pack("<f", found)
        except OverflowError:
            raise ValueFaultError("is a number out of range") from None
        return found if math.isfinite(found) else None

    return convert


def truth(value: object) -> bool | None:
    """Yes or no, also as 0 and 1 or as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value:
            return None
        word = value.strip().lower()
        if word in ("true", "t", "yes", "1", "false", "f", "no", "0"):
            return word in ("true", "t", "yes", "1")
    elif isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise ValueFaultError(f"is {described(value)}, neither true nor false")


def imprint(value: object) -> object:
    """An imprint as its fields, also as JSON text; each part must be there and fit IMPRINT_TYPE."""
    if isinstance(value, str):
        try:
            value = decode(value)
        except DecodingError:
            value = None
    if isinstance(value, dict) and all(_fits(value.get(part.name), part) for part in _PARTS):
        return value
    raise ValueFaultError("is no imprint of this version")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an imprint: one number from `low` to `high`, or a list of them (`size` 0: any length)."""

    name: str
    size: int | None
    low: int
    high: int


def _part(name: str, kind: Any) -> _Part:
    size = None
    if pa.types.is_nested(kind):
        inner: Any = kind
        size = inner.list_size if pa.types.is_fixed_size_list(kind) else 0
        kind = inner.value_type
    bits = int(kind.bit_width)
    if pa.types.is_signed_integer(kind):
        return _Part(name, size, -(1 << bits - 1), (1 << bits - 1) - 1)
    return _Part(name, size, 0, (1 << bits) - 1)


_PARTS: Final = tuple(_part(field.name, field.type) for field in IMPRINT_TYPE)


def _fits(held: object, part: _Part) -> bool:
    if held is None:
        return part.name in OPTIONAL_PARTS
    if part.size is None:
        return type(held) is int and part.low <= held <= part.high
    if not isinstance(held, list) or (part.size and len(held) != part.size):
        return False
    whole = not held or set(map(type, held)) == {int}
    return whole and (not held or (min(held) >= part.low and max(held) <= part.high))


def lacks_a_part(imprints: Any) -> bool:
    """Whether one of these imprints (IMPRINT_TYPE, none null) lacks a part, or one of its lists has holes."""
    for index, field in enumerate(IMPRINT_TYPE):
        part = imprints.field(index)
        if part.null_count and field.name not in OPTIONAL_PARTS:
            return True
        if pa.types.is_nested(part.type) and part.flatten().null_count:
            return True
    return False


def _number(text: str) -> int | float | str:
    """A number written as text; the text itself where it is none."""
    text = text.strip()
    try:
        if len(text) < 64 and text.isascii() and "_" not in text:
            return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        pass
    return text


def converter(kind: pa.DataType) -> Convert:
    """How values of a column of this Arrow type are read (times are read in `rows`, which knows the zone)."""
    if pa.types.is_large_string(kind):
        return long_text
    if pa.types.is_string(kind):
        return short_text
    if pa.types.is_boolean(kind):
        return truth
    if pa.types.is_signed_integer(kind):
        return whole(kind.bit_width)
    if pa.types.is_floating(kind):
        return real(kind.bit_width == 32)
    if kind == IMPRINT_TYPE:
        return imprint
    raise TypeError(f"no column holds {kind}")

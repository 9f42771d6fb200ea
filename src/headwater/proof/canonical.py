"""One value, one sequence of bytes: JSON as RFC 8785 (JCS) writes it.

Texts, numbers, true, false, null, lists and mappings with text keys. Whole numbers that JavaScript would round are
refused instead of rounded.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_LARGEST_WHOLE = 2**53 - 1


def canonical_json(value: Any) -> bytes:
    """`value` as canonical JSON in UTF-8 (RFC 8785).

    Raises `ValueError` for what has no canonical form: numbers that aren't finite, whole numbers beyond 2**53, half
    characters, keys that aren't texts, and other types.
    """
    return _written(value).encode("utf-8")


def _written(value: Any) -> str:
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > _LARGEST_WHOLE:
            raise ValueError("a whole number beyond 2**53 has no canonical form")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("the keys of canonical JSON are texts")
        # RFC 8785, section 3.2.3: keys are ordered by their UTF-16 code units.
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_written(key)}:{_written(value[key])}" for key in ordered) + "}"
    raise ValueError(f"a value of type {type(value).__name__} has no canonical form")


def _number(value: float) -> str:
    """A number as ECMAScript writes it (ECMA-262, Number::toString; RFC 8785, section 3.2.2.3)."""
    if not math.isfinite(value):
        raise ValueError("a number that isn't finite has no canonical form")
    if value == 0:
        return "0"
    # `repr` gives the same shortest digits; only where point and exponent stand differs.
    _, kept, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, kept))
    point = len(digits) + exponent
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"

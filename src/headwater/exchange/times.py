"""A time in any form that logs use, as microseconds since 1970 UTC.

ISO 8601 with or without offset, HTTP dates, and epoch numbers whose unit is told by their magnitude. What a
plausible time is (not before 2015, not after the file was written) is decided where rows are checked.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US: Final = 86_400_000_000
#: Exchanges before this are taken for clock errors: no API of this kind existed.
EARLIEST_US: Final = 1_420_070_400_000_000  # 2015-01-01
#: Microseconds in one of each unit that a mapping file may name, as a fraction.
UNITS: Final = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}

TOO_LARGE: Final = "is a number too large for a time"
#: Digits alone, this many of them, are a date (20260102) or a date with its time, never an epoch.
_COMPACT: Final = (8, 14)
_EPOCH_TEXT: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


class TimeFormatError(ValueError):
    """A value that is no time; the message describes it by type and length only."""


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime, exactly."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(value: object, *, unit: str | None = None, zone: tzinfo | None = None) -> tuple[int, bool]:
    """(microseconds UTC, whether the value itself named no zone) of a time in any form.

    Numbers are epochs in `unit`, or in seconds, milliseconds, microseconds or nanoseconds by magnitude
    (seconds below 1e11, and so on in steps of a thousand: right for all times from 1973 to 5138). Times
    without an offset are in `zone`, or in UTC. Raises TimeFormatError.
    """
    if isinstance(value, str):
        return _text(value, unit, zone)
    if isinstance(value, datetime):
        return _moment(value, zone)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _number(value, unit), False
    if isinstance(value, date):
        return _moment(datetime.combine(value, time()), zone)
    raise TimeFormatError(f"is {described(value)}, not a time")


def _number(value: int | float | Decimal, unit: str | None) -> int:
    if isinstance(value, int) and abs(value) >> 80:
        raise TimeFormatError(TOO_LARGE)
    if not math.isfinite(value):
        raise TimeFormatError("is not a finite number, so not a time")
    if unit is None:
        size = abs(float(value))
        unit = "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"
    times, by = UNITS[unit]
    found = value * times // by if isinstance(value, int) else round(float(value) * times / by)
    if abs(found) > 1 << 62:
        raise TimeFormatError(TOO_LARGE)
    return found


def _moment(moment: datetime, zone: tzinfo | None) -> tuple[int, bool]:
    if moment.tzinfo is None or moment.utcoffset() is None:
        return micros(moment.replace(tzinfo=zone or UTC)), True
    return micros(moment), False


def _text(value: str, unit: str | None, zone: tzinfo | None) -> tuple[int, bool]:
    text = value.strip()
    if len(text) > 64:
        raise TimeFormatError(f"is {described(value)}, not a time")
    if _EPOCH_TEXT.fullmatch(text) and len(text) not in _COMPACT:
        return _number(Decimal(text) if "." in text else int(text), unit), False
    for attempt in (datetime.fromisoformat, _loose, parsedate_to_datetime):
        try:
            return _moment(attempt(text), zone)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    raise TimeFormatError(f"is {described(value)}, not a time")


def _loose(text: str) -> datetime:
    """Times as databases and Go print them: "2026-01-02 03:04:05.6 +0000 UTC", "… UTC", 20260102030405."""
    if len(text) == 14 and text.isdigit():
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}")
    plain = text.removesuffix(" UTC").removesuffix(" GMT").rstrip()
    body, _, offset = plain.rpartition(" ")
    if body and offset[:1] in ("+", "-"):
        return datetime.fromisoformat(body + offset)
    return datetime.fromisoformat(plain + "+00:00")


def described(value: object) -> str:
    """A value by its type and length, for messages: never its content."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return f"text of length {len(value):,}" if value else "empty text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, list | tuple):
        return f"a list of length {len(value):,}"
    if isinstance(value, dict):
        return f"an object of size {len(value):,}"
    return f"a value of type {type(value).__name__}"

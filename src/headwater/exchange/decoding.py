"""JSON from somebody else's log, as plain Python values, or a short account of why not.

msgspec reads it; what strict JSON forbids and real logs hold anyway (NaN, Infinity, half a surrogate pair
from a text that was cut) is read by the standard library instead, with NaN, Infinity and endless numbers as null.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from threading import Thread
from typing import Final

import msgspec

_fast = msgspec.json.Decoder()
_MALFORMED: Final = "JSON is malformed: "
#: Values in one record: each is an object in memory, many times its text.
_MOST_VALUES: Final = 6_000_000
#: Python reads no whole number that is longer, by default.
_MOST_DIGITS: Final = 4_300
_BYTE: Final = re.compile(r"\(byte (\d+)\)")


class DecodingError(ValueError):
    """Bytes that are no JSON; the message says why in words that hold none of the content."""


def decode(data: bytes | str) -> object:
    """The JSON value in `data`; of a repeated key the last value counts. Raises DecodingError."""
    if len(data) > _MOST_VALUES and _values(data) > _MOST_VALUES:
        raise DecodingError(f"holds more than {_MOST_VALUES:,} values")
    try:
        return _fast.decode(data)
    except UnicodeDecodeError:
        raise DecodingError("is not valid UTF-8") from None
    except RecursionError:
        return _afresh(data)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        return _lenient(data, str(error))


def _afresh(data: bytes | str) -> object:
    """In a thread of its own, whose stack is empty: what a relay could read mustn't be too deep for who reads later."""
    found: list[object] = []

    def decoded() -> None:
        with suppress(RecursionError, msgspec.DecodeError, UnicodeError):
            found.append(_fast.decode(data))

    thread = Thread(target=decoded)
    thread.start()
    thread.join()
    if not found:
        raise DecodingError("is nested too deep")
    return found[0]


def _whole(digits: str) -> int | None:
    """A whole number; one of thousands of digits is read as nothing, as an infinite one is."""
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _values(data: bytes | str) -> int:
    """At least as many as there are, and quickly counted: commas and brackets in texts count too."""
    data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return sum(data.count(mark) for mark in (b",", b"[", b"{"))


def _lenient(data: bytes | str, complaint: str) -> object:
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=lambda _: None, parse_int=_whole)
    except UnicodeDecodeError:
        raise DecodingError("is not valid UTF-8") from None
    except RecursionError:
        raise DecodingError("is nested too deep") from None
    except ValueError:
        where = _BYTE.sub(lambda found: f"at byte {int(found[1]):,}", complaint.removeprefix(_MALFORMED))
        raise DecodingError(f"is not JSON ({where[:1].lower()}{where[1:]})") from None

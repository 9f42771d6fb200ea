"""Numbers and bytes as the text formats of transparency logs write them, one way each.

What would not print back the same is refused, so that one value has one sequence of bytes and two readers cannot
disagree. Which line means what is decided by the formats.
"""

from __future__ import annotations

import base64
import binascii
import re

from headwater.proof.rejected import Rejected

HASH_BYTES = 32
#: Tree sizes, indices and times: what fits a signed whole number of 64 bits, as other readers keep them.
LARGEST = 2**63 - 1
#: Hashes in a proof; a tree of `LARGEST` leaves needs no more.
MOST_HASHES = 63
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x1f]")


def decimal(text: str, what: str) -> int:
    """The whole number from 0 to `LARGEST` that `text` is, in decimal without leading zeros."""
    number = int(text) if _DECIMAL.fullmatch(text) else -1
    if not 0 <= number <= LARGEST:
        raise Rejected(f"{what} is no whole number from 0 to 2**63 - 1 in its shortest form")
    return number


def in_base64(data: bytes) -> str:
    """`data` in the standard base64 (RFC 4648, section 4), padded."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str, what: str) -> bytes:
    """The bytes that `text` is the standard base64 of, padded and with no bit to spare."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Rejected(f"{what} is not base64") from None
    if in_base64(data) != text:
        raise Rejected(f"{what} is base64 in another form than the standard one")
    return data


def hash_from_base64(text: str, what: str) -> bytes:
    """The SHA-256 hash (32 bytes) that `text` is the base64 of."""
    data = from_base64(text, what)
    if len(data) != HASH_BYTES:
        raise Rejected(f"{what} has {len(data)} bytes instead of {HASH_BYTES}")
    return data


def whole_lines(text: str, what: str) -> list[str]:
    """The lines of `text`, which ends with one; `Rejected` where a control character stands in it (so also `\\r`)."""
    if not text.endswith("\n"):
        raise Rejected(f"{what} doesn't end with a line")
    lines = text[:-1].split("\n")
    if any(map(_CONTROL.search, lines)):
        raise Rejected(f"{what} has a control character in it")
    return lines

"""The means of payment as an opaque fingerprint: a hash that the payment provider made, never a number of a card.

Two accounts with one fingerprint pay with one means. Nothing here can tell which.
"""

from __future__ import annotations

import re
from typing import Final

from headwater.errors import UsageError, Where

_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9_.:=+-]{16,128}")
_HASH: Final = re.compile(r"(?:[a-z0-9]{1,12}:)?[0-9a-fA-F]{32,128}")
#: Groups of digits with at most three characters between them, as cards show them.
_GROUPS: Final = re.compile(r"[0-9]+(?:[^0-9A-Za-z]{1,3}[0-9]+)*")
_ANY: Final = re.compile(r"[0-9]+")
#: Lengths of card numbers (ISO/IEC 7812-1: up to 19 digits; 12 are the fewest in use).
_SHORTEST: Final = 12
_LONGEST: Final = 19


def fingerprint(text: str) -> str:
    """`text`, where it can be a fingerprint; `UsageError` otherwise, and where it looks like a card number."""
    where = Where(field="payment")
    hint = "give the fingerprint or hash that your payment provider has for it"
    if looks_like_card(text):
        raise UsageError("looks like a card number, which must not be kept", where=where, hint=hint)
    if not _FINGERPRINT.fullmatch(text) or text.isdigit():
        what = f"not a fingerprint of a means of payment, a text of {len(text)} characters"
        raise UsageError(what, where=where, hint=f"16 to 128 letters and digits, not digits alone; {hint}")
    return text


def looks_like_card(text: str) -> bool:
    """Whether a card number may stand in a text, grouped or not: 12 to 19 digits whose check digit is right.

    A hash in hex digits has such a run by chance once in a while: it isn't taken for one, unless it is all digits.
    """
    if _HASH.fullmatch(text) and not text.isdigit():
        return False
    digits = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    for run in _GROUPS.findall(digits):
        groups = _ANY.findall(run)
        for first in range(len(groups)):
            joined = ""
            for group in groups[first:]:
                joined += group
                if len(joined) > _LONGEST:
                    break
                if len(joined) >= _SHORTEST and _luhn(joined):
                    return True
    return False


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0

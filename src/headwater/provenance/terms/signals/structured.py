"""Dictionaries of structured fields (RFC 9651, section 4.2.2), as far as preferences need them.

A dictionary is read whole or not at all: where it can't be parsed, it says nothing. Tokens are told from strings,
numbers, booleans and the rest, whose values nobody here needs.
"""

from __future__ import annotations

import re

#: Bytes of the longest field that is read.
LONGEST = 16 * 1024
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_OTHER = re.compile(
    r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'  # string
    r"|-?(?:\d{1,12}\.\d{1,3}(?!\d)|\d{1,15}(?![\d.]))"  # decimal, integer
    r"|:[A-Za-z0-9+/=]*:"  # bytes
    r"|\?[01]"  # boolean
    r"|@-?\d{1,15}"  # date
    r'|%"(?:[\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]|%[0-9a-f]{2})*"'  # display string
)


class _Fault(Exception):  # noqa: N818
    pass


def tokens(field: str) -> dict[str, str | None] | None:
    """Each key with its token, or None where its value is no token; None where the field can't be parsed.

    Of a key that stands twice the last counts.
    """
    if len(field) > LONGEST or not field.isascii():
        return None
    text = field.strip(" ")
    found: dict[str, str | None] = {}
    at = 0
    try:
        while at < len(text):
            at, key = _take(_KEY, text, at)
            value: str | None = None
            if text[at : at + 1] == "=":
                at, value = _member(text, at + 1)
            at = _parameters(text, at)
            found.pop(key, None)
            found[key] = value
            at = _blank(text, at)
            if at == len(text):
                return found
            if text[at] != ",":
                return None
            at = _blank(text, at + 1)
            if at == len(text):  # nothing after the last comma
                return None
    except _Fault:
        return None
    return found


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _take(pattern: re.Pattern[str], text: str, at: int) -> tuple[int, str]:
    found = pattern.match(text, at)
    if found is None:
        raise _Fault
    return found.end(), found[0]


def _member(text: str, at: int) -> tuple[int, str | None]:
    """A token, another item (None), or an inner list (None)."""
    if text[at : at + 1] != "(":
        return _item(text, at)
    at += 1
    while True:
        while text[at : at + 1] == " ":
            at += 1
        if text[at : at + 1] == ")":
            return at + 1, None
        at, _ = _item(text, at)
        at = _parameters(text, at)
        if text[at : at + 1] not in (" ", ")"):
            raise _Fault


def _item(text: str, at: int) -> tuple[int, str | None]:
    if found := _TOKEN.match(text, at):
        return found.end(), found[0]
    return _take(_OTHER, text, at)[0], None


def _parameters(text: str, at: int) -> int:
    while text[at : at + 1] == ";":
        at += 1
        while text[at : at + 1] == " ":
            at += 1
        at, _ = _take(_KEY, text, at)
        if text[at : at + 1] == "=":
            at, _ = _item(text, at + 1)
    return at

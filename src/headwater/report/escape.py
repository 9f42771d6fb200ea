"""Text from a log is data: this takes out what could act on the reader's screen, or hide from the reader.

Markup is escaped where it is written (Jinja's autoescape, JSON in a deflated block); here go the
characters that act inside plain text: controls, escape sequences' first byte, marks that change the
direction of reading, and those that show nothing, so that two names that differ in them look different.
"""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, soft hyphen, direction marks, embeddings, overrides and isolates, spaces of no width,
#: invisible operators, interlinear and tag characters, lone surrogates. Joiners stay: scripts and emoji need them.
_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufff9-\ufffb\ufeff"
    "\U000e0000-\U000e007f\ud800-\udfff"
)
_ACTIVE = re.compile(f"[{_CHARACTERS}]+")
#: The same, and what ends a line to some readers.
_ACTIVE_IN_JSON = re.compile(f"[{_CHARACTERS}\u2028\u2029]")
#: What stands where something was taken out.
_GONE = "\ufffd"
_BREAK = re.compile("\r\n|[\r\n\t\u2028\u2029\x85]")

#: What `key` accepts: the only strings that become part of a page's structure.
_KEY = re.compile(r"[a-z][a-z0-9-]*\Z")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` with a mark (�) in place of characters that act on a screen or show nothing.

    Line breaks and tabs become spaces unless `lines`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n") if lines else _BREAK.sub(" ", text)
    return _ACTIVE.sub(_GONE, text)


def inert_json(text: str) -> str:
    """JSON of the same value as the JSON `text`, with those characters as `\\uXXXX` escapes."""
    return _ACTIVE_IN_JSON.sub(_escaped, text)  # none can stand outside a string


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def key(text: str) -> str:
    """`text` if it can serve as an element's id; `ValueError` otherwise."""
    if not _KEY.match(text):
        raise ValueError(f"not a key: a string of {len(text)} characters")
    return text

"""Text from a log is data: this removes what could act on the reader's screen.

Markup is escaped where it is written (Jinja's autoescape, JSON in a deflated block); here go the
characters that act inside plain text: controls, escape sequences' first byte, and marks that change the
direction of reading.
"""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, direction marks, embeddings, overrides and isolates, interlinear and tag
#: characters, lone surrogates. Joiners stay: scripts and emoji need them.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_BREAK = re.compile("\r\n|[\r\n\t\u2028\u2029\x85]")

#: What `key` accepts: the only strings that become part of a page's structure.
_KEY = re.compile(r"[a-z][a-z0-9-]*\Z")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` without characters that act on a screen. Line breaks and tabs become spaces unless `lines`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if lines else _BREAK.sub(" ", text)
    return _ACTIVE.sub("", text)


def key(text: str) -> str:
    """`text` if it can serve as an element's id; `ValueError` otherwise."""
    if not _KEY.match(text):
        raise ValueError(f"not a key: a string of {len(text)} characters")
    return text

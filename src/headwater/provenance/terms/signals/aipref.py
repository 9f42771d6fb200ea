"""AIPREF: the preferences `train-ai` and `search` in a Content-Usage header or rule.

Source: draft-ietf-aipref-vocab and draft-ietf-aipref-attach, as of 2026-08-19 (ietf-wg-aipref/drafts @7ca0afce),
which say of themselves that they don't reflect consensus. Of several statements the most restrictive counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from headwater.provenance.terms.model import Says, Signal
from headwater.provenance.terms.signals.structured import tokens

_VALUES: dict[str | None, Says] = {"y": "allowed", "n": "not-allowed"}
_RESTRICTIVE: tuple[Says, ...] = ("unsaid", "allowed", "conditional", "not-allowed")
#: Characters of a signal's own words that are kept.
QUOTED = 200


def preference(statement: str, category: str = "train-ai") -> Says:
    """What one statement says of a category of use; "unsaid" where it doesn't, or can't be parsed."""
    found = tokens(statement)
    return "unsaid" if found is None else _VALUES.get(found.get(category), "unsaid")


def combined(said: Iterable[Says]) -> Says:
    """Several statements together: any that disallows wins, then any that allows (vocab, "Combining Preferences")."""
    return max(said, key=_RESTRICTIVE.index, default="unsaid")


def read_content_usage(header: str, *, where: str = "Content-Usage header") -> Signal:
    """The signal in the value of a Content-Usage header; several fields' values are joined by commas."""
    return Signal(kind="aipref", says=preference(header), where=where, quote=header.strip()[:QUOTED])

"""What an admin key may do, one scope a thing. Nothing is allowed that no scope allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from headwater.errors import UsageError, Where

#: Scope → what it allows.
SCOPES: Final[Mapping[str, str]] = {
    "accounts:read": "Read accounts, the names that they have elsewhere, and what was verified of them.",
    "accounts:write": "Make and change accounts and the names that they have elsewhere.",
    "accounts:forget": "Erase an account with its history, which alone has no undo.",
    "organisations:read": "Read organisations.",
    "organisations:write": "Make and change organisations.",
    "keys:read": "Read customers' API keys, never a secret, and find whose a key is.",
    "keys:write": "Make, change, rotate and revoke customers' API keys.",
    "tiers:read": "Read what each tier may use.",
    "tiers:write": "Change what each tier may use.",
    "history:read": "Read changes: what they were, who made them, when and why.",
    "undo": "Undo a change of rows that the key may also write.",
    "casework:read": "Read what a casebook says stands against an account.",
}
#: Kind of row → the scope that writes it.
WRITES: Final[Mapping[str, str]] = {
    "account": "accounts:write",
    "link": "accounts:write",
    "verification": "accounts:write",
    "organisation": "organisations:write",
    "key": "keys:write",
    "tier": "tiers:write",
}


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Scopes in the order of their table, each once; `UsageError` where there is none, or one isn't known."""
    asked = set(names)
    if not asked or asked - set(SCOPES):
        what = "there is no such scope" if asked else "an admin key needs a scope"
        raise UsageError(what, where=Where(field="scope"), hint=f"scopes: {', '.join(SCOPES)}")
    return tuple(name for name in SCOPES if name in asked)

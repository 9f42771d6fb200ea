"""Columns in which a dataset says what the people behind a text agreed to: consent, opt-out, attribution.

The name of a column and its value become a signal; no text of a row is kept in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from headwater.provenance.terms.model import Signal

Kind = Literal["consent", "opt-out", "attribution", "personal-data"]

#: What a column is called, and what it says where its value is true.
_NAMES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (
        re.compile(
            r"(?:user_|author_|ai_|training_)?consent(?:_(?:given|granted|to_train\w*|status|obtained))?"
            r"|opt(?:ed)?_?in(?:_\w+)?|train(?:ing)?_(?:allowed|permitted|ok)|allow(?:ed)?_(?:ai_)?training"
        ),
        "consent",
    ),
    (
        re.compile(
            r"(?:\w+_)?opt(?:ed)?_?out(?:_\w+)?|do_not_train|no_?train(?:ing)?|no_?ai|noai|exclude_from_training"
            r"|tdm_reservation|consent_(?:withdrawn|revoked)"
        ),
        "opt-out",
    ),
    (re.compile(r"attribution_required|requires_attribution|must_attribute|credit_required"), "attribution"),
    (re.compile(r"(?:has_|contains_|is_)?(?:pii|personal_data|personal_information)"), "personal-data"),
)
_TRUE = frozenset({"1", "true", "t", "yes", "y", "granted", "given", "allowed", "opt-in", "agreed", "on"})
_FALSE = frozenset(
    {"0", "false", "f", "no", "n", "denied", "refused", "not given", "withdrawn", "revoked", "off", "none"}
)


def column_kind(name: str) -> Kind | None:
    """What a column of this name is about; None for other columns."""
    plain = re.sub(r"[\s\-.]+", "_", name.strip().lower())
    return next((kind for pattern, kind in _NAMES if pattern.fullmatch(plain)), None)


def row_signals(row: Mapping[str, object]) -> tuple[Signal, ...]:
    """The signals in a row's columns; a value that is neither true nor false says nothing."""
    signals = []
    for name, value in row.items():
        kind = column_kind(name)
        said = _truth(value)
        signal = _signal(kind, said, name[:80]) if kind is not None and said is not None else None
        if signal is not None:
            signals.append(signal)
    return tuple(signals)


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def _signal(kind: Kind, said: bool, column: str) -> Signal | None:
    where, words = f"column {column}", f"{column}: {'true' if said else 'false'}"
    if kind in ("consent", "opt-out"):
        agreed = said == (kind == "consent")
        conditions = () if agreed else ("not without the consent of whoever wrote the text",)
        if kind == "opt-out" and not said:
            return None  # that nobody opted out is no consent
        return Signal(
            kind=kind,
            says="allowed" if agreed else "not-allowed",
            where=where,
            quote=words,
            conditions=conditions,
        )
    if not said:
        return None
    duty = (
        "name whoever wrote the text"
        if kind == "attribution"
        else "keep to the rules on personal data that apply where it is processed"
    )
    return Signal(kind=kind, says="conditional", where=where, quote=words, duties=(duty,))

"""What was decided about accounts and why: kept, shown to those whom it concerns, and open to appeal.

`Casebook` is the door for everybody who acts; `new_casebook` and `open_casebook` make and open one. The transparency
log in `log` makes it checkable by strangers. Knows neither HTTP nor HTML, and reads no clock.

The names are loaded when they are first used: a relay only reads what stands, and never loads what persons work with.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.casework.acting import Acted
    from headwater.casework.agreement import Agreement, Difference
    from headwater.casework.appeal import APPEALS, DECISIONS, MOST_CHARACTERS, Appeal, AppealState
    from headwater.casework.casebook import Casebook
    from headwater.casework.clock import Ticked
    from headwater.casework.follow import NoticeRow
    from headwater.casework.founding import (
        LOG_FOLDER,
        SETTINGS,
        SIGNING_KEY,
        STORE,
        VERIFIER_KEY,
        new_casebook,
        open_casebook,
        origin_for,
    )
    from headwater.casework.identities import log_identity
    from headwater.casework.known import Known, read_known
    from headwater.casework.notices import (
        NEEDED,
        PLACEHOLDERS,
        Notice,
        Texts,
        Told,
        load_texts,
        moment,
        our_texts,
    )
    from headwater.casework.outcomes import (
        Ended,
        Outcome,
        Rate,
        interval,
        load_outcomes,
        outcomes_document,
        rates,
    )
    from headwater.casework.privacy import Erased
    from headwater.casework.proposing import Batch
    from headwater.casework.settings import CasebookSettings
    from headwater.casework.shelf import Basis, Kept, Unread
    from headwater.casework.standings import StandingsReader
    from headwater.casework.statement import Reasons, Redress, Stated, Statement, statement_json, statement_of
    from headwater.casework.statement import schema_text as statement_schema

__all__ = [
    "APPEALS",
    "DECISIONS",
    "LOG_FOLDER",
    "MOST_CHARACTERS",
    "NEEDED",
    "PLACEHOLDERS",
    "SETTINGS",
    "SIGNING_KEY",
    "STORE",
    "VERIFIER_KEY",
    "Acted",
    "Agreement",
    "Appeal",
    "AppealState",
    "Basis",
    "Batch",
    "Casebook",
    "CasebookSettings",
    "Difference",
    "Ended",
    "Erased",
    "Kept",
    "Known",
    "Notice",
    "NoticeRow",
    "Outcome",
    "Rate",
    "Reasons",
    "Redress",
    "StandingsReader",
    "Stated",
    "Statement",
    "Texts",
    "Ticked",
    "Told",
    "Unread",
    "interval",
    "load_outcomes",
    "load_texts",
    "log_identity",
    "moment",
    "new_casebook",
    "open_casebook",
    "origin_for",
    "our_texts",
    "outcomes_document",
    "rates",
    "read_known",
    "statement_json",
    "statement_of",
    "statement_schema",
]

#: Module → its names; one that has another name there after a colon.
_WHERE = {
    "acting": "Acted",
    "agreement": "Agreement Difference",
    "appeal": "APPEALS DECISIONS MOST_CHARACTERS Appeal AppealState",
    "casebook": "Casebook",
    "clock": "Ticked",
    "follow": "NoticeRow",
    "founding": "LOG_FOLDER SETTINGS SIGNING_KEY STORE VERIFIER_KEY new_casebook open_casebook origin_for",
    "identities": "log_identity",
    "known": "Known read_known",
    "notices": "NEEDED PLACEHOLDERS Notice Texts Told load_texts moment our_texts",
    "outcomes": "Ended Outcome Rate interval load_outcomes outcomes_document rates",
    "privacy": "Erased",
    "proposing": "Batch",
    "settings": "CasebookSettings",
    "shelf": "Basis Kept Unread",
    "standings": "StandingsReader",
    "statement": "Reasons Redress Stated Statement statement_json statement_of statement_schema:schema_text",
}
_MODULES = {
    own: (module, theirs or own)
    for module, names in _WHERE.items()
    for own, _, theirs in (name.partition(":") for name in names.split())
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module, theirs = _MODULES[name]
        found = getattr(import_module(f"headwater.casework.{module}"), theirs)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'headwater.casework' has no attribute {name!r}")

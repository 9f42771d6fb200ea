"""Findings as a person reads them: plain records, sentences, chart data and one JSON document.

`page` makes the report's records, `board` the terminal's, `explain_campaign` and `explain_account` tell a
story, `compare` compares two findings, `dumps` and `load` write and read `campaigns.json`, and `words` says
figures the same way everywhere; `audited` words the audit of a corpus. This room knows no HTML, no terminal and no
storage but that one file.

What speaks of marks is loaded when it is first used: it needs the rooms that read them, and who only serves doesn't.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwater.explain import words
from headwater.explain.account import explain_account, explain_untied, rings_of
from headwater.explain.campaign import SCALE, explain_campaign
from headwater.explain.compose import page, verdict
from headwater.explain.declared import notes
from headwater.explain.diff import Change, Diff, compare
from headwater.explain.document import FORMAT, FORMAT_VERSION, dumps, load, loads, schema, sent_by
from headwater.explain.hide import without_details
from headwater.explain.learned import with_outcomes
from headwater.explain.story import Passage, Story
from headwater.explain.summary import board

if TYPE_CHECKING:
    from headwater.explain.marked import mark_board, mark_page, mark_record, mark_records, mark_verdict
    from headwater.explain.studied import student_board, student_page, student_verdict
    from headwater.explain.studied_record import answers_record, lineage_record, student_record
    from headwater.explain.traced import trace_board, trace_page, trace_record, trace_verdict

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "SCALE",
    "Change",
    "Diff",
    "Passage",
    "Story",
    "answers_record",
    "board",
    "compare",
    "dumps",
    "explain_account",
    "explain_campaign",
    "explain_untied",
    "lineage_record",
    "load",
    "loads",
    "mark_board",
    "mark_page",
    "mark_record",
    "mark_records",
    "mark_verdict",
    "notes",
    "page",
    "rings_of",
    "schema",
    "sent_by",
    "student_board",
    "student_page",
    "student_record",
    "student_verdict",
    "trace_board",
    "trace_page",
    "trace_record",
    "trace_verdict",
    "verdict",
    "with_outcomes",
    "without_details",
    "words",
]

_LATER = {
    "mark_": "marked",
    "trace_": "traced",
    "student_record": "studied_record",
    "student_": "studied",
    "answers_": "studied_record",
    "lineage_": "studied_record",
}


def __getattr__(name: str) -> Any:
    for begins, module in _LATER.items():
        if name in __all__ and name.startswith(begins):
            found = getattr(import_module(f"headwater.explain.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'headwater.explain' has no attribute {name!r}")

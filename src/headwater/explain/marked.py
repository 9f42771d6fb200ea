"""What was read of marks, in words: one text's page, a terminal's table, and the record that programs read.

A mark says that tokens were picked under a key. It doesn't say who picked the text up, or with what right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from headwater.explain import words
from headwater.mark import Detection, Reading, Verdict
from headwater.report import Badge, Board, Cell, Column, Highlighted, Note, Page, Section, Table

_GLYPHS: Final = {Verdict.MARKED: "■", Verdict.NOT_SHOWN: "□", Verdict.NOT_ENOUGH: "?"}
_WORDS: Final = {
    Verdict.MARKED: "marked",
    Verdict.NOT_SHOWN: "not shown",
    Verdict.NOT_ENOUGH: "not enough evidence",
}
#: Characters of a text that a page shows.
MOST_SHOWN: Final = 200_000
_SAYS: Final = (
    "A mark says that tokens of this text were picked under a key. "
    "It doesn't say who used the text, or with what right."
)


def log10_p(log_p: float) -> float:
    """ln p as a power of ten; -inf becomes the least that JSON's readers can take."""
    return max(log_p / math.log(10), -1e15) + 0.0


def p_in_words(log_p: float) -> str:
    """'p = 0.03', or 'p = 4.1e-17' however small: the law that it is from is exact."""
    ten = log10_p(log_p)
    if ten > -3:
        return f"p = {words.significant(10**ten)}"
    whole = math.floor(ten)
    return f"p = {10 ** (ten - whole):.1f}e{whole}"


def mark_records(
    results: Sequence[tuple[str, Detection]],
    set_aside: Sequence[tuple[str, str]],
    left_out: Sequence[str],
    alpha: float,
) -> dict[str, Any]:
    """All texts of one call as plain values, for JSON; `docs/reference/marks-json.md` says what each field is."""
    return {
        "format": "headwater.marks",
        "format_version": 1,
        "alpha": alpha,
        "texts": len(results) + len(set_aside),
        "not_looked_for": list(left_out),
        "set_aside": [{"document": name, "what": what} for name, what in set_aside],
        "results": [mark_record(name, each) for name, each in results],
    }


def mark_record(document: str, detection: Detection) -> dict[str, Any]:
    """One text's result."""
    return {
        "document": document,
        "verdict": detection.verdict.value,
        "log10_p": round(log10_p(detection.log_p), 4),
        "tests": detection.tests,
        "why": detection.why,
        "normalised": dict(detection.changed),
        "marks": _names(detection),
        "readings": [_reading(each, stands=each in detection.found) for each in detection.readings],
    }


def _names(detection: Detection) -> list[str]:
    """The marks that stand, each once."""
    return list(dict.fromkeys(each.mark for each in detection.found))


def _reading(reading: Reading, *, stands: bool) -> dict[str, Any]:
    held = reading.decoys
    return {
        "mark": reading.mark,
        "stands": stands,
        "scheme": reading.scheme,
        "tokenizer": reading.tokenizer,
        "normalised": reading.normalised,
        "tokens": reading.tokens,
        "units": reading.units,
        "units_wanted": reading.wanted,
        "log10_p": round(log10_p(reading.log_p), 4),
        "log10_p_whole": round(log10_p(reading.whole), 4),
        "passages": [
            {"begin": each.begin, "end": each.end, "log10_p": round(log10_p(each.log_p), 4)}
            for each in reading.passages
        ],
        "decoys": held
        and {"keys": held.keys, "above": held.above, "p_value": held.p_value, "agrees": held.agrees},
    }


def mark_board(results: Sequence[tuple[str, Detection]], *, below: Sequence[str] = ()) -> Board:
    """Texts and their verdicts, as a terminal shows them."""
    rows: list[list[Cell]] = []
    for document, found in results:
        which = words.joined(_names(found)) if found.found else _unfound(found)
        if found.found and all(each.normalised for each in found.found):
            which += " (normalised)"
        rows.append(
            [
                Badge(found.verdict.value, "plain", _GLYPHS[found.verdict]),
                document,
                _WORDS[found.verdict],
                p_in_words(found.log_p),
                which,
            ]
        )
    columns = [
        Column(""),
        Column("text", "name"),
        Column("verdict"),
        Column("p, all counted"),
        Column("mark"),
    ]
    counts = {verdict: sum(found.verdict is verdict for _, found in results) for verdict in Verdict}
    told = " · ".join(f"{count:,} {_WORDS[verdict]}" for verdict, count in counts.items() if count)
    return Board(
        [(told or "no text", "")], columns, rows, [*below, _SAYS] if counts[Verdict.MARKED] else below
    )


def _unfound(found: Detection) -> str:
    """Why no mark stands; and whose the p-value beside is, where several were looked for."""
    first = min(found.readings, key=lambda each: each.log_p, default=None)
    if first is None or first.log_p >= 0 or len({each.mark for each in found.readings}) < 2:
        return found.why
    if found.why.startswith(f"{first.mark}: "):
        return found.why
    return f"p of {first.mark}" + (f"; {found.why}" if found.why else "")


def mark_verdict(document: str, detection: Detection) -> str:
    """The first sentence."""
    if detection.verdict is Verdict.MARKED:
        marks = words.joined(_names(detection))
        return f"{document} carries the mark {marks}: {p_in_words(detection.log_p)}, with all that was tried counted."
    if detection.verdict is Verdict.NOT_SHOWN:
        return f"No mark of the keyring is shown in {document}."
    return f"{document} is not enough evidence for or against a mark: {detection.why}."


def mark_page(document: str, text: str, detection: Detection) -> Page:
    """One text with its marked passages set off."""
    sections = [Section("text", "The text", [_highlighted(text, detection)], menu="Text")]
    sections.append(Section("readings", "All that was tried", [_readings(detection)], menu="Readings"))
    notes = [Note("What a mark says", [_SAYS])]
    if detection.verdict is Verdict.NOT_ENOUGH:
        notes.append(Note("Not enough evidence", [detection.why], tone="warn"))
    if detection.changed:
        told = ", ".join(f"{name}: {count:,}" for name, count in detection.changed.items())
        notes.append(Note("Characters that were read as others", [told]))
    tried = words.many(detection.tests, "reading")
    lead = [
        f"{tried} of the text had evidence: keys by tokenizers, as it is and normalised.",
        f"A text without a mark is called marked at most once in {1 / detection.alpha:,.0f} texts.",
    ]
    return Page(
        f"Marks in {document}", mark_verdict(document, detection), lead, sections, notes=notes, foot=[_SAYS]
    )


def _highlighted(text: str, detection: Detection) -> Highlighted:
    shown = text[:MOST_SHOWN]
    runs, legend = _runs(len(shown), detection)
    parts = [(shown[begin:end], number) for begin, end, number in runs]
    note = f"The first {MOST_SHOWN:,} of {len(text):,} characters." if len(text) > MOST_SHOWN else ""
    if not legend:
        note = ("No passage stands out by itself. " + note).strip()
    return Highlighted("Passages with a mark", parts, legend, note)


def _runs(size: int, detection: Detection) -> tuple[list[tuple[int, int, int]], list[str]]:
    """(begin, end, number) over the whole text, and what each number says; earlier passages come first."""
    passages = sorted(
        (each.begin, min(each.end, size), reading.mark, each.log_p)
        for reading in detection.found
        for each in reading.passages
    )
    runs: list[tuple[int, int, int]] = []
    legend: list[str] = []
    at = 0
    for begin, end, mark, log_p in passages:
        begin = max(begin, at)
        if begin >= end:
            continue
        legend.append(f"{mark}: {p_in_words(log_p)}, everything counted")
        runs += [(at, begin, 0)] if begin > at else []
        runs.append((begin, end, len(legend)))
        at = end
    if at < size:
        runs.append((at, size, 0))
    return runs, legend


def _readings(detection: Detection) -> Table:
    rows: list[list[Cell]] = [
        [
            each.mark,
            each.scheme,
            each.tokenizer,
            "normalised" if each.normalised else "as it is",
            each.units,
            each.wanted,
            p_in_words(each.log_p),
            _decoys(each),
        ]
        for each in sorted(detection.readings, key=lambda each: each.log_p)
    ]
    columns = [
        Column("mark", "name"),
        Column("scheme"),
        Column("tokenizer", minor=True),
        Column("text", minor=True),
        Column("distinct tokens", "number"),
        Column("wanted", "number", minor=True),
        Column("p of this reading"),
        Column("decoy keys", minor=True),
    ]
    note = (
        "Wanted: distinct tokens that a text of a chat's entropy needs to be called marked half of the time."
    )
    return Table("Readings", columns, rows, note=note, long=len(rows) > 20)


def _decoys(reading: Reading) -> str:
    held = reading.decoys
    if held is None:
        return "not asked"
    return f"{held.above:,} of {held.keys:,} as high" if held.agrees else f"disagree: {held.why}"

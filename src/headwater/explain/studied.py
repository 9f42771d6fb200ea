"""What a test of a student shows, in words: a terminal's table and a page, made of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any, Final

from headwater.explain import words
from headwater.explain.marked import p_in_words
from headwater.mark import Verdict
from headwater.report import Badge, Board, Bullets, Cell, Column, Facts, Note, Page, Section, Table

_GLYPHS: Final = {Verdict.MARKED: "■", Verdict.NOT_SHOWN: "□", Verdict.NOT_ENOUGH: "?"}
_WORDS: Final = {
    Verdict.MARKED: "marked",
    Verdict.NOT_SHOWN: "not shown",
    Verdict.NOT_ENOUGH: "not enough evidence",
}
_UNCOMMITTED: Final = (
    "Nothing was committed to before this test: nobody can tell whether key and settings were chosen by what it "
    "gave."
)
#: Keys that a terminal shows, where no more of them are marked.
_KEYS: Final = 12
_MODES: Final = {
    "probe": "weights, on texts that don't carry the mark",
    "served": "weights, on stored answers that may carry the mark",
    "answers": "answers alone",
    "lineage": "likeness of answers, without a mark",
}


def student_verdict(record: Mapping[str, Any]) -> str:
    """The first sentence, from any of the records."""
    name, verdict = record["student"]["name"], record["verdict"]
    if record["mode"] == "lineage":
        if verdict == "closer":
            return f"{name} is closer to {record['model']} than every control is."
        return f"{name} is not shown to be closer to {record['model']} than every control is."
    if verdict == Verdict.MARKED.value:
        found = [each for each in record["keys"] if each["verdict"] == verdict]
        names = words.joined(list(dict.fromkeys(each["name"] for each in found)))
        least = _p(min(each["log10_p_adjusted"] for each in found))
        return f"{name} was trained on text that carries the mark {names}: {least}, with all keys counted."
    if verdict == Verdict.NOT_SHOWN.value:
        return f"No key is shown in {name}."
    why = next((each["refused"] for each in record["keys"] if each.get("refused")), "")
    told = f"There is not enough evidence for or against a key in {name}"
    return f"{told}: {why}." if why else f"{told}."


def student_board(record: Mapping[str, Any], *, below: Sequence[str] = ()) -> Board:
    """What a terminal shows."""
    lines = [_commitment(record), *filter(None, [_others(record)]), *below]
    if record["mode"] == "lineage":
        table = _controls(record)
        rows: list[list[Cell]] = [list(row) for row in table.rows]
        return Board([(student_verdict(record), "")], table.columns, rows, [*lines, *record["says"]])
    shown = _foremost(record["keys"])
    keys = [
        [
            Badge(each["verdict"], "plain", _GLYPHS[Verdict(each["verdict"])]),
            each["name"],
            _WORDS[Verdict(each["verdict"])],
            _p(each["log10_p_adjusted"]),
            each.get("contexts", each["units"]),
            f"{each['z']:.1f}" if "z" in each else f"1e{each['log10_e']:.1f}",
        ]
        for each in shown
    ]
    lean = "z" if record["mode"] != "answers" else "evidence (e)"
    columns = [
        Column(""),
        Column("key", "name"),
        Column("verdict"),
        Column("p, all counted"),
        Column("contexts" if lean == "z" else "distinct pairs", "number"),
        Column(lean, "number", minor=True),
    ]
    if hidden := len(record["keys"]) - len(shown):
        lines.insert(
            0, f"and {words.many(hidden, 'more key')}, none of them shown in it (--json, or a page by -o)"
        )
    lines += [_share(each) for each in record.get("shares", ())]
    lines += [f"{each['name']}: not tested: {each['why']}" for each in record.get("not_tested", ())]
    if record.get("revoked"):
        lines.append(f"not tested, for they are revoked: {words.joined(record['revoked'])}")
    lines += filter(None, [_left_out(record)])
    if record["mode"] == "answers":
        lines.append(_asked(record))
    return Board([(student_verdict(record), "")], columns, keys, [*lines, *record["says"]])


def _foremost(keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The keys that a terminal shows, in their order: all that are shown in the model, and the foremost others."""
    marked = [each["verdict"] == Verdict.MARKED.value for each in keys]
    order = sorted(range(len(keys)), key=lambda at: (not marked[at], keys[at]["log10_p"]))
    return [keys[at] for at in sorted(order[: max(_KEYS, sum(marked))])]


def student_page(record: Mapping[str, Any]) -> Page:
    """The same as a page, for any of the records."""
    sections = [Section("result", "What was found", [_table(record)], menu="Result")]
    if record.get("shares"):
        shares = [_share(each) for each in record["shares"]]
        note = "Parts of what all accounts that are shown lean to their keys, with intervals of about 95%."
        sections.append(Section("shares", "Whose text", [Bullets([*shares, note])], menu="Accounts"))
    sections.append(Section("test", "How it was tested", [_facts(record)], menu="Test"))
    notes = []
    if record["commitment"] is None:
        notes.append(Note("Nothing was committed to", [_UNCOMMITTED], tone="warn"))
    else:
        title = "Committed to before the report" if _before(record) else "Committed to"
        others = _others(record)
        hidden = any(record["commitment"].get(f"{side}_not_shown") for side in ("before", "after"))
        told = [_commitment(record), *filter(None, [others])]
        notes.append(Note(title, told, tone="warn" if hidden else "plain"))
    notes.append(Note("What this says", record["says"]))
    if record["mode"] != "lineage":
        notes.append(Note("Innocent causes", record["innocent_causes"]))
    if _left_out(record):
        notes.append(Note("Keys that weren't tested", [_left_out(record)], tone="warn"))
    refused = [f"{each['name']}: {each['refused']}" for each in record.get("keys", ()) if each.get("refused")]
    if refused:
        notes.append(Note("Keys that aren't believed", refused, tone="warn"))
    return Page(
        f"A test of {record['student']['name']}",
        student_verdict(record),
        [_level(record)],
        sections,
        notes=notes,
        foot=list(record["says"]),
    )


def _table(record: Mapping[str, Any]) -> Table:
    if record["mode"] == "lineage":
        return _controls(record)
    rows: list[list[Cell]] = [
        [
            each["name"],
            each["scheme"],
            _WORDS[Verdict(each["verdict"])],
            _p(each["log10_p_adjusted"]),
            _p(each["log10_p"]),
            each["units"],
            _decoys(each),
        ]
        for each in record["keys"]
    ]
    columns = [
        Column("key", "name"),
        Column("scheme", minor=True),
        Column("verdict"),
        Column("p, all counted"),
        Column("p of this key", minor=True),
        Column("units", "number", minor=True),
        Column("decoy keys", minor=True),
    ]
    return Table("Keys", columns, rows, long=len(rows) > 20)


def _controls(record: Mapping[str, Any]) -> Table:
    rows: list[list[Cell]] = [
        [each["name"], each["suspect_only"], each["control_only"], _p(each["log10_p_adjusted"])]
        for each in record["controls"]
    ]
    columns = [
        Column("control", "name"),
        Column("suspect alone agrees", "number"),
        Column("control alone agrees", "number"),
        Column("p, all counted"),
    ]
    return Table("Controls", columns, rows)


def _facts(record: Mapping[str, Any]) -> Facts:
    items: list[tuple[str, Cell]] = [
        ("mode", _MODES[record["mode"]]),
        ("level", words.significant(record["alpha"])),
    ]
    for field in ("student", "reference"):
        if field in record:
            digest = record[field]["sha256"]
            items.append((field, record[field]["name"] + (f" ({digest[:16]}…)" if digest else "")))
    digests = [field for field in ("texts_sha256", "prompts_sha256", "answers_sha256") if record.get(field)]
    items += [(field.removesuffix("_sha256"), f"{record[field][:16]}…") for field in digests]
    counts = ("queries", "tokens", "stopped", "unread", "prompts", "rare")
    items += [(field, record[field]) for field in counts if field in record]
    return Facts(items)


def _commitment(record: Mapping[str, Any]) -> str:
    held = record["commitment"]
    if held is None:
        return _UNCOMMITTED
    told = f"committed to: {held['sha256'][:16]}…"
    if "index" in held:
        told = f"{told}, entry {held['index']:,} of {held['origin']}"
        return f"{told}, before the report's entry {record['logged']['index']:,}" if _before(record) else told
    if held.get("entry"):
        return f"{told}, entry {held['entry']} of a log that isn't shown"
    return f"{told}, in no log: its time isn't shown"


def _before(record: Mapping[str, Any]) -> bool:
    """Whether the log holds the commitment before it holds the report."""
    held, logged = record["commitment"], record.get("logged")
    if not held or not logged or "index" not in held:
        return False
    return bool(held["origin"] == logged["origin"] and held["index"] < logged["index"])


def _others(record: Mapping[str, Any]) -> str:
    """How many other commitments the log holds; empty where no log was read."""
    held = record["commitment"] or {}
    if "before" not in held:
        return ""
    told = [
        f"{words.many(held[side], 'commitment')} {side} this one, {held[f'{side}_not_shown']:,} of them not shown"
        for side in ("before", "after")
        if held[side]
    ]
    others = f"the log holds {' and '.join(told) or 'no other commitment'}"
    return (
        f"{others}; {words.many(held['reports'], 'earlier report')} of this one"
        if held["reports"]
        else others
    )


def _level(record: Mapping[str, Any]) -> str:
    if record["mode"] == "lineage":
        return f"Of {words.many(record['prompts'], 'prompt')} {record['rare']:,} were counted."
    tested = words.many(len(record["keys"]), "key")
    return (
        f"{tested} tested. A model that wasn't trained on such text is called marked at most once in "
        f"{1 / record['alpha']:,.0f} such tests."
    )


def _left_out(record: Mapping[str, Any]) -> str:
    """How many keys weren't tested by choice; empty where all were."""
    count = record.get("keys_left_out", 0)
    if not count:
        return ""
    if count == 1:
        return "1 key of this keyring wasn't tested: the p-values don't count it"
    return f"{count:,} keys of this keyring weren't tested: the p-values don't count them"


def _asked(record: Mapping[str, Any]) -> str:
    told = f"{words.many(record['queries'], 'answer')}, {record['tokens']:,} tokens; stopped: {record['stopped']}"
    return f"{told}; {record['unread']:,} not read" if record["unread"] else told


def _share(each: Mapping[str, Any]) -> str:
    low, high = words.share(each["low"]), words.share(each["high"])
    return f"{each['account']}: {words.share(each['share'])} ({low} to {high})"


def _decoys(each: Mapping[str, Any]) -> str:
    held = each.get("decoys")
    if held is None:
        return "not asked"
    return f"{held['above']:,} of {held['keys']:,} as high" if held["agrees"] else "disagree"


def _p(log10: float) -> str:
    return p_in_words(log10 * log(10))

"""Whose outputs are in a data set, in words: a terminal's table, a page, and the record that programs read.

A key says that outputs were picked under it. It doesn't say who put them there, or that its account did anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from headwater.explain import words
from headwater.explain.marked import log10_p, p_in_words
from headwater.mark import Share
from headwater.provenance.audit import CorpusTrace, Tested, Traced
from headwater.report import Badge, Board, Bullets, Cell, Column, Note, Page, Section, Table, Text

#: Keys that a terminal lists, and rows of one account that are named there.
_LISTED, _PLACES = 30, 2
#: An interval of a share that is wider says nothing.
_WIDEST: Final = 0.6
#: ln of a p-value, all keys counted, above which a key shows weakly: few who trace will meet so small a one by chance.
_WEAK: Final = math.log(1e-6)
_ANSWERS: Final = {
    "named": "named",
    "not-shown": "not shown",
    "not-enough-evidence": "not enough evidence",
}
_SAYS: Final = (
    "A key says that outputs picked under it are in the data set. It doesn't say who put them there: outputs are "
    "passed on, published and stolen, and keys can be."
)
_SHARES: Final = (
    "Shares are of distinct tokens, with intervals of 95%. They rest on how strongly the mark shows in such text, "
    "which the data tell only roughly, and least where it is unlike a chat's. Compare accounts by them, and no more; "
    "what rows that show a mark alone come to rests on nothing of the kind."
)


def trace_record(dataset: str, found: CorpusTrace, set_aside: int) -> dict[str, Any]:
    """The result as plain values, for JSON; the reference describes it."""
    return {
        "dataset": dataset,
        "answer": found.answer,
        "level": found.level,
        "keys": found.keys,
        "rows": found.rows,
        "texts": found.texts,
        "set_aside": set_aside,
        "revoked": list(found.revoked),
        "found": [_found(each) for each in found.found],
        "tested": [_tested(each) for each in found.tested],
    }


def _found(one: Traced) -> dict[str, Any]:
    share = one.share
    return {
        "account": one.account,
        "key": one.of,
        "tokenizer": one.tokenizer,
        "log10_p": round(log10_p(one.log_p), 4),
        "log10_p_adjusted": round(log10_p(one.log_adjusted), 4),
        "by": one.by,
        "share": {"estimate": share.share, "low": share.low, "high": share.high},
        "share_of_named": {
            "estimate": share.relative,
            "low": share.relative_low,
            "high": share.relative_high,
        },
        "rows": one.rows,
        "carried": one.carried,
        "places": [{"file": file, "row": row} for file, row in one.places],
    }


def _tested(one: Tested) -> dict[str, Any]:
    trace = one.trace
    return {
        "of": list(one.of),
        "scheme": one.scheme,
        "tokenizer": one.tokenizer,
        "answer": trace.answer,
        "keys": trace.keys,
        "level": trace.level,
        "units": trace.units,
        "rows": trace.documents,
        "reach": trace.reach,
        "read_in_full": trace.screened[0],
        "part_of_rows": one.part,
        "refused": trace.refused,
        "unread_texts": one.unread,
        "unread_why": one.why,
    }


def trace_verdict(dataset: str, found: CorpusTrace) -> str:
    """The first sentence, and one for keys that show so weakly that chance is to be thought of."""
    strong = list(dict.fromkeys(each.account for each in found.found if each.log_adjusted <= _WEAK))
    weak = {each.account: each for each in reversed(found.found) if each.account not in strong}
    told = []
    if len(strong) == 1:
        told.append(f"Outputs picked under the key of the account {strong[0]} are in “{dataset}”.")
    elif strong:
        many, names = words.many(len(strong), "account"), words.joined(strong)
        told.append(f"Outputs picked under the keys of {many} are in “{dataset}”: {names}.")
    if len(weak) == 1:
        (one,) = weak.values()
        told.append(f"The key of the account {one.account} shows in “{dataset}”, but weakly: {_often(one)}.")
    elif weak:
        many, names = words.many(len(weak), "account"), words.joined(list(reversed(weak)))
        told.append(f"The keys of {many} show in “{dataset}”, but weakly: {names}.")
    if told:
        return " ".join(told)
    if found.answer == "not-shown":
        return f"No account's key is shown in “{dataset}”."
    return f"“{dataset}” is not enough evidence for or against any account's key."


def _often(one: Traced) -> str:
    """How often chance does as much, for evidence that it may well be."""
    sets = words.significant(math.exp(-one.log_adjusted))
    return f"a key shows so often in 1 of {sets} such data sets without any of their outputs"


def trace_board(dataset: str, found: CorpusTrace, *, below: Sequence[str] = ()) -> Board:
    """What a terminal shows."""
    above = [
        (f"{words.many(found.keys, 'key')} · {words.many(found.rows, 'row')}", ""),
        (trace_verdict(dataset, found), ""),
    ]
    rows: list[list[Cell]] = [
        [
            Badge("named", "plain", "■"),
            each.account,
            each.of,
            p_in_words(each.log_adjusted),
            _share(each.share),
            each.rows,
        ]
        for each in found.found[:_LISTED]
    ]
    columns = [
        Column(""),
        Column("account", "name"),
        Column("key", "name", minor=True),
        Column("p, all counted", "number"),
        Column("share"),
        Column("rows", "number"),
    ]
    lines = [f"{each.account}: {_often(each)}" for each in found.found[:_LISTED] if each.log_adjusted > _WEAK]
    lines += [_first_rows(each) for each in found.found[:_LISTED] if each.places]
    if len(found.found) > _LISTED:
        lines.append(f"… and {words.many(len(found.found) - _LISTED, 'more key')}: --json lists all")
    lines += [line for each in found.tested for line in _lines(each)]
    if found.revoked:
        lines.append(f"not tested, for they are revoked: {words.joined(found.revoked)}")
    lines.append(_level(found))
    return Board(above, columns, rows, [*lines, *below, *([_SHARES, _SAYS] if found.found else [])])


def trace_page(dataset: str, found: CorpusTrace, set_aside: int) -> Page:
    """The same as a page."""
    sections = [Section("accounts", "Whose outputs", [_table(found)], menu="Accounts")]
    sections.append(Section("tested", "What was tested", [_tests(found)], menu="Tested"))
    notes = [Note("What a key says", [_SAYS])]
    if weak := [f"{each.account}: {_often(each)}." for each in found.found if each.log_adjusted > _WEAK]:
        notes.append(Note("Keys that show weakly", weak[:_LISTED], tone="warn"))
    if found.found:
        notes.append(Note("How shares are to be read", [_SHARES]))
    if set_aside:
        notes.append(Note("Not read", [f"{words.many(set_aside, 'row')} could not be read."], tone="warn"))
    if found.revoked:
        notes.append(Note("Not tested", [f"Revoked: {words.joined(found.revoked)}."]))
    lead = [_level(found), f"{words.many(found.texts, 'text')} of {words.many(found.rows, 'row')} were read."]
    return Page(
        f"Accounts' keys in “{dataset}”",
        trace_verdict(dataset, found),
        lead,
        sections,
        notes=notes,
    )


def _level(found: CorpusTrace) -> str:
    tested = words.many(found.keys, "key")
    return (
        f"{tested} tested: the chance that any that has no part in the data is named is at most "
        f"{words.significant(found.level)}."
    )


def _share(share: Share) -> str:
    if share.high - share.low > _WIDEST:
        return "not told"
    return f"{words.share(share.share)} ({words.share(share.low)} to {words.share(share.high)})"


def _first_rows(one: Traced) -> str:
    places = words.joined([f"{file}:{row}" for file, row in one.places], limit=_PLACES)
    alone = f"{words.many(one.rows, 'row')} alone, {words.share(one.carried)} of all that was read"
    return f"{one.account}: the mark is shown by {alone}: {places}"


def _lines(one: Tested) -> list[str]:
    """What was tested in one group of keys, and what it could have found."""
    trace = one.trace
    told = (
        f"{words.joined(one.of, limit=3)} ({one.scheme}, {one.tokenizer}): {words.many(trace.keys, 'key')}, "
        f"{words.many(trace.units, 'distinct token')} of {words.many(trace.documents, 'row')}: "
        f"{_ANSWERS[trace.answer]}"
    )
    reach = _reach(one)
    lines = [f"{told}; {reach}" if reach else told]
    if trace.refused:
        lines.append(f"  nobody is named: {trace.refused}")
    if one.unread:
        lines.append(f"  {words.many(one.unread, 'text')} not read: {one.why}")
    if one.part < 1:
        lines.append(f"  one row in {round(1 / one.part):,} was read: the others are beyond what is held")
    return lines


def _reach(one: Tested) -> str:
    if one.trace.reach is None and one.trace.named:
        return ""  # somebody was found
    if one.trace.reach is None:
        return "even an account whose outputs are all of it might not be found"
    return (
        f"an account with {words.share(one.trace.reach)} of it, spread over all rows, is found half the time"
    )


def _table(found: CorpusTrace) -> Table | Text:
    if not found.found:
        return Text("No key is shown.")
    rows: list[list[Cell]] = [
        [
            each.account,
            each.of,
            each.tokenizer,
            p_in_words(each.log_adjusted),
            _share(each.share),
            each.rows,
            words.joined([f"{file}:{row}" for file, row in each.places], limit=_PLACES),
        ]
        for each in found.found
    ]
    columns = [
        Column("account", "name"),
        Column("key", "name"),
        Column("tokenizer", "name", minor=True),
        Column("p, all counted", "number"),
        Column("share, 95%", "number"),
        Column("rows that show it alone", "number"),
        Column("first rows", minor=True),
    ]
    return Table("Accounts whose keys are in the data set", columns, rows, long=len(rows) > 20)


def _tests(found: CorpusTrace) -> Bullets:
    return Bullets([line.strip() for each in found.tested for line in _lines(each)])

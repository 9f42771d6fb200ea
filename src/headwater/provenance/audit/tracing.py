"""Which accounts' outputs are in a corpus: the keys of a keyring's accounts against all of its texts.

Each scheme is read under each of its tokenizers once, and every key of every account and period is tested. One error
rate holds for all of them together: each group of keys gets its part of the level by its size, and Holm's test within.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from headwater.errors import UsageError, Where
from headwater.exchange import SetAside
from headwater.mark import (
    EvidenceOf,
    Keyring,
    MarkKey,
    Named,
    Scheme,
    Share,
    Tokenizer,
    Trace,
    plain,
    trace,
)
from headwater.provenance.audit.texts import corpus_texts
from headwater.provenance.audit.units import MOST_UNITS, Gathered

Progress = Callable[[str, int, int | None], None]

#: How often a key without a part in the corpus is named, all keys together: it is an account that is named.
LEVEL: Final = 0.001
#: Places of one account's rows that are told.
MOST_PLACES: Final = 100


@dataclass(frozen=True)
class Traced:
    """One key that is in the corpus. `account`: as the keyring calls it; `of`: the entry and period of the key.

    `log_p`: ln of its exact p-value; `log_adjusted`: with every key that was tested counted; `rows`: how many carry the
    mark by themselves, the first of which `places` tells as (file, row); `carried`: the share of all distinct units
    that stands in those rows.
    """

    account: str
    of: str
    tokenizer: str
    log_p: float
    log_adjusted: float
    by: str
    share: Share
    rows: int
    places: tuple[tuple[str, int], ...]
    carried: float


@dataclass(frozen=True)
class Tested:
    """What one scheme under one tokenizer says of its keys: `trace`, at its part of the level.

    `of`: the entries whose keys they are; `unread`: texts that the tokenizer can't read, and `why` for the first;
    `part`: of the rows, which part was read.
    """

    of: tuple[str, ...]
    scheme: str
    tokenizer: str
    trace: Trace
    unread: int
    why: str
    part: float


@dataclass(frozen=True)
class CorpusTrace:
    """What was found in a corpus, most evidence first. `answer` is that of `Trace`; `keys`: how many were tested."""

    answer: str
    found: tuple[Traced, ...]
    level: float
    keys: int
    rows: int
    texts: int
    tested: tuple[Tested, ...]
    revoked: tuple[str, ...]


@dataclass
class _Group:
    """Keys that are tested together. `owners`: account, and entry and period, by the number that a key has as name."""

    scheme: Scheme
    tokenizer: Tokenizer
    of: list[str]
    owners: list[tuple[str, str]]
    numbers: list[tuple[int, ...]]

    @property
    def keys(self) -> list[MarkKey]:
        return [MarkKey(str(at), numbers) for at, numbers in enumerate(self.numbers)]


def trace_corpus(
    path: Path,
    keyring: Keyring,
    *,
    text: frozenset[str] = frozenset(),
    level: float = LEVEL,
    evidence_of: EvidenceOf = plain,
    aside: SetAside | None = None,
    most: int = MOST_UNITS,
    progress: Progress = lambda _stage, _done, _total: None,
) -> CorpusTrace:
    """Whose outputs are in the corpus at `path`, of the accounts in `keyring`; what is revoked there is left out.

    `text`: the only columns to read; `level`: the chance that any key without a part in the corpus is named is at most
    this; `evidence_of`: the detector for each scheme, chosen before the corpus was seen; `most`: distinct units that
    are held for one scheme. Raises UsageError where the keyring names no accounts, or two accounts have the same key,
    and what `corpus_texts` raises.
    """
    groups, revoked = _groups(keyring, progress)
    gathered = [Gathered(one.scheme, evidence_of(one.scheme), one.tokenizer, most) for one in groups]
    places: list[tuple[str, int]] = []
    texts = 0
    for row in corpus_texts(path, text=text, aside=aside, progress=progress):
        for content in row.texts:
            texts += 1
            for each in gathered:
                each.add(len(places), content)
        places.append((row.file, row.row))
    keys = sum(len(group.owners) for group in groups)
    tested, found = [], []
    for number, (group, units) in enumerate(zip(groups, gathered, strict=True)):
        progress("test keys", sum(len(one.owners) for one in groups[:number]), keys)
        tested.append(_tested(group, units, level * len(group.owners) / keys))
        found += [_traced(named, group, places, keys) for named in tested[-1].trace.named]
    found.sort(key=lambda each: each.log_p)
    return CorpusTrace(
        _answer(tested), tuple(found), level, keys, len(places), texts, tuple(tested), tuple(revoked)
    )


def _tested(group: _Group, gathered: Gathered, level: float) -> Tested:
    whole = gathered.whole()
    keys = group.keys
    if whole is None:
        _unlike(group)
        found = Trace("not-enough-evidence", (), level, len(keys), 0, 0, None, (0, 1.0), None)
    else:
        units, rows, classes = whole
        scorer = gathered.evidence.scorer
        found = trace(group.scheme, units, keys, scorer, document=rows, classes=classes, level=level)
    part = 0.5**gathered.halvings
    return Tested(
        tuple(group.of), group.scheme.name, group.tokenizer.name, found, gathered.unread, gathered.why, part
    )


def _unlike(group: _Group) -> None:
    """What `trace` checks where there is something to trace."""
    if len(set(group.numbers)) < len(group.numbers):
        raise UsageError(
            "two accounts have the same key", hint="give each account a key of its own, or list it once"
        )


def _traced(named: Named, group: _Group, places: Sequence[tuple[str, int]], keys: int) -> Traced:
    account, of = group.owners[int(named.name)]
    return Traced(
        account,
        of,
        group.tokenizer.name,
        named.log_p,
        min(0.0, named.log_adjusted + math.log(keys / len(group.owners))),
        named.by,
        named.share,
        len(named.documents),
        tuple(places[at] for at in named.documents[:MOST_PLACES]),
        named.carried,
    )


def _answer(tested: Sequence[Tested]) -> str:
    """Nothing is shown only where every group could have shown it."""
    answers = {each.trace.answer for each in tested}
    if "named" in answers:
        return "named"
    return "not-shown" if answers == {"not-shown"} else "not-enough-evidence"


def _groups(keyring: Keyring, progress: Progress) -> tuple[list[_Group], list[str]]:
    """The keys to test, those of one scheme and tokenizer together, and the entries that are revoked."""
    groups: list[_Group] = []
    revoked: list[str] = []
    for entry in keyring.accounts:
        if entry.revoked:
            revoked.append(entry.name)
            continue
        for number, epoch in enumerate(entry.epochs):
            progress("derive keys", number, len(entry.epochs))
            owners = [(account, f"{entry.name} {epoch}") for account in entry.ids]
            numbers = [key.numbers for key in entry.keys(epoch)]
            for tokenizer in entry.tokenizers:
                _join(groups, _Group(entry.scheme, tokenizer, [entry.name], owners, numbers))
    for mark in keyring.marks:
        if mark.account and mark.revoked:
            revoked.append(mark.name)
        elif mark.account:
            for tokenizer in mark.tokenizers:
                owner = [(mark.account, mark.name)]
                _join(groups, _Group(mark.scheme, tokenizer, [mark.name], owner, [mark.key.numbers]))
    if not groups:
        where = Where(str(keyring.path))
        if revoked:
            raise UsageError("all accounts of the keyring are revoked", where=where)
        hint = "add [[accounts]] with a list of them, or `account` to a [[mark]]"
        raise UsageError("the keyring names no accounts", where=where, hint=hint)
    return groups, revoked


def _join(groups: list[_Group], new: _Group) -> None:
    for group in groups:
        if group.tokenizer.name == new.tokenizer.name and group.scheme == new.scheme:
            group.of += [name for name in new.of if name not in group.of]
            group.owners = [*group.owners, *new.owners]
            group.numbers = [*group.numbers, *new.numbers]
            return
    groups.append(replace(new, of=list(new.of)))

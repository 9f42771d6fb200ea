"""A policy run over what was recorded: whom it would have hit, and what it would have done otherwise than another.

Nothing is done to anybody. An account counts once, with the highest rung that any of its campaigns brings it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from headwater.errors import UsageError
from headwater.policy.decision import Decider, Decision
from headwater.policy.pack import Pack
from headwater.policy.rungs import Rung
from headwater.policy.subjects import Subject

MOST_EXAMPLES = 10
#: Decisions that are remembered for a replay, some 100 MiB: it meets many accounts, and ends.
_MOST_REMEMBERED = 131_072


@dataclass(frozen=True, slots=True)
class Hit:
    """What a policy decides for one account: by `rule`, in `campaign`; `was` is the rung of the policy before."""

    account: str
    campaign: str
    rung: str
    rule: str
    limited: bool
    persons: int
    exchanges: int
    declared: str = ""
    was: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Row:
    """One rung: the campaigns that bring accounts to it, those accounts, their attributed exchanges.

    `automatic`: accounts for which nobody would be asked. `upheld` and `reversed` count accounts with an outcome;
    `wrong_at_most` is the upper 95% bound of the share that was reversed (Clopper and Pearson), None where none is.
    """

    rung: str
    campaigns: int
    accounts: int
    exchanges: int
    automatic: int
    upheld: int
    reversed: int
    wrong_at_most: float | None
    examples: tuple[Hit, ...]


@dataclass(frozen=True)
class Moved:
    """Accounts whose rung differs from that of the policy before."""

    was: str
    now: str
    accounts: int
    exchanges: int
    examples: tuple[Hit, ...]


@dataclass(frozen=True)
class Replayed:
    """What a policy would have done: `rows` from the highest rung, `known` parties first of all.

    `hits` are all accounts, highest rung first, then by name.
    """

    pack: str
    pack_sha256: str
    decisions: int
    accounts: int
    campaigns: int
    rows: tuple[Row, ...]
    known: tuple[Hit, ...]
    moved: tuple[Moved, ...] = ()
    against: str | None = None
    against_sha256: str | None = None
    hits: tuple[Hit, ...] = field(default=(), repr=False)


class _Held(msgspec.Struct, gc=False):
    """The highest that an account has met so far, under the policy and the one before."""

    subject: Subject
    decision: Decision
    exchanges: int
    was: Rung


def replay(
    pack: Pack,
    subjects: Iterable[Subject],
    *,
    against: Pack | None = None,
    outcomes: Mapping[str, frozenset[str]] | None = None,
) -> Replayed:
    """Decide for all `subjects`, and count; see `Decider.decide` for what it raises."""
    held: dict[str, _Held] = {}
    campaigns: set[str] = set()
    decisions = 0
    decide = Decider(pack, most=_MOST_REMEMBERED).decide
    before = Decider(against, most=_MOST_REMEMBERED).decide if against else None
    for subject in subjects:
        try:
            decision = decide(subject.facts)
            was = before(subject.facts).rung if before else Rung.OBSERVE
        except UsageError as error:
            raise subject.placed(error) from None
        decisions += 1
        campaigns.add(subject.campaign)
        one = held.get(subject.account)
        if one is None:
            held[subject.account] = _Held(subject, decision, subject.exchanges, was)
            continue
        one.exchanges += subject.exchanges
        one.was = max(one.was, was)
        if decision.rung > one.decision.rung:
            one.subject, one.decision = subject, decision
    hits = tuple(
        sorted(
            (_hit(account, one, against is not None, outcomes or {}) for account, one in held.items()),
            key=lambda hit: (-_RANK[hit.rung], hit.account),
        )
    )
    return Replayed(
        pack=pack.name,
        pack_sha256=pack.sha256,
        decisions=decisions,
        accounts=len(hits),
        campaigns=len(campaigns),
        rows=_rows(hits),
        known=tuple(hit for hit in hits if hit.declared),
        moved=_moved(hits) if against else (),
        against=against.name if against else None,
        against_sha256=against.sha256 if against else None,
        hits=hits,
    )


_RANK = {rung.word: rung.value for rung in Rung}


def _hit(account: str, one: _Held, compared: bool, outcomes: Mapping[str, frozenset[str]]) -> Hit:
    decision, subject = one.decision, one.subject
    return Hit(
        account,
        subject.campaign,
        decision.rung.word,
        decision.rule,
        decision.limited,
        decision.persons,
        one.exchanges,
        subject.declared,
        one.was.word if compared else "",
        ", ".join(sorted(outcomes.get(account, ()))),
    )


def _rows(hits: tuple[Hit, ...]) -> tuple[Row, ...]:
    by: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        by[hit.rung].append(hit)
    return tuple(_row(rung.word, by[rung.word]) for rung in reversed(Rung) if rung.word in by)


def _row(rung: str, hits: list[Hit]) -> Row:
    upheld = sum("upheld" in hit.outcome for hit in hits)
    wrong = sum("reversed" in hit.outcome for hit in hits)
    return Row(
        rung=rung,
        campaigns=len({hit.campaign for hit in hits}),
        accounts=len(hits),
        exchanges=sum(hit.exchanges for hit in hits),
        automatic=sum(not hit.persons for hit in hits) if rung != Rung.OBSERVE.word else 0,
        upheld=upheld,
        reversed=wrong,
        wrong_at_most=upper_bound(wrong, upheld + wrong) if upheld + wrong else None,
        examples=_examples(hits),
    )


def _examples(hits: list[Hit]) -> tuple[Hit, ...]:
    """A few, those with most attributed exchanges first: where a policy is wrong, they lose most."""
    return tuple(sorted(hits, key=lambda hit: (-hit.exchanges, hit.account))[:MOST_EXAMPLES])


def _moved(hits: tuple[Hit, ...]) -> tuple[Moved, ...]:
    by: dict[tuple[str, str], list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.was != hit.rung:
            by[hit.was, hit.rung].append(hit)
    ordered = sorted(by, key=lambda pair: (-_RANK[pair[1]], -_RANK[pair[0]]))
    return tuple(
        Moved(was, now, len(found), sum(hit.exchanges for hit in found), _examples(found))
        for (was, now), found in ((pair, by[pair]) for pair in ordered)
    )


def upper_bound(wrong: int, of: int) -> float:
    """The upper 95% bound of a rate, `wrong` in `of` having been seen (Clopper and Pearson 1934); 1 where none was."""
    from scipy.stats import beta

    return 1.0 if wrong >= of else float(beta.ppf(0.95, wrong + 1, of - wrong))

"""Steps from an investigation: each account of a reported campaign gets what the policy says, once.

The verdict is kept as it was, without any account in it, so that a later reader sees what was decided on. Watching
makes no step, and the same report proposed again makes none that is there already.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from headwater.casework.appeal import DAY_US
from headwater.casework.follow import ended_steps, follow
from headwater.casework.outcomes import Rate, rates
from headwater.casework.shelf import Basis, Kept, add, has
from headwater.casework.work import Work, person
from headwater.control import POLICY, Event, State, Step, What, apply
from headwater.detect import A_KIND, TOGETHER, Campaign, Findings, Member
from headwater.errors import UsageError
from headwater.explain import dumps, loads
from headwater.policy import FACTS, AccountFacts, Decider, Pack, Rung, decide, facts_of, facts_of_member
from headwater.proof import canonical_json

#: Days for which a notice counts as a prior one (the fact `notices`).
_NOTICES_DAYS: Final = 180
#: What `dumps(details=False)` calls accounts.
_NUMBERED: Final = re.compile(r"account \d+")
#: The pack that the log last said is in force.
PACK: Final = "casework/pack"


@dataclass(frozen=True)
class Batch:
    """What one proposal made: its steps, how many accounts are only watched, and how many steps were there before."""

    id: str
    steps: tuple[Kept, ...]
    observed: int
    known_before: int
    campaigns: int


def propose(work: Work, findings: Findings, known: Mapping[str, AccountFacts], pack: Pack, by: str) -> Batch:
    """A step for each account of each reported campaign that the policy proposes more than watching for."""
    by = person(by)
    _check_named(findings)
    in_force(work, pack, "")
    decider, learned = Decider(pack), {r.name: r for r in rates(ended_steps(work.tx)) if r.by == "rule"}
    shown = {ring.id: ring for ring in loads(dumps(findings, details=False)).campaigns}
    told = [(ring, _verdict(shown[ring.id])) for ring in findings.campaigns]
    batch = work.names.name("batch", pack.sha256, *(_digest(body) for _, body in told))
    made: list[Kept] = []
    observed = before = 0
    for ring, body in told:
        verdict, whole = _keep_verdict(work, ring, body), facts_of(ring)
        rate = learned.get(decide(whole, pack).rule)
        for member in ring.members:
            facts = facts_of_member(whole, member, _known(work, member, known, rate))
            decision = decider.decide(facts)
            if decision.rung is Rung.OBSERVE:
                observed += 1
                continue
            account = _pseudonym(work, member.account)
            step_id = work.names.name(
                "step", verdict, account, pack.sha256, _given(known.get(member.account))
            )
            if has(work.tx, step_id):
                before += 1
                continue
            basis = Basis(
                decision,
                facts,
                _carried(ring),
                member.attributed,
                member.first_at_us,
                member.last_at_us,
            )
            made.append(begin(work, step_id, account, verdict, batch, ring.id, basis, by))
    return Batch(batch, tuple(made), observed, before, len(told))


def in_force(work: Work, pack: Pack, by: str) -> None:
    """See that the log says which pack is in force, also where its file was changed by hand (`by` nobody)."""
    before, now = work.tx.fetch(PACK), pack.sha256.encode()
    if before == now:
        return
    if before is None:
        work.tx.create(PACK, now)
    else:
        work.tx.replace(PACK, before, now)
    work.record("policy", "", {"pack": pack.name, "pack_sha256": pack.sha256, "by": by})


def begin(
    work: Work, step_id: str, account: str, verdict: str, batch: str, campaign: str, basis: Basis, by: str
) -> Kept:
    """Propose one step; where the policy asks for no person, it begins."""
    event = Event(What.PROPOSED, by, work.at_us, basis.decision.reason, basis.terms)
    step: Step = apply(None, event, step_id=step_id, account=account)
    kept = Kept(step, verdict, batch, campaign, basis)
    add(work.tx, kept)
    work.tell(kept, What.PROPOSED, by, basis.decision.reason)
    follow(work, None, kept)
    if basis.decision.persons == 0 and step.state is State.PROPOSED:
        after = work.moved(kept, What.BEGAN, POLICY)
        follow(work, kept, after)
        return after
    return kept


def _check_named(findings: Findings) -> None:
    """Refuse a report that was written without personal values: its accounts are numbers, and nobody's."""
    members = [member.account for ring in findings.campaigns for member in ring.members]
    if members and all(_NUMBERED.fullmatch(account) for account in members):
        what = "this report was written without personal values: it names no account"
        raise UsageError(what, hint="propose from the campaigns.json that `headwater investigate` wrote")


def _verdict(ring: Campaign) -> dict[str, Any]:
    """What was found, as it may be kept and shown: evidence and figures, and nothing of any account."""
    body: dict[str, Any] = msgspec.to_builtins(
        dataclasses.replace(
            ring, members=(), templates=(), links=(), bridges=(), undecided=(), timeline=(), proposal=None
        )
    )
    kept = {name: value for name, value in body.items() if value not in ([], None)}
    return {**kept, "accounts": len(ring.members)}


def _carried(ring: Campaign) -> tuple[str, ...]:
    """The kinds of evidence that carry a verdict with a nat or more each, by the names of their cards."""
    carry = {p.evidence for p in ring.pieces if p.llr >= A_KIND and p.group != TOGETHER}
    return tuple(sorted(carry))


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body)).hexdigest()


def _keep_verdict(work: Work, ring: Campaign, body: dict[str, Any]) -> str:
    verdict = work.names.name("verdict", _digest(body), *(member.account for member in ring.members))
    new = work.tx.run(
        "INSERT INTO verdicts VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (verdict, ring.id, work.at_us, canonical_json(body)),
    )
    if new:
        work.record("verdict", "", {"verdict": verdict, "found": body})
    return verdict


def _pseudonym(work: Work, account: str) -> str:
    name = work.names.of(account)
    work.tx.run("INSERT INTO accounts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, account))
    return name


def _known(work: Work, member: Member, known: Mapping[str, AccountFacts], rate: Rate | None) -> AccountFacts:
    """What the table says of an account, with what the casebook knows of it and of the rule."""
    given = known.get(member.account, AccountFacts())
    account = work.names.of(member.account)
    since = work.at_us - _NOTICES_DAYS * DAY_US
    counts = work.tx.row(
        "SELECT (SELECT count(*) FROM notices WHERE account = ? AND at_us >= ? AND kind IN"
        " ('notice', 'shape', 'reduce', 'step-up', 'quarantine', 'suspend', 'ban', 'refer')),"
        " (SELECT count(*) FROM outcomes JOIN steps ON steps.id = outcomes.step"
        " WHERE steps.account = ? AND outcome IN ('reversed', 'lowered', 'unconfirmed'))",
        (account, since, account),
    )
    assert counts is not None
    return dataclasses.replace(
        given,
        notices=min(given.notices + counts[0], int(FACTS["notices"].most)),
        reversals=min(counts[1], int(FACTS["reversals"].most)),
        false_positive_rate=rate.high if rate else 1.0,
        outcomes=rate.ended if rate else 0,
    )


def _given(known: AccountFacts | None) -> str:
    """What the table said of an account, as one text: other facts are another proposal."""
    return "" if known is None else canonical_json(dataclasses.asdict(known)).decode()

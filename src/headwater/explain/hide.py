"""Findings without personal values, for showing a result to someone who may not see the accounts.

Accounts and organisations become numbers (the same one everywhere in the document), texts of prompts are
left out, and a sentence that names an account or quotes a slot is replaced. Counts, times, models and
evidence stay: times and counts can still identify an account to someone who holds the log.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from headwater.detect import Campaign, Findings, Template

HIDDEN = "hidden"


def _numbering(names: list[str | None], word: str) -> dict[str, str]:
    """Each name its number, in order of first appearance."""
    order = dict.fromkeys(name for name in names if name is not None)
    return {name: f"{word} {i}" for i, name in enumerate(order, 1)}


def _secrets(ring: Campaign) -> set[str]:
    """Strings of a ring that no sentence may repeat; very short ones would be found in any sentence."""
    found = {m.account for m in ring.members} | {m.organisation or "" for m in ring.members}
    found |= {name for a, b, _ in ring.bridges for name in (a, b)}
    for template in ring.templates:
        found.update(template.texts)
        found.update(example for slot in template.slots for example in slot.examples)
        found.update(value for _, values in template.fillings for value in values)
    found.add(ring.declared or "")
    found.update(each.declared for each in ring.undecided)
    return {text for text in (f.strip() for f in found) if len(text) > 2}


def _template(template: Template, rename: Callable[[str], str]) -> Template:
    return dataclasses.replace(
        template,
        texts=(),
        slots=tuple(dataclasses.replace(slot, examples=()) for slot in template.slots),
        fillings=tuple((rename(account), ()) for account, _ in template.fillings),
    )


def _ring(ring: Campaign, accounts: dict[str, str], organisations: dict[str, str]) -> Campaign:
    secrets = _secrets(ring)

    def told(text: str) -> str:
        return HIDDEN if any(secret in text for secret in secrets) else text

    def rename(account: str) -> str:
        return accounts.get(account, HIDDEN)

    proposal = ring.proposal
    return dataclasses.replace(
        ring,
        sentence=told(ring.sentence),
        pieces=tuple(dataclasses.replace(p, sentence=told(p.sentence)) for p in ring.pieces),
        members=tuple(
            dataclasses.replace(
                m,
                account=rename(m.account),
                organisation=organisations.get(m.organisation) if m.organisation else None,
            )
            for m in ring.members
        ),
        taken=tuple(dataclasses.replace(t, what=told(t.what)) for t in ring.taken),
        templates=tuple(_template(t, rename) for t in ring.templates),
        bridges=tuple((rename(a), rename(b), weight) for a, b, weight in ring.bridges),
        declared=None if ring.declared is None else HIDDEN,
        undecided=tuple(dataclasses.replace(each, declared=HIDDEN) for each in ring.undecided),
        proposal=None if proposal is None else dataclasses.replace(proposal, reason=told(proposal.reason)),
    )


def without_details(findings: Findings) -> Findings:
    """The same findings with no account, organisation, prompt text, party or path in them."""
    rings = (*findings.campaigns, *findings.considered)
    named: list[str | None] = [m.account for ring in rings for m in ring.members]
    named += [name for ring in rings for a, b, _ in ring.bridges for name in (a, b)]
    named += [verdict.account for verdict in findings.accounts]
    accounts = _numbering(named, "account")
    owners = [m.organisation for ring in rings for m in ring.members]
    organisations = _numbering([*owners, *(v.organisation for v in findings.accounts)], "organisation")
    return dataclasses.replace(
        findings,
        log=dataclasses.replace(findings.log, sources=()),
        campaigns=tuple(_ring(ring, accounts, organisations) for ring in findings.campaigns),
        considered=tuple(_ring(ring, accounts, organisations) for ring in findings.considered),
        accounts=tuple(
            dataclasses.replace(
                verdict,
                account=accounts[verdict.account],
                organisation=organisations.get(verdict.organisation) if verdict.organisation else None,
            )
            for verdict in findings.accounts
        ),
        settings={
            name: value
            for name, value in findings.settings.items()
            if value is None or isinstance(value, bool | int | float)
        },
        notes=(),
    )

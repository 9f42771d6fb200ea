"""One account in sentences: how it is tied to a campaign, how firmly, and what that doesn't prove.

Works from the findings alone. Findings list only accounts of rings that were proposed; of any other account
they say nothing, and so does this.
"""

from __future__ import annotations

import difflib

from headwater.detect import A_KIND, Campaign, Findings, Member
from headwater.errors import UsageError
from headwater.explain import words
from headwater.explain.alone import NO_FINDING, told
from headwater.explain.campaign import against, chance, proportionate, unseen, verdict
from headwater.explain.declared import named
from headwater.explain.story import Passage, Story, passage

#: How many names are compared at most with one that was not found.
_COMPARED = 5_000


def rings_of(findings: Findings, account: str) -> tuple[tuple[Campaign, Member], ...]:
    """The rings that hold `account`, reported ones first, with its record in each."""
    return tuple(
        (ring, member)
        for ring in (*findings.campaigns, *findings.considered)
        for member in ring.members
        if member.account == account
    )


def _standing(ring: Campaign, member: Member) -> tuple[str, ...]:
    """The account's place in the ring."""
    rank = 1 + sum(1 for other in ring.members if other.tie > member.tie)
    part = member.attributed / member.exchanges if member.exchanges else 0.0
    its = words.many(member.exchanges, "exchange")
    told = [
        f"{words.count(member.attributed)} of its {its} ({words.share(part)}) are attributed to the campaign."
        if ring.reported
        else f"None of its {its} is attributed: this group was only considered.",
        f"It was active from {words.when(member.first_at_us)} to {words.when(member.last_at_us)}.",
        (
            f"Its ties into the ring sum to {words.significant(member.tie, 3)} nats, "
            f"number {words.count(rank)} of {words.count(len(ring.members))}."
        ),
    ]
    if member.ties:
        told.append(f"Kinds of tie: {words.joined(member.ties)}.")
    if not ring.told:
        told.insert(0, "It isn't named as a member: nobody in this group can be told from a bystander.")
    if not ring.reported:
        return (*told, *named(ring, member))
    if member.hours >= A_KIND:
        told.append("What is attributed to it was sent when the campaign's is, not at hours of its own.")
    if member.late:
        told.append("The campaign was judged without it: it does what the members do, when they do.")
    if not member.firm:
        told.append(
            "Only what it asks for ties it: a copied form explains that, or a takeover. What is proposed for the "
            "campaign isn't meant for it before somebody has looked."
        )
    if rank > 0.9 * len(ring.members) and len(ring.members) > 9:
        told.append(
            "It is among the tenth of the ring with the weakest ties: look at it before anything else."
        )
    return (*told, *named(ring, member))


def _neighbours(ring: Campaign, member: Member) -> tuple[str, ...]:
    """Its strongest links to other members, and bridges that were cut."""
    index = next(i for i, m in enumerate(ring.members) if m is member)
    links = [
        (weight, ring.members[b if a == index else a].account, kind)
        for a, b, weight, kind in ring.links
        if index in (a, b)
    ]
    links.sort(key=lambda link: (-link[0], link[1], link[2]))
    told = [f"Linked to {name} by {kind} ({words.nats(weight)} nats)." for weight, name, kind in links[:5]]
    if len(links) > 5:
        told.append(f"And {words.many(len(links) - 5, 'weaker link')}.")
    told += [
        f"A link to {b if a == member.account else a} of another ring ({words.nats(weight)} nats) "
        "was cut as a bridge."
        for a, b, weight in ring.bridges
        if member.account in (a, b)
    ][:5]
    return tuple(told)


def _fillings(ring: Campaign, member: Member) -> tuple[str, ...]:
    """What the account put into the slots of the ring's templates."""
    return tuple(
        f"Template {number}: it filled the slots with "
        f"{words.joined([f'“{words.clip(v, 80)}”' for v in values], limit=4)}."
        for number, template in enumerate(ring.templates, 1)
        for account, values in template.fillings
        if account == member.account and values
    )


def _nearest(findings: Findings, account: str) -> str | None:
    """A member's name like `account`; only names that share its start or end are compared, to stay quick."""
    known = {m.account for ring in (*findings.campaigns, *findings.considered) for m in ring.members}
    alike = sorted(name for name in known if name[:3] == account[:3] or name[-3:] == account[-3:])
    near = difflib.get_close_matches(account, alike[:_COMPARED], n=1, cutoff=0.8)
    return near[0] if near else None


def explain_untied(findings: Findings, account: str, exchanges: int) -> Story:
    """The story of an account of the log that no proposed ring holds."""
    return Story(
        account,
        f"{account}: in no group",
        (
            passage(
                "What was found",
                f"Nothing ties it to a group. It sent {words.many(exchanges, 'exchange')}.",
                "No step is proposed.",
            ),
            *_seen_alone(findings, account),
            passage("What was not in the log", *unseen(findings)),
            passage(
                "What it doesn't prove",
                "Evidence is looked for between accounts; what one account does alone is no finding, either way.",
            ),
        ),
    )


def _seen_alone(findings: Findings, account: str) -> tuple[Passage, ...]:
    return tuple(
        passage(f"Seen of it alone ({verdict.word})", *told(verdict), NO_FINDING)
        for verdict in findings.accounts
        if verdict.account == account
    )


def explain_account(findings: Findings, account: str) -> Story:
    """The whole story of one account. `UsageError` with the nearest name where no proposed ring holds it."""
    found = rings_of(findings, account)
    if not found:
        near = _nearest(findings, account)
        raise UsageError(
            "no ring that was proposed holds this account",
            hint=f"did you mean {near}?"
            if near
            else "spell it as the log does; those in no group are looked up in accounts.parquet beside campaigns.json",
        )
    passages: list[Passage] = []
    for ring, member in found:
        state = "reported" if ring.reported else "considered, not reported"
        passages += [
            passage(f"In {ring.id} ({state})", words.sentence(ring.sentence), *_standing(ring, member)),
            passage(
                "Its strongest links", *(_neighbours(ring, member) or ("No single link was kept for it.",))
            ),
            passage("What it sent", *_fillings(ring, member)),
            passage("The ring's verdict", *verdict(ring), *chance(ring)),
            passage("What speaks against", *against(ring)),
            passage("What would be proportionate", *proportionate(ring)),
        ]
    passages += _seen_alone(findings, account)
    passages.append(passage("What was not in the log", *unseen(findings)))
    passages.append(
        passage(
            "What it doesn't prove",
            "A ring's verdict is not an account's: each account can be there for a reason of its own.",
            "It says nothing about who uses the account, or why.",
        )
    )
    if findings.labels_note:
        passages.append(passage("About the labels", words.sentence(findings.labels_note)))
    title = f"{account}: in {words.joined([ring.id for ring, _ in found])}"
    return Story(account, title, tuple(p for p in passages if p.sentences))

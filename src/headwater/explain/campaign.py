"""One campaign in sentences: why, how often chance would make it, what speaks against, what was not in the
log, what it doesn't prove, and what would be proportionate.

Nothing here adds to the evidence; figures come from the campaign's own records.
"""

from __future__ import annotations

import difflib
import math

from headwater.detect import NO_RULE, TOGETHER, Campaign, Coverage, Findings, Piece, Proposal
from headwater.errors import UsageError
from headwater.explain import words
from headwater.explain.declared import undecided
from headwater.explain.story import Passage, Story, passage

#: What each word of the closed scale means, and the glyph that goes with it.
SCALE: dict[str, tuple[str, str]] = {
    "confirmed": ("■", "A person has looked at the evidence and agreed with it."),
    "likely": ("●", "The evidence reaches the threshold to report. No person has confirmed it yet."),
    "possible": ("◐", "The evidence stays below the threshold to report: worth a look, not a finding."),
    "inconclusive": ("○", "The evidence is too thin, or points both ways."),
    "unlikely": ("▽", "Too little was found to outweigh how rare campaigns are, or more against than for."),
    "unrelated": ("×", "Next to nothing remains for one hand once what speaks against it is counted."),
    "stale": ("◌", "The evidence is too old to act on."),
}

_KIND = {
    "extraction ring": (
        "Read as an extraction ring: accounts that act as one, and what they ask for, or how a list is dealt out among "
        "them, is as when a training set is made."
    ),
    "relay or reseller": (
        "Read as a relay or reseller: its end users are mixed, so an account that carries the campaign's "
        "requests also carries other people's. Attribute by exchange, not by account."
    ),
    "legitimate fleet": "Read as a legitimate fleet: accounts that act as one for a reason that is known.",
    "undetermined": (
        "What kind of group this is could not be determined: it isn't known what its accounts would act for."
    ),
}

#: The group of the evidence that says who the accounts are.
DECLARATION = "declaration"
#: The evidence that finds many clients behind each account.
RELAY = "end_users"

_NOT_PROVED = (
    "It doesn't show who is behind the accounts, what the answers were for, or that a model was trained.",
    "It describes accounts, not people: an account may have been taken over, lent or resold.",
    "A group that acts as one need not be a campaign: teams, classes, evaluations and resellers do so too.",
    "The probability rests on the prior and on the error rates of the evidence; both are estimates.",
)


def why(campaign: Campaign) -> tuple[str, ...]:
    """The counted pieces for it, strongest first; last what their sum means."""
    pieces = sorted(
        (p for p in campaign.pieces if p.counted and not p.against and p.evidence != TOGETHER),
        key=lambda p: (-p.llr, p.evidence),
    )
    together = tuple(
        words.minus(words.sentence(p.sentence)) for p in campaign.pieces if p.evidence == TOGETHER
    )
    told = tuple(
        f"{words.minus(words.sentence(p.sentence))} This {words.times(p.llr)} ({words.nats(p.llr)} nats"
        + (f"; capped and weighed, {words.nats(p.raw)} before" if p.raw - p.llr > 0.005 else "")
        + (f"; {words.p_value(p.p_value)}" if p.p_value is not None else "")
        + ")."
        for p in pieces
    )
    return told + together


def aside(campaign: Campaign) -> tuple[str, ...]:
    """What was seen that would speak for it and adds nothing, strongest first, and why."""
    pieces = sorted(
        (p for p in campaign.pieces if not p.counted and p.raw >= 0.005), key=lambda p: (-p.raw, p.evidence)
    )
    return tuple(
        f"{words.minus(words.sentence(p.sentence))} This is not counted: {uncounted(campaign, p)}."
        for p in pieces
    )


def uncounted(campaign: Campaign, piece: Piece) -> str:
    """Why a piece adds nothing to the verdict."""
    if abs(piece.raw) < 0.005:
        return "it says nothing either way"
    rivals = (p for p in campaign.pieces if p.counted and p.group == piece.group)
    if any(p.against == piece.against for p in rivals):
        return "another piece of its group says more once both are weighed"
    if not piece.against and any(p.evidence == RELAY and p.counted for p in campaign.pieces):
        return "requests of many clients pass through these accounts, and this shows the relay's hand"
    return "evidence of its kind may not count in this direction"


def against(campaign: Campaign) -> tuple[str, ...]:
    """The pieces against it, counted or not; or that there are none, and what that does not mean."""
    pieces = sorted(
        (p for p in campaign.pieces if p.against and p.evidence != TOGETHER),
        key=lambda p: (p.llr, p.raw, p.evidence),
    )
    told = [
        f"{words.minus(words.sentence(p.sentence))} This "
        + (
            f"{words.times(p.llr)} ({words.nats(p.llr)} nats)."
            if p.counted
            else f"is not counted: {uncounted(campaign, p)}."
        )
        for p in pieces
    ]
    if campaign.declared:
        told.append(f"The accounts are declared as known: {words.sentence(campaign.declared)}")
    if not told:
        told.append(
            "No piece of evidence that was checked speaks against. That is not the same as none existing."
        )
    return (*told, *undecided(campaign))


def innocent(campaign: Campaign, coverage: tuple[Coverage, ...]) -> tuple[str, ...]:
    """Known innocent causes of the evidence that counts here, from the evidence's own cards."""
    used = {p.evidence for p in campaign.pieces if p.counted and not p.against}
    return tuple(
        f"Known innocent causes of “{c.title}”: {words.joined(c.innocent_causes, last='or')}."
        for c in coverage
        if c.innocent_causes and (c.evidence in used or c.title in used)
    )


def declaration(campaign: Campaign) -> float:
    """Nats (0 or less) of what is known of the accounts: a declaration, or one organisation in the open."""
    return sum(p.llr for p in campaign.pieces if p.counted and p.group == DECLARATION and p.llr < 0)


def chance(campaign: Campaign) -> tuple[str, ...]:
    """How often chance alone would make a ring as strong as this, and under which null model."""
    expected = campaign.chance
    if declaration(campaign):
        first = (
            "The accounts are known, so how often chance would make such a ring is not the question here: that they "
            "act as one has a reason."
        )
    elif expected <= 0:
        first = "How often chance would make a ring as strong as this could not be measured."
    elif expected < 0.5:
        first = (
            f"In a log like this without any campaign, chance would make at most "
            f"{words.significant(expected)} rings as strong as this: one such ring in "
            f"{words.significant(1 / expected)} logs, or fewer. No smaller number is claimed than was measured."
        )
    else:
        first = (
            f"In a log like this without any campaign, chance would make about {words.significant(expected)} "
            "such rings: taken alone, this one is no finding."
        )
    return first, f"Null model: {words.sentence(campaign.null_model)}"


def verdict(campaign: Campaign) -> tuple[str, ...]:
    """The word, its meaning, the probability and the kind."""
    prior = 1 / (1 + math.exp(min(-campaign.prior_log_odds, 700.0)))
    spoken = declaration(campaign)
    meaning = _thin(campaign) or _held_back(campaign) or SCALE[campaign.word][1]
    if spoken:
        without = 1 / (1 + math.exp(min(spoken - campaign.log_odds, 700.0)))
        meaning = (
            f"The accounts are known, which speaks against a campaign by {-spoken:.2f} nats. Without that the "
            f"evidence would give a probability of {words.probability(without)}."
        )
    return (
        f"{campaign.word.capitalize()}: {meaning}",
        f"Probability {words.probability(campaign.probability)}; the prior was {words.significant(prior)}.",
        _KIND[campaign.kind],
        *unnamed(campaign),
    )


def _thin(campaign: Campaign) -> str:
    """Why a verdict is below possible, by what was found on either side; empty for the other words."""
    if campaign.word not in ("inconclusive", "unlikely", "unrelated"):
        return ""
    found = math.fsum(p.llr for p in campaign.pieces if p.evidence != TOGETHER)
    contra = any(p.llr < 0 for p in campaign.pieces if p.evidence != TOGETHER)
    if found < 0:
        return "What was found speaks against one hand behind these accounts more than for it."
    much = "leaves the question open" if campaign.word == "inconclusive" else "is too little"
    less = ", less what speaks against it," if contra else ""
    return f"What speaks for one hand{less} {much}, set against how rare campaigns are taken to be."


def _held_back(campaign: Campaign) -> str:
    """Why a verdict is no more than possible though its sum may suffice; empty where it is the sum."""
    if campaign.word != "possible":
        return ""
    if len(campaign.kinds) < 2:
        return "One kind of evidence carries it, and a report needs two: worth a look, not a finding."
    if not campaign.told:
        return "Its accounts can't be told from bystanders: worth a look, not a finding about any of them."
    return ""


def unnamed(campaign: Campaign) -> tuple[str, ...]:
    """How many accounts the evidence was judged with but doesn't name."""
    if not campaign.told:
        return (
            (
                "No account can be told from a bystander by what it sends, or too few can: those listed are the group "
                f"as it was proposed ({words.count(len(campaign.members))} of the {words.count(campaign.judged_with)} "
                "that it was judged with), and none of them is named as its member."
            ),
        )
    late = sum(member.late for member in campaign.members)
    rest = campaign.judged_with - (len(campaign.members) - late)
    told = []
    if rest > 0:
        told.append(
            f"Its evidence was judged with {words.many(campaign.judged_with, 'account')}; {words.count(rest)} of them "
            "fill its templates too seldom or at hours of their own, or are too unlike the others, to be named."
        )
    if late:
        told.append(
            f"{words.many(late, 'account')} joined after the verdict, which they have no part in: they fill its "
            "templates as its members do, when its members do."
        )
    return tuple(told)


def loose(campaign: Campaign) -> tuple[str, ...]:
    """How many members only write what the campaign writes, and what else may explain that."""
    rest = len(campaign.members) - campaign.firm
    if not rest or not campaign.reported:
        return ()
    if not campaign.firm:
        return (
            (
                "All its accounts are tied to it by what they ask for alone, and none is shown to act with the others: "
                "a form may have been copied. Look at them one by one before any step."
            ),
        )
    return (
        (
            f"{words.count(rest)} of its {words.many(len(campaign.members), 'account')} are tied to it by what they "
            "ask for alone, and are not shown to act with it: a stranger may have copied a form, or an account may "
            f"have been taken over. What is proposed is meant for the {words.count(campaign.firm)} others; look at "
            "these one by one."
        ),
    )


def unseen(findings: Findings) -> tuple[str, ...]:
    """Which kinds of evidence this log ruled out, for want of which columns."""
    told = [
        f"{words.sentence(c.title)} Not checked, for want of {words.all_needed(c.missing)}."
        if c.missing
        else f"{words.sentence(c.title)} Not checked."
        for c in findings.coverage
        if not c.available
    ]
    return tuple(told) or ("Every kind of evidence that this version knows had some column to look at.",)


def not_proved(campaign: Campaign) -> tuple[str, ...]:
    """What the verdict leaves open."""
    seen = campaign.share_in_view
    more = (
        (
            (
                f"At least about {words.share(seen)} of one dispatcher's traffic is in view. The rest may come from "
                "accounts that are not among these, or be what these send on their own."
            ),
        )
        if seen is not None
        else ()
    )
    return (*_NOT_PROVED, *more)


def proportionate(campaign: Campaign) -> tuple[str, ...]:
    """The proposal with its rule; always that a person decides."""
    proposal = campaign.proposal
    if proposal is None:
        return ("No step is proposed.", "A person decides; nothing has been done to any account.")
    return (
        f"Proposed: {words.sentence(proposal.rung)} {words.sentence(proposal.reason)}",
        f"No rule of the policy pack {pack(proposal)} applies."
        if proposal.rule == NO_RULE
        else f"Rule “{proposal.rule}” of the policy pack {pack(proposal)}.",
        *loose(campaign),
        "This is a proposal. A person decides; nothing has been done to any account.",
    )


def pack(proposal: Proposal) -> str:
    """The pack that proposes, with the first digits of its SHA-256."""
    digest = f" ({proposal.pack_sha256[:12]})" if proposal.pack_sha256 else ""
    return f"“{proposal.pack}”{digest}"


def taken(campaign: Campaign) -> tuple[str, ...]:
    """What was harvested, largest first."""
    return tuple(
        f"{t.what}: {words.many(t.exchanges, 'exchange')} ({words.share(t.share)})."
        for t in sorted(campaign.taken, key=lambda t: (-t.exchanges, t.what))
    )


def size(campaign: Campaign) -> str:
    """Accounts, exchanges and span in one sentence."""
    return (
        f"{words.many(len(campaign.members), 'account')} and {words.many(campaign.exchanges, 'exchange')}, "
        f"from {words.when(campaign.first_at_us)} to {words.when(campaign.last_at_us)} "
        f"({words.span(campaign.first_at_us, campaign.last_at_us)})."
    )


def explain_campaign(findings: Findings, name: str) -> Story:
    """The whole story of the campaign called `name`. `UsageError` with the nearest name if there is none."""
    rings = {c.id: c for c in (*findings.campaigns, *findings.considered)}
    if name not in rings:
        near = difflib.get_close_matches(name, list(rings), n=1)
        raise UsageError(
            "no campaign of this name in the findings",
            hint=f"did you mean {near[0]}?"
            if near
            else "`headwater explain` takes an id from campaigns.json",
        )
    ring = rings[name]
    passages: list[Passage] = [
        passage("What was found", words.sentence(ring.sentence), size(ring), *taken(ring)),
        passage("Verdict", *verdict(ring)),
        passage("Why", *(why(ring) or ("No piece of evidence counts for it.",))),
        passage("Seen, and not counted", *aside(ring)),
        passage("How often chance would make it", *chance(ring)),
        passage("What speaks against", *against(ring), *innocent(ring, findings.coverage)),
        passage("What was not in the log", *unseen(findings)),
        passage("What it doesn't prove", *not_proved(ring)),
        passage("What would be proportionate", *proportionate(ring)),
    ]
    if findings.labels_note:
        passages.append(passage("About the labels", words.sentence(findings.labels_note)))
    state = "" if ring.reported else " (considered, not reported)"
    title = f"{ring.id}{state}: {words.many(len(ring.members), 'account')}, {ring.word}"
    return Story(ring.id, title, tuple(p for p in passages if p.sentences))

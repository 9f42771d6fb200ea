"""What a rule may look at: a closed list of figures about one campaign.

Nothing about who the customers are is among them: no region, language, script or payment method can be
named in a condition, because there is no such fact.
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.detect import Campaign


@dataclass(frozen=True)
class Facts:
    """The facts of one campaign, by the names that conditions use.

    `probability` in [0, 1]; `chance` is the number of rings as strong that the log would show without any
    campaign; `accounts` and `exchanges` are counts (attributed exchanges), `firm` counts the accounts that something
    beside what they ask for ties to it; `groups` counts the kinds of evidence that carry it (a nat or more each);
    `declared` is the kind and the name of the declaration that covers it (`evaluator: Example Evaluations`), or empty.
    """

    word: str
    probability: float
    chance: float
    kind: str
    accounts: int
    exchanges: int
    groups: int
    declared: str = ""
    firm: int = 0


def facts_of(campaign: Campaign) -> Facts:
    """The facts of `campaign`."""
    return Facts(
        word=campaign.word,
        probability=campaign.probability,
        chance=campaign.chance,
        kind=campaign.kind,
        accounts=len(campaign.members),
        exchanges=campaign.exchanges,
        groups=len(campaign.kinds),
        declared=campaign.declared or "",
        firm=campaign.firm,
    )

"""Single accounts that show what a harvest shows: never more than *possible*, and never part of a ring's verdict.

One account may be a benchmark, a batch job or a zealous student; only what ties accounts to each other can carry more.
"""

from __future__ import annotations

import math

import numpy as np

from headwater.detect.combine import combine, logit
from headwater.detect.fold import World
from headwater.detect.fusion import PLAIN
from headwater.detect.settings import DetectSettings
from headwater.detect.traits import Measured, of_account, strengths
from headwater.detect.verdict import AccountVerdict

#: Accounts named at most.
MOST = 100
#: Kinds of evidence, of a nat at least each, without which one account is never possible.
KINDS = 2


def alone(
    traits: tuple[Measured, ...], world: World, settings: DetectSettings, campaign: dict[str, str]
) -> tuple[AccountVerdict, ...]:
    """Accounts that are possible on their own evidence, strongest first.

    `campaign`: the reported campaign of each account that is in one. Accounts of one organisation are judged as they
    are; that they work together in the open counts neither way here.
    """
    if not traits:
        return ()
    nats = strengths(traits, world.size)
    prior = logit(settings.account_prior)
    order = np.lexsort((np.arange(world.size), -nats))
    out: list[AccountVerdict] = []
    for code in order[: 4 * MOST].tolist():
        if prior + nats[code] < 0 or len(out) == MOST:
            break
        verdict = combine(
            of_account(traits, code),
            prior=settings.account_prior,
            threshold=settings.threshold,
            tested=1,
            habits=math.inf,
            fusion=PLAIN,
        )
        if verdict.kinds < KINDS or verdict.log_odds < 0:
            continue
        name = world.accounts[code]
        out.append(
            AccountVerdict(
                account=name,
                organisation=world.organisations[code],
                word="possible",
                probability=verdict.probability,
                log_odds=verdict.log_odds,
                prior_log_odds=prior,
                pieces=verdict.pieces,
                exchanges=int(world.volume[code]),
                campaign=campaign.get(name),
            )
        )
    return tuple(out)

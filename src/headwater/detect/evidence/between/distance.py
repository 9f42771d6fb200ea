"""Nearest-neighbour distance of content: accounts that others of different customers resemble as one author does.

`nearness` compares every account's mean content with everybody's; here that comparison is read account by account. It
looks at the same trace as `queue`, in half of the log, and shares a group with it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.authors import Accounts
from headwater.detect.fold import Card, NoRows, Reading, World

#: Companions of other customers below which nothing is said.
LEAST = 3
#: Nats for one author against two, at the mean over an account's likeliest companions.
NOTABLE = 1.0

CARD = Card(
    name="distance",
    title="Content as near as one author's",
    group="dispatch",
    sees="accounts whose nearest companions in content, of other customers, are likelier of one author than of two",
    null="other customers that sent about as much: how many have companions as near",
    false_positive="not measured yet",
    innocent_causes=("a narrow class or trade", "one product with many keys", "very short prompts"),
    evasion_cost="give every account a topic of its own: the harvest must be sharded, accounts can't replace each "
    "other",
    cap_nats=1.0,
    source="two-covariance model of authors (PLDA; Brümmer and de Villiers 2010), mean over the ten nearest",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
    alone=True,
)


class Distance(NoRows):
    """Reads what `nearness` compared while ties were proposed."""

    card = CARD
    stage = "trait"

    def finish(self, state: None, world: World) -> Reading:
        """How near each account's companions are."""
        return Reading(
            likeness(world), NOTABLE, "resemble their nearest strangers as accounts of one author do"
        )


def likeness(world: World) -> npt.NDArray[np.float64]:
    """Mean nats (accounts) for one author against two, with the likeliest companions of other customers.

    NaN where fewer than LEAST of them are of other customers, or nothing was compared.
    """
    out = np.full(world.size, np.nan)
    compared: tuple[Accounts, npt.NDArray[np.int64], npt.NDArray[np.float64]] | None
    compared = world.context.get("companions")
    if compared is not None:
        accounts, neighbours, score = compared
        other = world.customer[accounts.code[neighbours]] != world.customer[accounts.code][:, None]
        other &= np.isfinite(score)
        count = other.sum(axis=1)
        mean = np.where(other, score, 0.0).sum(axis=1) / np.maximum(count, 1)
        out[accounts.code] = np.where(count >= LEAST, mean, np.nan)
    return out


trait = Distance()

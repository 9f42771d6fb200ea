"""Many customers behind one group of accounts: what is attributed comes from as many clients as the rest.

A router or reseller shares queue, names, cards and addresses as a ring does, and hands conversations over from account
to account. What it sends comes from its customers, each with a client of its own. A harvest that hides in such traffic
is still one client's, or a few clients'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Finding, World
from headwater.detect.ordering import ByCode
from headwater.detect.setups import COLUMNS, RELAYS, effective, relayed

#: Effective clients behind what is attributed: up to the first it is one hand's, from the second many customers'.
ONE, SEVERAL = 1.5, 2.5
LEAST, MOST = 0.5, 12.0

CARD = Card(
    name="end_users",
    title="Many end users inside",
    group="customer",
    sees="groups whose accounts each carry requests of many clients (system prompts, parameters, endpoints), and whose "
    "attributed requests come from many of them as well",
    null="not applicable: by the effective number of clients (inverse Simpson) behind attributed exchanges",
    false_positive="not applicable: it speaks for the customer",
    innocent_causes=(),
    evasion_cost="send a harvest through a reseller under many system prompts and parameters, in the proportions of "
    "its honest customers: answers then come in as many forms",
    cap_nats=0.0,
    cap_against_nats=MOST,
    any_of=COLUMNS,
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


@dataclass
class _Rows:
    account: list[npt.NDArray[np.int32]] = field(default_factory=list)
    setup: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    attributed: list[npt.NDArray[np.bool_]] = field(default_factory=list)


class EndUsers:
    """Counts clients behind each ring's accounts, and behind what is attributed to it."""

    card = CARD
    stage = "confirm"
    columns = COLUMNS

    def init(self, world: World) -> _Rows:
        """No rows."""
        return _Rows()

    def update(self, state: _Rows, batch: Batch) -> _Rows:
        """Keep members' rows."""
        batch = batch.members
        if len(batch):
            state.account.append(batch.account)
            state.setup.append(batch.setup)
            state.attributed.append(batch.attributed)
        return state

    def merge(self, left: _Rows, right: _Rows) -> _Rows:
        """Rows of both."""
        return _Rows(
            left.account + right.account, left.setup + right.setup, left.attributed + right.attributed
        )

    def finish(self, state: _Rows, world: World) -> Mapping[int, Finding]:
        """A finding for each ring through whose accounts many clients send what is attributed."""
        if not state.account:
            return {}
        account, setup = np.concatenate(state.account), np.concatenate(state.setup)
        attributed, ring = np.concatenate(state.attributed), world.context["ring_of"][account]
        out, relays = {}, set()
        by_ring = ByCode(ring)
        for at in np.unique(ring).tolist():
            rows = by_ring.of(at)
            each = relayed(account[rows], setup[rows])
            if each:
                relays.add(at)
                out[at] = _finding(each, setup[rows], attributed[rows])
        world.context[RELAYS] = relays
        return out


def _finding(each: float, setup: npt.NDArray[np.uint64], attributed: npt.NDArray[np.bool_]) -> Finding:
    if not attributed.any():
        attributed = np.ones(len(attributed), bool)
    behind = effective(setup[attributed])
    raw = -max(LEAST, MOST * float(np.clip((behind - ONE) / (SEVERAL - ONE), 0.0, 1.0)))
    sentence = (
        f"Each of its accounts carries requests of about {each:.0f} clients, and what is attributed comes from about "
        f"{behind:.0f}. One hand behind the accounts is then a router's, and how they were opened, paid and reached "
        "counts for nothing"
    )
    sentence += "; many customers' requests look like this." if behind > ONE else "; one client's do."
    figures = {"clients_an_account": each, "clients_attributed": behind, "clients": effective(setup)}
    return Finding(raw, sentence, None, figures)


test = EndUsers()

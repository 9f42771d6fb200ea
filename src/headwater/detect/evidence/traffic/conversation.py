"""No conversation: answers that never come back as part of a later request.

A person answers an answer. A harvest stores it, and every request stands alone. So does much honest automation, which
is why it weighs little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import hashes, numbers
from headwater.detect.evidence.traffic.kept import Kept, OfRows, Rows
from headwater.detect.evidence.traffic.states import shares
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.hashed import among, before

LEAST = 10
NOTABLE = 1.0
#: Whether a request carries earlier turns, as far as its count of turns says.
CARRIED, ALONE, SILENT = np.int8(1), np.int8(0), np.int8(-1)

CARD = Card(
    name="conversation",
    title="No conversation",
    group="behaviour",
    sees="accounts whose requests carry no earlier turn and no earlier answer: outputs never come back as inputs",
    null="other customers that sent about as much: how many never carry an answer back",
    false_positive="not measured yet",
    innocent_causes=("classification and extraction jobs", "embeddings", "search boxes", "evaluation"),
    evasion_cost="send answers back and pay for them as input, or spend exchanges on turns that nobody needs",
    cap_nats=1.5,
    any_of=("turn", "previous"),
    atlas=("AML.T0040",),
    aisvs=("11.2.2",),
)


def _said(batch: Batch) -> npt.NDArray[np.int8]:
    """Whether a request says that it carries something back."""
    turn = numbers(batch, "turn")
    return np.where(np.isnan(turn), SILENT, np.where(turn > 0, CARRIED, ALONE)).astype(np.int8)


def _response(batch: Batch) -> npt.NDArray[np.uint64]:
    """The hash of each answer, 0 where there is none."""
    return hashes(batch, "response")


def _previous(batch: Batch) -> npt.NDArray[np.uint64]:
    """The hash of the answer that each request carries, 0 where there is none."""
    return hashes(batch, "previous")


class Conversation(OfRows):
    """Share of an account's exchanges that carry nothing back."""

    card = CARD
    least = LEAST
    kept = (
        Kept("said", ("turn",), _said),
        Kept("response", ("response",), _response),
        Kept("previous", ("previous",), _previous),
    )

    def finish(self, state: Rows, world: World) -> Reading:
        """The share that stands alone, of exchanges of which it is known."""
        rows = state.of(LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, at_us, said, response, previous = rows
            owner = world.customer[account].astype(np.uint64)
            back = said == CARRIED
            # An answer is looked for in all of a customer's accounts: one key may go on where another left off.
            asks = np.flatnonzero((previous != 0) & ~back)
            back[asks] = _returned(owner, at_us, response, previous, asks)
            known = (said != SILENT) | (previous != 0) | (response != 0)
            total = np.bincount(account[known], minlength=world.size)
            value = shares(total - np.bincount(account[known & back], minlength=world.size), total, LEAST)
        return Reading(value, NOTABLE, "never carry an answer back into a request")


def _returned(
    owner: npt.NDArray[np.uint64],
    at_us: npt.NDArray[np.int64],
    response: npt.NDArray[np.uint64],
    previous: npt.NDArray[np.uint64],
    asks: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Which of the rows `asks` carry an earlier answer of their owner.

    An owner of whom the log keeps no answer is taken at its word: any answer carried back counts.
    """
    spread = np.uint64(0x9E3779B97F4A7C15)
    kept = response != 0
    answer, wanted = response[kept] ^ owner[kept] * spread, previous[asks] ^ owner[asks] * spread
    found = before(wanted, at_us[asks], answer, at_us[kept])
    return np.asarray(found | ~among(owner[asks], owner[kept]))


trait = Conversation()

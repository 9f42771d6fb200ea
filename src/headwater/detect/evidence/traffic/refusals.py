"""Refusal followed by a rewrite: what was refused is asked again within minutes, in other words.

A person rewords once or twice. A program that must have its answer does so every time. Prompts are compared by the side
of 64 random planes on which their sketches lie: nothing is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import among, numbers
from headwater.detect.evidence.traffic.kept import EXACT, Kept, OfRows, Rows
from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.fold import Batch, Card, Reading, World

LEAST = 10
#: Rewrites of one account that are notable.
NOTABLE = 3.0
WITHIN_US = 10 * 60_000_000
#: How many later requests of the account are looked at.
NEXT = 3
PLANES = 64
#: Planes that may lie between two wordings of one request: a cosine of about 0.8. Unlike prompts differ by 32 ± 4.
APART = 13
#: Words for it, as services say it, and statuses.
REFUSED = (
    "blocklist",
    "content_filter",
    "content_filtered",
    "guardrail_intervened",
    "prohibited_content",
    "refusal",
    "refused",
    "safety",
)
STATUSES = (400, 403)

CARD = Card(
    name="refusals",
    title="Refusal, then a rewrite",
    group="behaviour",
    sees="accounts whose refused requests come again within ten minutes in other words",
    null="other customers that sent about as much: how many rewrote as often",
    false_positive="not measured yet",
    innocent_causes=(
        "a filter that errs",
        "writers of fiction, medicine or law",
        "requests too long for a model",
    ),
    evasion_cost="drop what is refused, or wait and send the rewrite from another account",
    cap_nats=2.0,
    any_of=("finish_reason", "status"),
    atlas=("AML.T0040", "AML.T0065"),
    aisvs=("12.2.2",),
)


def _refused(batch: Batch) -> npt.NDArray[np.bool_]:
    """Whether a request was refused for what it asks."""
    return among(batch, "finish_reason", REFUSED) | np.isin(numbers(batch, "status"), STATUSES)


@dataclass(frozen=True)
class _Sides:
    """On which side of the planes the content of rows lies."""

    planes: Planes

    def __call__(self, batch: Batch) -> npt.NDArray[np.uint64]:
        return self.planes.sides(batch.column("imprint.sketch"))

    @classmethod
    def of(cls, world: World) -> _Sides:
        return cls(Planes.through(world.context["content"], PLANES, world.seed))


class Refusals(OfRows):
    """How many requests of an account are a rewrite of one that was refused."""

    card = CARD
    least = LEAST
    kept = (
        EXACT,
        Kept("sides", ("imprint",), begin=_Sides.of),
        Kept("refused", ("finish_reason", "status"), _refused),
    )

    def finish(self, state: Rows, world: World) -> Reading:
        """Rewrites by account."""
        rows = state.of(LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, at_us, text, where, refused = rows
            rewrite = np.zeros(len(account), bool)
            before = np.flatnonzero(refused)
            for step in range(1, NEXT + 1):
                before = before[before < len(account) - step]
                after = before + step
                near = account[after] == account[before]
                near &= (at_us[after] - at_us[before] <= WITHIN_US) & (text[after] != text[before])
                near &= np.bitwise_count(where[before] ^ where[after]) <= APART
                rewrite[after[near]] = True
            total = np.bincount(account, minlength=world.size)
            count = np.bincount(account[rewrite], minlength=world.size)
            value = np.where(total >= LEAST, count, np.nan).astype(np.float64)
        return Reading(
            value,
            NOTABLE,
            "sent a refused request again in other words within ten minutes, three times or more",
        )


trait = Refusals()

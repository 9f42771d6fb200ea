"""The same prompt sampled over and over: several answers to one question, at a temperature above 0 or by n.

Many samples of one prompt are what rejection sampling and preference data are made of. Retries after failures, turns
of a conversation and short words ("go on") are no samples.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.kept import EXACT, FAILED, Kept, OfRows, Rows
from headwater.detect.evidence.traffic.states import shares
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.hashed import previous
from headwater.detect.objects import LEAST_WORDS

LEAST = 10
NOTABLE = 0.5
#: Answers to one prompt from which it counts as sampled: asked once, and repeated twice.
SAMPLES = 3
#: More answers to one request than this are believed of nobody.
MOST = 128

CARD = Card(
    name="repeats",
    title="One prompt, many samples",
    group="intent",
    sees="accounts that take at least three answers to the same prompt, by asking again or by asking for several",
    null="other customers that sent about as much: how many sample as large a share of their prompts",
    false_positive="not measured yet",
    innocent_causes=(
        "self-consistency: answers that vote",
        "evaluation with several trials",
        "health checks and buttons that send a fixed prompt",
        "games and generators that want variety",
    ),
    evasion_cost="reword each prompt for every sample, or spread the samples over accounts",
    cap_nats=2.0,
    source="rejection sampling and preference pairs; docs/explanation/detection.md",
    atlas=("AML.T0024.002", "AML.T0005.001"),
    aisvs=("11.3.1",),
)


def _samples(batch: Batch) -> npt.NDArray[np.uint8]:
    """How many samples of its prompt a request takes (0: it can't vary, or is a turn)."""
    several = np.clip(np.nan_to_num(numbers(batch, "n"), nan=1.0), 1, MOST)
    # A temperature that isn't given is the service's own, and that is above 0.
    varies = (np.nan_to_num(numbers(batch, "temperature"), nan=1.0) > 0) | (several > 1)
    alone = np.nan_to_num(numbers(batch, "turn")) <= 0
    long = batch.column("imprint.words") >= LEAST_WORDS
    return np.where(varies & alone & long, several, 0).astype(np.uint8)


class Repeats(OfRows):
    """Share of an account's answered exchanges whose prompt it samples at least three times."""

    card = CARD
    least = LEAST
    kept = (
        EXACT,
        Kept("samples", ("imprint", "turn", "temperature", "n"), _samples),
        FAILED,
    )

    def finish(self, state: Rows, world: World) -> Reading:
        """The share of exchanges whose prompt is sampled."""
        rows = state.of(LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, _, text, samples, wrong = rows
            answered = ~wrong
            total, sampled = _sampled(
                account, previous(account, text, answered), samples, answered, world.size
            )
            value = shares(sampled, total, LEAST)
        return Reading(
            value, NOTABLE, "spend at least half of their exchanges on prompts sampled three times or more"
        )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sampled(
    account: npt.NDArray[np.int32],
    before: npt.NDArray[np.int32],
    samples: npt.NDArray[np.uint8],
    answered: npt.NDArray[np.bool_],
    size: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """By account: answered exchanges, and those among them that sample a prompt of which enough samples are taken."""
    total, sampled = np.zeros(size, np.int64), np.zeros(size, np.int64)
    # What an exchange's prompt takes in all is counted where it comes first.
    taken = np.zeros(len(account), np.int64)
    for i in range(len(account)):
        if before[i] < 0:
            before[i] = i
        else:
            before[i] = before[before[i]]
        if answered[i]:
            taken[before[i]] += samples[i]
    for i in range(len(account)):
        if answered[i]:
            total[account[i]] += 1
            sampled[account[i]] += samples[i] > 0 and taken[before[i]] >= SAMPLES
    return total, sampled


trait = Repeats()

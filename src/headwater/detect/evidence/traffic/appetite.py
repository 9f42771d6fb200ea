"""Token appetite: long answers to short requests.

What a student learns from are answers, so a harvest buys many output tokens for few input tokens. So does a writer:
the measure is the median customer of the same log.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.states import MOST, OfTallies, Tallies
from headwater.detect.fold import Batch, Card, Reading, World

#: Accounts with fewer exchanges whose tokens are known aren't judged.
LEAST = 10
#: In octaves above the median customer: four times as much.
NOTABLE = 2.0
ROWS, INPUT, OUTPUT = range(3)

CARD = Card(
    name="appetite",
    title="Token appetite",
    group="behaviour",
    sees="accounts that take far more output tokens than others, per exchange and per input token",
    null="other customers that sent about as much: how many lie as far above the median customer in both",
    false_positive="not measured yet",
    innocent_causes=(
        "writing long texts",
        "generated code or data of one's own",
        "models that reason at length",
    ),
    evasion_cost="ask for short answers, or pad requests with input that is paid for",
    cap_nats=2.0,
    needs=("input_tokens", "output_tokens"),
    source="OWASP LLM06:2026 (token and cost limits)",
    atlas=("AML.T0040", "AML.T0034"),
    aisvs=("11.2.2", "12.2.2"),
)


class Appetite(OfTallies):
    """Octaves above the median customer in output per exchange and in output per input: the lesser of the two."""

    card = CARD
    columns = ("input_tokens", "output_tokens")
    kinds = 3

    def update(self, state: Tallies, batch: Batch) -> Tallies:
        """Sum the tokens of exchanges of which both counts are known."""
        asked, answered = numbers(batch, "input_tokens"), numbers(batch, "output_tokens")
        known = np.flatnonzero((asked >= 0) & (answered >= 0))
        account = batch.account[known]
        state.add(ROWS, account)
        state.add(INPUT, account, np.minimum(asked[known], MOST))
        state.add(OUTPUT, account, np.minimum(answered[known], MOST))
        return state

    def finish(self, state: Tallies, world: World) -> Reading:
        """How far each account lies above the median customer."""
        known = state.count[ROWS] >= LEAST
        value = np.full(world.size, np.nan)
        if known.any():
            mine = _rates(state.count[:, known])
            customer = np.unique(world.customer[known], return_inverse=True)[1]
            theirs = np.stack([np.bincount(customer, row[known]) for row in state.count])
            value[known] = (mine - np.median(_rates(theirs), axis=1, keepdims=True)).min(axis=0)
        return Reading(
            value,
            NOTABLE,
            "take at least four times the median customer's output, per exchange and per input token",
        )


def _rates(count: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Output per exchange and per input token, in octaves (2 × n); a token more, so that nothing has a logarithm."""
    more = count[OUTPUT] + 1.0
    return np.stack([np.log2(more / count[ROWS]), np.log2(more / (count[INPUT] + 1.0))])


trait = Appetite()

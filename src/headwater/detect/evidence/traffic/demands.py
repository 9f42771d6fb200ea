"""Parameter demands: what is asked of the interface that a reader has little use for and a trainer much.

Token probabilities, shifted odds, several answers at once, a seed, answers in a schema, long limits, a sweep through
temperatures: each alone has honest users, so what counts is how many of them one account makes in most requests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import among, flags, numbers
from headwater.detect.evidence.traffic.states import Tallies
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.objects import Counts
from headwater.detect.ordering import by_code
from headwater.detect.spans import starts

LEAST = 10
#: Demands at once that are notable.
NOTABLE = 2.0
#: Share of its requests in which an account must make a demand.
MOST_OF = 0.5
#: A limit is pinned where one value stands in so many requests, and high from so many tokens on.
PINNED, HIGH = 0.9, 1024
#: A sweep: so many temperatures with such a share each, and none with more than the last.
SWEPT, EACH, LARGEST = 3, 0.1, 0.6
#: Steps of temperature that are told apart, per degree; greater values than the interface takes are cut.
STEPS, HOTTEST = 100, 10.0
ROWS, MANY, PROBABILITIES, BIAS, SEED, SCHEMA = range(6)
SCHEMAS = ("json_schema", "json_object", "json", "structured")

CARD = Card(
    name="demands",
    title="Parameter demands",
    group="intent",
    sees="accounts that make several of these demands in most requests: several answers, token probabilities, shifted "
    "odds, a seed, answers in a schema, one high token limit, a sweep through temperatures",
    null="other customers that sent about as much: how many make as many demands",
    false_positive="not measured yet",
    innocent_causes=(
        "evaluation",
        "structured extraction with a fixed seed",
        "research on uncertainty",
        "a client's defaults",
    ),
    evasion_cost="do without token probabilities and several answers a request: each sample costs its own input",
    cap_nats=2.0,
    any_of=("n", "logprobs", "logit_bias", "seed", "response_format", "max_tokens", "temperature"),
    source="OWASP AISVS 11.3.2 (probabilities), OWASP LLM06:2026",
    atlas=("AML.T0024.002", "AML.T0040"),
    aisvs=("11.2.2", "11.3.1"),
)


@dataclass
class _Asked:
    """Demands counted by account, and how often each token limit and each temperature was asked for."""

    count: Tallies
    limit: Counts
    temperature: Counts


class Demands:
    """How many demands an account makes in most of its requests."""

    card = CARD
    stage = "trait"
    columns = ("n", "logprobs", "logit_bias", "seed", "response_format", "max_tokens", "temperature")

    def init(self, world: World) -> _Asked:
        """Nothing asked."""
        # Half the width: they wait on disk together with the values.
        return _Asked(Tallies(np.zeros((6, world.size), np.int32)), Counts(), Counts())

    def update(self, state: _Asked, batch: Batch) -> _Asked:
        """Count rows, demands and values."""
        account = batch.account
        state.count.add(ROWS, account)
        state.count.add(MANY, account[numbers(batch, "n") > 1])
        state.count.add(PROBABILITIES, account[flags(batch, "logprobs") == 1])
        state.count.add(BIAS, account[flags(batch, "logit_bias") == 1])
        state.count.add(SEED, account[~np.isnan(numbers(batch, "seed"))])
        state.count.add(SCHEMA, account[among(batch, "response_format", SCHEMAS)])
        limit, degree = numbers(batch, "max_tokens"), numbers(batch, "temperature")
        known = np.flatnonzero(limit > 0)
        state.limit.add(np.minimum(limit[known], 2.0**40).astype(np.uint64), account[known])
        known = np.flatnonzero(degree >= 0)
        steps = np.rint(np.minimum(degree[known], HOTTEST) * STEPS)
        state.temperature.add(steps.astype(np.uint64), account[known])
        return state

    def merge(self, left: _Asked, right: _Asked) -> _Asked:
        """Add two states."""
        left.limit.absorb(right.limit)
        left.temperature.absorb(right.temperature)
        return _Asked(left.count.merged(right.count), left.limit, left.temperature)

    def finish(self, state: _Asked, world: World) -> Reading:
        """The number of demands of every account."""
        rows = state.count.count[ROWS]
        made = (state.count.count[MANY:] >= MOST_OF * np.maximum(rows, 1)).sum(axis=0)
        made = made + _pinned(state.limit, rows, world.customer) + _swept(state.temperature, rows)
        return Reading(
            np.where(rows >= LEAST, made, np.nan).astype(np.float64),
            NOTABLE,
            "make two or more unusual demands in most requests (several answers, token probabilities, a seed, a "
            "schema, a high limit or a sweep of temperatures)",
        )


def _pinned(
    values: Counts, rows: npt.NDArray[np.int64], customer: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Accounts that nearly always give one token limit, which lies above the median customer's usual one."""
    account, value, times = _by_account(values)
    out = np.zeros(len(rows), bool)
    if not len(account):
        return out
    order = by_code(account, times, value)
    last = np.append(starts(account[order])[1:] - 1, len(order) - 1)
    usual = order[last]
    most = np.zeros(int(customer.max()) + 1)
    np.maximum.at(most, customer[account[usual]], value[usual].astype(np.float64))
    high = max(float(np.median(most[most > 0])), HIGH - 1)
    holds = (times[usual] >= PINNED * rows[account[usual]]) & (value[usual] > high)
    out[account[usual[holds]]] = True
    return out


def _swept(values: Counts, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Accounts that give a temperature in most requests, spread over several."""
    account, _, times = _by_account(values)
    given = np.bincount(account, times, len(rows))
    share = times / np.maximum(given[account], 1)
    several = np.bincount(account[share >= EACH], minlength=len(rows)) >= SWEPT
    dominated = np.bincount(account[share > LARGEST], minlength=len(rows)) > 0
    return np.asarray(several & ~dominated & (given >= MOST_OF * rows))


def _by_account(
    values: Counts,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Account, value and times of every pair, by account, then value."""
    values.compact()
    order = by_code(values.accounts, values.objects)
    return values.accounts[order], values.objects[order], values.times[order]


trait = Demands()

"""Whatever a log holds, no evidence of traffic fails, warns, or finds a trait in nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.evidence.traffic.reading import ACCOUNT, EACH, made
from detect.worlds import DAY, Made, folded, log
from headwater.detect.evidence.traffic import EVIDENCE
from headwater.detect.fold import Reading
from headwater.exchange.model import EXCHANGE_SCHEMA
from headwater.intake import HASHED

NAMES = sorted({c for e in EVIDENCE for c in e.columns} - {"imprint", "model", "latency_ms"})


def kind(name: str) -> pa.DataType:
    return pa.uint64() if name in HASHED else EXCHANGE_SCHEMA.field(name).type


def found(evidence: Any, log: Made) -> Any:
    world = log.world(range(min(12, len(log.index.accounts))))
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        return folded(evidence, world, [log.batch(world)])


def nothing(outcome: Any) -> bool:
    if isinstance(outcome, Reading):
        assert not np.isinf(outcome.value).any()
        return not (np.nan_to_num(outcome.value, nan=-1) >= outcome.notable).any()
    return all(f.raw <= 0 for f in outcome.values())


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: e.card.name)
def test_columns_of_nulls(evidence: Any) -> None:
    assert nothing(found(evidence, made(**{name: pa.nulls(len(ACCOUNT), kind(name)) for name in NAMES})))


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: e.card.name)
def test_columns_that_are_missing(evidence: Any) -> None:
    assert nothing(found(evidence, made()))


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: e.card.name)
@pytest.mark.parametrize("count", [1, EACH])
def test_one_account(evidence: Any, count: int) -> None:
    at_us = np.sort(np.random.default_rng(1).integers(0, DAY, count))
    found(evidence, log(np.zeros(count, np.int64), at_us))


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: e.card.name)
def test_the_greatest_and_the_least_of_everything(evidence: Any) -> None:
    def extreme(name: str) -> pa.Array:
        t = kind(name)
        if pa.types.is_boolean(t):
            values: list[Any] = [True, None, False]
        elif pa.types.is_string(t):
            values = ["", "\U0010ffff" * 100, "İSTOP"]
        elif pa.types.is_floating(t):
            values = [float("inf"), float("nan"), -3.4e38, 3.4e38]
        elif t == pa.uint64():
            values = [2**64 - 1, 1, None]
        else:
            values = [2 ** (t.bit_width - 1) - 1, -(2 ** (t.bit_width - 1)), 0]
        return pa.array([values[i % len(values)] for i in range(len(ACCOUNT))], t)

    latency = np.array([np.inf, -np.inf, np.nan, 1e308])[np.arange(len(ACCOUNT)) % 4]
    at_us = np.array([-(2**52), 2**52, 0, 5])[np.arange(len(ACCOUNT)) % 4]
    log = made(at_us, latency_ms=latency, **{name: extreme(name) for name in NAMES})
    outcome = found(evidence, log)
    if isinstance(outcome, Reading):
        assert not np.isinf(outcome.value).any()


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda e: e.card.name)
def test_a_card_is_complete(evidence: Any) -> None:
    card = evidence.card
    assert card.atlas
    assert card.aisvs
    assert card.innocent_causes
    assert card.evasion_cost
    assert 0 < card.cap_nats <= 2

"""Columns as arrays: what is null stays unknown, and hashes stay exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, made
from headwater.detect.evidence.traffic import columns
from headwater.detect.fold import Batch

N = len(ACCOUNT)


def batch(**more: Any) -> Batch:
    log = made(**more)
    return log.batch(log.world())


def test_numbers_that_are_null_or_not_finite_are_unknown() -> None:
    values = pa.array([1.5, None, float("inf"), float("nan")] * (N // 4), pa.float32())
    assert columns.numbers(batch(top_p=values), "top_p")[0] == 1.5
    assert np.isnan(columns.numbers(batch(top_p=values), "top_p").reshape(-1, 4)[:, 1:]).all()
    assert np.isnan(columns.numbers(batch(), "top_p")).all()


def test_flags_tell_no_from_unknown() -> None:
    values = pa.array([True, None, False, None] * (N // 4))
    assert columns.flags(batch(stream=values), "stream")[:4].tolist() == [1, -1, 0, -1]
    assert (columns.flags(batch(), "stream") == -1).all()


def test_hashes_beside_nulls_keep_every_bit() -> None:
    values = pa.array([2**64 - 1, None, 2**63 + 1, 3] * (N // 4), pa.uint64())
    assert columns.hashes(batch(response=values), "response")[:4].tolist() == [2**64 - 1, 0, 2**63 + 1, 3]
    assert (columns.hashes(batch(), "response") == 0).all()


def test_words_are_found_in_any_capitals() -> None:
    values = pa.array(["SAFETY", None, "safe", "Refusal"] * (N // 4))
    hit = columns.among(batch(finish_reason=values), "finish_reason", ("safety", "refusal"))
    assert hit[:4].tolist() == [True, False, False, True]
    assert not columns.among(batch(), "finish_reason", ("safety",)).any()


def test_a_failure_is_an_error_status_that_the_log_names() -> None:
    values = pa.array([200, None, 400, 503] * (N // 4), pa.int16())
    assert columns.failed(batch(status=values))[:4].tolist() == [False, False, True, True]
    assert not columns.failed(batch()).any()

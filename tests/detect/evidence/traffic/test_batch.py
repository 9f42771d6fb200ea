"""Batch endpoints: the share of requests that nobody waits for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from headwater.detect.evidence.traffic import batch


def test_accounts_that_send_nearly_everything_in_batches() -> None:
    assert shows(batch.trait, made(batch=SHOWN & (PLACE > 2))) == [0, 1, 2, 3, 4]


def test_some_batches_are_no_trait() -> None:
    reading = read(batch.trait, made(batch=PLACE < 20))
    assert (reading.value == 0.5).all()
    assert reading.notable == 0.9


def test_what_the_log_does_not_say_counts_neither_way() -> None:
    said = pa.array(np.ones(len(ACCOUNT), bool), mask=(ACCOUNT < 3) | (PLACE >= 10))
    reading = read(batch.trait, made(batch=said))
    assert np.isnan(reading.value[:3]).all()
    assert (reading.value[3:] == 1).all()

"""Elicitation intents: a ring that asks for what training needs, against others who ask as much."""

from __future__ import annotations

import numpy as np

from detect.worlds import dealt_log, judged
from headwater.detect.evidence.content import intents

ROWS = 60 * 24
ACCOUNT = np.repeat(np.arange(60), 24)


def test_a_ring_that_alone_asks_for_it() -> None:
    found = judged(intents.test, dealt_log(1, intents=np.where(ACCOUNT < 12, 4, 0)), range(12))[0]
    assert found.raw > 1
    assert found.figures == {"share": 1.0, "others_as_much": 0.0, "others": 48.0}


def test_what_everybody_asks_for_is_no_evidence() -> None:
    found = judged(intents.test, dealt_log(1, intents=np.ones(ROWS, np.int64)), range(12))[0]
    assert found.raw == -np.log(2)
    assert found.p_value == 1.0


def test_a_ring_that_asks_for_nothing_is_slightly_cleared() -> None:
    assert judged(intents.test, dealt_log(1), range(12))[0].raw == -0.2


def test_only_fresh_sessions_count() -> None:
    made = dealt_log(1)
    early = dealt_log(1, intents=np.where((ACCOUNT < 12) & (made.index.half == 0), 4, 0))
    assert judged(intents.test, early, range(12))[0].figures["share"] == 0

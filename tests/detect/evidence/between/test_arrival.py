"""Machine-like arrival: a weak word for rings that never sleep, bounded, and as a mean, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest

from detect.pace.worlds import DAY, SECOND, diurnal
from detect.worlds import Made, judged, timed
from headwater.detect.evidence.between import arrival


def clocked(rng: np.random.Generator, accounts: int, days: int = 5) -> list[np.ndarray]:
    """A scheduler's requests: every ten minutes to a second, day and night."""
    ticks = np.arange(0, days * DAY, 600 * SECOND)
    return [ticks + rng.integers(0, SECOND, len(ticks)) for _ in range(accounts)]


def mixed(seed: int, machines: int = 10, **more: object) -> Made:
    """Accounts that keep a clock, then twenty people."""
    rng = np.random.default_rng(seed)
    return timed(clocked(rng, machines) + diurnal(rng, 20, 30, 10, burst=4.0), **more)


@pytest.mark.parametrize("seed", range(3))
def test_for_machines_and_little_for_people(seed: int) -> None:
    found = judged(arrival.test, mixed(seed), range(10), range(10, 30))
    assert 0.3 < found[0].raw <= arrival.CAP
    assert found[0].figures["machine_like"] == 10
    assert -arrival.CAP_AGAINST <= found[1].raw < 0.1
    assert found[1].figures["machine_like"] <= 2


def test_a_larger_ring_weighs_no_more() -> None:
    small = judged(arrival.test, mixed(1, machines=5), range(5))[0].raw
    large = judged(arrival.test, mixed(1, machines=40), range(40))[0].raw
    assert large == pytest.approx(small, abs=0.05)


def test_it_says_that_automation_is_no_sign_of_extraction() -> None:
    assert judged(arrival.test, mixed(1), range(10))[0].sentence.endswith("no sign of extraction.")


def test_too_few_requests_say_nothing() -> None:
    rng = np.random.default_rng(1)
    assert judged(arrival.test, timed([t[:20] for t in clocked(rng, 10)]), range(10)) == {}


def test_accounts_of_two_customers_are_no_ring() -> None:
    known = {"organisation": [f"org {i % 2}" if i < 10 else None for i in range(30)]}
    assert judged(arrival.test, mixed(1, known=known), range(10)) == {}

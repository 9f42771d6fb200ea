"""Rate headers as they are written for each response are those of `wire.rate_headers`, whatever the figures."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control import Shown, stands_now
from headwater.gateway import Dialect, Limit, rate_headers
from headwater.gateway.stages import limits
from headwater.gateway.stages.limits import RateLines

NAMES = st.lists(
    st.sampled_from(["requests_per_minute", "tokens_per_minute", "tokens_per_day", "concurrent_requests"]),
    unique=True,
    max_size=4,
)
STANDS = st.tuples(st.integers(-(10**9), 10**12), st.integers(-1, 10**11))


def shown(name: str, limit: int, stands: tuple[int, int], step: tuple[int, int] | None) -> Shown:
    """A limit that stands so."""
    unit = "tokens" if "tokens" in name else "requests"
    return Shown(name, unit, limit, 60_000_000, lambda _: stands, None if step is None else lambda _: step)


FIGURES = NAMES.flatmap(
    lambda names: st.tuples(
        *(
            st.builds(shown, st.just(name), st.integers(0, 10**12), STANDS, st.none() | STANDS)
            for name in names
        )
    )
)
COUNTED = {"requests_per_minute": "requests", "tokens_per_minute": "tokens"}
NOW_US = 1_790_000_000_000_000


def told(one: Shown) -> Limit:
    """A limit of a minute as a client may see it: nothing below 0, nothing above the limit."""
    left, reset_us = stands_now(one, 0)
    return Limit(COUNTED[one.name], one.limit, min(max(left, 0), one.limit), max(reset_us, 0), 60)


@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.ANTHROPIC, Dialect.OWN])
@given(figures=FIGURES)
def test_the_lines_are_the_headers(dialect: Dialect, figures: tuple[Shown, ...]) -> None:
    control: Any = SimpleNamespace(shown=lambda admitted: figures, budgets=SimpleNamespace(moves=0))
    clock: Any = SimpleNamespace(time_ns=lambda: NOW_US * 1000, strftime=time.strftime, gmtime=time.gmtime)
    real, limits.time = limits.time, clock
    try:
        lines = RateLines(control).lines(dialect, SimpleNamespace())  # type: ignore[arg-type]
    finally:
        limits.time = real
    wanted = rate_headers([told(one) for one in figures if one.name in COUNTED], dialect, NOW_US)
    assert lines == b"".join(b"%b: %b\r\n" % header for header in wanted)


def test_lines_are_new_after_every_move_and_every_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    stands, now_us, budgets = [(7, 1_500)], [5_000], SimpleNamespace(moves=0)
    one = Shown("requests_per_minute", "requests", 9, 60_000_000, lambda _: stands[0], None)
    control: Any = SimpleNamespace(shown=lambda admitted: shown_, budgets=budgets)
    shown_ = (one,)
    monkeypatch.setattr(limits, "steady_us", lambda: now_us[0])
    lines = RateLines(control)

    def left() -> bytes:
        told = lines.lines(Dialect.OPENAI, SimpleNamespace())  # type: ignore[arg-type]
        return told.partition(b"remaining-requests: ")[2][:1]

    assert left() == b"7"
    stands[0], now_us[0] = (6, 1_500), 5_999
    assert left() == b"7"  # of the same moment
    budgets.moves += 1
    assert left() == b"6"
    stands[0], now_us[0] = (5, 1_500), 6_000
    assert left() == b"5"

"""Rate headers as they are written for each response are those of `wire.rate_headers`, whatever the figures."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control import Figure
from headwater.gateway import Dialect, rate_headers
from headwater.gateway.stages import limits
from headwater.gateway.stages.limits import RateLines, limits_of

NAMES = st.lists(
    st.sampled_from(["requests_per_minute", "tokens_per_minute", "tokens_per_day", "concurrent_requests"]),
    unique=True,
    max_size=4,
)
FIGURES = NAMES.flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                Figure,
                name=st.just(name),
                unit=st.just("tokens" if "tokens" in name else "requests"),
                limit=st.integers(0, 10**12),
                remaining=st.integers(-(10**9), 10**12),
                resets_us=st.integers(-1, 10**11),
                window_us=st.just(60_000_000),
            )
            for name in names
        )
    )
)
NOW_US = 1_790_000_000_000_000


@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.ANTHROPIC, Dialect.OWN])
@given(figures=FIGURES)
def test_the_lines_are_the_headers(dialect: Dialect, figures: tuple[Figure, ...]) -> None:
    control: Any = SimpleNamespace(standing=lambda admitted, steady_us: list(figures))
    clock: Any = SimpleNamespace(time_ns=lambda: NOW_US * 1000, strftime=time.strftime, gmtime=time.gmtime)
    real, limits.time = limits.time, clock
    try:
        lines = RateLines(control).lines(dialect, SimpleNamespace())  # type: ignore[arg-type]
    finally:
        limits.time = real
    wanted = rate_headers(limits_of(list(figures)), dialect, NOW_US)
    assert lines == b"".join(b"%b: %b\r\n" % header for header in wanted)

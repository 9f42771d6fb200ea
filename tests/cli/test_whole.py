"""What is said of the rest is what was seen: it never says more work is done, and mends itself."""

from __future__ import annotations

import pytest

from headwater.cli.whole import SHARES, Whole, words

N = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(seconds: dict[str, float], kept: int = 0) -> list[tuple[float, float, float | None]]:
    """(time, share done, seconds left) as stages of such lengths go by, rows and what follows in proportion."""
    clock = Clock()
    whole, out = Whole(clock), []
    for stage, length in seconds.items():
        rows, after = SHARES[stage]
        first = kept if stage == "read and imprint" else 0
        for part in range(11):
            done = max(first, N * part // 10)
            share, left = whole.told(stage, done, N if rows else None)
            out.append((clock.now, share, left))
            clock.now += length * rows / (rows + after) / 11
        clock.now += length * after / (rows + after)
    return out


def test_a_run_in_the_measured_proportions_is_foretold() -> None:
    every = 600.0
    told = run({stage: every * sum(parts) for stage, parts in SHARES.items()})
    for now, _, left in told:
        if left is not None:
            assert left == pytest.approx(every - now, rel=0.25, abs=0.1 * every)
    assert sum(left is not None for _, _, left in told) > 0.9 * len(told)


def test_the_share_never_falls_and_stages_may_be_left_out() -> None:
    some = {stage: 60 * sum(SHARES[stage]) for stage in SHARES if stage not in ("look at what was joined",)}
    shares = [share for _, share, _ in run(some)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_kept_imprints_are_no_work_done() -> None:
    """Where the reading was done before, the rest isn't foretold from the second that it took to see that."""
    every = 600.0
    seconds = {stage: every * sum(parts) for stage, parts in SHARES.items()} | {"read and imprint": 1.0}
    told = run(seconds, kept=N)
    rest = every * (1 - sum(SHARES["read and imprint"]))
    for now, share, left in told:
        if left is not None and share > 0.5:
            assert left == pytest.approx(rest - now, rel=0.4, abs=0.1 * every)


def test_nothing_is_said_too_soon() -> None:
    clock = Clock()
    whole = Whole(clock)
    assert whole.told("read and imprint", 10, None) == (0.0, None)
    clock.now = 1.0
    assert whole.told("read and imprint", N, N)[1] is None


def test_unknown_stages_change_nothing() -> None:
    clock = Clock()
    whole = Whole(clock)
    whole.told("read and imprint", N // 2, N)
    clock.now = 10.0
    share, _ = whole.told("wait for the cluster", 0, None)
    assert share == pytest.approx(SHARES["read and imprint"][0] / 2)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "less than a minute"), (61, "about 1 min"), (3600, "about 1 h"), (7800, "about 2 h 10 min")],
)
def test_words(seconds: float, said: str) -> None:
    assert words(seconds) == said

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
            whole.told(stage, done, N if rows else None)
            out.append((clock.now, *whole.now()))
            clock.now += length * rows / (rows + after) / 11
        for _ in range(4):
            clock.now += length * after / (rows + after) / 4
            out.append((clock.now, *whole.now()))
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
    whole.told("read and imprint", 10, None)
    assert whole.now() == (0.0, None)
    clock.now = 1.0
    whole.told("read and imprint", N, N)
    assert whole.now()[1] is None
    assert str(whole) == f"in all {SHARES['read and imprint'][0]:.0%}"


def test_unknown_stages_change_nothing() -> None:
    clock = Clock()
    whole = Whole(clock)
    whole.told("read and imprint", N // 2, N)
    clock.now = 10.0
    whole.told("wait for the cluster", 0, None)
    assert whole.now()[0] == pytest.approx(SHARES["read and imprint"][0] / 2)


def test_what_follows_rows_goes_on_with_the_clock_and_never_past_its_end() -> None:
    clock = Clock()
    whole = Whole(clock)
    for stage in SHARES:
        whole.told(stage, 0, N)
        clock.now += 100 * SHARES[stage][0]
        whole.told(stage, N, N)
        if stage == "look for ties":
            break
        clock.now += 100 * SHARES[stage][1]
    ends = sum(sum(SHARES[name]) for name in ("read and imprint", "learn what is usual", "look for ties"))
    before = whole.now()
    clock.now += 50 * SHARES["look for ties"][1]
    halfway = whole.now()
    assert before[0] < halfway[0] < ends
    assert before[1] is not None
    assert halfway[1] is not None
    assert halfway[1] < before[1]
    clock.now += 10_000
    assert whole.now()[0] < ends


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "less than a minute"), (61, "about 1 min"), (3600, "about 1 h"), (7800, "about 2 h 10 min")],
)
def test_words(seconds: float, said: str) -> None:
    assert words(seconds) == said

"""One pool or one pacer: accounts of one dispatcher are steadier together than apart.

R = Var(ΣNᵢ) / ΣVar(Nᵢ) over local windows, Nᵢ an account's requests in flight or arrivals; 1 for strangers,
about 1 − q where a share q of one dispatcher's accounts is in view. Whose accounts these are, and what else
speaks for a ring, is left to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.pace import axis as ax
from headwater.detect.pace import likelihood, steadiness

Int = npt.NDArray[np.int64]

#: Lags of the null are at most this long, small against a daily rhythm.
LONGEST_LAG_US = ax.HOUR_US
#: Least material: below it there is no answer.
LEAST_ACCOUNTS, LEAST_ARRIVALS, LEAST_WINDOWS = 4, 50, 20
#: Least effective number of accounts, (ΣV)²/ΣV²: a group that is one account has R = 1 by construction.
LEAST_EFFECTIVE = 3.0


@dataclass(frozen=True)
class PoolResult:
    """What the steadiness of a group says.

    `ratio` is R in the clearest view (the most precise one where none stands out), `null_mean` and `null_sd`
    belong to its shifts; `p_low` is the chance of so small a ratio in any view, (1 + #)/(B + 1).
    `share_in_view` = 1 − R estimates how much of the dispatcher's accounts the group holds
    (`share_low`…`share_high` at 90%), meaningful where `p_low` is small. `view` is "in flight" or "arrivals",
    `windows` the steps used, of `window_us` each; `arrivals` were used of `effective_accounts`.
    `llr` in nats: positive for one dispatcher, negative for strangers, 0 unless `enough`.
    """

    ratio: float
    null_mean: float
    null_sd: float
    p_low: float
    share_in_view: float
    share_low: float
    share_high: float
    windows: int
    window_us: int
    arrivals: int
    effective_accounts: float
    view: str
    enough: bool
    llr: float


@dataclass(frozen=True)
class _View:
    window: int
    period: int
    valid: npt.NDArray[np.bool_]
    in_flight: bool


@dataclass(frozen=True)
class _Group:
    """Requests of accounts in an order that content fixes: sorted times within each account."""

    times: Int
    durations: Int | None
    bounds: Int


def pool_ratio(
    times_us: Sequence[Int],
    durations_us: Sequence[Int] | None = None,
    *,
    seed: int,
    shifts: int = 199,
    steady_share: float = 0.5,
    max_arrivals: int = 60_000,
) -> PoolResult:
    """Whether a group's requests are dealt by one pool or pacer.

    `times_us[i]` holds account i's arrivals (µs, any order), `durations_us[i]` how long each was in flight.
    The null shifts every account by a lag of its own (see `docs/explanation/pace.md`). `steady_share` is the
    share of rings taken to have a steady dispatcher: it bounds the evidence against at log(1 − steady_share).
    Of more than `max_arrivals` a stretch of time drawn with the seed is used; accounts are never thinned,
    since that would lower the share in view. Independent of the order of accounts.
    """
    group = _gather(*_stretch(times_us, durations_us, max_arrivals, seed))
    accounts = len(group.bounds) - 1
    if accounts < LEAST_ACCOUNTS or len(group.times) < LEAST_ARRIVALS:
        return _nothing(len(group.times), accounts)
    union = np.sort(group.times)
    window, pause = ax.usual_window(union)
    daily = window * 4 > LONGEST_LAG_US and union[-1] - union[0] >= 4 * ax.DAY_US
    line = ax.cut(union, pause, daily=daily)
    views = _views(line, group, window)
    if not views:
        return _nothing(len(group.times), accounts)
    lags = _lags(line, max(view.window for view in views), accounts, shifts, seed)
    return _judge(group, line, views, lags, steady_share)


def _gather(times_us: Sequence[Int], durations_us: Sequence[Int] | None) -> _Group:
    rows = []
    for i, raw in enumerate(times_us):
        times = np.asarray(raw, np.int64)
        if not len(times):
            continue
        held = None if durations_us is None else np.maximum(np.asarray(durations_us[i], np.int64), 0)
        order = np.argsort(times, kind="stable") if held is None else np.lexsort((held, times))
        rows.append((times[order], None if held is None else held[order]))
    rows.sort(key=lambda row: (len(row[0]), row[0].tobytes(), b"" if row[1] is None else row[1].tobytes()))
    bounds = np.concatenate(([0], np.cumsum([len(row[0]) for row in rows]))).astype(np.int64)
    times = np.concatenate([row[0] for row in rows]) if rows else np.empty(0, np.int64)
    held_all = [row[1] for row in rows if row[1] is not None]
    return _Group(times, np.concatenate(held_all) if held_all else None, bounds)


def _stretch(
    times_us: Sequence[Int], durations_us: Sequence[Int] | None, most: int, seed: int
) -> tuple[Sequence[Int], Sequence[Int] | None]:
    """Of many requests those of a stretch of time, at the same place for the same requests in any order."""
    if sum(map(len, times_us)) <= most:
        return times_us, durations_us
    union = np.sort(np.concatenate(times_us))
    begin = int(np.random.default_rng([seed, 1]).integers(0, len(union) - most + 1))
    keep = [(times >= union[begin]) & (times <= union[begin + most - 1]) for times in times_us]
    held = durations_us and [d[mine] for d, mine in zip(durations_us, keep, strict=True)]
    return [times[mine] for times, mine in zip(times_us, keep, strict=True)], held


def _views(line: ax.Axis, group: _Group, window: int) -> list[_View]:
    """Arrivals at up to three window lengths, and requests in flight where enough are."""
    sizes = (
        [window] if line.daily else [w for w in (window, 4 * window, 16 * window) if 4 * w <= LONGEST_LAG_US]
    )
    wanted = [(w, False) for w in sizes or [window]]
    if group.durations is not None and not line.daily:
        mean = int(group.durations.mean())
        if mean * len(group.times) >= line.length // 2 and 0 < mean <= LONGEST_LAG_US // 4:
            wanted.append((max(mean, line.length // 200_000), True))
    views = [_view(line, size, in_flight) for size, in_flight in wanted]
    return [view for view in views if int(view.valid.sum()) >= LEAST_WINDOWS]


def _view(line: ax.Axis, window: int, in_flight: bool) -> _View:
    if line.daily:
        window = ax.whole(window)
        turn = max(window, ax.DAY_US)
        count = -(-line.length // turn) * (turn // window)
    else:
        count = max(1, line.length // window)
    valid = np.ones(count, np.bool_)
    # a step counts unless one of its two windows touches the edge of a burst
    edges = np.unique(np.concatenate([[0, line.length], line.edges()])) // window
    for shift in (-1, 0, 1) if line.daily else (-1, 0, 1, 2):
        valid[np.clip(edges + shift, 0, count - 1)] = False
    valid[min(line.length // window, count) :] = False
    return _View(window, count * window, valid, in_flight)


def _lags(line: ax.Axis, window: int, accounts: int, shifts: int, seed: int) -> Int:
    """A row of zeros (what was seen), then a row a shift: short lags, or whole days (weeks) and a little."""
    rng = np.random.default_rng([seed, 2])
    if line.daily:
        turn = ax.WEEK_US if line.length >= 8 * ax.WEEK_US else ax.DAY_US
        reach = window if window < ax.DAY_US else window // 2
        lags = turn * rng.integers(0, max(1, line.length // turn), size=(shifts, accounts))
    else:
        reach = min(max(4 * window, min(20 * window, LONGEST_LAG_US)), max(1, line.length // 3))
        lags = np.zeros((shifts, accounts), np.int64)
    lags += rng.integers(-reach, reach + 1, size=(shifts, accounts))
    return np.concatenate([np.zeros((1, accounts), np.int64), lags])


def _judge(group: _Group, line: ax.Axis, views: list[_View], lags: Int, steady_share: float) -> PoolResult:
    positions = line.place(group.times)
    lengths = np.zeros(len(group.times), np.int64)
    if group.durations is not None:
        lengths = np.minimum(group.durations, line.room(group.times))
    table, effective = [], []
    for view in views:
        inside = positions < view.period
        owner = np.repeat(np.arange(len(group.bounds) - 1), np.diff(group.bounds))[inside]
        sizes = np.bincount(owner, minlength=len(group.bounds) - 1)
        bounds = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        ratio, squares = steadiness.ratios(
            positions[inside],
            lengths[inside],
            bounds,
            lags % view.period if line.daily else lags,
            period=view.period,
            window=view.window,
            valid=view.valid,
            in_flight=view.in_flight,
        )
        table.append(ratio)
        effective.append(squares.sum() ** 2 / max(1.0, float((squares.astype(np.float64) ** 2).sum())))
    return _conclude(group, views, np.array(table), np.array(effective), steady_share)


def _conclude(
    group: _Group,
    views: list[_View],
    table: npt.NDArray[np.float64],
    effective: npt.NDArray[np.float64],
    steady_share: float,
) -> PoolResult:
    mean, sd = np.nanmean(table[:, 1:], axis=1), np.nanstd(table[:, 1:], axis=1, ddof=1)
    good = np.isfinite(table).all(axis=1) & (sd > 0) & (effective >= LEAST_EFFECTIVE)
    if not good.any():
        return _nothing(len(group.times), float(effective.max(initial=0.0)))
    kept = np.flatnonzero(good)
    table, mean, sd = table[kept], mean[kept], sd[kept]
    # the observed row is standardised with the shifts, so that all rows are treated alike
    z = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    lowest = z.min(axis=0)
    p_low = float(np.sum(lowest <= lowest[0]) / table.shape[1])
    # where nothing stands out the most precise view speaks, so that choosing does not lower the ratio
    best = int(np.argmin(z[:, 0]) if p_low <= 0.05 else np.argmin(sd))
    view, ratio = views[kept[best]], float(table[best, 0])
    llrs = np.array(
        [
            likelihood.dispatcher_ratio(float(r), float(m), float(s))
            for r, m, s in zip(table[:, 0], mean, sd, strict=True)
        ]
    )
    # a rhythm that all share adds to R, seen and shifted alike
    rhythm = max(0.0, float(mean[best]) - 1)
    low, high = np.quantile(table[best, 1:] / mean[best], [0.05, 0.95])
    own = max(0.0, ratio - rhythm)
    return PoolResult(
        ratio=ratio,
        null_mean=float(mean[best]),
        null_sd=float(sd[best]),
        p_low=p_low,
        share_in_view=float(np.clip(1 - own, 0, 1)),
        share_low=float(np.clip(1 - own / low, 0, 1)) if low > 0 else 0.0,
        share_high=float(np.clip(1 - own / high, 0, 1)),
        windows=int(view.valid.sum()),
        window_us=view.window,
        arrivals=len(group.times),
        effective_accounts=float(effective[kept[best]]),
        view="in flight" if view.in_flight else "arrivals",
        enough=True,
        llr=likelihood.honest(likelihood.mixed(llrs, steady_share), p_low),
    )


def _nothing(arrivals: int, effective: float) -> PoolResult:
    nan = float("nan")
    return PoolResult(nan, nan, nan, 1.0, 0.0, 0.0, 0.0, 0, 0, arrivals, float(effective), "", False, 0.0)

"""Machine-like arrival of one account: does it sleep, is it even, does it keep a clock, how many at once.

Machine-like is not extraction: benign automation is common, so the weight is bounded by construction to less
than one nat and means something for a ring only. Fitting data and script: `benchmarks/detection/pace.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from headwater.detect.pace import axis as ax

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

SECOND_US = 1_000_000
#: Least material for a likelihood ratio.
LEAST_ARRIVALS, LEAST_SPAN_US = 50, 20 * ax.HOUR_US
#: Logarithm of the density ratio machine : human, linear in (quiet_share, gap_spread, clock, 1): a logistic
#: regression with both classes weighted alike, on real accounts' times; see `docs/explanation/pace.md`.
MACHINE_LAW = (3.0, -0.33, 4.35, 0.38)
#: Share of ring accounts taken to arrive like machines: rings hide behind think times too.
RING_MACHINES = 0.75
#: Periods of schedulers in seconds; longer ones can't be told from the harmonics of a day.
CLOCKS_S = (10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600)
_CLOCKS_US = np.array(CLOCKS_S) * SECOND_US
_TURNS = np.array([CLOCKS_S[-1] // seconds for seconds in CLOCKS_S])
#: A rough square of the resultant is this near the exact one, with room to spare.
ROUGHLY = 1e-9
#: Gaps and clock are read from this many arrivals, the first ones.
MOST_ARRIVALS = 20_000


@dataclass(frozen=True)
class ArrivalFeatures:
    """How one account's requests arrive.

    `arrivals` over `span_us`; `duty` share of the span's hours with a request; `quiet_share` share of
    requests in the quietest eight hours of the day, wherever they lie (1/3: no hours are quieter);
    `evenness` entropy of the hour of day, corrected for few arrivals, 1 if flat; `gap_spread` standard
    deviation of the logarithm of gaps (1.28 for a Poisson process, 0 for a metronome); `clock` strength
    (0…1) of the strongest period in `CLOCKS_S`, `clock_s` that period; `longest_rest_us` longest silence;
    `together` most requests in flight (0 where durations are unknown). `enough` says whether a likelihood
    ratio is meaningful.
    """

    arrivals: int
    span_us: int
    duty: float
    quiet_share: float
    evenness: float
    gap_spread: float
    clock: float
    clock_s: int
    longest_rest_us: int
    together: int
    enough: bool


def arrival_features(times_us: Int, durations_us: Int | None = None) -> ArrivalFeatures:
    """The features of one account's arrivals (µs, any order); durations (µs) only for `together`."""
    raw = np.asarray(times_us, np.int64)
    together = 0 if durations_us is None else _together(raw, np.asarray(durations_us, np.int64))
    times = np.sort(raw)
    if len(times) < 3 or times[-1] == times[0]:
        return ArrivalFeatures(len(raw), 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, together, False)
    span = int(times[-1] - times[0])
    hour = times // ax.HOUR_US
    hours = np.bincount(hour % 24, minlength=24).astype(np.float64)
    gaps = np.diff(times)
    clock, period = _clock(times[:MOST_ARRIVALS])
    spread = np.std(np.log(np.maximum(gaps[:MOST_ARRIVALS], SECOND_US // 1000)))
    return ArrivalFeatures(
        arrivals=len(raw),
        span_us=span,
        duty=(1 + np.count_nonzero(np.diff(hour))) / (hour[-1] - hour[0] + 1),
        quiet_share=_quiet_share(hours),
        evenness=_evenness(hours),
        gap_spread=float(spread),
        clock=clock,
        clock_s=period,
        longest_rest_us=int(gaps.max()),
        together=together,
        enough=len(times) >= LEAST_ARRIVALS and span >= LEAST_SPAN_US,
    )


def _together(times: Int, durations: Int) -> int:
    """Most requests in flight at once; one that ends when another starts is not with it."""
    moments = np.concatenate([times, times + np.maximum(durations, 0)])
    steps = np.concatenate([np.ones(len(times), np.int64), -np.ones(len(times), np.int64)])
    order = np.lexsort((steps, moments))
    return int(np.cumsum(steps[order]).max(initial=0))


def _quiet_share(hours: Float) -> float:
    turned = np.concatenate([hours, hours[:7]])
    eight = np.convolve(turned, np.ones(8), mode="valid")
    return float(eight.min() / hours.sum())


def _evenness(hours: Float) -> float:
    """Entropy of the hour of day over log 24, with Miller and Madow's correction for few arrivals."""
    share = hours[hours > 0] / hours.sum()
    entropy = -np.sum(share * np.log(share)) + (len(share) - 1) / (2 * hours.sum())
    return float(min(1.0, entropy / math.log(24)))


def _clock(times: Int) -> tuple[float, int]:
    """(strength, period in s) of the clearest clock: mean resultant length of phases beyond chance.

    A period counts only if most arrivals fall in cycles of their own, else a burst looks like a clock.
    """
    # chance gives a squared resultant of about log(periods)/n
    chance = math.log(20 * len(CLOCKS_S)) / len(times)
    rough = _resultants(times, _CLOCKS_US, _TURNS)
    best, period = 0.0, 0
    # the exact strength, which decides between a period and its fractions, only where it may be the greatest
    for k in np.flatnonzero(rough >= max(chance, rough.max()) - ROUGHLY):
        phase = (times % _CLOCKS_US[k]) * (2 * math.pi / _CLOCKS_US[k])
        square = float(np.mean(np.cos(phase)) ** 2 + np.mean(np.sin(phase)) ** 2)
        strength = math.sqrt(max(0.0, square - chance))
        if strength > best:
            best, period = strength, CLOCKS_S[k]
    return best, period


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _resultants(times, clocks, turns):  # type: ignore[no-untyped-def]
    """Squared mean resultant of the phase at each period, −1 where too few cycles hold an arrival.

    All periods divide the last one, `turns` times: their phases are powers of its phase, which spares sines.
    """
    squares, sums = np.empty(len(clocks)), np.zeros(len(clocks), np.complex128)
    wanted, some = np.empty(len(clocks), np.int64), 0
    for k in range(len(clocks)):
        squares[k] = -1.0
        if _in_cycles(times, clocks[k]):
            wanted[some] = k
            some += 1
    if some == 0:
        return squares
    for time in times:
        angle = (time % clocks[-1]) * (2 * math.pi / clocks[-1])
        phase = complex(math.cos(angle), math.sin(angle))
        for k in wanted[:some]:
            power, square, turn = 1 + 0j, phase, turns[k]
            while turn > 0:
                if turn & 1:
                    power *= square
                square *= square
                turn >>= 1
            sums[k] += power
    for k in wanted[:some]:
        mean = sums[k] / len(times)
        squares[k] = mean.real**2 + mean.imag**2
    return squares


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _in_cycles(times, clock):  # type: ignore[no-untyped-def]
    """Whether sorted arrivals fall in 20 cycles or more, and one for each ten arrivals."""
    found, after = 0, times[0]
    for time in times:
        if time >= after:
            found += 1
            after = (time // clock + 1) * clock
            if found >= 20 and found >= len(times) / 10:
                return True
    return False


def arrival_llr(features: ArrivalFeatures, *, machine_share: float = 0.5) -> float:
    """Nats that an account's arrival adds *to a ring*: between log(0.25/share) and log(0.75/share).

    `machine_share` is the share of benign accounts that are automated; at 0.5 the weight stays in
    (−0.69, 0.41). Average it over a ring, never add it up: its accounts share one client. Alone it says only
    that something is automated, which is no reason for anything.
    """
    if not features.enough:
        return 0.0
    spread = min(features.gap_spread, 5.0)
    terms = (features.quiet_share, spread, features.clock, 1.0)
    odds = sum(weight * term for weight, term in zip(MACHINE_LAW, terms, strict=True))
    machine = 1 / (1 + math.exp(-odds))
    human = 1 - machine
    ring = RING_MACHINES * machine + (1 - RING_MACHINES) * human
    llr = math.log(ring / (machine_share * machine + (1 - machine_share) * human))
    return max(-1.0, min(1.0, llr))

"""Proposed groups that one dispatcher deals to: they are busy, and at rest, at the same times.

A dispatcher that shards its harvest by topic leaves groups that share neither form nor content. But all of them start
when its runs start and stop when it is stopped, beyond what the hour of day and everybody's traffic explain. Groups
are joined by what every other day shows, and so are accounts that no group holds; the days between are left for the
test.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import ring_by_account
from headwater.detect.beats import Beats, Days, beyond_usual, turned
from headwater.detect.fold import Ring, World

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Where the world keeps the places of rings that were joined by their times.
ALLIED = "allied"
#: Fewer days in view say nothing; so many of the largest groups are compared.
LEAST_DAYS, MOST_GROUPS = 4, 120
#: Joined where the likeliest set is busy together by more than in all of so many logs whose groups were shifted by
#: whole days, and by so many of their deviations more than in the mean one.
SHIFTS, BEYOND = 39, 5.0
#: An account is taken in from a level on at which so few are expected by chance, per one that is there.
ASTRAY, LEVELS, ROUNDS = 0.05, np.arange(1.0, 4.01, 0.25), 6
#: A group stays where so few of its accounts went over.
STAYS = 0.5


def joined(
    rings: tuple[Ring, ...], beats: Beats, world: World, fewest: int
) -> tuple[tuple[Ring, ...], frozenset[int]]:
    """The groups with those of one dispatcher made one, largest first, and the places of what was joined."""
    days = beats.days(odd=False)
    able = rings[:MOST_GROUPS]
    swing = beats.swing(days, ring_by_account(rings, world.size) < 0)
    counts = beats.counts(ring_by_account(able, world.size), len(able), days)
    chosen = together(beyond_usual(counts, swing), world.seed)
    if not chosen:
        return rings, frozenset()
    start = np.unique(np.concatenate([able[at].members for at in chosen])).astype(np.int64)
    members = in_step(start, beats, days, swing)
    if world.customers(members) < fewest:
        return rings, frozenset()
    sources = sorted({source for at in chosen for source in able[at].proposed_by})
    whole = replace(able[chosen[0]], members=members.astype(np.int32), proposed_by=tuple(sources))
    gone = np.zeros(world.size, bool)
    gone[members] = True
    out = [whole]
    for ring in rings:
        left = ring.members[~gone[ring.members]]
        if world.customers(left) >= max(fewest, STAYS * len(ring.members)):
            out.append(replace(ring, members=left))
    out.sort(key=lambda ring: (-len(ring.members), int(ring.members[0])))
    return tuple(out), frozenset(at for at, ring in enumerate(out) if ring is whole)


def together(beyond: Floats, seed: int) -> list[int]:
    """The set of groups that are busy together, beyond doubt; none where no set is."""
    if len(beyond) < 2 or beyond.shape[1] < LEAST_DAYS:
        return []
    seen, chosen = _likeliest(beyond)
    rng = np.random.default_rng([seed, 7])
    null = np.empty(SHIFTS)
    for i in range(SHIFTS):
        lags = rng.integers(0, beyond.shape[1], len(beyond))
        null[i], _ = _likeliest(turned(beyond, -lags))
    sure = seen > null.max() and seen - null.mean() >= BEYOND * max(float(null.std(ddof=1)), 1e-9)
    return chosen if sure else []


def _likeliest(beyond: Floats) -> tuple[float, list[int]]:
    """(deviations from independence, groups) of the set that is busiest together.

    From all groups the one least in step with the others leaves, again and again; the best set on the way counts.
    """
    rows = beyond.reshape(len(beyond), -1)
    product, noise = rows @ rows.T, (rows**2) @ (rows**2).T
    np.fill_diagonal(product, 0.0)
    np.fill_diagonal(noise, 0.0)
    kept = np.arange(len(rows))
    best, chosen = -np.inf, kept
    own, own_noise = product.sum(axis=1), noise.sum(axis=1)
    while len(kept) >= 2:
        total, spread = own[kept].sum() / 2, max(own_noise[kept].sum() / 2, 1e-9)
        if total / np.sqrt(spread) > best:
            best, chosen = float(total / np.sqrt(spread)), kept
        without = (total - own[kept]) / np.sqrt(np.maximum(spread - own_noise[kept], 1e-9))
        out = kept[int(np.argmax(without))]
        own, own_noise = own - product[out], own_noise - noise[out]
        kept = kept[kept != out]
    return best, chosen.tolist()


def in_step(start: Ints, beats: Beats, days: Days, swing: Floats) -> Ints:
    """Accounts (ascending) whose runs are those of `start`, wherever they are, refined until the set stands still."""
    accounts, place = np.unique(beats.account, return_inverse=True)
    here, day, window = days.of(beats.window)
    begin = np.searchsorted(place[here], np.arange(len(accounts) + 1))
    sent = _Sent(begin, day, window, beats.times[here], swing)
    proposed = np.isin(accounts, start)
    inside = proposed
    lags = np.array([0, *_lags(days.count)], np.int64)
    for _ in range(ROUNDS):
        steps = _steps(*sent, _signal(*sent, inside), inside, lags)
        z, chance = steps[0], steps[1:].ravel()
        # What content proposed is mostly right, and a stranger is in step by chance alone: each has its own level.
        own, elsewhere = _level(z[proposed], chance), _level(z[~proposed], chance)
        now = z >= np.where(proposed, own, elsewhere)
        if (now == inside).all():
            break
        inside = now
    return accounts[inside].astype(np.int64)


class _Sent(NamedTuple):
    """Requests by account: those of account i are at `begin`[i] to before `begin`[i + 1]; see `Beats.swing`."""

    begin: Ints
    day: Ints
    window: Ints
    times: Ints
    swing: Floats


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _beyond(
    at: int, begin: Ints, day: Ints, window: Ints, times: Ints, swing: Floats, out: Floats, used: Ints
) -> int:
    """Fill `out` (days × windows) with an account's requests beyond its usual ones; `used`: its windows, how many."""
    days, count = out.shape[0], 0
    for w in range(out.shape[1]):
        for d in range(days):
            out[d, w] = 0.0
    for k in range(begin[at], begin[at + 1]):
        out[day[k], window[k]] += times[k]
    for w in range(out.shape[1]):
        usual = 0.0
        for d in range(days):
            usual += out[d, w]
        if usual > 0:
            used[count] = w
            count += 1
            for d in range(days):
                out[d, w] -= usual / days * swing[d, w]
    return count


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _signal(
    begin: Ints, day: Ints, window: Ints, times: Ints, swing: Floats, inside: npt.NDArray[np.bool_]
) -> Floats:
    """What the accounts inside sent beyond their usual (days × windows)."""
    total, out, used = np.zeros(swing.shape), np.empty(swing.shape), np.empty(swing.shape[1], np.int64)
    for at in range(len(inside)):
        if not inside[at]:
            continue
        _beyond(at, begin, day, window, times, swing, out, used)
        total += out
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _steps(
    begin: Ints,
    day: Ints,
    window: Ints,
    times: Ints,
    swing: Floats,
    signal: Floats,
    inside: npt.NDArray[np.bool_],
    lags: Ints,
) -> Floats:
    """How much in step with the signal each account is (lags × accounts), a member with the others.

    A whole day later an account keeps its hours, and nothing else of when it is busy: what `lags` show is chance.
    """
    days, accounts = swing.shape[0], len(begin) - 1
    z = np.empty((len(lags), accounts))
    out, used = np.empty(swing.shape), np.empty(swing.shape[1], np.int64)
    for at in range(accounts):
        count = _beyond(at, begin, day, window, times, swing, out, used)
        for k in range(len(lags)):
            total, square = 0.0, 0.0
            for d in range(days):
                before = (d - lags[k]) % days
                for i in range(count):
                    w = used[i]
                    rest = signal[d, w] - out[d, w] if inside[at] else signal[d, w]
                    both = out[before, w] * rest
                    total += both
                    square += both * both
            z[k, at] = total / np.sqrt(max(square, 1e-9))
    return z


def _lags(days: int) -> list[int]:
    """Three lags in whole days of those in view, spread over the log."""
    return sorted({max(1, days // 4), max(1, days // 2), max(1, 3 * days // 4)})


def _level(z: Floats, chance: Floats) -> float:
    """The lowest level at which few of the accounts with `z` are there by chance, of which `chance` are examples."""
    for level in LEVELS.tolist():
        expected = len(z) * (1 + int((chance >= level).sum())) / (len(chance) + 1)
        if expected <= ASTRAY * max(int((z >= level).sum()), 1):
            return float(level)
    return float("inf")

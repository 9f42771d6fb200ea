"""Joint turns: how many of a group change something (first use of a model, a jump in volume) at once.

The law of chance comes from accounts outside the group, so a release day on which everybody turns is no
evidence. Finding first uses in a log is left to others; `volume_turn` finds one account's jump in volume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numba import njit

from headwater.detect.pace import axis as ax
from headwater.detect.pace import likelihood

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

#: Windows in which members may turn together.
WINDOWS_US = (ax.HOUR_US, 6 * ax.HOUR_US, ax.DAY_US)
LEAST_MEMBERS, LEAST_TURNS, LEAST_BACKGROUND = 4, 3, 30
#: A jump in volume: days on either side, and least log-likelihood ratio in nats.
JUMP_DAYS, JUMP_NATS = 4, 12.0
#: Stands for "never" in an array of times.
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class TurnResult:
    """The strongest joint turn of a group.

    `members` of `of` turned to `what` within `window_us` from `at_us`, where `expected` is usual. `statistic`
    is `of` · KL(share ‖ usual share) in nats, the greatest over all turns, moments and windows; `p_value` its
    chance for as many accounts drawn at random, (1 + #)/(B + 1). `llr` in nats, 0 unless `enough`.
    """

    statistic: float
    p_value: float
    what: str
    window_us: int
    members: int
    of: int
    expected: float
    at_us: int
    enough: bool
    llr: float


def joint_turns(
    first_use: Mapping[str, Sequence[int | None]],
    background_first_use: Mapping[str, Sequence[int | None]],
    *,
    seed: int,
    permutations: int = 199,
    turning_share: float = 0.5,
) -> TurnResult:
    """Whether a group's accounts turn together.

    `first_use[what][i]` is when member i first used `what` (µs; None: never), `background_first_use` the same
    for a sample of accounts *outside* the group, alike in volume; every entry names the same accounts
    (ValueError otherwise). An account's first request of all is no turn: give None where it began with
    `what`. Permutations exchange whole accounts between group and background. `turning_share` is the share
    of rings taken to turn within a log.
    """
    names = sorted(set(first_use) & set(background_first_use))
    group, others = _table(first_use, names), _table(background_first_use, names)
    size = len(group)
    if (
        not names
        or size < LEAST_MEMBERS
        or len(others) < LEAST_BACKGROUND
        or max(np.sum(group != NEVER, axis=0)) < LEAST_TURNS
    ):
        return TurnResult(0.0, 1.0, "", 0, 0, size, 0.0, 0, False, 0.0)
    everyone = np.concatenate([group, others])
    # an order that content fixes, so that the draws do not depend on the caller's
    order = np.lexsort(everyone.T)
    everyone, member = everyone[order], order < size
    columns = [
        (name, np.argsort(everyone[:, j], kind="stable"), everyone[:, j]) for j, name in enumerate(names)
    ]
    seen = _scan(columns, member)
    above = permutations + 1
    if seen.statistic > 0:
        above = 1 + _reaching(everyone, size, seen.statistic, permutations, np.random.default_rng([seed, 4]))
    p_value = above / (permutations + 1)
    return replace(seen, p_value=p_value, enough=True, llr=likelihood.from_p(p_value, turning_share))


def _table(uses: Mapping[str, Sequence[int | None]], names: Sequence[str]) -> Int:
    """Accounts × names, `NEVER` for None."""
    if len({len(uses[name]) for name in names}) > 1:
        raise ValueError("every entry must name the same accounts")
    columns = [[NEVER if v is None else int(v) for v in uses[name]] for name in names]
    return np.array(columns, np.int64).T if columns else np.empty((0, 0), np.int64)


def _scan(columns: Sequence[tuple[str, Int, Int]], member: npt.NDArray[np.bool_]) -> TurnResult:
    """The strongest crowding of members in any window that begins with a member's turn."""
    of = int(member.sum())
    rest = len(member) - of
    best = TurnResult(0.0, 1.0, "", 0, 0, of, 0.0, 0, False, 0.0)
    for name, order, raw in columns:
        times = raw[order]
        times, ours = times[times != NEVER], member[order][: int(np.sum(raw != NEVER))]
        turned, usual = times[ours], times[~ours]
        for width in WINDOWS_US:
            members = np.searchsorted(turned, turned + width) - np.arange(len(turned))
            around = np.searchsorted(usual, turned + width) - np.searchsorted(usual, turned)
            # one more than were seen: the group itself shows that the moment is possible
            share = (around + 1.0) / (rest + 1.0)
            score = np.where(members >= 2, _surprise(members, of, share), 0.0)
            if len(score) and float(score.max()) > best.statistic:
                k = int(np.argmax(score))
                usually = float(share[k] * of)
                best = TurnResult(
                    float(score[k]),
                    1.0,
                    name,
                    width,
                    int(members[k]),
                    of,
                    usually,
                    int(turned[k]),
                    False,
                    0.0,
                )
    return best


def _reaching(everyone: Int, size: int, statistic: float, draws: int, rng: np.random.Generator) -> int:
    """In how many of `draws` of `size` accounts (rows) some turn is as surprising as `statistic`."""
    least = _least(size, len(everyone) - size, statistic)
    turns = [_ends(times) for times in everyone.T]
    # places of all columns one after another
    begins = np.cumsum([0] + [len(who) for who, _ in turns])
    who = np.concatenate([who for who, _ in turns])
    ends = np.concatenate([end + begin for (_, end), begin in zip(turns, begins[:-1], strict=True)], axis=1)
    found = 0
    for _ in range(draws):
        drawn = np.zeros(len(everyone), np.bool_)
        drawn[rng.choice(len(everyone), size, replace=False)] = True
        found += _reaches(who, ends, drawn, least)
    return found


def _ends(column: Int) -> tuple[Int, Int]:
    """(accounts that turned, in order of time; where each turn's moment begins in it, and each of its windows ends)."""
    order = np.argsort(column, kind="stable")
    order = order[: int(np.sum(column != NEVER))]
    times = column[order]
    return order, np.array([np.searchsorted(times, times + width) for width in (0, *WINDOWS_US)])


def _least(of: int, rest: int, statistic: float) -> Int:
    """For each number of others that turn in a window, the fewest members there that reach `statistic`.

    `of` + 1 where all would not do. Found by halving: the surprise grows with the members.
    """
    share: Float = np.arange(1.0, rest + 2.0) / (rest + 1.0)
    low, high = np.full(rest + 1, 2), np.full(rest + 1, of + 1)
    while (low < high).any():
        middle = (low + high) // 2
        enough = (_surprise(middle, of, share) >= statistic) | (middle > of)
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return low


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _reaches(who, ends, drawn, least):  # type: ignore[no-untyped-def]
    """Whether a window that begins with a turn of one who is drawn holds at least so many of them."""
    before = np.zeros(len(who) + 1, np.int64)
    for k in range(len(who)):
        before[k + 1] = before[k] + drawn[who[k]]
    for k in range(len(who)):
        if not drawn[who[k]]:
            continue
        earlier = ends[0, k] - before[ends[0, k]]
        for end in ends[1:, k]:
            if before[end] - before[k] >= least[end - before[end] - earlier]:
                return True
    return False


def _surprise(members: Int, of: int, share: Float) -> Float:
    """`of` · KL(members/of ‖ share) in nats where the members exceed their share, else 0."""
    seen = members / of
    usual = np.minimum(share, 1 - 1e-12)
    rest = np.where(seen < 1, (1 - seen) * np.log(np.maximum(1 - seen, 1e-300) / (1 - usual)), 0.0)
    return np.where(seen > usual, of * (seen * np.log(np.maximum(seen, 1e-300) / usual) + rest), 0.0)


def volume_turn(times_us: Int) -> int | None:
    """When (µs) one account's volume jumped most, if it did: a Poisson ratio over `JUMP_DAYS` each side.

    Only days on which the account had been active before count, so that its beginning is no turn. Bursts make
    jumps common: judge by a background sample treated alike, as `joint_turns` does.
    """
    times = np.sort(np.asarray(times_us, np.int64))
    if len(times) < 20 or times[-1] - times[0] < 2 * JUMP_DAYS * ax.DAY_US:
        return None
    width = JUMP_DAYS * ax.DAY_US
    spots = times[(times >= times[0] + width) & (times <= times[-1] - width)]
    if not len(spots):
        return None
    at = np.searchsorted(times, spots)
    before = (at - np.searchsorted(times, spots - width)).astype(np.float64)
    after = (np.searchsorted(times, spots + width) - at).astype(np.float64)
    half = (before + after) / 2
    score = before * np.log(np.maximum(before, 1e-300) / half) + after * np.log(
        np.maximum(after, 1e-300) / half
    )
    score = np.where(before >= 1, score, 0.0)
    return int(spots[int(np.argmax(score))]) if score.max() >= JUMP_NATS else None

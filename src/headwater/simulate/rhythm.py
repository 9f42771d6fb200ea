"""When people send: hours, weekdays, sessions, gaps and volumes of real accounts, never one formula for all.

Only times are taken, from committers on this side of the division; they are shifted and blurred, so that no
real history is reproduced. What is sent is decided elsewhere.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass

import numpy as np

from headwater.errors import UnreadableInput, Where
from headwater.simulate.catalogue import GIT_PROJECTS
from headwater.simulate.chance import Floats, Ints, pick
from headwater.simulate.corpora import Corpora

DAY = 86_400
WEEK = 7 * DAY
#: 1970-01-01 was a Thursday; weeks below begin on Monday.
_MONDAY = 4 * DAY
#: A pause this long ends a session; shorter gaps than the lower bound come from rewriting history.
_SESSION_S = 3600
_REWRITE_S = 20
#: Events that a donor of a rhythm must have; lighter accounts count for the volumes only.
_ENOUGH = 25
#: Seconds by which a donor's moments are moved at most, and the share of sessions at somebody else's hours:
#: with both, hours are as regular as real ones over years, not more.
_BLUR_S = 2700.0
_STRAY = 0.4


@dataclass(frozen=True)
class Rhythms:
    """Real patterns, one donor per row of the ragged tables.

    `moments` are second-of-week times of a donor's events, `sizes` its session sizes, `gaps` its gaps within
    sessions in seconds. `volumes` are events per account of all accounts, light ones too, ascending.
    """

    moments: Ints
    moment_offsets: Ints
    sizes: Ints
    size_offsets: Ints
    gaps: Ints
    gap_offsets: Ints
    volumes: Ints

    @property
    def donors(self) -> int:
        """How many donors there are."""
        return len(self.moment_offsets) - 1


def rhythms(corpora: Corpora) -> Rhythms:
    """Rhythms of the committers on this side. Raises `UnreadableInput` where the times are missing."""
    histories = _histories(corpora)
    found = [moments for moments in histories if len(moments) >= _ENOUGH]
    if not found:
        (path,) = corpora.files(_EVENTS)
        raise UnreadableInput("no account has enough commit times", where=Where(file=str(path)))
    moments, sizes, gaps = zip(*(_pattern(history) for history in found), strict=True)
    return Rhythms(
        moments=np.concatenate(moments),
        moment_offsets=_offsets(moments),
        sizes=np.concatenate(sizes),
        size_offsets=_offsets(sizes),
        gaps=np.concatenate(gaps),
        gap_offsets=_offsets(gaps),
        volumes=np.sort(np.array([len(history) for history in histories])),
    )


_EVENTS = "accounts/git_commits/events.tsv.gz"
_PERSONS = "accounts/git_commits/accounts.tsv.gz"


def _histories(corpora: Corpora) -> list[Ints]:
    """Ascending times of every human account of this side's projects, by account."""
    ours, tuned = set(GIT_PROJECTS[corpora.side]), set(GIT_PROJECTS["tune"])
    csv.field_size_limit(1 << 27)
    times: dict[str, list[Ints]] = {}
    seen_in_tune: set[str] = set()
    (path,) = corpora.files(_EVENTS)
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            if row["project"] in tuned:
                seen_in_tune.add(row["account"])
            if row["project"] in ours and row["kind"] == "human":
                deltas = np.array(row["times_utc_first_then_deltas_s"].split(","), dtype=np.int64)
                times.setdefault(row["account"], []).append(np.cumsum(deltas))
    if corpora.side == "score":
        closed = _same_persons(corpora, seen_in_tune)
        times = {account: parts for account, parts in times.items() if account not in closed}
    return [np.sort(np.concatenate(times[account])) for account in sorted(times)]


def _same_persons(corpora: Corpora, accounts: set[str]) -> set[str]:
    """The given accounts and all others of the same persons."""
    (path,) = corpora.files(_PERSONS)
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        person = {row["account"]: row["person"] for row in csv.DictReader(handle, delimiter="\t")}
    persons = {person[account] for account in accounts if account in person}
    return accounts | {account for account, who in person.items() if who in persons}


def _pattern(history: Ints) -> tuple[Ints, Ints, Ints]:
    """Moments of the week, session sizes and gaps within sessions of one account's times."""
    kept = history[np.r_[True, np.diff(history) >= _REWRITE_S]]
    between = np.diff(kept)
    ends = np.flatnonzero(between >= _SESSION_S)
    sizes = np.diff(np.r_[-1, ends, len(kept) - 1])
    within = between[between < _SESSION_S]
    return (kept - _MONDAY) % WEEK, sizes, within if len(within) else np.array([600])


def _offsets(parts: tuple[Ints, ...]) -> Ints:
    return np.cumsum([0] + [len(part) for part in parts]).astype(np.int64)


def volumes(rng: np.random.Generator, law: Rhythms, count: int, total: int) -> Ints:
    """How much each of `count` accounts sends: the real long tail, scaled so that the sum is `total`.

    The heaviest 0.5% are cut off (robots, and maintainers of decades), the lightest send once.
    """
    quantiles = np.minimum(rng.random(count), 0.995)
    raw = law.volumes[(quantiles * len(law.volumes)).astype(np.int64)].astype(np.float64)
    low, high = 0.0, 2.0 * total / float(raw.min()) + 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if np.maximum(1, np.round(raw * middle)).sum() < total:
            low = middle
        else:
            high = middle
    return np.maximum(1, np.round(raw * high)).astype(np.int64)


def session_starts(
    rng: np.random.Generator, law: Rhythms, donors: Ints, here_s: tuple[Floats, Floats], weekday: int
) -> Floats:
    """One start per donor, in seconds from the world's start, on a day between the two `here_s`.

    `weekday` is the day of the week on which the world starts (Monday: 0). Each start is a second of the
    week of the donor (or, at times, of another one), moved by up to three quarters of an hour.
    """
    first_s, last_s = here_s
    strays = rng.random(len(donors)) < _STRAY
    whose = np.where(strays, rng.integers(0, law.donors, len(donors)), donors)
    moment = law.moments[pick(rng, law.moment_offsets, whose)]
    first_day = np.floor(first_s / DAY).astype(np.int64)
    last_day = np.maximum(np.ceil(last_s / DAY).astype(np.int64) - 1, first_day)
    offset = (moment // DAY - weekday - first_day) % 7
    # Somebody who is here for less than a week has no choice of weekday: any day serves.
    short = first_day + offset > last_day
    any_day = (rng.random(len(donors)) * (last_day - first_day + 1)).astype(np.int64)
    offset = np.where(short, any_day, offset)
    weeks = np.where(short, 1, (last_day - first_day - offset) // 7 + 1)
    week = (rng.random(len(donors)) * weeks).astype(np.int64)
    at = (first_day + offset + 7 * week) * DAY + moment % DAY + rng.uniform(-_BLUR_S, _BLUR_S, len(donors))
    # Reflected at the edges of the time here: nobody piles up on the first second.
    span = np.maximum(last_s - first_s, 1.0)
    folded = np.abs(at - first_s) % (2 * span)
    return np.asarray(first_s + np.where(folded > span, 2 * span - folded, folded))


def session_sizes(rng: np.random.Generator, law: Rhythms, donors: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """Sessions that make up each person's `wanted` requests: (person of each session, its size)."""
    person: list[Ints] = [np.zeros(0, dtype=np.int64)]
    size: list[Ints] = [np.zeros(0, dtype=np.int64)]
    left = wanted.copy()
    while len(rows := np.flatnonzero(left > 0)):
        drawn = np.minimum(law.sizes[pick(rng, law.size_offsets, donors[rows])], left[rows])
        person.append(rows)
        size.append(drawn)
        left[rows] -= drawn
    return np.concatenate(person), np.concatenate(size)

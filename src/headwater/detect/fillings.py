"""Who fills a ring's templates, members or not, and how surely each belongs to it.

What a template says of an account is measured anew for naming, on the whole log and without the account itself: by how
much likelier the other members use it than everybody else. (What it was worth when the ring was proposed is too much:
it was chosen for that.) Its hours are weighed beside it. The same measure takes in accounts that no tie had brought
together with the ring, once the ring is beyond doubt; those have to do more of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from headwater.detect import hours
from headwater.detect.attribution import RingObjects, filled, rarefied, seldom
from headwater.detect.fold import Batch, World
from headwater.detect.ordering import ByCode, by_code
from headwater.detect.pairs import pairs
from headwater.detect.verdict import A_KIND

#: So many filled templates name a member: one prompt may be anybody's. Others take part from so many on.
LEAST_FILLED, LEAST_OF_OTHERS = 2, 4
#: An object speaks for an account if so many others of the ring use it.
LEAST_USERS = 2
#: Nats, beside how rare members are, that templates and hours must say: 19 to 1.
TELLING = float(np.log(19))
#: Share of what as many fillings of the ring's templates usually say, for others than members (`attribution.VARIED`).
VARIED_OF_OTHERS = 0.6
#: Whoever fills its templates far less often than is usual, beside other business, does it so many times at least, as
#: variedly as this, and when the ring does.
MANY, VARIED_OF_MANY = 10, 0.65
#: Members' hours tell something if they lie so many nats from strangers' on average; candidates keep them from this
#: share of the way on. If they don't, only those join who are this varied.
TELLS_HOURS, IN_STEP, VARIED_BEYOND_DOUBT = 0.25, 0.5, 0.8
#: Keys of one organisation that join at most: where more would, none does.
OF_ONE = 3
#: Others keep the ring's hours, or their own no more than so many nats; members see `hours.OWN_HOURS`.
NEARLY_ITS_HOURS = -1.0
#: Rounds of taking others in, each without holding against a template those who were.
ROUNDS = 3

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fillings:
    """Rows that fill a template of some ring: whose, when, by which object, and of which ring (parallel arrays)."""

    account: npt.NDArray[np.int32]
    at_us: Ints
    key: npt.NDArray[np.uint64]
    ring: npt.NDArray[np.int32]

    @classmethod
    def none(cls) -> Fillings:
        """No rows."""
        code = np.empty(0, np.int32)
        return cls(code, np.empty(0, np.int64), np.empty(0, np.uint64), code)

    @cached_property
    def _by_ring(self) -> ByCode:
        return ByCode(self.ring)

    def of(self, at: int) -> Fillings:
        """Those of one ring."""
        keep = self._by_ring.of(at)
        return Fillings(self.account[keep], self.at_us[keep], self.key[keep], self.ring[keep])


@dataclass
class _Rows:
    parts: list[Fillings] = field(default_factory=list)


class Filling:
    """The fold that collects them: a member's own ring first, else the first ring that owns an object of the row."""

    columns = ("imprint",)

    def init(self, world: World) -> tuple[RingObjects, _Rows]:
        """No rows."""
        return world.context["ring_objects"], _Rows()

    def update(self, state: tuple[RingObjects, _Rows], batch: Batch) -> tuple[RingObjects, _Rows]:
        """Keep the rows that fill anything."""
        owned, rows = state
        if not len(owned.objects):
            return state
        ring, key = filled(owned, batch)
        if batch.key is not None:
            ring, key = np.where(batch.filled, batch.ring, ring), np.where(batch.filled, batch.key, key)
        keep = np.flatnonzero(ring >= 0)
        if len(keep):
            rows.parts.append(Fillings(batch.account[keep], batch.at_us[keep], key[keep], ring[keep]))
        return state

    def merge(
        self, left: tuple[RingObjects, _Rows], right: tuple[RingObjects, _Rows]
    ) -> tuple[RingObjects, _Rows]:
        """Rows of both."""
        left[1].parts.extend(right[1].parts)
        return left

    def finish(self, state: tuple[RingObjects, _Rows], world: World) -> Fillings:
        """All rows, by account and time."""
        parts = state[1].parts or [Fillings.none()]
        account, at_us, key, ring = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("account", "at_us", "key", "ring")
        )
        order = by_code(account, at_us, key)
        return Fillings(account[order], at_us[order], key[order], ring[order])


@dataclass(frozen=True)
class Standing:
    """How accounts (`account`, ascending codes) stand to one ring, by what they fill of its templates, and when.

    `times` is how often; `nats` what their different templates say for membership, `usual` what as many fillings of the
    ring's usually do; `hours` see `hours.kept`.
    """

    account: Ints
    times: Ints
    nats: Floats
    usual: Floats
    hours: Floats

    def at(self, codes: npt.NDArray[np.integer]) -> Standing:
        """The standing of these accounts (ascending); of who filled nothing, nothing."""
        place = np.searchsorted(self.account, codes)
        place[place == len(self.account)] = 0
        have = self.account[place] == codes if len(self.account) else np.zeros(len(codes), bool)
        rows = np.where(have, place, 0)
        return Standing(
            codes.astype(np.int64),
            *(np.where(have, part[rows] if len(part) else 0, 0) for part in self._figures()),
        )

    def _figures(self) -> tuple[Ints, Floats, Floats, Floats]:
        return self.times, self.nats, self.usual, self.hours


def standing(
    filled: Fillings, members: npt.NDArray[np.int32], world: World, apart: npt.NDArray[np.int64] | None = None
) -> Standing:
    """How everybody who fills a template of one ring stands to it; `filled` are the rows of that ring.

    `members` are the examples; accounts `apart` count neither for a template nor against it.
    """
    account = np.union1d(members, filled.account).astype(np.int64)
    place = np.searchsorted(account, filled.account)
    objects, key = np.unique(filled.key, return_inverse=True)
    whose, item, _, times = pairs(place, key)
    ours = np.isin(account, members)
    theirs = ~ours & ~np.isin(account, apart if apart is not None else [])
    inside, outside = (
        int(ours.sum()),
        max(1, world.size - len(members) - (0 if apart is None else len(apart))),
    )
    used, used_outside = (np.bincount(item[of[whose]], minlength=len(objects)) for of in (ours, theirs))
    nats = np.bincount(
        whose,
        _lift(used[item] - ours[whose], used_outside[item] - theirs[whose], inside, outside),
        len(account),
    )
    worth = _lift(used, used_outside, inside, outside)
    mine = ours[whose]
    every = np.bincount(item[mine], times[mine], len(worth))
    usual = rarefied(worth, every, np.bincount(whose, times, len(account)))
    busy, first = hours.usual(world, filled.at_us)
    kept = hours.kept(place, filled.at_us, len(account), busy, first, ours)
    count = np.bincount(place, minlength=len(account)).astype(np.int64)
    return Standing(account, count, np.asarray(nats), usual, kept)


def _lift(inside: Ints, outside: Ints, members: int, others: int) -> Floats:
    """How much likelier a member uses an object, in nats, from how many do; what next to no member uses is no form."""
    lift = np.log((inside + 0.5) / (members + 1)) - np.log((outside + 0.5) / (others + 1))
    return np.asarray(np.where(inside >= LEAST_USERS, lift, np.minimum(lift, 0.0)))


def much_alike(found: Standing, varied: float = VARIED_OF_MANY) -> Bools:
    """Whether an account (n) does much, so varied as this, and when the ring does: whatever else it does beside."""
    alike = found.nats >= varied * found.usual
    return np.asarray((found.times >= MANY) & alike & (found.hours >= A_KIND))


def bar(members: int, outside: int) -> float:
    """Nats from which templates and hours name an account: 19 to 1, of however many are no members."""
    return TELLING + float(np.log(max(outside, 1) / max(members, 1)))


def _in_step(found: Standing, ours: Bools, candidates: Bools) -> bool:
    """Whether those who would join keep the ring's hours together as its members do, and not as strangers do.

    Where a ring's forms are half a topic's, many strangers fill several of them, each as varied as a member; but at
    their own hours. So candidates are held, as a group, between members and other accounts that fill these forms.
    """
    often = found.times >= LEAST_FILLED
    others = often & ~ours & ~candidates
    theirs = float(found.hours[others].mean()) if others.any() else 0.0
    members = float(found.hours[ours & often].mean()) if (ours & often).any() else 0.0
    if members - theirs < TELLS_HOURS or not candidates.any():
        return False
    return (float(found.hours[candidates].mean()) - theirs) / (members - theirs) >= IN_STEP


def _few_of_one(accounts: Ints, world: World) -> Ints:
    """Without the keys of organisations of which more than a few would join: they are alike in the open."""
    tenant = world.tenant[accounts]
    codes, place, count = np.unique(tenant, return_inverse=True, return_counts=True)
    return accounts[(count <= OF_ONE)[place] | (codes < 0)[place]]


def late(
    filled: Fillings, members: npt.NDArray[np.int32], taken: Bools, world: World
) -> npt.NDArray[np.int32]:
    """Accounts beside the members that take part in a ring beyond doubt (ascending codes).

    `taken` (accounts): those that another ring holds. The members alone say what is the ring's; whoever is taken in
    speaks for nobody else.
    """
    joined = np.empty(0, np.int64)
    for _ in range(ROUNDS):
        found = standing(filled, members, world, joined)
        sent = world.volume[found.account]
        ours = np.isin(found.account, members)
        filling = ours & (found.times > 0)
        if not filling.any():
            break
        usual = float(np.median(found.times[filling] / sent[filling]))
        sure = found.nats + np.minimum(found.hours, 0) >= bar(len(members), world.size - len(members))
        sure &= found.nats >= VARIED_OF_OTHERS * found.usual
        able = (found.times >= LEAST_OF_OTHERS) & (found.hours > NEARLY_ITS_HOURS)
        able &= much_alike(found) | ~seldom(found.times, sent, usual)
        keep = able & sure & ~ours & ~taken[found.account]
        keep &= ~ours if _in_step(found, ours, keep) else much_alike(found, VARIED_BEYOND_DOUBT)
        now = _few_of_one(found.account[keep], world)
        if np.array_equal(now, joined):
            break
        joined = now
    return joined.astype(np.int32)

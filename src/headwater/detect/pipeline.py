"""From a log to campaigns: propose on one half, confirm on the other, weigh, attribute.

    population ─▶ proposers ─▶ links ─▶ rings ─▶ tests ─▶ ledger ─▶ campaigns
      (half 1)     (half 1)                     (half 2, or what proposing didn't look at)
                                 traits of accounts ─▶ the same ledger, and one an account

Nothing here reads files, words a report or decides a measure.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect import allies, declarations, first_look, passes, shares
from headwater.detect.apart import Apart
from headwater.detect.attribution import RingObjects, ring_by_account
from headwater.detect.beats import BEATS, Beating
from headwater.detect.cells import NAMED, Division, Placing
from headwater.detect.combine import RELAYED, Verdict, combine
from headwater.detect.cores import cores
from headwater.detect.fillings import Filling, Fillings, late
from headwater.detect.fold import CONFIRM, PROPOSE, Card, Finding, Fold, Ring, World, usable
from headwater.detect.harvest import Harvest, Harvested
from headwater.detect.installed import load
from headwater.detect.known import Declaration
from headwater.detect.population import Population
from headwater.detect.refine import ASIDE, owned_by, refine
from headwater.detect.rings import Graph, graph, rings
from headwater.detect.settings import DetectSettings
from headwater.detect.setups import RELAYS
from headwater.detect.spread import beside
from headwater.detect.traits import Measured, measured, of_ring
from headwater.detect.world import build
from headwater.engine import Arranged

#: What proposers leave behind for the division of communities: objects with the accounts that share them.
SHARED = ("templates", "means", "clusters")
#: Where the world keeps whether the log shows means or access of its accounts.
ATTRIBUTES = "attributes"
Progress = Callable[[str, int, int | None], None]
#: Folds over the rows of a world, told of as some work.
Folding = Callable[[str, Sequence[Any], World], list[Any]]


@dataclass(frozen=True)
class Judged:
    """One proposed ring with its verdict and, if the operator declared it, by whom; or what names parts of it."""

    ring: Ring
    verdict: Verdict
    declared: Declaration | None
    at: int
    undecided: tuple[declarations.Named, ...] = ()
    #: how far content says that members take part; None where it can't tell
    named: shares.TakingPart | None = None
    #: members that it was judged without: they take part beyond doubt, and nothing had tied them to it
    late: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))


@dataclass(frozen=True)
class Detection:
    """Everything that was found, in arrays; `judged` is sorted by strength, strongest first."""

    world: World
    graph: Graph
    judged: tuple[Judged, ...]
    harvest: Harvest
    ring_of: npt.NDArray[np.int32]
    evidence: tuple[Fold, ...]
    proposed: int
    #: accounts below which a ring isn't one
    fewest: int
    #: what single accounts show, in order of the traits' names
    traits: tuple[Measured, ...] = ()
    #: rows that fill a template of some ring
    filled: Fillings = field(default_factory=Fillings.none)
    #: groups that were proposed and went without a test (`first_look`)
    untested: int = 0
    #: accounts of organisations that would have dominated a group, left out of its test
    left_out: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def detect(
    log: Arranged,
    accounts: pa.Table | None,
    settings: DetectSettings,
    *,
    known: Sequence[Declaration] = (),
    evidence: Sequence[Fold] | None = None,
    given: Mapping[str, Any] | None = None,
    progress: Progress = lambda *_: None,
) -> Detection:
    """Find and judge the rings of a log.

    `given` are the operator's own tables by name (networks, indicators, …): evidence that needs one names it as
    `given.NAME`, and finds it in `world.context`.
    """
    every = tuple(load() if evidence is None else evidence)
    given = {name: table for name, table in (given or {}).items() if table}
    columns = log.filled | {f"given.{name}" for name in given}
    world = replace(build(log.census, accounts, columns, settings.seed), workers=log.workers)
    world.context.update(given)
    able = usable(every, world.columns)
    world.context[ATTRIBUTES] = any(e.card.group == "infrastructure" for e in able)

    def fold(what: str, folds: Sequence[Any], world: World) -> list[Any]:
        done, lock = 0, threading.Lock()

        def tell(rows: int) -> None:
            nonlocal done
            with lock:
                done += rows
                progress(what, done, log.census.rows)

        return passes.run(folds, log, world, progress=tell)

    world.context["content"] = fold("learn what is usual", [Population()], world)[0]
    proposers = [e for e in able if e.stage == "propose"]
    *links, cells = fold("look for ties", [*proposers, Division()], world)
    if cells is not None and log.near:
        cells = replace(cells, placed=np.full(log.census.rows, -1, np.int16))
    world.context["cells"] = cells
    ties = graph(links, world.tenant)
    with _of_everybody(log, world) as everybody:
        proposed, looked, standing = _groups(ties, able, world, settings, fold)
        later, before = everybody()
    free = _free(proposed, looked, world.size)
    tested, owned = refine(looked, ties, world, settings.fewest_accounts)
    world = _under_test(world, tested, owned)
    apart, *after = fold("leave out bystanders", [Apart(PROPOSE), *later], world)
    placed, beats = [*before, *after]
    world.context[BEATS] = beats
    tested = tuple(without(ring, apart[at]) for at, ring in enumerate(tested))
    whole, tested = tested, tuple(declarations.strangers(r, world, settings.fewest_accounts) for r in tested)
    world.context[ASIDE] = _left_out(whole, tested, world.size)
    tested = tuple(r for r in tested if world.customers(r.members) >= settings.fewest_accounts)
    tested, world.context[allies.ALLIED] = allies.joined(tested, beats, world, settings.fewest_accounts)
    owned = owned_by(world, tested)
    if world.context[allies.ALLIED]:
        # What is dealt to whom shows only among those who belong together.
        world = _under_test(world, tested, owned)
        fold("look at what was joined", [Apart(PROPOSE)], world)
    tested = shares.joined(tested, placed, owned, world, free)
    world = _under_test(world, tested, owned_by(world, tested))
    world.context["excess"] = shares.learned(tested, placed, world)
    tests = [e for e in able if e.stage == "confirm"]
    every_trait = [e for e in able if e.stage == "trait"]
    traits = [e for e in every_trait if e.card.name not in standing]
    last = [*tests, *traits, Placing(CONFIRM, members_only=True), Apart(CONFIRM), Filling(), Harvested()]
    *results, confirming, apart, filled, harvest = fold("confirm on other sessions", last, world)
    named = shares.taking_part(world, placed, confirming)
    found = {id(test): result for test, result in zip(tests, results, strict=False)}
    read = dict(zip([trait.card.name for trait in traits], results[len(tests) :], strict=True))
    shown = tuple(
        standing.get(card.name) or measured(card, read[card.name], world)
        for card in (trait.card for trait in every_trait)
    )
    # Members are named after the ring was judged with them: leaving out on the same half can't help a verdict.
    seen = tests, found, shown
    judged = tuple(
        _judge(at, without(ring, apart[at]), named.get(at), world, seen, settings, known, len(proposed))
        for at, ring in enumerate(tested)
    )
    judged = _with_late(judged, filled, world, known, settings.fewest_accounts)
    harvest = _with_all_of_late(judged, harvest, world, fold)
    order = sorted(
        range(len(judged)), key=lambda i: (-judged[i].verdict.log_odds, int(judged[i].ring.members[0]))
    )
    return Detection(
        world,
        ties,
        tuple(judged[i] for i in order),
        harvest,
        world.context["ring_of"],
        every,
        len(proposed),
        settings.fewest_accounts,
        shown,
        filled,
        sum(not free[ring.members].all() for ring in proposed),
        np.flatnonzero(world.context[ASIDE]),
    )


@contextmanager
def _of_everybody(log: Arranged, world: World) -> Iterator[Callable[[], tuple[list[Any], list[Any]]]]:
    """What rings have no part in is found while groups are looked at, which leaves half of the processors idle.

    Folds that are still to be done, and what the others found: where nothing is idle, a pass of its own is dear.
    """
    folds: list[Any] = [Placing(PROPOSE), Beating()]
    if world.workers <= 1:
        yield lambda: (folds, [])
        return
    as_now, fewer = replace(world, context=dict(world.context)), log.with_workers(world.workers // 2)
    with beside(lambda: passes.run(folds, fewer, as_now), world.workers) as found:
        yield lambda: ([], found())


def _groups(
    ties: Graph, able: Sequence[Fold], world: World, settings: DetectSettings, fold: Folding
) -> tuple[tuple[Ring, ...], tuple[Ring, ...], dict[str, Measured]]:
    """All groups that are proposed, those that are to be tested, and what of single accounts is known before."""
    with beside(lambda: first_look.standing(able, world), world.workers) as shown:
        bound = cores(world.context.get("templates"), world.context.get("clusters"), world.customer)
        shared = [world.context[k] for k in SHARED if k in world.context]
        proposed = tuple(r for r in rings(ties, shared, bound) if len(r.members) >= settings.fewest_accounts)
        standing = shown()
    if not first_look.too_many(proposed, world, settings):
        return proposed, proposed, standing

    def glance(folds: Sequence[Any], few: World) -> list[Any]:
        return fold("look at every group", folds, few)

    as_one = np.zeros(world.size, bool)
    for core in bound:
        as_one[core.members] = True
    looked = first_look.likeliest(
        proposed, ties, as_one, able, world, settings, glance, list(standing.values())
    )
    return proposed, looked, standing


def _with_late(
    judged: tuple[Judged, ...],
    filled: Fillings,
    world: World,
    known: Sequence[Declaration],
    fewest: int,
) -> tuple[Judged, ...]:
    """The rings beyond doubt with accounts that only their templates and hours bring to them, the strongest first.

    Accounts that a declaration covers stay out, and so do the keys of organisations that were left out of the test.
    Groups that lose too many accounts by this were parts of a ring, and are judged no more.
    """
    likely = [each for each in judged if each.verdict.word == "likely" and each.declared is None]
    taken = declarations.covered(world, known) | world.context[ASIDE]
    for each in likely:
        taken[each.ring.members] = True
    out = {each.at: each for each in judged}
    moved: list[npt.NDArray[np.int32]] = []
    for each in sorted(likely, key=lambda each: (-each.verdict.log_odds, each.at)):
        found = late(filled.of(each.at), each.ring.members, taken, world)
        taken[found] = True
        moved.append(found)
        members = np.union1d(each.ring.members, found).astype(np.int32)
        # Whoever it was judged with comes back, and isn't late.
        joined = np.setdiff1d(found, world.rings[each.at].members).astype(np.int32)
        out[each.at] = replace(each, ring=replace(each.ring, members=members), late=joined)
        world.context["ring_of"][found] = each.at
    gone = np.concatenate(moved) if moved else np.empty(0, np.int32)
    kept = {each.at for each in likely}
    for each in judged:
        if each.at not in kept and np.isin(each.ring.members, gone).any():
            rest = without(each.ring, gone)
            if world.customers(rest.members) < fewest:
                del out[each.at]
            else:
                out[each.at] = replace(each, ring=rest)
    return tuple(out.values())


def _with_all_of_late(judged: Sequence[Judged], harvest: Harvest, world: World, fold: Folding) -> Harvest:
    """The harvest with all rows of accounts that joined their rings late."""
    late = np.concatenate([np.empty(0, np.int32), *(each.late for each in judged)])
    if not len(late):
        return harvest
    # Rows of all others are in it as they are: only these accounts have another ring now.
    ring_of = np.full(world.size, -1, np.int32)
    ring_of[late] = world.context["ring_of"][late]
    only = replace(world, context={**world.context, "ring_of": ring_of})
    return harvest.with_all_of(late, fold("look at those who take part", [Harvested()], only)[0])


def without(ring: Ring, members: npt.NDArray[np.int32]) -> Ring:
    """The ring without some of its members."""
    return replace(ring, members=ring.members[~np.isin(ring.members, members)])


def _under_test(world: World, rings: tuple[Ring, ...], owned: RingObjects) -> World:
    """The world with these rings under test."""
    world = replace(world, rings=rings)
    world.context.update(ring_of=ring_by_account(rings, world.size), ring_objects=owned)
    return world


def _left_out(whole: Sequence[Ring], parts: Sequence[Ring], size: int) -> npt.NDArray[np.bool_]:
    """Accounts of the rings that aren't in their parts."""
    out = np.zeros(size, bool)
    for ring, part in zip(whole, parts, strict=True):
        out[np.setdiff1d(ring.members, part.members)] = True
    return out


def _free(proposed: Sequence[Ring], tested: Sequence[Ring], size: int) -> npt.NDArray[np.bool_]:
    """Which accounts are in no group that goes without a test."""
    out = np.ones(size, bool)
    for ring in proposed:
        out[ring.members] = False
    for ring in tested:
        out[ring.members] = True
    return out


def _judge(
    at: int,
    ring: Ring,
    named: shares.TakingPart | None,
    world: World,
    seen: tuple[Sequence[Fold], Mapping[int, Mapping[int, Finding]], Sequence[Measured]],
    settings: DetectSettings,
    known: Sequence[Declaration],
    tested: int,
) -> Judged:
    tests, found, traits = seen
    findings = [(test.card, found[id(test)].get(at)) for test in tests]
    findings += [(t.card, of_ring(t, world.rings[at], world)) for t in traits if not t.card.alone]
    # What was looked at and says nothing either way is no bar of a waterfall.
    pieces: list[tuple[Card, Finding]] = [(card, f) for card, f in findings if f is not None and f.raw]
    # Whoever isn't named must not make a few customers look like many.
    told = ring
    if named is not None:
        told = replace(ring, members=np.intersect1d(ring.members, named.account[named.nats >= NAMED]))
    organisation = declarations.one_organisation(told if len(told.members) else ring, world)
    if organisation is not None:
        pieces.append((declarations.ORGANISATION, organisation))
    declared = declarations.declared(ring, world, known)
    if declared is not None:
        pieces.append((declarations.DECLARED, declarations.finding(declared)))
    explained = RELAYED if at in world.context.get(RELAYS, ()) else frozenset()
    verdict = combine(
        pieces,
        prior=settings.prior,
        threshold=settings.threshold,
        tested=tested,
        explained=explained,
        attributes=world.context[ATTRIBUTES],
    )
    undecided = declarations.undecided(ring, world, known) if declared is None else ()
    return Judged(ring, verdict, declared, at, undecided, named)

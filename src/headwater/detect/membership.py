"""Which accounts of a judged ring can be named as its members, and which of their exchanges are the ring's.

A ring is judged with everybody whom ties brought together; bystanders among them must not be accused by its verdict. An
account is named by what it fills of the ring's templates at the ring's hours, or, where templates name too few, by what
it asks for. Where neither tells anybody apart, nobody is accused: the ring is shown whole, and no more than possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from headwater.detect import hours
from headwater.detect.attribution import VARIED, seldom
from headwater.detect.cells import NAMED, OURS, mixture
from headwater.detect.fillings import LEAST_FILLED, bar, much_alike, standing
from headwater.detect.fold import NO_KEY
from headwater.detect.harvest import Harvest
from headwater.detect.ordering import ByCode
from headwater.detect.pipeline import Detection, Judged
from headwater.detect.setups import RELAYS, of_one_client

#: Below this share of template exchanges no template tells a ring's exchanges from others.
LEAST_SHARE = 0.05
#: The chance from which an exchange is attributed by its content: at 0.5 more of the harvest is, and under much cover
#: more of what is not. (At 0.8 F1 was never below that of templates alone, in five worlds of four rings.)
LIKELIER = 0.8


@dataclass(frozen=True)
class View:
    """The rows of one ring: positions in the harvest, and which of them are attributed.

    `hours`: nats by which the hours of each member's attributed rows are the ring's (members). `told`: whether its
    members could be told from bystanders.
    """

    rows: npt.NDArray[np.int64]
    attributed: npt.NDArray[np.bool_]
    by_template: bool
    hours: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    told: bool = True


def named(detection: Detection) -> Iterator[tuple[Judged, View]]:
    """Every judged ring, strongest first, with the members that can be named and their rows."""
    by_ring = ByCode(detection.ring_of[detection.harvest.account])

    def name(judged: Judged) -> tuple[Judged, View]:
        rows = by_ring.of(judged.at)
        return _named(detection, judged, rows[np.isin(detection.harvest.account[rows], judged.ring.members)])

    with ThreadPoolExecutor(detection.world.workers) as pool:
        yield from pool.map(name, detection.judged)


def relay(detection: Detection, at: int) -> bool:
    """Whether the ledger took this ring's accounts for ones through which many clients' requests pass."""
    return at in detection.world.context.get(RELAYS, ())


def _named(detection: Detection, judged: Judged, rows: npt.NDArray[np.int64]) -> tuple[Judged, View]:
    """The ring with the members that its templates name, or else its content, where either can; and their rows."""
    whole = judged, _of_its_clients(detection, judged.at, _view(detection.harvest, rows))
    for found in (_by_templates(detection, *whole), _by_content(detection, judged, rows)):
        if found is not None and len(found[0].ring.members) >= detection.fewest:
            return found
    if judged.verdict.word == "likely":
        judged = replace(judged, verdict=replace(judged.verdict, word="possible"))
    return judged, replace(_with_hours(detection, judged, whole[1]), told=False)


def _by_templates(detection: Detection, judged: Judged, view: View) -> tuple[Judged, View] | None:
    """The accounts that fill the ring's templates as its members do, when they do; None where it has none.

    Whoever never fills one was tied to the ring by something else, and so was an account of many exchanges of which
    one looks like the ring's. What an account fills must also tell it from everybody outside: an opening that a dozen
    strangers are fond of names nobody, however often one of them writes it.
    """
    if not view.by_template:
        return None
    view = _with_hours(detection, judged, view)
    world, members = detection.world, judged.ring.members
    place = np.searchsorted(members, detection.harvest.account[view.rows])
    sent = np.bincount(place, minlength=len(members))
    times = np.bincount(place, view.attributed, len(members)).astype(np.int64)
    some = times > 0
    if not some.any():
        return None
    usual = float(np.median(times[some] / sent[some]))
    least = min(LEAST_FILLED, int(np.median(times[some])))
    filled = detection.filled.of(judged.at)
    told = standing(filled, np.setdiff1d(members, judged.late), world, judged.late.astype(np.int64)).at(
        members
    )
    sure = told.nats + np.maximum(view.hours, 0) >= bar(len(members), world.size - len(members))
    sure &= (told.nats >= VARIED * told.usual) & (view.hours > hours.OWN_HOURS)
    often = much_alike(told) | ~seldom(times, sent, usual)
    named, view = _only(detection, judged, view, (times >= least) & often & sure)
    return named, _with_content(detection, judged.at, view)


def _with_content(detection: Detection, at: int, view: View) -> View:
    """The view with what fills no template and is likelier the ring's than its members' own, by what it asks for.

    Not in a relay, where other customers' requests pass through the same accounts.
    """
    known = detection.world.context.get("excess", {}).get(at)
    if known is None or relay(detection, at):
        return view
    rest = np.flatnonzero(~view.attributed)
    account = detection.harvest.account[view.rows[rest]]
    cell = detection.harvest.cell[view.rows[rest]].astype(np.int64)
    attributed = view.attributed.copy()
    attributed[rest] = mixture(known[0].ratio(account, cell)) > LIKELIER
    return replace(view, attributed=attributed)


def _by_content(
    detection: Detection, judged: Judged, rows: npt.NDArray[np.int64]
) -> tuple[Judged, View] | None:
    """The accounts that ask for what the ring asks for, when it does; None where content can't tell."""
    if judged.named is None:
        return None
    known, _ = detection.world.context["excess"][judged.at]
    takes_part = judged.named
    ring = replace(judged.ring, members=np.intersect1d(judged.ring.members, takes_part.account))
    judged = replace(judged, ring=ring)
    rows = rows[np.isin(detection.harvest.account[rows], ring.members)]
    account, cell = detection.harvest.account[rows], detection.harvest.cell[rows].astype(np.int64)
    ratio = known.ratio(account, cell)
    likelier = (
        known.chance(account, cell) > OURS if relay(detection, judged.at) else mixture(ratio) > LIKELIER
    )
    view = View(rows, likelier, False)
    view = _with_hours(detection, judged, _of_its_clients(detection, judged.at, view))
    nats = takes_part.nats[np.searchsorted(takes_part.account, ring.members)]
    return _only(detection, judged, view, (nats + view.hours >= NAMED) & (view.hours > hours.OWN_HOURS))


def _with_hours(detection: Detection, judged: Judged, view: View) -> View:
    """The view with how well each member keeps the ring's hours."""
    harvest, members = detection.harvest, judged.ring.members
    place = np.searchsorted(members, harvest.account[view.rows]).astype(np.int64)
    at_us = harvest.at_us[view.rows]
    usual, first = hours.usual(detection.world, at_us)
    mine = view.attributed
    return replace(view, hours=hours.kept(place[mine], at_us[mine], len(members), usual, first))


def _only(
    detection: Detection, judged: Judged, view: View, keep: npt.NDArray[np.bool_]
) -> tuple[Judged, View]:
    """Ring and view with some members alone."""
    ring = replace(judged.ring, members=judged.ring.members[keep])
    theirs = np.isin(detection.harvest.account[view.rows], ring.members)
    view = replace(view, rows=view.rows[theirs], attributed=view.attributed[theirs], hours=view.hours[keep])
    return replace(judged, ring=ring), view


def _view(harvest: Harvest, rows: npt.NDArray[np.int64]) -> View:
    filled = harvest.key[rows] != NO_KEY
    if filled.mean() < LEAST_SHARE if len(rows) else True:
        return View(rows, np.ones(len(rows), bool), False)
    return View(rows, filled, True)


def _of_its_clients(detection: Detection, at: int, view: View) -> View:
    """In a relay, what the harvest's own clients send is what is attributed."""
    if view.attributed.all() or not relay(detection, at):
        return view
    setup = detection.harvest.setup[view.rows]
    return replace(view, attributed=of_one_client(setup, view.attributed))

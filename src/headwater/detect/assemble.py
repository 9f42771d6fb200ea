"""Judged rings as campaigns: names, members, what was taken, templates in words, timelines.

Everything a reader needs of one ring in one plain record; nothing is decided here that the ledger hasn't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import fillers
from headwater.detect.cells import OURS
from headwater.detect.combine import Verdict
from headwater.detect.declarations import GROUP as EXCUSE
from headwater.detect.fold import NO_KEY, Ring
from headwater.detect.harvest import HOUR_US, Harvest
from headwater.detect.known import Declaration
from headwater.detect.naming import inherit, name_of
from headwater.detect.pipeline import Detection, Judged
from headwater.detect.rings import bridges, drawn, member_ties
from headwater.detect.setups import RELAYS, of_one_client
from headwater.detect.verdict import REPORTED, Campaign, Kind, Member, Piece, Taken, Template, Undecided
from headwater.detect.wording import align
from headwater.imprint import intents as known_intents

#: Text of given rows, where the log keeps it: row number → prompt.
Prompts = Callable[[npt.NDArray[np.int64]], Mapping[int, str]]

#: Templates shown for one campaign, texts read for each, ties drawn on the map.
TEMPLATES, TEXTS, TIES = 3, 24, 3000
#: Below this share of template exchanges no template tells a ring's exchanges from others.
LEAST_SHARE = 0.05
#: Proposals shown though they didn't reach the threshold, beside those that only what is known of them holds back.
CONSIDERED = 25
DAY_US = 86_400_000_000

NULL_MODEL = (
    "Every proposed ring counts. Templates: the members' sessions fill the ring's templates as often as other "
    "sessions of the same hour and volume (labels permuted within strata, hypergeometric). Queue: accounts are "
    "separate authors, with the author effect of real groups chosen for likeness. Pool and purse: each account "
    "shifted in time on its own. Chance is the number of rings tested times exp(−evidence), an upper bound by "
    "Markov's inequality; it is never stated below 1 in 1,000."
)


@dataclass(frozen=True)
class View:
    """The rows of one ring: positions in the harvest, and which of them are attributed."""

    rows: npt.NDArray[np.int64]
    attributed: npt.NDArray[np.bool_]
    by_template: bool


def campaigns(
    detection: Detection,
    prompts: Prompts | None,
    earlier: Sequence[tuple[str, frozenset[str]]] = (),
) -> tuple[tuple[Campaign, ...], tuple[Campaign, ...], npt.NDArray[np.bool_]]:
    """Reported campaigns, considered ones, and for each row of the harvest whether it is attributed to its ring."""
    names = _names(detection, earlier)
    attributed = np.zeros(len(detection.harvest.row), bool)
    reported: list[Campaign] = []
    considered: list[Campaign] = []
    room = CONSIDERED
    for judged, view in named(detection):
        shown = judged.verdict.word == "likely"
        excused = not shown and _excused(judged.verdict)
        weak = not excused and (room == 0 or judged.verdict.word == "unrelated")
        if not shown and (weak or not len(judged.ring.members)):
            continue
        room -= not shown and not excused
        if shown:
            attributed[view.rows] = view.attributed
        campaign = _campaign(detection, judged, view, names[judged.at], prompts)
        (reported if shown else considered).append(campaign)
    return tuple(reported), tuple(considered), attributed


def named(detection: Detection) -> Iterator[tuple[Judged, View]]:
    """Every judged ring, strongest first, with the members that can be named and their rows."""
    ring_of_row = detection.ring_of[detection.harvest.account]
    order = np.argsort(ring_of_row, kind="stable")
    bounds = np.searchsorted(ring_of_row[order], np.arange(len(detection.world.rings) + 1))
    for judged in detection.judged:
        rows = order[bounds[judged.at] : bounds[judged.at + 1]]
        rows = rows[np.isin(detection.harvest.account[rows], judged.ring.members)]
        yield _named(detection, judged, rows)


def _excused(verdict: Verdict) -> bool:
    """Whether the ring would be possible at least, if it weren't declared or few customers in the open.

    Such a ring is always shown: what is known of it must not delete it.
    """
    excuse = sum(piece.llr for piece in verdict.pieces if piece.group == EXCUSE)
    return excuse < 0 and verdict.log_odds - excuse >= 0


def _named(detection: Detection, judged: Judged, rows: npt.NDArray[np.int64]) -> tuple[Judged, View]:
    """The ring with the members that its templates name, or else its content, where either can; and their rows.

    Where too few can be named, or neither templates nor content can name any, nobody is accused: the verdict is then of
    the ring at most possible.
    """
    view = _of_its_clients(detection, judged.at, _view(detection.harvest, rows))
    if view.by_template:
        account = detection.harvest.account[rows]
        key, world = detection.harvest.key[rows], detection.world
        outside = world.size - len(world.rings[judged.at].members)
        filling = fillers(account, view.attributed, key, world.context["ring_objects"], outside)
        ring = replace(judged.ring, members=np.intersect1d(judged.ring.members, filling))
        judged = replace(judged, ring=ring)
        kept = np.isin(account, filling)
        view = replace(view, rows=rows[kept], attributed=view.attributed[kept])
    elif judged.named is not None:
        members = np.intersect1d(judged.ring.members, judged.named)
        judged = replace(judged, ring=replace(judged.ring, members=members))
        theirs = rows[np.isin(detection.harvest.account[rows], members)]
        view = _of_its_clients(detection, judged.at, _by_content(detection, judged.at, theirs))
    nameless = not view.by_template and judged.named is None
    if (nameless or len(judged.ring.members) < detection.fewest) and judged.verdict.word == "likely":
        judged = replace(judged, verdict=replace(judged.verdict, word="possible"))
    return judged, view


def _view(harvest: Harvest, rows: npt.NDArray[np.int64]) -> View:
    filled = harvest.key[rows] != NO_KEY
    if filled.mean() < LEAST_SHARE if len(rows) else True:
        return View(rows, np.ones(len(rows), bool), False)
    return View(rows, filled, True)


def _of_its_clients(detection: Detection, at: int, view: View) -> View:
    """In a relay, what the harvest's own clients send is what is attributed."""
    if view.attributed.all() or not _relay(detection, at):
        return view
    setup = detection.harvest.setup[view.rows]
    return replace(view, attributed=of_one_client(setup, view.attributed))


def _relay(detection: Detection, at: int) -> bool:
    """Whether the ledger took this ring's accounts for ones through which many clients' requests pass."""
    return at in detection.world.context.get(RELAYS, ())


def _by_content(detection: Detection, at: int, rows: npt.NDArray[np.int64]) -> View:
    """Rows attributed by the chance that what they ask for is the ring's."""
    known, _ = detection.world.context["excess"][at]
    account, cell = detection.harvest.account[rows], detection.harvest.cell[rows].astype(np.int64)
    return View(rows, known.chance(account, cell) > OURS, False)


def _names(detection: Detection, earlier: Sequence[tuple[str, frozenset[str]]]) -> dict[int, str]:
    """The name of each ring by its index: taken over from before, or from its first member to appear."""
    world, harvest = detection.world, detection.harvest
    first = np.full(world.size, np.iinfo(np.int64).max)
    np.minimum.at(first, harvest.account, harvest.at_us)
    members = [frozenset(world.accounts[m] for m in ring.members.tolist()) for ring in world.rings]
    names = inherit(members, earlier)
    taken = {name for name, _ in earlier}
    for judged in detection.judged:
        if judged.at not in names:
            ring = judged.ring.members
            anchor = world.accounts[int(ring[np.lexsort((ring, first[ring]))[0]])]
            names[judged.at] = name_of(anchor, taken | set(names.values()))
    return names


def _campaign(
    detection: Detection, judged: Judged, view: View, name: str, prompts: Prompts | None
) -> Campaign:
    harvest, world, ring = detection.harvest, detection.world, judged.ring
    at_us = harvest.at_us[view.rows]
    templates = _templates(detection, view, prompts) if view.by_template else ()
    verdict = judged.verdict
    kind = _kind(detection, judged)
    members = _members(detection, ring, view)
    pool = next((p for p in verdict.pieces if p.evidence == "pool" and p.raw > 0), None)
    taken = _taken(harvest, view)
    return Campaign(
        id=name,
        kind=kind,
        word=verdict.word,
        probability=verdict.probability,
        log_odds=verdict.log_odds,
        prior_log_odds=verdict.log_odds - sum(p.llr for p in verdict.pieces),
        chance=verdict.chance,
        null_model=NULL_MODEL,
        sentence=_sentence(
            len(members), view, taken, verdict.pieces, kind, reported=verdict.word in REPORTED
        ),
        pieces=verdict.pieces,
        members=members,
        exchanges=int(view.attributed.sum()),
        first_at_us=int(at_us.min()) if len(at_us) else 0,
        last_at_us=int(at_us.max()) if len(at_us) else 0,
        taken=taken,
        templates=templates,
        timeline=_timeline(at_us, view.attributed),
        pivots=_pivots(detection, view),
        share_in_view=pool.figures.get("share_in_view") if pool else None,
        declared=_party(judged.declared) if judged.declared else None,
        undecided=_undecided(judged),
        links=drawn(detection.graph, ring, TIES),
        bridges=tuple(
            (world.accounts[a], world.accounts[b], w)
            for a, b, w in bridges(detection.graph, detection.ring_of, judged.at)
        ),
        judged_with=len(world.rings[judged.at].members),
    )


def _party(party: Declaration) -> str:
    return f"{party.kind}: {party.name}"


def _undecided(judged: Judged) -> tuple[Undecided, ...]:
    """The declarations that name some of its accounts, with the places of those among the members."""
    return tuple(
        Undecided(
            declared=_party(named.party),
            accounts=tuple(np.flatnonzero(np.isin(judged.ring.members, named.members)).tolist()),
            named=len(named.members),
            judged=named.judged,
            ended=named.party.until.isoformat() if named.ended and named.party.until else None,
        )
        for named in judged.undecided
    )


def _kind(detection: Detection, judged: Judged) -> Kind:
    if judged.declared is not None:
        return "relay or reseller" if judged.declared.kind == "reseller" else "legitimate fleet"
    if any(p.evidence == "organisation" for p in judged.verdict.pieces):
        return "legitimate fleet"
    if _relay(detection, judged.at):
        return "relay or reseller"
    return "extraction ring" if judged.verdict.word == "likely" else "undetermined"


def _members(detection: Detection, ring: Ring, view: View) -> tuple[Member, ...]:
    harvest, world = detection.harvest, detection.world
    place = np.searchsorted(ring.members, harvest.account[view.rows])
    size = len(ring.members)
    total = np.bincount(place, minlength=size)
    hits = np.bincount(place[view.attributed], minlength=size)
    first = np.full(size, np.iinfo(np.int64).max)
    last = np.zeros(size, np.int64)
    np.minimum.at(first, place, harvest.at_us[view.rows])
    np.maximum.at(last, place, harvest.at_us[view.rows])
    tie, kinds = member_ties(detection.graph, ring)
    return tuple(
        Member(
            account=world.accounts[int(code)],
            organisation=world.organisations[int(code)],
            exchanges=int(total[i]),
            attributed=int(hits[i]),
            tie=float(tie[i]),
            first_at_us=int(first[i]),
            last_at_us=int(last[i]),
            ties=kinds[i],
        )
        for i, code in enumerate(ring.members)
    )


def _taken(harvest: Harvest, view: View) -> tuple[Taken, ...]:
    intents = harvest.intents[view.rows][view.attributed]
    total = max(len(intents), 1)
    out = []
    for intent in known_intents():
        count = int(((intents >> np.uint32(intent.bit)) & np.uint32(1)).sum())
        if count:
            out.append(Taken(intent.name.replace("_", " ").replace("-", " "), count, count / total))
    plain = int((intents == 0).sum())
    if plain:
        out.append(Taken("requests without a known intent", plain, plain / total))
    return tuple(sorted(out, key=lambda t: (-t.exchanges, t.what)))


def _timeline(
    at_us: npt.NDArray[np.int64], attributed: npt.NDArray[np.bool_]
) -> tuple[tuple[int, int, int], ...]:
    hour, inverse = np.unique(at_us // HOUR_US, return_inverse=True)
    every = np.bincount(inverse, minlength=len(hour))
    hits = np.bincount(inverse[attributed], minlength=len(hour))
    return tuple((int(h) * HOUR_US, int(a), int(n)) for h, a, n in zip(hour, hits, every, strict=True))


def _pivots(detection: Detection, view: View) -> tuple[tuple[str, int, float], ...]:
    """For each model: when the ring first used it, and which share of those that ever did had by a day later."""
    harvest = detection.harvest
    model, account, at_us = harvest.model[view.rows], harvest.account[view.rows], harvest.at_us[view.rows]
    out = []
    for code in np.unique(model[model >= 0]):
        rows = model == code
        order = np.lexsort((at_us[rows], account[rows]))
        _, start = np.unique(account[rows][order], return_index=True)
        firsts = at_us[rows][order][start]
        out.append(
            (
                detection.world.models[int(code)],
                int(firsts.min()),
                float((firsts <= firsts.min() + DAY_US).mean()),
            )
        )
    return tuple(sorted(out, key=lambda p: (p[1], p[0])))


def _templates(detection: Detection, view: View, prompts: Prompts | None) -> tuple[Template, ...]:
    harvest = detection.harvest
    rows = view.rows[view.attributed]
    keys, count = np.unique(harvest.key[rows], return_counts=True)
    out = []
    for key in keys[np.lexsort((keys, -count))][:TEMPLATES]:
        mine = rows[harvest.key[rows] == key]
        accounts = len(np.unique(harvest.account[mine]))
        texts, who = _sample(detection, mine, prompts)
        fixed, slots, fillings = align(texts) if texts else ((), (), [])
        out.append(
            Template(
                key=f"{int(key):016x}",
                texts=fixed,
                slots=slots,
                exchanges=len(mine),
                accounts=accounts,
                share=len(mine) / len(rows),
                prompts=len(np.unique(harvest.exact[mine])),
                fillings=tuple(zip(who, fillings, strict=False)) if len(fillings) == len(who) else (),
            )
        )
    return tuple(out)


def _sample(
    detection: Detection, rows: npt.NDArray[np.int64], prompts: Prompts | None
) -> tuple[list[str], list[str]]:
    """Texts of some rows, different accounts first, chosen by content so that order can't matter."""
    if prompts is None:
        return [], []
    harvest = detection.harvest
    order = rows[np.lexsort((harvest.at_us[rows], harvest.exact[rows]))]
    _, first = np.unique(harvest.account[order], return_index=True)
    chosen = order[np.sort(first)][:TEXTS]
    if len(chosen) < TEXTS:
        rest = order[~np.isin(order, chosen)]
        chosen = np.concatenate([chosen, rest[: TEXTS - len(chosen)]])
    found = prompts(np.sort(harvest.row[chosen]))
    pairs = [
        (found[int(harvest.row[i])], detection.world.accounts[int(harvest.account[i])])
        for i in chosen
        if found.get(int(harvest.row[i]))
    ]
    return [text for text, _ in pairs], [account for _, account in pairs]


def _sentence(
    members: int,
    view: View,
    taken: Sequence[Taken],
    pieces: Sequence[Piece],
    kind: Kind,
    *,
    reported: bool = True,
) -> str:
    hits, every = int(view.attributed.sum()), len(view.rows)
    what = (
        f", mostly {taken[0].what.lower()}"
        if taken and not taken[0].what.startswith("requests without")
        else ""
    )
    speaking = [p.evidence for p in pieces if p.llr > 0]
    ties = {
        "template": "fill the same rare templates",
        "queue": "send prompts that could all come from one queue",
        "pool": "share one pool of workers",
        "purse": "pause together",
        "infrastructure": "share means of payment or access",
        "dealt": "never repeat each other's requests",
    }
    shared = next((p.figures for p in pieces if p.evidence == "infrastructure" and "tied" in p.figures), None)
    if shared and shared["tied"] < shared["members"]:  # what they share, not all of them need to
        ties["infrastructure"] += f" ({shared['tied']:,.0f} of {shared['members']:,.0f})"
    said = [ties[name] for name in speaking if name in ties][:3]
    head = f"{members:,} accounts " + (
        ", ".join(said[:-1]) + " and " + said[-1]
        if len(said) > 1
        else "".join(said) or "were proposed as one ring"
    )
    are = "are" if reported else "would be"  # nothing is attributed to a group that was only considered
    tail = f": {hits:,} of their {every:,} exchanges {are} attributed{what}."
    return (
        head + tail
        if kind != "legitimate fleet"
        else head + tail[:-1] + "; a declared or open affiliation speaks for them."
    )

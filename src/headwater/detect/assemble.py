"""Judged rings as campaigns: names, members, what was taken, templates in words, timelines.

Everything a reader needs of one ring in one plain record; nothing is decided here that the ledger hasn't.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.combine import Verdict
from headwater.detect.declarations import GROUP as EXCUSE
from headwater.detect.declarations import ORGANISATION
from headwater.detect.fold import NO_KEY
from headwater.detect.harvest import HOUR_US, Harvest
from headwater.detect.hashed import mixed
from headwater.detect.known import Declaration
from headwater.detect.membership import View, named, relay
from headwater.detect.naming import inherit, name_of
from headwater.detect.pipeline import Detection, Judged
from headwater.detect.rings import bridges, drawn, member_ties
from headwater.detect.verdict import (
    A_KIND,
    REPORTED,
    Campaign,
    Kind,
    Member,
    Piece,
    Taken,
    Template,
    Undecided,
)
from headwater.detect.wording import align
from headwater.imprint import intents as known_intents

#: Text of given rows, where the log keeps it: row number → prompt.
Prompts = Callable[[npt.NDArray[np.int64]], Mapping[int, str]]

#: Templates shown for one campaign, texts read for each, ties drawn on the map.
TEMPLATES, TEXTS, TIES = 3, 24, 3000
#: Hours that most texts of a template come from, where there are so many.
SAMPLE_HOURS = 3
#: Evidence of a list that is worked off or dealt out, and share of attributed exchanges with a known intent: either
#: makes an extraction ring of accounts that act as one. Without both it isn't known what they act for.
LISTS, ASKING = frozenset({"dealt", "sweep"}), 0.1
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


def campaigns(
    detection: Detection,
    prompts: Prompts | None,
    earlier: Sequence[tuple[str, frozenset[str]]] = (),
) -> tuple[tuple[Campaign, ...], tuple[Campaign, ...], npt.NDArray[np.bool_]]:
    """Reported campaigns, considered ones, and for each row of the harvest whether it is attributed to its ring."""
    names = _names(detection, earlier)
    attributed = np.zeros(len(detection.harvest.row), bool)
    chosen: list[tuple[Judged, View, list[_Form]]] = []
    room = CONSIDERED
    for judged, view in named(detection):
        shown = judged.verdict.word == "likely"
        excused = not shown and _excused(judged.verdict)
        weak = not excused and (room == 0 or judged.verdict.word == "unrelated")
        if not shown and weak:
            continue
        room -= not shown and not excused
        if shown:
            attributed[view.rows] = view.attributed
        chosen.append((judged, view, _forms(detection, view) if view.by_template else []))
    # All texts at once: where they lie, many of them are read together.
    rows = [form.shown for _, _, forms in chosen for form in forms]
    texts = prompts(np.unique(detection.harvest.row[np.concatenate(rows)])) if rows and prompts else {}

    def make(one: tuple[Judged, View, list[_Form]]) -> Campaign:
        judged, view, forms = one
        return _campaign(detection, judged, view, forms, names[judged.at], texts)

    with ThreadPoolExecutor(detection.world.workers) as pool:
        made = list(pool.map(make, chosen))
    return (
        tuple(campaign for campaign in made if campaign.word == "likely"),
        tuple(campaign for campaign in made if campaign.word != "likely"),
        attributed,
    )


def _excused(verdict: Verdict) -> bool:
    """Whether the ring would be possible at least, if it weren't declared or few customers in the open.

    Such a ring is always shown: what is known of it must not delete it.
    """
    excuse = sum(piece.llr for piece in verdict.pieces if piece.group == EXCUSE)
    return excuse < 0 and verdict.log_odds - excuse >= 0


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
            ring = np.setdiff1d(judged.ring.members, judged.late)
            anchor = world.accounts[int(ring[np.lexsort((ring, first[ring]))[0]])]
            names[judged.at] = name_of(anchor, taken | set(names.values()))
    return names


def _campaign(
    detection: Detection,
    judged: Judged,
    view: View,
    forms: Sequence[_Form],
    name: str,
    texts: Mapping[int, str],
) -> Campaign:
    harvest, world, ring = detection.harvest, detection.world, judged.ring
    at_us = harvest.at_us[view.rows]
    templates = tuple(_template(detection, view, form, texts) for form in forms)
    verdict = judged.verdict
    kind = _kind(detection, judged, view)
    members = _members(detection, judged, view)
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
        told=view.told,
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


def _kind(detection: Detection, judged: Judged, view: View) -> Kind:
    if judged.declared is not None:
        return "relay or reseller" if judged.declared.kind == "reseller" else "legitimate fleet"
    if any(p.evidence == ORGANISATION.name for p in judged.verdict.pieces):
        return "legitimate fleet"
    if relay(detection, judged.at):
        return "relay or reseller"
    extracts = judged.verdict.word == "likely" and (_listed(judged) or _asks(detection, view))
    return "extraction ring" if extracts else "undetermined"


def _listed(judged: Judged) -> bool:
    """Whether the ring works off a list, or deals one out: nobody repeats what another asked."""
    return any(p.evidence in LISTS and p.raw >= A_KIND for p in judged.verdict.pieces)


def _asks(detection: Detection, view: View) -> bool:
    """Whether enough of what is attributed asks for what training needs."""
    intents = detection.harvest.intents[view.rows][view.attributed]
    return bool(len(intents)) and float((intents != 0).mean()) >= ASKING


def _members(detection: Detection, judged: Judged, view: View) -> tuple[Member, ...]:
    harvest, world, ring = detection.harvest, detection.world, judged.ring
    late = np.isin(ring.members, judged.late)
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
            hours=float(view.hours[i]),
            late=bool(late[i]),
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


@dataclass(frozen=True)
class _Form:
    """A template of a ring by its object: places in the harvest of its exchanges, and of those that are shown."""

    key: int
    rows: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]


def _forms(detection: Detection, view: View) -> list[_Form]:
    """The templates that most of a ring's exchanges fill."""
    harvest = detection.harvest
    rows = view.rows[view.attributed]
    # Some are attributed by their content alone, and fill none.
    keys, count = np.unique(harvest.key[rows][harvest.key[rows] != NO_KEY], return_counts=True)
    out = []
    for key in keys[np.lexsort((keys, -count))][:TEMPLATES]:
        mine = rows[harvest.key[rows] == key]
        out.append(_Form(int(key), mine, _sample(detection, mine)))
    return out


def _template(detection: Detection, view: View, form: _Form, texts: Mapping[int, str]) -> Template:
    harvest, accounts = detection.harvest, detection.world.accounts
    shown = [(texts.get(int(harvest.row[i])), accounts[int(harvest.account[i])]) for i in form.shown]
    said = [text for text, _ in shown if text]
    who = [account for text, account in shown if text]
    fixed, slots, fillings = align(said) if said else ((), (), [])
    return Template(
        key=f"{form.key:016x}",
        texts=fixed,
        slots=slots,
        exchanges=len(form.rows),
        accounts=len(np.unique(harvest.account[form.rows])),
        share=len(form.rows) / int(view.attributed.sum()),
        prompts=len(np.unique(harvest.exact[form.rows])),
        fillings=tuple(
            (one, filling) for one, filling in zip(who, fillings, strict=False) if filling is not None
        ),
    )


def _sample(detection: Detection, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Some of the rows, different accounts first, chosen by content so that order can't matter.

    They come from a few hours, in an order of hours that all templates have in common and nobody knows without the key:
    most logs lie in order of time, and texts that lie together are read together. A third of the accounts begins with
    each of the first three, so that what changes with time is seen to change.
    """
    harvest = detection.harvest
    hours, hour = np.unique(harvest.at_us[rows] // HOUR_US, return_inverse=True)
    key = harvest.exact.min(initial=np.uint64(2**64 - 1))
    place = np.argsort(np.argsort([int(mixed(np.uint64(each) ^ key)) for each in hours.tolist()]))
    turn = (place[hour] - harvest.account[rows] % SAMPLE_HOURS) % len(hours)
    order = rows[np.lexsort((harvest.at_us[rows], harvest.exact[rows], turn))]
    _, first = np.unique(harvest.account[order], return_index=True)
    chosen = order[np.sort(first)][:TEXTS]
    if len(chosen) < TEXTS:
        rest = order[~np.isin(order, chosen)]
        chosen = np.concatenate([chosen, rest[: TEXTS - len(chosen)]])
    return chosen


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

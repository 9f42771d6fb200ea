"""The ring map's records: which discs there are, whose dots they hold, and what ties them.

At most 20,000 accounts and 40,000 ties are passed on; what is left out is counted and said.
"""

from __future__ import annotations

from headwater.detect import Campaign, Findings
from headwater.explain import words
from headwater.report import Disc, Map, Tie

#: Accounts and ties on a map; more would be neither seen nor quick.
DOTS = 20_000
TIES = 40_000
#: Considered rings on a map, and their accounts, beside those of reported rings.
CONSIDERED = 40
CONSIDERED_DOTS = 2_000
_VALUES = 6
_VALUE_LENGTH = 120
_NAME_LENGTH = 60


def _shares(sizes: list[int], limit: int) -> list[int]:
    """`sizes` cut down in proportion so that they sum to about `limit`, at least 1 each."""
    total = sum(sizes)
    return sizes if total <= limit else [max(1, size * limit // total) for size in sizes]


def _values(ring: Campaign, place: dict[str, int]) -> dict[int, tuple[str, ...]]:
    """What each drawn member put into the slots of the ring's first template that shows it."""
    for template in ring.templates:
        found: dict[int, tuple[str, ...]] = {}
        for account, values in template.fillings:
            if account in place and values:
                shown = tuple(words.short(v, _VALUE_LENGTH) for v in values[:_VALUES])
                found.setdefault(place[account], shown)
        if found:
            return found
    return {}


def _disc(ring: Campaign, opens: str | None, dots: int, ties: int) -> Disc:
    order = sorted(range(len(ring.members)), key=lambda i: (-ring.members[i].tie, ring.members[i].account))[
        :dots
    ]
    moved = {old: new for new, old in enumerate(order)}
    drawn = [ring.members[i].account for i in order]
    kept = [
        (w, moved[a], moved[b], kind) for a, b, w, kind in ring.links if a in moved and b in moved and a != b
    ]
    values = _values(ring, {account: i for i, account in enumerate(drawn)})
    # Ties whose ends can be compared come first, then the firmest.
    kept.sort(key=lambda t: (not (t[1] in values and t[2] in values), -t[0], t[1], t[2], t[3]))
    return Disc(
        name=words.clip(ring.id, 32),
        sentence=", ".join(
            (ring.word, words.many(len(ring.members), "account"), words.many(ring.exchanges, "exchange"))
        ),
        members=[words.short(account, _NAME_LENGTH) for account in drawn],
        ties=[Tie(a, b, w, kind) for w, a, b, kind in kept[:ties]],
        values=values,
        opens=opens,
        solid=ring.reported,
        total=len(ring.members),
    )


def _bridges(rings: list[Campaign]) -> list[tuple[int, int]]:
    """Pairs of discs between which a bridge was cut."""
    home = {m.account: i for i, ring in enumerate(rings) for m in ring.members}
    found = set()
    for ring in rings:
        for a, b, _ in ring.bridges:
            pair = home.get(a), home.get(b)
            if pair[0] is not None and pair[1] is not None and pair[0] != pair[1]:
                found.add((min(pair[0], pair[1]), max(pair[0], pair[1])))
    return sorted(found)


def ring_map(findings: Findings, keys: dict[str, str]) -> Map | None:
    """The map of all reported rings and the strongest considered ones; `keys` maps an id to its section."""
    rings = [*findings.campaigns, *findings.considered[:CONSIDERED]]
    if not rings:
        return None
    reported = len(findings.campaigns)
    dots = _shares([len(r.members) for r in rings[:reported]], DOTS)
    dots += _shares([len(r.members) for r in rings[reported:]], CONSIDERED_DOTS)
    ties = _shares([len(r.links) for r in rings], TIES)
    inside = len({m.account for r in rings for m in r.members})
    others = max(findings.log.accounts - inside, 0)
    more = len(rings) - reported
    told = [
        (
            f"Each disc is a ring, each dot an account: {words.spelled(reported) if reported else 'none'} reported"
            f" (filled), {words.spelled(more) if more else 'none'} only considered (hollow)"
            f". The pale field stands for the {words.many(others, 'other account')}."
        )
    ]
    hidden = sum(len(r.members) for r in rings) - sum(dots)
    if hidden > 0:
        told.append(f"{words.many(hidden, 'account')} with the weakest ties are not drawn.")
    return Map(
        title="Map of the rings",
        sentence=" ".join(told),
        discs=[
            _disc(ring, keys.get(ring.id, None if i < reported else "considered"), n, t)
            for i, (ring, n, t) in enumerate(zip(rings, dots, ties, strict=True))
        ],
        field=others,
        field_word="other accounts",
        values_word="its slots",
        bridges=_bridges(rings),
    )

"""What changed between two findings: rings that are new, gone, declared, grown, shrunk, changed or the same.

A ring is first matched by its id and then by its members, so that one that was found again under another
name isn't called new. Rings that were only considered take part in the matching: a ring that is reported
now and was considered before is not new either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headwater.detect import Campaign, Findings
from headwater.explain import words

Kind = Literal["new", "gone", "declared", "grown", "shrunk", "changed", "same"]

#: Rings with another id are the same one if they share at least this part of all their accounts (Jaccard).
OVERLAP = 0.3
_ORDER: tuple[Kind, ...] = ("new", "gone", "declared", "grown", "shrunk", "changed", "same")


@dataclass(frozen=True)
class Side:
    """One ring in one of the two findings: what the comparison needs of it."""

    id: str
    word: str
    reported: bool
    accounts: int
    exchanges: int
    probability: float


@dataclass(frozen=True)
class Change:
    """What happened to one ring. `joined` and `left` are accounts, sorted; an absent side is None."""

    kind: Kind
    before: Side | None
    after: Side | None
    joined: tuple[str, ...]
    left: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Diff:
    """All changes in the order of their kinds, and by id within each; declared: reported before, and known now."""

    changes: tuple[Change, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(c for c in self.changes if c.kind == kind)

    def text(self) -> str:
        """A line on the whole, then one for each ring. Its strings are not cleaned."""
        tally = [f"{len(self.of(kind))} {kind}" for kind in _ORDER if self.of(kind)]
        if not tally:
            return "no campaign in either\n"
        return (
            "\n".join(
                [", ".join(tally), *(f"{c.kind:9}{' '.join(c.sentence.split())}" for c in self.changes)]
            )
            + "\n"
        )


def _side(ring: Campaign) -> Side:
    return Side(ring.id, ring.word, ring.reported, len(ring.members), ring.exchanges, ring.probability)


def _names(ring: Campaign) -> frozenset[str]:
    return frozenset(m.account for m in ring.members)


def _match(old: tuple[Campaign, ...], new: tuple[Campaign, ...]) -> dict[str, str]:
    """New id → old id, one to one: the same id first, then the largest overlap."""
    kept = {c.id for c in old} & {c.id for c in new}
    pairs = {name: name for name in kept}
    before = {c.id: _names(c) for c in old if c.id not in kept}
    after = {c.id: _names(c) for c in new if c.id not in kept}
    scored = sorted(
        (
            (-len(mine & theirs) / len(mine | theirs), new_id, old_id)
            for new_id, mine in after.items()
            for old_id, theirs in before.items()
            if mine & theirs
        ),
    )
    for overlap, new_id, old_id in scored:
        if -overlap >= OVERLAP and new_id not in pairs and old_id not in pairs.values():
            pairs[new_id] = old_id
    return pairs


def _moved(before: Side, after: Side, joined: int, left: int) -> str:
    """What a matched ring did, as the end of a sentence."""
    told = []
    if joined or left:
        told.append(
            f"{words.count(before.accounts)} → {words.many(after.accounts, 'account')} "
            f"({words.count(joined)} joined, {words.count(left)} left)"
        )
    else:
        told.append(f"the same {words.many(after.accounts, 'account')}")
    if after.exchanges != before.exchanges:
        told.append(f"{words.count(before.exchanges)} → {words.many(after.exchanges, 'exchange')}")
    if after.word != before.word:
        told.append(f"{before.word} → {after.word}")
    if after.reported != before.reported:
        told.append("now reported" if after.reported else "no longer reported")
    return ", ".join(told)


def _matched(old: Campaign, new: Campaign) -> Change:
    before, after = _side(old), _side(new)
    joined, left = sorted(_names(new) - _names(old)), sorted(_names(old) - _names(new))
    kind: Kind = "same"
    if joined or left:
        grew = after.accounts - before.accounts
        kind = "grown" if grew > 0 else "shrunk" if grew < 0 else "changed"
    elif after.word != before.word:
        kind = "changed"
    if new.declared and not old.declared and not new.reported:
        kind = "declared"
    known = "" if old.id == new.id else f" (was {old.id})"
    moved = _moved(before, after, len(joined), len(left))
    if kind == "declared":
        moved += f", now declared ({new.declared})"
    return Change(kind, before, after, tuple(joined), tuple(left), f"{new.id}{known}: {moved}")


def _lone(ring: Campaign, kind: Kind, others: tuple[Campaign, ...]) -> Change:
    """A ring without its like on the other side; says where its accounts were or went."""
    side, names = _side(ring), _names(ring)
    shared = [(len(names & _names(o)), o.id) for o in others]
    shared = sorted((s for s in shared if s[0]), key=lambda s: (-s[0], s[1]))
    told = f"{ring.id}: {words.many(side.accounts, 'account')}, {side.word}"
    if shared:
        verb = "were in" if kind == "new" else "are now in"
        told += f"; {words.count(shared[0][0])} of them {verb} {shared[0][1]}"
    if kind == "new":
        return Change(kind, None, side, tuple(sorted(names)), (), told)
    return Change(kind, side, None, (), tuple(sorted(names)), told)


def compare(old: Findings, new: Findings) -> Diff:
    """Compares two findings; rings that neither of them reports are left out."""
    before, after = (*old.campaigns, *old.considered), (*new.campaigns, *new.considered)
    pairs = _match(before, after)
    was = {c.id: c for c in before}
    made = [
        _matched(was[pairs[c.id]], c)
        for c in after
        if c.id in pairs and (c.reported or was[pairs[c.id]].reported)
    ]
    made += [_lone(c, "new", before) for c in after if c.id not in pairs and c.reported]
    gone = set(was) - set(pairs.values())
    made += [_lone(was[name], "gone", after) for name in gone if was[name].reported]

    def place(change: Change) -> tuple[int, str]:
        side = change.after or change.before
        return _ORDER.index(change.kind), side.id if side else ""

    return Diff(tuple(sorted(made, key=place)))

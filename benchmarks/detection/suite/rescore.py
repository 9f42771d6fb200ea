"""Kept ledgers added up again with some evidence left out, by the product's own arithmetic; nothing is judged again.

A kept ring has what every piece of evidence said (before its card's cap) and what it added. `Ledger` makes findings of
that and hands them to `combine`. Two things are read from the record because they aren't pieces: whether something
innocent explained the ties (a relay), and whether nobody in the ring could be named, which keeps it at *possible*.

Proposing isn't repeated: a ring that only the left-out evidence proposed still stands there. What evidence proposes is
left out by a look. And groups far below (`world.LEAST_LOG_ODDS`) were only counted: what clears innocents by so
many nats (an organisation, a declaration, a relay's clients) can't be left out here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from scoring import share

from headwater.detect import Card, DetectSettings, Finding, load
from headwater.detect.combine import RELAYED, Verdict, combine, logit, word
from headwater.detect.declarations import DECLARED, ORGANISATION
from suite.summary import Record, mostly_innocent

SETTINGS = DetectSettings()
#: What a kept number may be off, and a sum of a dozen of them.
DIGIT, DIGITS = 0.0005, 0.01
#: Evidence that once carried so many nats is left out on its own, too.
CARRIES = 1.0


@cache
def cards() -> dict[str, Card]:
    """Every card that may stand in a ledger, by its name."""
    known = {evidence.card.name: evidence.card for evidence in load()}
    return known | {card.name: card for card in (ORGANISATION, DECLARED)}


@cache
def families() -> dict[str, frozenset[str]]:
    """Names of evidence by family, the entry point that lists it; declarations speak for the customer."""
    found: dict[str, frozenset[str]] = {}
    for point in entry_points(group="headwater.evidence"):
        named = point.load()
        found[point.name] = frozenset(e.card.name for e in (named if isinstance(named, tuple) else (named,)))
    found["customer"] = found.get("customer", frozenset()) | {ORGANISATION.name, DECLARED.name}
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Ledger:
    """One kept ring as `combine` takes it, with the verdict that it makes of all pieces."""

    ring: Record
    found: tuple[tuple[Card, Finding], ...]
    explained: frozenset[str]
    attributes: bool
    whole: Verdict

    @classmethod
    def of(cls, ring: Record, attributes: bool) -> Ledger:
        """The ledger of a kept ring, of a look with account attributes or without.

        Pieces of evidence that isn't installed are left out, and `agrees` says so.
        """
        known = cards()
        pieces = [(known[name], raw, llr) for name, raw, llr in ring["pieces"] if name in known]
        found = tuple((card, Finding(raw, "")) for card, raw, _ in pieces)
        explained = explained_in(pieces)
        return cls(ring, found, explained, attributes, _added(found, explained, attributes))

    @property
    def nameless(self) -> bool:
        """Whether the ring would have been reported, had anybody in it been named."""
        return self.ring["word"] == "possible" and self.whole.word == "likely"

    @property
    def agrees(self) -> bool:
        """Whether the pieces add up to what was kept, as far as its digits go."""
        near = (self.whole.log_odds - 2 * DIGIT, self.ring["log_odds"], self.whole.log_odds + 2 * DIGIT)
        words = {word(_probability(odds), self.whole.kinds, SETTINGS.threshold) for odds in near}
        return abs(self.whole.log_odds - self.ring["log_odds"]) <= DIGITS and (
            self.ring["word"] in words or self.nameless
        )

    def without(self, left_out: Collection[str]) -> tuple[str, float]:
        """Word and log odds once the named evidence is gone."""
        kept = tuple((card, finding) for card, finding in self.found if card.name not in left_out)
        again = _added(kept, self.explained, self.attributes)
        moved = again.log_odds - self.whole.log_odds
        log_odds = self.ring["log_odds"] + moved
        if abs(moved) < 1e-9 and again.kinds == self.whole.kinds:
            return self.ring["word"], log_odds
        said = word(_probability(log_odds), again.kinds, SETTINGS.threshold)
        return ("possible" if self.nameless and said == "likely" else said), log_odds

    def may_be_likely(self, left_out: Collection[str]) -> bool:
        """Whether it can reach the threshold at all, which only pieces against that are left out could help it to."""
        helped = any(llr < 0 and name in left_out for name, _, llr in self.ring["pieces"])
        return helped or bool(self.ring["log_odds"] > logit(SETTINGS.threshold) - DIGITS)


def explained_in(pieces: Iterable[tuple[Card, float, float]]) -> frozenset[str]:
    """Groups that didn't count for a campaign: ties of a relay, if any of them said something and none added to it."""
    said, counted = set(), set()
    for card, raw, llr in pieces:
        if card.group in RELAYED and min(raw, card.cap_nats) > DIGITS:
            said.add(card.group)
        if llr > 0:
            counted.add(card.group)
    return RELAYED if said - counted else frozenset()


def _added(found: Sequence[tuple[Card, Finding]], explained: frozenset[str], attributes: bool) -> Verdict:
    return combine(
        found,
        prior=SETTINGS.prior,
        threshold=SETTINGS.threshold,
        tested=1,
        explained=explained,
        attributes=attributes,
    )


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def ablation(records: Sequence[Record], look: str) -> dict[str, Any]:
    """What is still reported in one look once a family or a single kind of evidence is left out, by scenario.

    "rows" has nothing, every family, and every evidence that carried a nat somewhere; "unlike" counts the ledgers that
    don't add up to what was kept (none, if records and code belong together).
    """
    worlds = [(record, record["looks"][look]) for record in records if look in record["looks"]]
    ledgers = [[Ledger.of(ring, seen["attributes"]) for ring in seen["rings"]] for _, seen in worlds]
    singles = {
        name
        for _, seen in worlds
        for ring in seen["rings"]
        for name, _, llr in ring["pieces"]
        if llr >= CARRIES
    }
    dropped: list[tuple[str, str, frozenset[str]]] = [("nothing", "", frozenset())]
    dropped += [("family", name, names) for name, names in families().items()]
    dropped += [("single", name, frozenset({name})) for name in sorted(singles & set(cards()))]
    every = [ledger for world in ledgers for ledger in world]
    return {
        "look": look,
        "worlds": len(worlds),
        "ledgers": len(every),
        "unlike": sum(not ledger.agrees for ledger in every),
        "rows": [
            {"left_out": kind, "name": name, "scenarios": _scenarios(worlds, ledgers, names)}
            for kind, name, names in dropped
        ],
    }


def _scenarios(
    worlds: Sequence[tuple[Record, Record]], ledgers: Sequence[Sequence[Ledger]], left_out: frozenset[str]
) -> dict[str, dict[str, Any]]:
    """Scenario → worlds with a ring still likely, ring accounts in likely rings, true and false likely rings."""
    out: dict[str, dict[str, Any]] = {}
    for (record, seen), rings in zip(worlds, ledgers, strict=True):
        likely = [one.ring for one in rings if _likely(one, left_out)]
        right = [ring for ring in likely if not mostly_innocent(ring)]
        counts = {
            "worlds": 1,
            "worlds_likely": int(bool(right)),
            "ring_accounts": seen["ring_accounts"],
            "found": sum(n for ring in likely for of, n in ring["of"].items() if of.startswith("ring ")),
            "rings": len(right),
            "false_rings": len(likely) - len(right),
        }
        have = out.setdefault(record["job"]["scenario"], dict.fromkeys(counts, 0))
        for key, count in counts.items():
            have[key] += count
    for have in out.values():
        have["recall"] = share(have["found"], have["ring_accounts"])
    return dict(sorted(out.items()))


def _likely(ledger: Ledger, left_out: frozenset[str]) -> bool:
    if not left_out:
        return bool(ledger.ring["word"] == "likely")
    return ledger.may_be_likely(left_out) and ledger.without(left_out)[0] == "likely"

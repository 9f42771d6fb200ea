"""Kept records of the suite, made by hand: a world with some judged rings in some looks, and nothing simulated."""

from __future__ import annotations

from typing import Any

from suite.rescore import cards

from headwater.detect import DetectSettings, Finding
from headwater.detect.combine import combine

Ring = dict[str, Any]
NO_GROUPS: frozenset[str] = frozenset()


def ring(of: dict[str, int], word: str = "likely", log_odds: float = 6.0, pieces: Any = ()) -> Ring:
    """A judged ring that stands in a record."""
    return {
        "word": word,
        "kind": "extraction ring",
        "log_odds": log_odds,
        "of": of,
        "pieces": [list(piece) for piece in pieces],
    }


def judged(raw: dict[str, float], explained: frozenset[str] = NO_GROUPS, of: int = 9) -> Ring:
    """A ring as the product judges it and the suite keeps it: by name what each evidence said before its cap."""
    known = cards()
    found = [(known[name], Finding(nats, "")) for name, nats in raw.items()]
    verdict = combine(found, prior=DetectSettings().prior, threshold=0.99, tested=40, explained=explained)
    pieces = [(p.evidence, round(p.raw, 3), round(p.llr, 3)) for p in verdict.pieces]
    return ring({"ring r": of}, verdict.word, round(verdict.log_odds, 3), pieces)


def look(rings: list[Ring], ring_accounts: int, judged: int = 3) -> dict[str, Any]:
    """A look at a world of ten innocents, with everything that its reported rings flag."""
    reported = [one for one in rings if one["word"] == "likely"]
    found = sum(n for one in reported for of, n in one["of"].items() if of.startswith("ring "))
    wrong = sum(n for one in reported for of, n in one["of"].items() if not of.startswith("ring "))
    return {
        "rings": rings,
        "attributes": False,
        "proposed": judged,
        "judged": judged,
        "ring_accounts": ring_accounts,
        "ring_flagged": found,
        "by_harvest": {"1": [found, ring_accounts], "10": [found, ring_accounts]},
        "innocent_accounts": 10,
        "innocent_flagged": wrong,
        "flagged_of": {"people": wrong},
        "customers_flagged": {"people": min(wrong, 1)},
        "scripts_flagged": {"Latin": wrong},
        "harvest": 20 if ring_accounts else 0,
        "attributed": 10 if found else 0,
        "both": 10 if found else 0,
        "others_of_ring": 4 if ring_accounts else 0,
        "others_attributed": 0,
        "possible_ring": 0,
        "possible_innocent": 0,
    }


def world(
    rings: list[Ring],
    ring_accounts: int = 5,
    *,
    part: str = "alarms",
    scenario: str = "reasoning_harvest",
    seed: int = 1,
    looks: tuple[str, ...] = ("everything", "headline", "neither"),
    **more: Any,
) -> dict[str, Any]:
    """A record; `more` are its further fields, `camouflage` and `override` those of its job."""
    job = {"part": part, "scenario": scenario, "seed": seed}
    job |= {"camouflage": more.pop("camouflage", 0.0), "override": more.pop("override", {})}
    of = {"people": 10} | ({"ring r": ring_accounts} if ring_accounts else {})
    seen = look(rings, ring_accounts, more.pop("judged", 3))
    return {
        "job": job,
        "of": of,
        "customers": dict(of),
        "scripts": {"Latin": 10},
        "looks": dict.fromkeys(looks, seen),
        **more,
    }

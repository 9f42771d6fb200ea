"""Shares of windows found at one realised false-positive rate, with intervals over disjoint windows.

Standings of all pools' benign windows, each counted once, give the threshold that flags the wanted share of them; no
method gains from a threshold that is stricter or laxer than it says. A pair counts as much as any other pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from baselines.log import Floats
from intervals import clopper_pearson

from drift.pairs import Pair
from drift.protocol import FRACTIONS, WINDOWS

#: Wanted rate → the largest window for which it is asked: benign windows must outnumber its inverse.
RATES = {"5%": (0.05, 1500), "1%": (0.01, 150)}
REDRAWS = 500
#: Exchanges a day of an account in the campaigns of April to June 2026 (research page, B0).
A_DAY = 26


def threshold(benign: Floats, rate: float) -> float:
    """The standing that at most `rate` of the benign windows exceed."""
    ranked = np.sort(benign)[::-1]
    return float(ranked[int(rate * len(ranked))])


def rate_of(found: Sequence[Floats], bar: float) -> float:
    """The mean over pairs of the share of windows above the threshold."""
    return float(np.mean([(one > bar).mean() for one in found]))


def interval(benign: Sequence[Floats], found: Sequence[Floats], rate: float, seed: int = 0) -> list[float]:
    """Percentiles of `rate_of` when windows of every pool and pair are drawn again, threshold included."""
    rng = np.random.default_rng(seed)

    def again(one: Floats) -> Floats:
        return one[rng.integers(0, len(one), len(one))]

    drawn = [
        rate_of([again(one) for one in found], threshold(np.concatenate([again(b) for b in benign]), rate))
        for _ in range(REDRAWS)
    ]
    return [round(float(q), 3) for q in np.quantile(drawn, [0.025, 0.975])]


def area(benign: Floats, found: Floats) -> float:
    """Chance that a mixed window stands above a benign one."""
    ranked = np.sort(benign)
    below = np.searchsorted(ranked, found, "left") + np.searchsorted(ranked, found, "right")
    return float(below.mean() / 2 / len(benign))


def sized(pools: Mapping[str, Any], pairs: Sequence[Pair], size: int) -> dict[str, Any] | None:
    """All figures of one window size; None where no pool holds enough windows for any rate."""
    key = str(size)
    held = {name: np.array(p["benign"][key]) for name, p in pools.items() if p["benign"].get(key)}
    if not held:
        return None
    benign = np.concatenate(list(held.values()))
    over = sum(sum(pools[name]["over"][key]) for name in held)
    out: dict[str, Any] = {
        "benign_windows": len(benign),
        "nominal_5%": {"realised": over / len(benign), "95%": clopper_pearson(over, len(benign))},
    }
    for label, (rate, largest) in RATES.items():
        if size > largest or rate * len(benign) < 1:
            continue
        bar = threshold(benign, rate)
        out[label] = {"realised": float((benign > bar).mean())}
        for fraction in FRACTIONS:
            share = f"{fraction:g}"
            found = {
                pair.name: np.array(scored)
                for pair in pairs
                if pair.pool in held and (scored := pools[pair.pool]["mixed"][pair.campaign][key][share])
            }
            if not found:
                continue
            out[label][share] = {
                "found": rate_of(list(found.values()), bar),
                "95%": interval(list(held.values()), list(found.values()), rate),
                "auc": float(np.mean([area(held[p.pool], found[p.name]) for p in pairs if p.name in found])),
                "windows": sum(len(one) for one in found.values()),
                "pairs": {name: round(float((one > bar).mean()), 3) for name, one in found.items()},
            }
    return out


def summarised(pools: Mapping[str, Any], pairs: Sequence[Pair]) -> dict[str, Any]:
    """Window size → figures, and what an account on its own would have to send before it is found."""
    sizes = {str(size): one for size in WINDOWS if (one := sized(pools, pairs, size))}
    return {"windows": sizes, "one_account": {label: alone(sizes, label) for label in RATES}}


def alone(sizes: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Attack share → the smallest window that finds half, and nine tenths, with days at `A_DAY`; None if none does."""
    out: dict[str, Any] = {}
    for fraction in (f"{f:g}" for f in FRACTIONS):
        for wanted in (0.5, 0.9):
            enough = [
                int(s)
                for s, one in sizes.items()
                if one.get(label, {}).get(fraction, {}).get("found", 0) >= wanted
            ]
            least = min(enough, default=None)
            told = None if least is None else {"exchanges": least, "days": round(least / A_DAY, 1)}
            out.setdefault(fraction, {})[f"{wanted:g}"] = told
    return out


def table(summary: Mapping[str, Any], feature: str) -> str:
    """One line for each window and rate: shares found by attack share, in percent."""
    head = f"{feature:<8}{'window':>7}{'rate':>6}{'benign':>8}{'nominal':>9}" + "".join(
        f"{f:>9.0%}" for f in FRACTIONS
    )
    lines = [head + f"{'AUC 10%':>9}"]
    for size, one in summary["windows"].items():
        for label in (name for name in RATES if name in one):
            cells = [one[label].get(f"{f:g}") for f in FRACTIONS]
            nominal = one["nominal_5%"]["realised"]
            shares = "".join(f"{100 * cell['found']:>9.1f}" if cell else f"{'—':>9}" for cell in cells)
            auc = f"{cells[1]['auc']:>9.3f}" if cells[1] else f"{'—':>9}"
            lines.append(f"{'':<8}{size:>7}{label:>6}{one['benign_windows']:>8}{nominal:>9.1%}{shares}{auc}")
    return "\n".join(lines)

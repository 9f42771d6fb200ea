"""Fit what kinds of evidence say together, and write it where the product reads it.

    python benchmarks/detection/suite/fusing.py --work out/suite [--write]      (`make fit-fusion` makes the worlds too)

Reads the kept ledgers of the *fitting* worlds (tune side; the *calibration* worlds, on which verdicts are held against
what comes true, have other seeds). Weights first: logistic regression on what each kind of evidence says for and
against, drawn to 1 and kept between 0 and 1, so that nothing ever says more than its own law. Then the curve from sums
to what they mean: a monotone broken line, up to where innocent groups become too few to measure.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "benchmarks/detection"), str(ROOT / "benchmarks")]

from headwater.detect.combine import combine, logit  # noqa: E402
from headwater.detect.declarations import GROUP  # noqa: E402
from headwater.detect.fold import Card, Finding  # noqa: E402
from headwater.detect.fusion import Curve, Fusion  # noqa: E402
from suite.rescore import cards, explained_in  # noqa: E402
from suite.summary import mostly_innocent  # noqa: E402

TARGET = ROOT / "src/headwater/detect/fusion.toml"
#: How strongly a weight is drawn to 1, in groups; a kind of evidence seen in fewer has none.
DRAWN, FEWEST = 10.0, 20
#: Rounds of choosing each group's strongest piece by the weights, and fitting them again.
ROUNDS = 6
#: Nats between nodes of the curve, the steepest that it may be, how stiff it is, and innocent groups above its last.
STEP, STEEPEST, STIFF, LAST = 1.0, 2.0, 4.0, 10

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """One judged group: its findings, whether it was mostly a ring, and how it was looked at.

    `attributes`: in a log with account attributes; `explained`: groups of evidence that count for nothing in it.
    """

    found: tuple[tuple[Card, Finding], ...]
    ring: bool
    attributes: bool = False
    explained: frozenset[str] = frozenset()


def groups(folder: Path) -> list[Group]:
    """Every kept group of the fitting worlds of which it can be said what it was."""
    known, out = cards(), []
    for path in sorted(folder.glob("fitting-*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        for look in record["looks"].values():
            for ring in look["rings"]:
                pieces = [(known[n], raw, llr) for n, raw, llr in ring["pieces"] if n in known]
                found = tuple((card, Finding(raw, "")) for card, raw, _ in pieces)
                # What an operator declared decides by itself.
                if ring["of"] and not any(card.group == GROUP for card, _ in found):
                    seen = look["attributes"], explained_in(pieces)
                    out.append(Group(found, not mostly_innocent(ring), *seen))
    return out


def fitted(known: Sequence[Group]) -> Fusion:
    """Weights and curve from groups of both kinds."""
    ring = np.array([group.ring for group in known], np.float64)
    fusion = Fusion()
    for _ in range(ROUNDS):
        fusion = _weights(known, ring, fusion)
    curves = []
    for attributes in (False, True):
        part = [group.attributes == attributes for group in known]
        sums = np.array([_sum(group, fusion) for group in known if group.attributes == attributes])
        curves.append(_curve(sums, ring[part]) if any(part) else None)
    bare, seen = curves[0] or curves[1], curves[1] or curves[0]
    if bare is None or seen is None:
        raise RuntimeError("no fit: no group is known")
    return Fusion(fusion.supports, fusion.against, bare, seen)


def _pieces(group: Group, fusion: Fusion) -> list[tuple[str, float]]:
    verdict = combine(
        group.found,
        prior=0.5,
        threshold=0.99,
        tested=1,
        explained=group.explained,
        fusion=Fusion(fusion.supports, fusion.against),
    )
    return [(p.evidence, p.llr) for p in verdict.pieces if p.counted]


def _sum(group: Group, fusion: Fusion) -> float:
    return sum(llr for _, llr in _pieces(group, fusion))


def _weights(known: Sequence[Group], ring: Array, before: Fusion) -> Fusion:
    """Weights anew, of what each group's strongest pieces are by the weights before."""
    columns: dict[tuple[str, bool], dict[int, float]] = {}
    for row, group in enumerate(known):
        for name, llr in _pieces(group, before):
            weight = abs(before.weighed(name, math.copysign(1.0, llr)))
            full = llr / weight if weight else 0.0
            columns.setdefault((name, llr > 0), {})[row] = full
    names = sorted(key for key, rows in columns.items() if len(rows) >= FEWEST)
    table = np.zeros((len(known), len(names)))
    for at, key in enumerate(names):
        table[list(columns[key]), at] = list(columns[key].values())
    rest = np.array(
        [sum(rows.get(i, 0.0) for k, rows in columns.items() if k not in names) for i in range(len(known))]
    )

    def loss(x: Array) -> tuple[float, Array]:
        odds = table @ x[:-1] + rest + x[-1]
        off = 1 / (1 + np.exp(-odds)) - ring
        drawn = x[:-1] - 1
        value = (np.logaddexp(0, odds) - ring * odds).sum() + DRAWN * (drawn**2).sum()
        return float(value), np.append(table.T @ off + 2 * DRAWN * drawn, off.sum())

    start = np.append(np.ones(len(names)), logit(float(ring.mean())))
    best = _least(loss, start, [(0.01, 1.0)] * len(names) + [(None, None)])
    weights = {key: round(float(w), 2) for key, w in zip(names, best[:-1], strict=True)}
    return Fusion(
        {name: w for (name, speaks_for), w in weights.items() if speaks_for},
        {name: w for (name, speaks_for), w in weights.items() if not speaks_for},
    )


def _curve(sums: Array, ring: Array) -> Curve:
    """Nodes of a monotone line from sums to log-likelihood ratios."""
    innocent = np.sort(sums[ring == 0])
    low, high = math.floor(innocent[len(innocent) // 100]), innocent[-LAST]
    nodes = np.append(np.arange(low, high - STEP / 2, STEP), high)
    # In each row the share of every step that its sum has climbed; beyond the last node a nat is a nat.
    climbed = np.clip((sums[:, None] - nodes[:-1]) / np.diff(nodes), 0, 1)
    beyond = np.maximum(sums - high, 0) + np.minimum(sums - low, 0)
    prior = logit(float(ring.mean()))

    def loss(x: Array) -> tuple[float, Array]:
        odds = prior + x[0] + climbed @ x[1:] + beyond
        off = 1 / (1 + np.exp(-odds)) - ring
        bend = np.diff(x[1:])
        value = (np.logaddexp(0, odds) - ring * odds).sum() + STIFF * (bend**2).sum()
        slope = climbed.T @ off
        slope[1:] += 2 * STIFF * bend
        slope[:-1] -= 2 * STIFF * bend
        return float(value), np.append(off.sum(), slope)

    start = np.append([float(low)], np.diff(nodes))
    best = _least(loss, start, [(None, None)] + [(0.01, STEEPEST * float(step)) for step in np.diff(nodes)])
    means = best[0] + np.append(0, np.cumsum(best[1:]))
    return Curve(tuple(nodes.round(2).tolist()), tuple(means.round(2).tolist()))


def _least(loss: Callable[[Array], tuple[float, Array]], start: Array, bounds: Sequence[Any]) -> Array:
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 5000})
    if not found.success:
        raise RuntimeError(f"no fit: {found.message}")
    return np.asarray(found.x)


def written(fusion: Fusion, known: Sequence[Group], worlds: int) -> str:
    """The fit as TOML, with what it was fitted on."""
    rings = sum(group.ring for group in known)
    lines = [
        "# What kinds of evidence say together. Written by benchmarks/detection/suite/fusing.py; not to be edited.",
        f"# Fitted on {len(known):,} judged groups, {rings:,} of them rings, of {worlds:,} constructed worlds of the",
        "# tune side, each seen with and without account attributes.",
        "",
    ]
    for title, weights in (("supports", fusion.supports), ("against", fusion.against)):
        lines += [f"[{title}]", *(f"{name} = {weight}" for name, weight in sorted(weights.items())), ""]
    lines += ["# Nats: the sum of weighed pieces, and what groups with such a sum turned out to mean;"]
    for title, seen, curve in (
        ("bare", "without account attributes in the log", fusion.bare),
        ("open", "with them", fusion.open),
    ):
        lines += [
            f"# {seen}.",
            f"[{title}]",
            f"said = {list(curve.said)}",
            f"means = {list(curve.means)}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Fit, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.relative_to(ROOT)}")
    asked = parser.parse_args()
    folder = asked.work / "tune"
    known = groups(folder)
    text = written(fitted(known), known, len(list(folder.glob("fitting-*.json"))))
    print(text)
    if asked.write:
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

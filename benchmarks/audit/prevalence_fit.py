"""Fits the estimate of prevalence on the tune side: scorer, spreads between domains, critical drops of likelihood.

Scores that spreads and drops are fitted to come from scorers that saw neither the text's domain nor its model. Writes
the file that ships and what leave-one-domain-out says of it. One process, some minutes.

    HEADWATER_CORPORA=… python benchmarks/audit/prevalence_fit.py --date 2026-01-31 [--out FILE]
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from prevalence_corpora import Source, sources
from scipy import sparse
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.provenance.prevalence.fitted import (
    CONCENTRATION,
    GIVEN,
    LEVELS,
    MEASURED,
    Fitted,
    Given,
    Scorer,
    priors,
    written,
)
from headwater.provenance.prevalence.mixture import SHARES, Spread, counted, likelihood, referred
from headwater.provenance.prevalence.reading import read
from headwater.provenance.prevalence.scorer import BUCKETS, buckets

Floats = npt.NDArray[np.float64]

#: Readable texts of one source that a scorer is fitted on (the rest is scored only), and the fewest that it needs.
MOST, FEWEST = 600, 60
#: A bucket is known if this share of texts has it in so many kinds of domain, human and machine together.
HAVE, KINDS = 0.004, 5
#: Weight of the penalties: on weights, and on differences between human domains' mean scores.
RIDGE, BETWEEN = 1.0, 1.0
#: Mixtures drawn at each share and kind of reference, sizes of samples, of references.
DRAWS, SIZES, REFERENCE = 240, (300, 700), 200
#: Texts that a source needs to be halved into corpus and reference.
HALVED = 300
FAMILIES = (
    "gpt-4", "gpt-3.5", "davinci", "llama-2", "llama-3", "mistral", "mixtral", "openchat", "vicuna", "phi", "deepseek",
)  # fmt: skip


def family(model: str) -> str:
    """Models of one maker and generation count as one."""
    name = model.lower()
    return next((each for each in FAMILIES if each in name), name)


@dataclass(frozen=True)
class Pool:
    """Readable texts of many sources as a matrix of buckets; `of`: the source of each row."""

    sources: list[Source]
    matrix: Any
    of: npt.NDArray[np.int64]
    early: npt.NDArray[np.bool_]

    def rows(self, chosen: Iterable[int]) -> npt.NDArray[np.bool_]:
        """The rows of these sources that scorers are fitted on."""
        return np.isin(self.of, list(chosen)) & self.early

    def where(self, writer: str) -> list[int]:
        return [at for at, source in enumerate(self.sources) if source.writer == writer]


def pooled(found: list[Source]) -> Pool:
    kept, indices, pointers, of, early = [], [], [0], [], []
    for source in found:
        parts = [part for text in source.texts if (part := read(text)) is not None]
        if len(parts) < FEWEST:
            continue
        for number, part in enumerate(parts):
            indices.append(np.unique(buckets(part)))
            pointers.append(pointers[-1] + len(indices[-1]))
            of.append(len(kept))
            early.append(number < MOST)
        kept.append(source)
    data = np.ones(pointers[-1], np.float32)
    matrix = sparse.csr_matrix((data, np.concatenate(indices), pointers), (len(of), BUCKETS))
    return Pool(kept, matrix, np.array(of), np.array(early))


def known(pool: Pool, chosen: list[int]) -> npt.NDArray[np.bool_]:
    """Buckets that many kinds of domain have, so that no subject's own words are weighed."""
    kinds = np.zeros(BUCKETS)
    for writer in ("human", "machine"):
        groups = defaultdict(list)
        for at in chosen:
            if pool.sources[at].writer == writer:
                groups[pool.sources[at].cluster].append(at)
        for members in groups.values():
            kinds += np.asarray(pool.matrix[pool.rows(members)].mean(0)).ravel() > HAVE
    return kinds >= KINDS


def weights(pool: Pool, chosen: list[int]) -> Floats:
    """Half of the weight to each writer; among kinds of domain by the root of their sources."""
    found = np.zeros(len(pool.of))
    for writer in ("human", "machine"):
        groups = defaultdict(list)
        for at in chosen:
            if pool.sources[at].writer == writer:
                groups[pool.sources[at].cluster].append(at)
        whole = sum(len(members) ** 0.5 for members in groups.values())
        for members in groups.values():
            for at in members:
                rows = (pool.of == at) & pool.early
                found[rows] = len(members) ** 0.5 / whole / len(members) / rows.sum() / 2
    return found


def scorer(pool: Pool, chosen: list[int]) -> Scorer:
    """Logistic regression on the chosen sources."""
    kept = known(pool, chosen)
    rows = np.flatnonzero(pool.rows(chosen))
    matrix = pool.matrix[rows][:, kept]
    matrix = sparse.diags(1 / np.sqrt(np.maximum(matrix.getnnz(1), 1))) @ matrix
    matrix = matrix.tocsr()
    turned = matrix.T.tocsr()
    sign = np.array([1.0 if pool.sources[at].writer == "machine" else -1.0 for at in pool.of[rows]])
    weight = weights(pool, chosen)[rows]
    groups = defaultdict(list)
    for at in chosen:
        if pool.sources[at].writer == "human":
            groups[pool.sources[at].cluster].append(at)
    means = np.array(
        [np.asarray(matrix[np.isin(pool.of[rows], members)].mean(0)).ravel() for members in groups.values()]
    )
    between = (means - means.mean(0)) / np.sqrt(len(means))
    ridge = 1 / (RIDGE * len(rows))

    def loss(values: Floats) -> tuple[float, Floats]:
        inner, bias = values[:-1], values[-1]
        margin = sign * (matrix @ inner + bias)
        slope = -sign * weight / (1 + np.exp(margin))
        apart = between @ inner
        value = (
            (weight * np.logaddexp(0, -margin)).sum()
            + ridge / 2 * inner @ inner
            + BETWEEN / 2 * apart @ apart
        )
        return float(value), np.append(
            turned @ slope + ridge * inner + BETWEEN * between.T @ apart, slope.sum()
        )

    options = {"maxiter": 120, "ftol": 1e-6}
    found = minimize(loss, np.zeros(int(kept.sum()) + 1), jac=True, method="L-BFGS-B", options=options).x
    spread = np.zeros(BUCKETS, np.float32)
    spread[kept] = found[:-1]
    return Scorer(spread, kept, float(found[-1]))


def held_out(pool: Pool) -> list[Floats]:
    """Scores of each source by a scorer that saw neither its kind of domain nor its family of models."""
    fits: dict[tuple[str, str], Scorer] = {}
    fair = [at for at, source in enumerate(pool.sources) if source.writer in ("human", "machine")]
    found = []
    for at, source in enumerate(pool.sources):
        key = (source.cluster, family(source.model) if source.writer != "human" else "")
        if key not in fits:
            chosen = [
                other
                for other in fair
                if pool.sources[other].cluster != key[0]
                and (pool.sources[other].writer == "human" or family(pool.sources[other].model) != key[1])
            ]
            fits[key] = scorer(pool, chosen)
        found.append(scored(pool, at, fits[key]))
    return found


def scored(pool: Pool, at: int, by: Scorer) -> Floats:
    matrix = pool.matrix[pool.of == at][:, by.known]
    return np.asarray(matrix @ by.weights[by.known]) / np.sqrt(np.maximum(matrix.getnnz(1), 1)) + by.bias


def spread(pool: Pool, found: list[Floats], writer: str) -> Spread:
    """Means and deviations over sources, each kind of domain counted by the root of its sources."""
    chosen = pool.where(writer)
    size = {
        kind: sum(pool.sources[at].cluster == kind for at in chosen)
        for kind in {pool.sources[at].cluster for at in chosen}
    }
    weight = np.array([size[pool.sources[at].cluster] ** -0.5 for at in chosen])
    weight /= weight.sum()
    effective = 1 / (weight**2).sum()
    grown = float(np.sqrt((1 + 1 / effective) * effective / (effective - 1)))
    place = np.array([np.median(found[at]) for at in chosen])
    width = np.log([found[at].std() for at in chosen])
    middles = [float(weight @ values) for values in (place, width)]
    apart = [
        grown * float(np.sqrt(weight @ (values - middle) ** 2))
        for values, middle in zip((place, width), middles, strict=True)
    ]
    return Spread(middles[0], apart[0], middles[1], max(0.15, apart[1]))


@dataclass(frozen=True)
class Drop:
    """How far below the likeliest share the true one's likelihood lay, in one mixture that was drawn."""

    given: Given
    share: float
    human: str
    drop: float
    misfit: float


def drops(pool: Pool, found: list[Floats], spreads: tuple[Spread, Spread]) -> list[Drop]:
    """Mixtures of a human domain (kinds of domain alike) and a machine source, at each share that is measured."""
    rng = np.random.default_rng(20)
    prior = priors(*spreads)
    drawn = []
    for given in GIVEN:
        human, machine = (
            large(pool, found, writer, given in (writer, "both")) for writer in ("human", "machine")
        )
        kinds = sorted({pool.sources[at].cluster for at in human})
        for share in MEASURED:
            for number in range(DRAWS):
                kind = kinds[number % len(kinds)]
                pair = (
                    int(rng.choice([at for at in human if pool.sources[at].cluster == kind])),
                    int(rng.choice(machine)),
                )
                parts = [
                    halves(found[at], given in (writer, "both"), rng)
                    for at, writer in zip(pair, ("human", "machine"), strict=True)
                ]
                size = SIZES[number // len(kinds) % len(SIZES)]
                many = rng.binomial(size, share)
                sample = np.concatenate([taken(parts[0][0], size - many, rng), taken(parts[1][0], many, rng)])
                laws = [
                    law if part[1] is None else referred(part[1])
                    for law, part in zip(prior, parts, strict=True)
                ]
                like = likelihood(counted(sample), laws[0], laws[1], CONCENTRATION[given])
                drop = -float(np.interp(share, SHARES, like.log))
                drawn.append(Drop(given, float(share), kind, drop, like.misfit))
        print(given, len(drawn), flush=True)
    return drawn


def large(pool: Pool, found: list[Floats], writer: str, halved: bool) -> list[int]:
    return [at for at in pool.where(writer) if not halved or len(found[at]) >= HALVED]


def taken(scores: Floats, many: int, rng: np.random.Generator) -> Floats:
    """Different texts where there are enough: a corpus is larger than what was kept of it."""
    return rng.choice(scores, many, replace=many > len(scores))


def halves(scores: Floats, referenced: bool, rng: np.random.Generator) -> tuple[Floats, Floats | None]:
    """What the corpus is drawn from and, where there is one, the reference: no text is in both."""
    if not referenced:
        return scores, None
    mixed = rng.permutation(scores)
    kept = min(REFERENCE, len(mixed) // 2)
    return mixed[kept:], mixed[:kept]


def quantiles(found: list[Drop], given: Given, level: float, without: str | None = None) -> Floats:
    """At each share, the drop halfway between the level and certainty."""
    values = [
        [d.drop for d in found if d.given == given and d.share == s and d.human != without] for s in MEASURED
    ]
    return np.array([max(0.5, float(np.quantile(each, (1 + level) / 2))) for each in values])


def held(found: list[Drop], given: Given, level: float) -> tuple[Floats, list[Drop]]:
    """Each mixture's drop over the critical one that the other kinds of human domain give, and the mixtures."""
    ratios, drawn = [], []
    for kind in sorted({d.human for d in found if d.given == given}):
        limit = dict(zip(MEASURED.tolist(), quantiles(found, given, level, kind), strict=True))
        chosen = [d for d in found if d.given == given and d.human == kind]
        ratios += [d.drop / limit[d.share] for d in chosen]
        drawn += chosen
    return np.array(ratios), drawn


def guard(found: list[Drop], given: Given, level: float) -> float:
    """A factor on critical drops: with it the other domains' drops hold `level` of the mixtures, at whichever share.

    One for all shares: few kinds of domain leave too little to tell shares apart by.
    """
    ratios, drawn = held(found, given, level)
    shares = np.array([d.share for d in drawn])
    return max(1.0, *(float(np.quantile(ratios[shares == share], level)) for share in MEASURED))


def critical(found: list[Drop]) -> Floats:
    """What ships: by references given, level and share."""
    return np.array(
        [[quantiles(found, given, level) * guard(found, given, level) for level in LEVELS] for given in GIVEN]
    )


def left_out(found: list[Drop]) -> dict[str, Any]:
    """Coverage at 95% by the drops of the other kinds of human domain, without and with the guard."""
    said: dict[str, Any] = {}
    for given in GIVEN:
        ratios, drawn = held(found, given, 0.95)
        factor = guard(found, given, 0.95)
        guarded = ratios / factor
        kinds, shares = np.array([d.human for d in drawn]), np.array([d.share for d in drawn])
        said[given] = {
            "guard": round(factor, 2),
            "by share": {
                str(share): [
                    round(float((each[shares == share] <= 1).mean()), 3) for each in (ratios, guarded)
                ]
                for share in MEASURED
            },
            "by domain": {
                kind: [round(float((each[kinds == kind] <= 1).mean()), 3) for each in (ratios, guarded)]
                for kind in sorted(set(kinds.tolist()))
            },
        }
    return said


def main() -> int:
    asked = record.options(__doc__).parse_args()
    began = time.perf_counter()
    root = Path(os.environ["HEADWATER_CORPORA"])
    pool = pooled(sources(root, "tune", readable=True))
    found = held_out(pool)
    fair = [at for at, source in enumerate(pool.sources) if source.writer in ("human", "machine")]
    final = scorer(pool, fair)
    spreads = spread(pool, found, "human"), spread(pool, found, "machine")
    print(spreads, time.perf_counter() - began, flush=True)
    cache = Path(os.environ.get("HEADWATER_CACHE", ""))
    if cache.is_dir():
        np.savez(cache / "held_out.npz", *found)
    measured = drops(pool, found, spreads)
    if cache.is_dir():
        (cache / "drops.json").write_text(json.dumps([vars(d) for d in measured]), "utf-8")
    misfit = max(d.misfit for d in measured) * 1.25
    data = written(Fitted(final, *spreads, critical(measured), misfit))
    package = Path(__file__).resolve().parents[2] / "src/headwater/provenance/prevalence/fitted.npz"
    package.write_bytes(data)
    record.keep(
        {
            "date": asked.date,
            "revision": asked.revision,
            "bytes": len(data),
            "texts": len(pool.of),
            "known buckets": int(final.known.sum()),
            "spread": {
                name: {
                    "place": [round(s.place, 2), round(s.place_sd, 2)],
                    "log width": [round(s.log_width, 2), round(s.log_width_sd, 2)],
                }
                for name, s in zip(("human", "machine"), spreads, strict=True)
            },
            "critical drops at 95%, guarded": {
                given: [round(float(x), 2) for x in critical(measured)[i, LEVELS.index(0.95)]]
                for i, given in enumerate(GIVEN)
            },
            "misfit": round(misfit, 1),
            "coverage by drops of the other domains": left_out(measured),
            "sources": [
                {
                    "name": s.name,
                    "writer": s.writer,
                    "texts": len(found[at]),
                    "median": round(float(np.median(found[at])), 2),
                    "width": round(float(found[at].std()), 2),
                }
                for at, s in enumerate(pool.sources)
            ],
            "seconds": round(time.perf_counter() - began),
        },
        asked,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Which n-grams outlive a paraphrase, really and in replay, and what that predicts of a mark: signal falls with the
share of (context and token) that survives, and the rest of the paraphrase's tokens say nothing.

Predictions take the clean answers' mean score, the survival at the scheme's width, and the exact law of the rest.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import edit_masks
import numpy as np

from headwater.mark.bench import masks
from headwater.mark.bench.material import loaded
from headwater.mark.bench.plan import Plan
from headwater.mark.bench.run import Job, Part
from headwater.mark.evidence import standard
from headwater.mark.law import Part as Share
from headwater.mark.law import log_tail, moments

WIDTHS = (0, 1, 2, 3, 4)
#: Pairs of each model whose n-grams are compared.
PAIRS = 150
#: A GPT-like paraphraser: shares by width as published outputs of SimMark and PostMark have them, words for tokens.
PUBLISHED = {
    "GPT-3.5 (SimMark's outputs, middle of the range)": (0.49, 0.255, 0.135, 0.08, 0.05),
    "GPT-3.5 (PostMark's outputs, middle of the range)": (0.59, 0.325, 0.19, 0.115, 0.068),
    "Pegasus (SimMark's outputs, middle of the range)": (0.835, 0.605, 0.44, 0.325, 0.24),
    "Parrot (SimMark's outputs, middle of the range)": (0.625, 0.34, 0.195, 0.115, 0.07),
}
LEVEL = 1e-2


def shared(before: np.ndarray, after: np.ndarray, width: int) -> float:
    """The share of distinct windows of `width` + 1 tokens of `after` that stand in `before`."""
    old = {tuple(each) for each in windows(before, width + 1)}
    new = {tuple(each) for each in windows(after, width + 1)}
    return len(old & new) / max(1, len(new))


def windows(text: np.ndarray, n: int) -> list[list[int]]:
    """All windows of `n` tokens."""
    return np.lib.stride_tricks.sliding_window_view(text, n).tolist() if len(text) >= n else []


def measured(corpora: Path, plan: Plan, parts: list[tuple[Job, Part]]) -> dict[str, list[float]]:
    """Survival by width: of DIPPER's pairs, of the same pairs replayed on the originals, and of marked answers."""
    words = loaded(plan.material).words
    assert words is not None
    found = {}
    random = np.random.default_rng(0)
    for model in edit_masks.MODELS:
        pairs = [pair for pair in edit_masks.pairs(corpora, model) if all(pair)]
        chosen = [pairs[int(number * len(pairs) / PAIRS)] for number in range(PAIRS)]
        real, again = [], []
        other = [item.strip() for item in masks.items_of(" ".join(pair[0] for pair in pairs[:20]))]
        for essay, paraphrase in chosen:
            before = words.encode(essay)
            mask = masks.mask_of(essay, paraphrase, "DIPPER")
            replay = masks.replayed(essay, [mask], other, [",", "."], random)
            real.append([shared(before, words.encode(paraphrase), width) for width in WIDTHS])
            again.append([shared(before, words.encode(replay), width) for width in WIDTHS])
        found[f"DIPPER on {model}"] = np.mean(real, 0).round(4).tolist()
        found[f"DIPPER on {model}, replayed on the same"] = np.mean(again, 0).round(4).tolist()
    random = np.random.default_rng(1)
    shipped = masks.shipped()
    for entropy in plan.entropies:
        plain = next(part for job, part in parts if job.scheme is None and job.entropy == entropy)
        rows = []
        texts = [words.decode(np.array(answer, np.int64)) for answer in plain["answers"]]
        for number, answer in enumerate(plain["answers"]):
            other = " ".join(texts[(number + step) % len(texts)] for step in (1, 2, 3))
            items = [item.strip() for item in masks.items_of(other)]
            replay = masks.replayed(texts[number], shipped, items, [",", "."], random)
            after = words.encode(replay)
            rows.append([shared(np.array(answer, np.int64), after, width) for width in WIDTHS])
        found[f"DIPPER's masks on answers of {entropy} nats"] = np.mean(rows, 0).round(4).tolist()
    return found


def predicted(
    plan: Plan, parts: list[tuple[Job, Part]], survival: dict[str, list[float]]
) -> list[dict[str, Any]]:
    """By scheme, entropy, paraphraser and length the median ln p and the TPR at 10⁻² that survival predicts."""
    held = loaded(plan.material)
    rows = []
    done = set()
    for job, part in parts:
        if job.scheme is None or (part["label"], job.entropy) in done:
            continue
        done.add((part["label"], job.entropy))
        entrant = held.entrant(job.scheme, held.source(job.entropy).size)
        scheme, scores = entrant.scheme, part["scores"]  # type: ignore[attr-defined]
        laws = [table.law(scheme.null) for table in standard(scheme).tables[0]]
        replay = {"DIPPER": survival[f"DIPPER's masks on answers of {job.entropy} nats"]}
        for name, shares in {**replay, **PUBLISHED}.items():
            share = shares[min(scheme.width, len(shares) - 1)]
            for length in plan.lengths:
                units = max(1, round(scores["units_a_token"] * length))
                log_p, power = _power(laws, units, share, scores["mean"], scores["variance"])
                rows.append({
                    "scheme": part["label"],
                    "entropy": job.entropy,
                    "paraphraser": name,
                    "tokens": length,
                    "survival": share,
                    "median_log_p": round(log_p, 3),
                    "tpr_1e-2": round(power, 4),
                })  # fmt: skip
    return rows


def _power(laws: list[Any], units: int, share: float, mean: float, variance: float) -> tuple[float, float]:
    """ln p at the expected total, and how often the total is at or above that of the level (normal law)."""
    from scipy.stats import norm

    parts = [Share(law, 1, units) for law in laws]
    nothing, spread = moments(parts)
    total = share * units * mean + (1 - share) * nothing
    wide = math.sqrt(share * units * variance + (1 - share) * spread)
    low, high = round(nothing), round(nothing + 12 * math.sqrt(spread) + 64)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_tail(parts, middle) <= math.log(LEVEL) else (middle, high)
    return log_tail(parts, round(total)), float(norm.sf((high - 0.5 - total) / wide))

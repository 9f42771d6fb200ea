"""MMD over windows: the statistic by hand, disjoint windows, one realised rate, and pairs of one side only."""

from __future__ import annotations

import numpy as np
import pytest
from baselines.log import Floats, Vectors
from drift.features import FEATURES
from drift.pairs import CAMPAIGNS, NEAR, POOLS, Pair, pairs
from drift.protocol import FRACTIONS, measured, mixed, null
from drift.statistic import SCALES, Kernel, scores
from drift.summary import alone, area, sized, table, threshold

from headwater.simulate.catalogue import SOURCES


def directions(count: int, seed: int, shift: float = 0.0) -> Vectors:
    """Unit vectors in five dimensions, drawn around a point."""
    drawn = np.random.default_rng(seed).normal(size=(count, 5)) + shift
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def exact(x: Vectors, y: Vectors) -> Floats:
    """Unbiased MMD² with the averaged kernel, without the term of `y` alone, from all pairs."""
    apart = np.linalg.norm(y[:, None] - y[None], axis=2)[np.triu_indices(len(y), 1)]

    def kernel(a: Vectors, b: Vectors) -> Floats:
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        return np.mean([np.exp(-squares / (2 * (s * np.median(apart)) ** 2)) for s in SCALES], axis=0)

    own = kernel(x, x)
    return (own.sum() - np.trace(own)) / (len(x) * (len(x) - 1)) - 2 * kernel(x, y).mean()


def test_random_features_give_the_exact_statistic() -> None:
    reference = directions(300, 0)
    kernel = Kernel.around(reference, 0)
    mean = kernel.features(reference).mean(axis=0)
    assert np.linalg.norm(kernel.features(reference), axis=1) == pytest.approx(np.ones(300), abs=1e-4)
    near, far = directions(60, 1), directions(60, 2, shift=1.0)
    sums = np.stack([kernel.features(x).sum(axis=0) for x in (near, far)])
    got = scores(sums, 60, mean)
    assert got == pytest.approx([exact(near, reference), exact(far, reference)], abs=0.02)
    assert got[1] - got[0] > 0.05


def test_windows_are_disjoint_and_mixed_as_told() -> None:
    benign, attack = np.eye(100, 150, dtype=np.float32), np.eye(50, 150, 100, dtype=np.float32)
    windows = mixed(benign, attack, 20, 0.25)
    assert windows.shape == (100 // 15, 150)
    assert windows.sum(axis=0).max() == 1  # no prompt twice
    assert windows[:, 100:].sum(axis=1).tolist() == [5.0] * 6
    assert len(mixed(benign, attack, 20, 1.0)) == 2
    assert len(mixed(benign, attack, 80, 1.0)) == 0


def test_the_null_is_widened_for_drawing_without_replacement() -> None:
    reference = directions(400, 0)
    kernel = Kernel.around(reference, 0)
    mean = kernel.features(reference).mean(axis=0)
    held = kernel.features(directions(4_000, 3))
    few, many = null(held[:400], 100, mean, 0), null(held, 100, mean, 0)
    assert few.deviation == pytest.approx(many.deviation, rel=0.25)
    assert 1.0 < many.threshold < 3.0


def test_thresholds_and_areas_by_hand() -> None:
    benign = np.arange(20.0)
    assert threshold(benign, 0.05) == 18.0
    assert threshold(benign, 0.0) == 19.0
    assert area(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == 0.875


def test_a_campaign_is_found_and_more_of_it_more_surely(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    talk = [" ".join(rng.choice(["blue", "cat", "house", "rain", "soup", "tree"], 9)) for _ in range(1_500)]
    harvest = [f"Derive {' '.join(rng.choice(['x', 'y', 'z'], 9))} = {i}, step by step" for i in range(600)]
    monkeypatch.setattr("drift.protocol.WINDOWS", (50,))
    monkeypatch.setattr("drift.protocol.DRAWS", 100)
    pool = measured(talk, FEATURES["sketch"], {"aqua": harvest}, seed=1)
    assert len(pool["benign"]["50"]) == 30
    pair = next(p for p in pairs_of_aqua() if p.pool == "gsm8k")
    found = sized({"gsm8k": pool}, [pair], 50)
    assert found is not None
    shares = [found["5%"][f"{f:g}"]["found"] for f in FRACTIONS]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    told = {"windows": {"50": found}, "one_account": alone({"50": found}, "5%")}
    assert told["one_account"]["1"]["0.9"] == {"exchanges": 50, "days": 1.9}
    assert "50" in table(told, "sketch")


def pairs_of_aqua() -> list[Pair]:
    """The near pair and the wide ones of one campaign."""
    return [p for p in pairs("tune") if p.campaign == "aqua"]


@pytest.mark.parametrize("side", ["tune", "score"])
def test_fourteen_pairs_of_one_side(side: str) -> None:
    held = pairs(side)  # type: ignore[arg-type]
    assert len(held) == len({p.name for p in held}) == 14
    named = {c for names in POOLS[side].values() for c in names} | set(CAMPAIGNS[side])  # type: ignore[index]
    assert {SOURCES[name].side for name in named} == {side}
    assert all(pool in POOLS[side] for _, pool in NEAR[side])  # type: ignore[index]

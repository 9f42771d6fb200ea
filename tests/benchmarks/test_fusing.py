"""The fit of what evidence says together: noise loses its weight, overlap is taken off, and the file is read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from suite.fusing import Group, fitted, groups, written
from suite.rescore import cards

from benchmarks.kept import judged, world
from headwater.detect import Finding
from headwater.detect.fusion import Fusion

GROUPS, RINGS = 6000, 0.15


def drawn(seed: int) -> list[Group]:
    """Groups of both kinds: `queue` tells them apart as it says, `pool` says the same again, `prefix` is noise."""
    rng, known, out = np.random.default_rng(seed), cards(), []
    for _ in range(GROUPS):
        ring = bool(rng.random() < RINGS)
        # A normal log-likelihood ratio of mean ±2 and variance 4 means what it says.
        nats = float(rng.normal(2.0 if ring else -2.0, 2.0))
        said = {"queue": nats, "pool": nats, "prefix": float(rng.choice([0.0, 1.5]))}
        found = tuple((known[name], Finding(x, "")) for name, x in said.items())
        out.append(Group(found, ring, bool(rng.random() < 0.5)))
    return out


@pytest.fixture(scope="module")
def fit() -> Fusion:
    return fitted(drawn(1))


def test_noise_has_no_weight_and_what_is_said_twice_counts_about_once(fit: Fusion) -> None:
    assert fit.supports["prefix"] < 0.15
    assert 0.8 < fit.supports["queue"] + fit.supports["pool"] < 1.3
    assert all(0 <= w <= 1 for w in (*fit.supports.values(), *fit.against.values()))


def test_the_curve_makes_the_sum_come_true_on_groups_that_it_never_saw(fit: Fusion) -> None:
    from headwater.detect.combine import combine

    odds, ring = [], []
    for group in drawn(2):
        seen = {"fusion": fit, "attributes": group.attributes}
        odds.append(combine(group.found, prior=RINGS, threshold=0.99, tested=1, **seen).probability)
        ring.append(group.ring)
    said, true = np.array(odds), np.array(ring)
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95)):
        inside = (said >= low) & (said < high)
        assert inside.sum() > 50
        error = np.sqrt(said[inside].mean() * (1 - said[inside].mean()) / inside.sum())
        assert abs(true[inside].mean() - said[inside].mean()) < 4 * error + 0.02


def test_what_is_written_is_what_is_read(fit: Fusion) -> None:
    again = Fusion.read(written(fit, drawn(1), 12))
    assert (again.supports, again.against) == (fit.supports, fit.against)
    assert (again.bare, again.open) == (fit.bare, fit.open)
    assert list(again.bare.means) == sorted(again.bare.means)


def test_only_fitting_worlds_are_read_and_what_was_declared_is_left_out(tmp_path: Path) -> None:
    kept = world(
        [judged({"queue": 2.0}), judged({"queue": 1.0, "organisation": -15.0})], looks=("everything",)
    )
    (tmp_path / "fitting-quiet-1-0.json").write_text(json.dumps(kept), encoding="utf-8")
    (tmp_path / "calibration-quiet-1-0.json").write_text(json.dumps(kept), encoding="utf-8")
    (one,) = groups(tmp_path)
    assert [card.name for card, _ in one.found] == ["queue"]
    assert one.ring

"""Random planes: exact in any split of the rows, and near where content is near."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.population import Content


def content(seed: int = 0) -> Content:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(128, 128)).astype(np.float32)
    return Content(rng.normal(size=128).astype(np.float32), matrix, np.eye(128), 10)


@given(st.integers(0, 2**31), st.integers(1, 64), st.integers(1, 9))
def test_any_split_gives_the_same_sides(seed: int, count: int, parts: int) -> None:
    planes = Planes.through(content(), count, 7)
    sketches = np.random.default_rng(seed).integers(-128, 128, (50, 128)).astype(np.int8)
    whole = planes.sides(sketches)
    assert np.array_equal(np.concatenate([planes.sides(p) for p in np.array_split(sketches, parts)]), whole)
    exact = sketches.astype(np.int64) @ planes.matrix.astype(np.int64) - planes.middle.astype(np.int64)
    assert np.array_equal(planes.along(sketches).astype(np.int64), exact)
    assert count == 64 or (whole < np.uint64(1) << np.uint64(count)).all()


def test_directions_are_those_of_whitened_content() -> None:
    """Along random directions the mean square is the whitened length."""
    known = content()
    planes = Planes.through(known, 64, 7)
    sketches = np.random.default_rng(1).integers(-60, 60, (200, 128)).astype(np.int8)
    length = (((sketches - known.mean) @ known.matrix) ** 2).sum(axis=1)
    along = (planes.along(sketches).astype(np.float64) / planes.unit) ** 2
    assert (along.mean(axis=1) / length).mean() == pytest.approx(1, abs=0.1)


def test_near_content_lies_on_the_same_side_of_most_planes() -> None:
    planes = Planes.through(content(), 64, 7)
    rng = np.random.default_rng(2)
    one = rng.integers(-60, 60, (300, 128))
    near = one + rng.integers(-8, 9, one.shape)
    apart = np.bitwise_count(planes.sides(one.astype(np.int8)) ^ planes.sides(near.astype(np.int8)))
    other = np.bitwise_count(
        planes.sides(one.astype(np.int8)) ^ planes.sides(np.roll(one, 1, 0).astype(np.int8))
    )
    assert (apart <= 13).mean() > 0.99
    assert (other <= 13).mean() < 0.01


def test_a_log_without_content_has_planes_too() -> None:
    nothing = Content(np.zeros(128, np.float32), np.zeros((128, 128), np.float32), np.zeros((128, 128)), 0)
    assert (Planes.through(nothing, 12, 0).sides(np.zeros((3, 128), np.int8)) == 0).all()

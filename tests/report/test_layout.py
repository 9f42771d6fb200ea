"""Discs keep apart, dots stay in their disc, the field stays outside, and nothing is left to chance."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.report.layout import arrange, sunflower

sizes = st.lists(st.integers(1, 3_000), min_size=1, max_size=25)


@settings(max_examples=40)
@given(sizes)
def test_discs_are_apart_and_hold_their_dots(found: list[int]) -> None:
    made = arrange(found, 500)
    centres, radii = made.centres.astype(float), made.radii.astype(float)
    for i in range(len(found)):
        apart = np.hypot(*(centres - centres[i]).T)
        apart[i] = np.inf
        assert (apart >= radii + radii[i] - 3).all()
        assert len(made.dots[i]) == found[i]
        assert (np.hypot(*(made.dots[i] - centres[i]).T) <= radii[i] + 2).all()
        assert np.abs(centres[i, 0]) + radii[i] <= made.width / 2 + 2
        assert np.abs(centres[i, 1]) + radii[i] <= made.height / 2 + 2
        assert (np.hypot(*(made.field - centres[i]).T) >= radii[i] - 2).all()


def test_no_two_dots_share_a_place() -> None:
    dots = arrange([20_000], 0).dots[0]
    assert len(np.unique(dots, axis=0)) == 20_000


def test_a_sunflower_is_as_dense_within_as_without() -> None:
    radius = np.hypot(*sunflower(10_000).T)
    assert abs(np.sum(radius < 50) - 2_500) < 10


def test_the_same_sizes_give_the_same_places_quickly() -> None:
    found = [5_000, 4_000, 3_000, 2_500, 2_000, 1_500, 1_000, 500, 300, 150, 40, 10]
    took = []
    for _ in range(5):
        began = time.perf_counter()
        one = arrange(found, 3_000)
        took.append(time.perf_counter() - began)
    two = arrange(found, 3_000)
    assert all((a == b).all() for a, b in zip(one.dots, two.dots, strict=True))
    assert (one.field == two.field).all()
    assert min(took) < 0.2


def test_no_discs_and_no_others_are_no_fault() -> None:
    made = arrange([], 0)
    assert len(made.dots) == len(made.field) == 0
    assert len(arrange([], 10).field) > 0

"""Fusion as it is read: a file that is none is refused, and says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.fusion import FUSED, PLAIN, Fusion

CURVE = "said = [0, 1]\nmeans = [-1, 0.5]\n"
WEIGHTS = "[supports]\nqueue = 0.5\n[against]\npool = 0\n"
GOOD = f"{WEIGHTS}[bare]\n{CURVE}[open]\nsaid = [0, 2]\nmeans = [0, 1]\n"


def test_it_reads_weights_and_curve() -> None:
    fusion = Fusion.read(GOOD)
    assert fusion.weighed("queue", 4.0) == 2.0
    assert fusion.weighed("queue", -4.0) == -4.0, "it has no weight against"
    assert fusion.weighed("pool", -4.0) == 0.0
    assert [fusion.meant(x, False) for x in (-1.0, 0.0, 0.5, 1.0, 3.0)] == [-2.0, -1.0, -0.25, 0.5, 2.5]
    assert [fusion.meant(x, True) for x in (-1.0, 1.0, 3.0)] == [-1.0, 0.5, 2.0]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("0.5", "-0.5", "the weight of queue"),
        ("0.5", "1.5", "the weight of queue"),
        ("0.5", "nan", "the weight of queue"),
        ("0.5", "'0.5'", "the weight of queue"),
        ("0.5", "true", "the weight of queue"),
        ("[against]", "[agianst]", "weights stand in"),
        ("said", "sad", "a curve has"),
        (f"[bare]\n{CURVE}", "", "weights stand in"),
        ("[0, 1]", "[1, 0]", "ascending"),
        ("[-1, 0.5]", "[-1]", "as many"),
        ("[-1, 0.5]", "[-1, inf]", "finite"),
        ("[0, 1]", "[]", "as many"),
    ],
)
def test_what_is_no_fusion_is_refused(right: str, wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Fusion.read(GOOD.replace(right, wrong))


@given(st.floats(-60, 60), st.floats(-60, 60), st.booleans())
def test_more_said_never_means_less(a: float, b: float, attributes: bool) -> None:
    low, high = sorted((a, b))
    assert FUSED.meant(low, attributes) <= FUSED.meant(high, attributes)
    assert PLAIN.meant(a, attributes) == a

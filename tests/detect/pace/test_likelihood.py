"""The laws behind the nats are densities, and chance is paid on average no more than 1."""

import math

import numpy as np
import pytest
from scipy import integrate

from headwater.detect.pace import likelihood


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_p_value_is_paid_at_most_one_on_average(share):
    p = np.concatenate([np.geomspace(1e-300, 1e-6, 30_000), np.linspace(1e-6, 1, 200_000)[1:]])
    paid = np.trapezoid([math.exp(likelihood.from_p(float(x), share)) for x in p], p)
    assert paid == pytest.approx(1.0, abs=0.005)


def test_a_p_value_never_pays_more_than_its_inverse_and_falls():
    p = np.concatenate([np.geomspace(1e-6, 0.9, 200), np.linspace(0.9, 1, 2000)])
    nats = np.array([likelihood.from_p(float(x), 0.5) for x in p])
    assert np.all(nats <= -np.log(p) + 1e-12)
    assert np.all(np.diff(nats) < 1e-12)


@pytest.mark.parametrize("sd", [0.03, 0.2])
def test_both_laws_of_the_ratio_integrate_to_one(sd):
    chance, _ = integrate.quad(lambda r: likelihood.null_density(r, 1.0, sd), -5, 8, points=[1.0], limit=500)
    assert chance == pytest.approx(1.0, abs=0.01)
    grid = np.linspace(0, 3, 3_001)
    one = np.trapezoid([likelihood.dispatcher_density(float(r), 1.0, sd) for r in grid], grid)
    assert one == pytest.approx(1.0, abs=0.03)


def test_the_ratio_falls_with_r():
    nats = [likelihood.dispatcher_ratio(r, 1.0, 0.05) for r in (0.6, 0.8, 0.9, 1.0, 1.05)]
    assert nats == sorted(nats, reverse=True)
    assert nats[0] > 0 > nats[-1]

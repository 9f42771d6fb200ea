"""What is usual in a log: whitening by its own covariance, from the proposing half, busy accounts thinned."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import DAY, dealt_log, folded, log
from headwater.detect.population import A_ACCOUNT, Population
from headwater.exchange import SKETCH


def test_directions_in_which_everybody_varies_say_little() -> None:
    rng = np.random.default_rng(1)
    vector = rng.normal(size=(2400, SKETCH)) * 0.3
    vector[:, 0] *= 15
    made = log(np.repeat(np.arange(100), 24), rng.integers(0, 14 * DAY, 2400), vector=vector)
    content = made.world().context["content"]
    gain = np.diag(content.matrix)
    assert gain[0] < 0.3 * np.median(gain)
    white = content.whiten(np.clip(np.rint(vector * 20), -127, 127).astype(np.int8))
    assert np.allclose(np.linalg.norm(white, axis=1), 1, atol=1e-5)


def test_zero_stays_zero_and_a_flat_log_is_no_error() -> None:
    made = log(np.repeat(np.arange(10), 4), np.arange(40) * DAY, vector=np.zeros((40, SKETCH)))
    content = made.world().context["content"]
    assert not content.whiten(np.zeros((3, SKETCH), np.int8)).any()


def test_a_busy_account_does_not_define_what_is_normal() -> None:
    rng = np.random.default_rng(2)
    account = np.concatenate([np.repeat(np.arange(40), 24), np.full(20_000, 40)])
    vector = rng.normal(size=(len(account), SKETCH))
    vector[account == 40] += 3
    made = log(account, rng.integers(0, 400 * DAY, len(account)), vector=vector)
    content = made.world().context["content"]
    assert content.rows < 40 * 24 + 3 * A_ACCOUNT
    assert abs(float(content.mean.mean())) < 10  # the busy account alone lies at 60


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5))
def test_any_split_and_order_give_the_same_whitening(seed: int, parts: int) -> None:
    made = dealt_log(2)
    world = made.world()
    rows = np.random.default_rng(seed).permutation(made.table.num_rows)
    batches = [made.batch(world, part) for part in np.array_split(rows, parts)]
    found, whole = folded(Population(), world, batches), world.context["content"]
    assert found.matrix.tobytes() == whole.matrix.tobytes()
    assert found.mean.tobytes() == whole.mean.tobytes()
    assert found.rows == whole.rows

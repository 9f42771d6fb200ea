"""Rows kept for several kinds of evidence: what each finds is what it finds alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.evidence.busy import busy
from detect.evidence.conformance import comparable
from detect.worlds import log
from headwater.detect import passes
from headwater.detect.evidence.traffic.kept import Kept, OfRows, Rows, Together
from headwater.detect.fold import Batch, World
from headwater.detect.installed import load

EVERY = [fold for fold in load() if isinstance(fold, OfRows)]


def found(folds: list[Any]) -> list[Any]:
    return of(*busy(), folds)


def of(made: Any, world: World, folds: list[Any], seed: int = 4) -> list[Any]:
    world = replace(world, context=dict(world.context))
    rows = np.array_split(np.random.default_rng(seed).permutation(made.table.num_rows), 6)

    def fold(_: Any, work: Any, merge: Any, finish: Any, progress: Any) -> Any:
        states = [work(iter([made.indexed(np.sort(r)) for r in some])) for some in (rows[:2], rows[2:])]
        return finish(merge(*states))

    log = SimpleNamespace(fold=fold, workers=2, state_bytes=1 << 40, near=bool(seed % 2))
    return [comparable(outcome) for outcome in passes.run(folds, log, world)]  # type: ignore[arg-type]


def test_several_kinds_share_their_rows() -> None:
    at_work, whose = passes._gathering(EVERY)
    assert len(EVERY) > 5
    assert len(at_work) == 1
    assert whose == [(0, True)] * len(EVERY)


def test_together_and_alone() -> None:
    assert found(EVERY) == [found([fold])[0] for fold in EVERY]


@pytest.mark.parametrize("seed", range(6))
def test_together_and_alone_where_requests_come_in_the_same_second(seed: int) -> None:
    """What came at one moment has no order but that of what each kind of evidence keeps itself."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(20), 60)
    n = len(account)
    made = log(
        account,
        rng.integers(0, 200, n) * 10**6,
        form=rng.integers(0, 8, n),
        latency_ms=rng.choice([0.0, 900.0, 5_000.0], n),
        more={
            "status": pa.array(rng.choice([200, 400, 429, 500], n), pa.int32()),
            "cancelled": pa.array(rng.random(n) < 0.3),
            "turn": pa.array(rng.integers(0, 3, n), pa.int32()),
            "response": pa.array(rng.integers(0, 2**63, n), pa.uint64()),
            "previous": pa.array(rng.integers(0, 2**63, n), pa.uint64()),
        },
    )
    world = made.world()
    assert of(made, world, EVERY) == [of(made, world, [fold], seed=5)[0] for fold in EVERY]


def _half(batch: Batch) -> np.ndarray:
    return batch.half


HALF = Kept("half", (), _half)


def _zeros(batch: Batch) -> np.ndarray:
    return np.zeros(len(batch))


def test_what_several_keep_is_kept_once_and_of_whoever_sent_least() -> None:
    one = Together([Kept("half", (), _half), Kept("other", ("status",), _half)], 7)
    both = one.joined([Together([Kept("half", (), _half)], 3)])
    assert [kept.name for kept in both.kept] == ["half", "other"]
    assert both.least == 3
    assert both.columns == ("status",)


def test_another_column_of_the_same_name_is_another_column() -> None:
    made, world = busy()
    both = Together([HALF, Kept("half", (), _zeros)], 1)
    state = both.finish(both.update(both.init(world), made.batch(world)), world)
    half, zeros = (state.of(1, (one,)) or () for one in both.kept)
    assert half[2].any()
    assert not zeros[2].any()


def test_a_subclass_that_keeps_rows_its_own_way_keeps_them_alone() -> None:
    class Own(OfRows):
        kept = (HALF,)

        def update(self, state: Rows, batch: Batch) -> Rows:
            return state

    own = Own()
    at_work, whose = passes._gathering([own, *EVERY])  # type: ignore[list-item]
    assert at_work[0] is own
    assert whose[0] == (0, False)
    assert len(at_work) == 2


def test_a_column_that_nothing_makes() -> None:
    _, world = busy()
    with pytest.raises(TypeError, match="nothing makes the column empty"):
        Together([Kept("empty", ())], 1).init(world)


def _rows(world: World, made: Any, least: int) -> Rows:
    fold = Together([HALF], least)
    return fold.finish(fold.update(fold.init(world), made.batch(world)), world)


def test_rows_of_accounts_with_exchanges_enough_in_order() -> None:
    made, world = busy()
    account, at_us, half = _rows(world, made, 2).of(2, (HALF,)) or ()
    batch = made.batch(world)
    order = np.lexsort((batch.half, batch.at_us, batch.account))
    order = order[world.volume[batch.account[order]] >= 2]
    assert account.tolist() == batch.account[order].tolist()
    assert at_us.tolist() == batch.at_us[order].tolist()
    assert half.tolist() == batch.half[order].tolist()
    most = int(np.sort(world.volume)[-2])
    few = _rows(world, made, 2).of(most, ()) or ()
    assert set(few[0].tolist()) == set(np.flatnonzero(world.volume >= most).tolist())
    assert _rows(world, made, 2).of(int(world.volume.max()) + 1, ()) is None
    assert _rows(world, made, int(world.volume.max()) + 1).of(1, ()) is None

"""The index that a cluster makes of rows is the one that DuckDB makes of them, to the bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.logs import row, spooled
from engine.spark.standalone import CLUSTERED, Standalone
from headwater.engine import Census, Index, Local, Resources, Spool, arrange
from headwater.engine.arranged import INDEX

pytestmark = CLUSTERED


@pytest.fixture(scope="module")
def cluster(standing: Standalone) -> Iterator[Any]:
    from headwater.engine.spark import connect

    cluster = connect(standing.master)
    yield cluster
    cluster.close()


def messy(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows that repeat and contradict each other: ids under several accounts, other times, other content, no owner."""
    rng = random.Random(seed)
    accounts = ["a", "b", "ä", "Ä", "\x00", "z" * 40, "", "a ", "𝔞", *(f"account-{at}" for at in range(20))]
    rows = [
        row(
            rng.randrange(count),
            rng.choice(accounts),
            rng.randrange(400_000) / rng.choice((1, 7)),
            model=rng.choice([None, "small", "large", "Large"]),
            organisation=rng.choice([None, None, "x", "y", "ÿ"]),
            imprint={"exact": rng.choice([0, 1, 2**63, 2**64 - 1, rng.randrange(2**64)])},
        )
        for _ in range(count)
    ]
    rows += rng.sample(rows, count // 5)  # the same again
    rows += [{**each, "at": each["at"] + rng.choice((-5, 0, 5))} for each in rng.sample(rows, count // 5)]
    rows += [{**each, "model": "other"} for each in rng.sample(rows, count // 5)]
    for at, name in enumerate(("one session", "another")):
        rows += [
            row(10_000 + 100 * at + n, name, second) for n, second in enumerate((0, 10, 49, 50, 51, 100))
        ]
    rows += [row(20_000 + at, "all at once", 5) for at in range(10)]
    rng.shuffle(rows)
    return rows


def both(spool: Spool, cluster: Any, folder: Path) -> tuple[Index, Local, Any]:
    from headwater.engine.spark import Rows, Spark, Store

    index = arrange(spool, Resources(threads=1), folder)
    rows = Rows(Store(spool.folder), spool.schema, tuple(spool.parts))
    return index, Local(spool, index, Resources(threads=1)), Spark(cluster, rows)


def alike(one: Census, other: Census) -> bool:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, np.ndarray):
            return a.dtype == b.dtype and np.array_equal(a, b)
        if isinstance(a, tuple) and a and isinstance(a[0], np.ndarray):
            return all(map(same, a, b))
        return bool(a == b)

    return all(same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)


@pytest.mark.parametrize(("seed", "count"), [(1, 40), (2, 3000), (3, 5)])
def test_the_same_index_to_the_bit(cluster: Any, tmp_path: Path, seed: int, count: int) -> None:
    rows = messy(seed, count)
    spool = spooled(rows[: count // 2], tmp_path, "spool", batch=7)
    # Several parts, one of them of nothing but what lies in another.
    more = Spool(spool.folder, spool.schema, spool.parts, next_part=len(spool.parts))
    with more:
        more.append(pa.RecordBatch.from_pylist(rows[count // 2 :], schema=spool.schema))
        more.cut()
        more.append(pa.RecordBatch.from_pylist(rows[:3], schema=spool.schema))
    index, local, laid = both(more, cluster, tmp_path)
    got = pa.Table.from_batches(list(laid.batches(["id", "imprint.exact"])))
    want = pa.Table.from_batches(list(local.batches(["id", "imprint.exact"])))
    assert got.equals(want)
    assert index.duplicates > 0
    for name in INDEX:
        assert got.schema.field(name).type == want.schema.field(name).type
    assert alike(laid.census, local.census)
    assert laid.filled == local.filled


def test_folds_see_every_row_once_and_merge_in_order(cluster: Any, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", pa.schema([("n", pa.int64()), *FIELDS]))
    with spool:
        for at in range(25):
            rows = [dict(row(at * 10 + n, "a", at * 10 + n), n=at * 10 + n) for n in range(10)]
            spool.append(pa.RecordBatch.from_pylist(rows, schema=spool.schema))
            spool.cut()
    _, local, laid = both(spool, cluster, tmp_path)

    # Made in here, so that they travel whole: executors don't have the tests.
    def numbers(batches: Iterator[pa.RecordBatch]) -> list[int]:
        return [n for batch in batches for n in batch.column("n").to_pylist()]

    def joined(left: list[int], right: list[int]) -> list[int]:
        return left + right

    asked: Any = (["row", "n"], numbers, joined, tuple)
    assert laid.fold(*asked) == local.fold(*asked) == tuple(range(250))
    some = np.array([0, 9, 10, 133, 249])
    assert laid.take(["n", "id"], some).equals(local.take(["n", "id"], some))
    assert laid.take(["n"], some[:0]).equals(local.take(["n"], some[:0]))


def test_an_error_on_an_executor_is_told_without_the_log(cluster: Any) -> None:
    from headwater.errors import HeadwaterError, UsageError

    def meant(_: int) -> None:
        raise UsageError("cannot be used", hint="do otherwise")

    def not_meant(_: int) -> None:
        raise ValueError("a prompt of the log")

    with pytest.raises(UsageError, match="cannot be used") as caught:
        cluster.each(meant, [1], "fail")
    assert caught.value.hint == "do otherwise"
    with pytest.raises(HeadwaterError, match="ValueError") as failed:
        cluster.each(not_meant, [1], "fail")
    assert "a prompt" not in str(failed.value) + str(failed.value.hint)


FIELDS = [
    pa.field("id", pa.string()),
    pa.field("at", pa.timestamp("us", tz="UTC")),
    pa.field("account", pa.string()),
    pa.field("organisation", pa.string()),
    pa.field("model", pa.string()),
    pa.field("imprint", pa.struct([pa.field("exact", pa.uint64())]), nullable=False),
]

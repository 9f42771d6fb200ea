"""A fold over rows that lie elsewhere: work where they are, states merged in a tree there, the last one sent here."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headwater.engine.arranged import Merge, Outcome, State, Work
from headwater.engine.spark.cluster import Cluster, unpacked, worded
from headwater.engine.spark.rows import Rows
from headwater.engine.spool import Group
from headwater.errors import HeadwaterError

#: States that one task merges.
FAN = 8
#: Parts of the rows for each task that can run at once: a slow or lost one holds up little.
A_SLOT = 2


def folded(
    cluster: Cluster,
    rows: Rows,
    columns: Sequence[str],
    work: Work[State],
    merge: Merge[State],
    finish: Callable[[State], Outcome],
    what: str,
) -> Outcome:
    """`work` over all rows, in slices whose states are merged in the order of their rows; `finish` of the last one."""
    from pyspark import cloudpickle

    context = cluster.spark.sparkContext
    context.setJobDescription(what)
    slices = rows.slices(cluster.slots * A_SLOT)
    with worded():
        sent = context.broadcast(cloudpickle.dumps((rows, list(columns), work, merge, finish), protocol=5))
        try:
            states = context.parallelize(list(enumerate(slices)), len(slices)).map(_worked(sent))
            width = len(slices)
            while width > 1:
                width = -(-width // FAN)
                states = states.map(_lifted).partitionBy(width, int).mapPartitions(_merged(sent))
            (last,) = states.map(_finished(sent)).collect()
        finally:
            sent.destroy()
    cluster.received.append((what, len(last)))
    return unpacked(last)  # type: ignore[no-any-return]


def _worked(sent: Any) -> Callable[[tuple[int, list[Group]]], tuple[int, bytes]]:
    def one(item: tuple[int, list[Group]]) -> tuple[int, bytes]:
        at, groups = item
        rows, columns, work, *_ = pickle.loads(sent.value)
        try:
            return at, pickle.dumps(work(rows.read(groups, columns)), protocol=5)
        except HeadwaterError as error:
            return at, pickle.dumps(error)

    return one


def _lifted(item: tuple[int, bytes]) -> tuple[int, tuple[int, bytes]]:
    return item[0] // FAN, item


def _merged(sent: Any) -> Callable[[Iterator[Any]], Iterator[tuple[int, bytes]]]:
    def some(items: Iterator[tuple[int, tuple[int, bytes]]]) -> Iterator[tuple[int, bytes]]:
        *_, merge, _ = pickle.loads(sent.value)
        parts = sorted((item for _, item in items), key=_place)
        if not parts:
            return
        try:
            whole = unpacked(parts[0][1])
            for _, state in parts[1:]:
                whole = merge(whole, unpacked(state))
            last = pickle.dumps(whole, protocol=5)
        except HeadwaterError as error:
            last = pickle.dumps(error)
        yield parts[0][0] // FAN, last

    return some


def _finished(sent: Any) -> Callable[[tuple[int, bytes]], bytes]:
    def last(item: tuple[int, bytes]) -> bytes:
        *_, finish = pickle.loads(sent.value)
        try:
            return pickle.dumps(finish(unpacked(item[1])), protocol=5)
        except HeadwaterError as error:
            return pickle.dumps(error)

    return last


def _place(item: tuple[int, bytes]) -> int:
    return item[0]

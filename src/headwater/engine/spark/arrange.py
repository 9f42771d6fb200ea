"""From rows in a store to an index beside them: the same index, to the bit, that one machine makes of the same rows.

Executors read narrow columns through Arrow, hash them with DuckDB, and write the index through Arrow; in between Spark
joins and sorts. To the driver come names behind codes, and counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.engine.arranged import ACCOUNT, AT_US, HALF, MODEL
from headwater.engine.census import Census, Tally
from headwater.engine.spark.cluster import Cluster, worded
from headwater.engine.spark.rows import ABSENT, INDEX_SCHEMA, Rows
from headwater.engine.spark.steps import steps
from headwater.engine.spark.tree import folded
from headwater.engine.spool import Group

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Views that are asked more than once, kept as they were found.
_ASKED_AGAIN = ("left_out", "accounts", "models", "sessions")
#: Rows of one partition of a shuffle, at least.
_A_PARTITION = 500_000
#: Unsigned numbers as signed ones in the same order.
_TURN = "xor({}, 9223372036854775808::UBIGINT)"
_NARROW = f"""
SELECT row, account, epoch_us("at") AS at_us, {_TURN.format("hash(id)")} AS id_hash,
    {_TURN.format('"imprint.exact"')} AS exact, organisation, model, (hash(account) & 1)::INTEGER AS side
FROM rows
"""
_CONTENT = f"SELECT {_TURN.format('hash(*COLUMNS(*))')} AS content FROM rows"
_NARROW_SPARK = (
    "part INT, row BIGINT, account STRING, at_us BIGINT, id_hash BIGINT, exact BIGINT, organisation STRING, "
    "model STRING, side INT"
)
_COUNTED = (ACCOUNT, AT_US, HALF, MODEL)
_READ = ("id", "at", "account", "organisation", "model", "imprint.exact")


def arrange(rows: Rows, cluster: Cluster) -> tuple[Rows, Census]:
    """Write the index of `rows`; they with it, and what it says of the log as a whole."""
    spark = cluster.spark
    spark.sparkContext.setJobDescription("arrange by account and session")
    parts = len(rows.parts)
    with worded():
        spark.conf.set("spark.sql.shuffle.partitions", max(cluster.slots, rows.count // _A_PARTITION))
        every = spark.range(0, parts, 1, parts)
        narrow = every.mapInArrow(_narrow(rows), _NARROW_SPARK).persist()
        narrow.createOrReplaceTempView("narrow")
        named: dict[str, DataFrame] = {}
        try:
            _name_views(rows, cluster, named)
            index, bare = _written(rows, named["index"], cluster)
            tables = {name: named[name].toArrow() for name in ("accounts", "models", "conflicts")}
        finally:
            for frame in (narrow, *(named[name] for name in _ASKED_AGAIN if name in named)):
                frame.unpersist()
    cluster.received.append(("names behind codes", sum(table.nbytes for table in tables.values())))
    laid = replace(rows, index=index, bare=bare)
    accounts, models = tables["accounts"].sort_by("code"), tables["models"].sort_by("model_code")
    size, asked = accounts.num_rows, models.num_rows

    def work(batches: Iterator[pa.RecordBatch]) -> Tally:
        columns = ((np.asarray(batch.column(name)) for name in _COUNTED) for batch in batches)
        return reduce(Tally.merged, (Tally.of(*four, accounts=size, models=asked) for four in columns))

    tally: Tally = folded(cluster, laid, [], work, Tally.merged, _as_it_is, "count by account and minute")
    (conflicts,) = tables["conflicts"].to_pylist()
    named_as = (accounts.column("account"), accounts.column("organisation"), models.column("model"))
    names: list[Any] = [column.to_pylist() for column in named_as]
    return laid, tally.census(laid.count, *names, **conflicts)


def _as_it_is(tally: Tally) -> Tally:
    return tally


def _name_views(rows: Rows, cluster: Cluster, out: dict[str, DataFrame]) -> None:
    spark = cluster.spark
    for name, sql in steps():
        if name == "left_out":
            by_part = out["twice"].select("part", "row").groupBy("part")
            contents = by_part.applyInArrow(_contents(rows), "row BIGINT, content BIGINT")
            contents.createOrReplaceTempView("contents")
        out[name] = spark.sql(sql)
        if name in _ASKED_AGAIN:
            out[name].persist()
        out[name].createOrReplaceTempView(name)


def _narrow(rows: Rows) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Read on an executor: the narrow rows of the parts that are named by number."""
    groups = _by_part(rows)

    def read(named: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in named:
            for at in np.asarray(batch.column(0)).tolist():
                for wide in rows.read(groups[at], [*_READ]):
                    found = _asked(_NARROW, _flat(wide))
                    columns: list[Any] = [found.column(name) for name in _NAMES]
                    part = pa.array(np.full(len(found), at, np.int32))
                    yield from pa.Table.from_arrays([part, *columns], schema=_SCHEMA).to_batches()

    return read


_NAMES = ("row", "account", "at_us", "id_hash", "exact", "organisation", "model", "side")
_KINDS: tuple[Any, ...] = (pa.int64(), pa.string(), *[pa.int64()] * 3, pa.string(), pa.string(), pa.int32())
_SCHEMA = pa.schema([("part", pa.int32()), *zip(_NAMES, _KINDS, strict=True)])


def _by_part(rows: Rows) -> dict[int, list[Group]]:
    out: dict[int, list[Group]] = {at: [] for at in range(len(rows.parts))}
    for group in rows.groups():
        out[group.part].append(group)
    return out


def _flat(batch: pa.RecordBatch) -> pa.Table:
    """The batch with the struct's field as a column of its own, as files have it."""
    at = batch.schema.names.index("imprint")
    exact: Any = batch.column(at)
    columns = [c if n != at else exact.field("exact") for n, c in enumerate(batch.columns)]
    names = [name if name != "imprint" else "imprint.exact" for name in batch.schema.names]
    return pa.table(columns, names=names)


def _asked(sql: str, rows: pa.Table) -> pa.Table:
    """DuckDB's answer about an Arrow table, hashes as signed numbers."""
    with duckdb.connect() as db:
        db.execute("SET threads = 1")
        db.register("rows", rows)
        found = db.sql(sql).to_arrow_table().combine_chunks()
    columns = [c.combine_chunks() if c.num_chunks else pa.array([], c.type) for c in found.columns]
    turned = [c.view(pa.int64()) if c.type == pa.uint64() else c for c in columns]
    return pa.table([_plain(c) for c in turned], names=found.column_names)


def _plain(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def _contents(rows: Rows) -> Callable[[pa.Table], pa.Table]:
    """Read on an executor: the hash over all columns of some rows of one part."""
    groups = _by_part(rows)

    def read(named: pa.Table) -> pa.Table:
        wanted = np.sort(named.column("row").to_numpy())
        found = [np.empty(0, np.int64)]
        for group in groups[named.column("part")[0].as_py()]:
            mine = wanted[(wanted >= group.first) & (wanted < group.first + group.rows)] - group.first
            if len(mine):
                chosen = pa.Table.from_batches([rows.packed(group)]).take(pa.array(mine))
                found.append(_asked(_CONTENT, chosen).column("content").to_numpy())
        return pa.table({"row": pa.array(wanted), "content": pa.array(np.concatenate(found))})

    return read


def _written(rows: Rows, index: DataFrame, cluster: Cluster) -> tuple[str, frozenset[str]]:
    """The folder of the index, written by executors part by part, and the parts that needed no file."""
    folder = f"index-{uuid.uuid4().hex[:12]}"
    groups = _by_part(rows)

    def write(entries: pa.Table) -> pa.Table:
        at = entries.column("part")[0].as_py()
        mine = groups[at]
        name = rows.parts[at].name
        place = entries.column("row").to_numpy() - mine[0].first
        columns = []
        for kind in INDEX_SCHEMA:
            values = np.full(rows.parts[at].rows, ABSENT[kind.name], kind.type.to_pandas_dtype())
            values[place] = entries.column(kind.name.removeprefix("#")).to_numpy()
            columns.append(pa.array(values, type=kind.type))
        whole = pa.table(columns, schema=INDEX_SCHEMA)
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(sink, INDEX_SCHEMA, compression="lz4") as writer:
            for group in mine:
                writer.write_table(whole.slice(group.first - mine[0].first, group.rows), group.rows)
        rows.store.write(f"{folder}/{name}", sink.getvalue().to_pybytes())
        return pa.table({"part": pa.array([at], pa.int32())})

    found = index.groupBy("part").applyInArrow(write, "part INT").toArrow()
    cluster.received.append(("parts of the index", found.nbytes))
    done = set(found.column("part").to_pylist())
    bare = {part.name for at, part in enumerate(rows.parts) if at not in done}
    return folder, frozenset(bare)

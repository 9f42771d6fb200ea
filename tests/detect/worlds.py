"""Small logs made by hand for the tests of evidence: who, when, what content, which form, from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.detect import passes
from headwater.detect.attribution import ring_by_account
from headwater.detect.evidence.content import template
from headwater.detect.fold import Batch, Ring, World
from headwater.detect.population import Population
from headwater.detect.refine import owned_by
from headwater.detect.world import build
from headwater.engine import Index
from headwater.engine.arranged import INDEX, census
from headwater.exchange import ACCOUNT_SCHEMA, SKETCH
from headwater.exchange.model import IMPRINT_TYPE, MINIMISERS

HOUR, DAY = 3_600_000_000, 86_400_000_000
#: What the objects of form 1 are; the last bits of an object don't count.
FORM = np.uint64(97 << 32)
MODELS = ("large-1", "large-2", "small-1")
EVERY = frozenset({"account", "at", "imprint", "model", "ip", "latency_ms"})


@dataclass(frozen=True)
class Made:
    """A log: its index, its spooled columns, what is known of the accounts, and the columns that hold anything."""

    index: Index
    table: pa.RecordBatch
    accounts: pa.Table | None
    columns: frozenset[str]

    def world(self, *rings: Sequence[int], seed: int = 7) -> World:
        """The world with these accounts under test, everything that earlier folds would have learned in it."""
        world = build(census(self.index), self.accounts, self.columns, seed)
        batch = self.batch(world)
        world.context["content"] = folded(Population(), world, [batch])
        folded(template.links, world, [batch])
        groups = tuple(Ring(np.array(sorted(r), np.int32), ("template",), 3.0) for r in rings)
        world = World(**{**vars(world), "rings": groups})
        world.context.update(
            ring_of=ring_by_account(groups, world.size), ring_objects=owned_by(world, groups)
        )
        return world

    def batch(self, world: World, rows: np.ndarray | None = None) -> Batch:
        """The rows (all, or these, in this order) as evidence sees them."""
        return passes.of(self.indexed(rows), world)

    def indexed(self, rows: np.ndarray | None = None) -> pa.RecordBatch:
        """The rows as an engine gives them."""
        table = self.table if rows is None else self.table.take(pa.array(rows))
        at, index = table.column("row").to_numpy(), self.index
        arrays = (index.account, index.at_us, index.session, index.half, index.model)
        values = [*table.columns, *(pa.array(array[at]) for array in arrays)]
        return pa.RecordBatch.from_arrays(values, names=[*table.schema.names, *INDEX])


def folded(fold: Any, world: World, batches: Sequence[Batch]) -> Any:
    """The outcome of a fold that sees each batch in a state of its own and merges them from the left."""
    states = [fold.update(fold.init(world), batch) for batch in batches]
    whole = states[0]
    for state in states[1:]:
        whole = fold.merge(whole, state)
    return fold.finish(whole, world)


def judged(fold: Any, made: Made, *rings: Sequence[int]) -> Any:
    """What one test finds about these rings."""
    world = made.world(*rings)
    return folded(fold, world, [made.batch(world)])


def log(
    account: np.ndarray,
    at_us: np.ndarray,
    *,
    vector: np.ndarray | None = None,
    form: np.ndarray | None = None,
    filling: np.ndarray | None = None,
    intents: np.ndarray | None = None,
    model: np.ndarray | None = None,
    ip: Sequence[str | None] | None = None,
    latency_ms: np.ndarray | None = None,
    words: int = 20,
    more: dict[str, pa.Array] | None = None,
    known: dict[str, list[Any]] | None = None,
    columns: frozenset[str] = EVERY,
) -> Made:
    """A log of n exchanges.

    `account` (n) codes, `at_us` (n); sessions are an account's hours, dealt to both halves in turn. `vector` (n × d)
    is content, `form` (n) the template that a prompt fills (0: none), `filling` (n) what stands in it (every row its
    own where not given). `more` are further columns of exchanges, `known` columns of the table of
    accounts in order of code.
    """
    order = np.lexsort((at_us, account))
    n, size = len(account), int(account.max()) + 1
    account, at_us = account[order].astype(np.int32), at_us[order].astype(np.int64)
    rng = np.random.default_rng(n)
    unlike = rng.integers(2**40, 2**62, (n, 3 + MINIMISERS)).astype(np.uint64)
    form = np.zeros(n, np.int64) if form is None else form[order]
    filling = np.arange(n) if filling is None else filling[order]
    marks = np.where(form[:, None] > 0, form[:, None].astype(np.uint64) * FORM, unlike)
    content = rng.normal(size=(n, SKETCH)) if vector is None else vector[order]
    sketch = np.clip(np.rint(content * 20), -127, 127).astype(np.int8)
    # A bijection of 64 bits, so that equal texts and only they have equal hashes, spread over the whole range.
    text = (form * 1_000_003 + filling + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    asked = np.zeros(n, np.uint32) if intents is None else intents[order].astype(np.uint32)
    imprint = pa.StructArray.from_arrays(
        [
            pa.array(text),
            *(pa.array(marks[:, i]) for i in range(3)),
            _lists(marks[:, 3:], pa.uint64()),
            _lists(sketch, pa.int8()),
            pa.array(np.full(n, 100, np.uint32)),
            pa.array(np.full(n, words, np.uint32)),
            pa.array(np.zeros(n, np.uint8)),
            pa.array(asked),
            pa.nulls(n, pa.list_(pa.uint64())),
        ],
        fields=list(IMPRINT_TYPE),
    )
    session, half = _sessions(account, at_us)
    latency = np.full(n, 1000.0) if latency_ms is None else latency_ms[order].astype(np.float64)
    spool = {
        "row": pa.array(np.arange(n)),
        "imprint": imprint,
        "ip": pa.array([None] * n if ip is None else [ip[i] for i in order], pa.string()),
        "latency_ms": pa.array(latency),
    }
    index = Index(
        account=account,
        at_us=at_us,
        session=session,
        half=half,
        model=np.zeros(n, np.int32) if model is None else model[order].astype(np.int32),
        accounts=tuple(f"a{i:05d}" for i in range(size)),
        organisations=(None,) * size,
        models=MODELS,
        duplicates=0,
    )
    spool |= {name: column.take(pa.array(order)) for name, column in (more or {}).items()}
    columns |= frozenset(more or ())
    kept = {name: column for name, column in spool.items() if name == "row" or name in columns}
    return Made(index, pa.record_batch(kept), _accounts(index.accounts, known), columns)


def dealt_log(
    seed: int, *, members: int = 12, size: int = 60, each: int = 24, effect: float = 0.3, **more: Any
) -> Made:
    """`size` accounts with topics of their own, of which the first `members` share one queue and fill one form.

    Rows are made by account, then time, so arrays in `more` are in the log's own order.
    """
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(size), each)
    at_us = np.sort(rng.integers(0, 14 * DAY, (size, each)), axis=1).reshape(-1)
    topic = rng.normal(size=(size, SKETCH)) * np.sqrt(effect)
    topic[:members] = topic[0]
    vector = rng.normal(size=(len(account), SKETCH)) * np.sqrt(1 - effect) + topic[account]
    return log(account, at_us, **{"vector": vector, "form": np.where(account < members, 5, 0), **more})


def timed(times: Sequence[np.ndarray], durations: Sequence[np.ndarray] | None = None, **more: Any) -> Made:
    """A log of accounts of which only the times matter (µs from 0)."""
    account = np.repeat(np.arange(len(times)), [len(t) for t in times])
    latency = None if durations is None else np.concatenate(durations) / 1000
    return log(account, np.concatenate(times), latency_ms=latency, **more)


def _sessions(account: np.ndarray, at_us: np.ndarray) -> tuple[np.ndarray, ...]:
    hours = np.stack([account.astype(np.int64), at_us // HOUR], axis=1)
    keys, session = np.unique(hours, axis=0, return_inverse=True)
    session = session.reshape(-1)
    start = np.searchsorted(keys[:, 0], keys[:, 0], side="left")
    half = ((np.arange(len(keys)) - start) % 2).astype(np.uint8)
    return session.astype(np.int32), half[session]


def _lists(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _accounts(names: Sequence[str], known: dict[str, list[Any]] | None) -> pa.Table | None:
    if known is None:
        return None
    columns = {f.name: pa.array(known.get(f.name, [None] * len(names)), f.type) for f in ACCOUNT_SCHEMA}
    columns["account"] = pa.array(names, pa.string())
    return pa.table(columns, schema=ACCOUNT_SCHEMA)

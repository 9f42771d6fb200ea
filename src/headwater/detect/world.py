"""The log as a whole, as every fold may know it: built from the index and the table of accounts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.fold import World
from headwater.engine import Census
from headwater.exchange import ACCOUNT_SCHEMA

#: Bins of everybody's activity: an hour where the log spans days, a minute where it doesn't.
HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000

_NULLABLE = pa.schema([f.with_nullable(True) for f in ACCOUNT_SCHEMA])


def build(census: Census, accounts: pa.Table | None, columns: frozenset[str], seed: int) -> World:
    """The world of a log; `columns` are the exchange columns that hold anything."""
    first, last = census.first_us, census.last_us
    bin_us = HOUR_US if last - first > 72 * HOUR_US else MINUTE_US
    origin = first // bin_us * bin_us
    minute, count = census.minutes
    known = _aligned(census.accounts, accounts)
    organisations = tuple(
        a or b for a, b in zip(census.organisations, known.column("organisation").to_pylist(), strict=True)
    )
    tenant = _codes(organisations)
    filled = {
        f"account.{f.name}"
        for f in ACCOUNT_SCHEMA
        if f.name != "account" and known.column(f.name).null_count < known.num_rows
    }
    size = len(census.accounts)
    return World(
        accounts=census.accounts,
        organisations=organisations,
        tenant=tenant,
        customer=np.where(tenant >= 0, size + tenant, np.arange(size)).astype(np.int32),
        volume=census.volume.sum(axis=1),
        half_volume=census.volume,
        models=census.models,
        span_us=(origin, last),
        accounts_table=known,
        columns=columns | filled,
        seed=seed,
        activity=np.bincount((minute * MINUTE_US - origin) // bin_us, count).astype(np.int64)
        if len(minute)
        else np.zeros(1, np.int64),
        bin_us=bin_us,
    )


def _aligned(names: tuple[str, ...], accounts: pa.Table | None) -> pa.Table:
    """One row an account of the log, in code order; of several rows for one account the first counts."""
    if accounts is None or not accounts.num_rows:
        empty = {f.name: pa.nulls(len(names), f.type) for f in ACCOUNT_SCHEMA}
        return pa.table({**empty, "account": pa.array(names, pa.string())}, schema=_NULLABLE)
    place = pc.index_in(pa.array(names, pa.string()), value_set=accounts.column("account").combine_chunks())
    taken = accounts.take(place)
    at = taken.schema.get_field_index("account")
    return taken.set_column(at, "account", pa.array(names, pa.string()))


def _codes(organisations: tuple[str | None, ...]) -> npt.NDArray[np.int32]:
    names = {name: at for at, name in enumerate(sorted({o for o in organisations if o}))}
    return np.array([names.get(o, -1) if o else -1 for o in organisations], np.int32)

"""Two rules that anyone would try first: the busiest accounts, and whoever shares a template with a few others.

Both are given what Headwater isn't: the first a threshold set on the truth of the very world that it is scored on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scoring import Truth

from headwater.engine import Spool

#: An object is a template here when at least this many accounts use it: oneself and four others.
FEWEST = 5
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000


def rates(account: npt.NDArray[np.int64], at_us: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """Three rates by account code: requests in all, in the busiest day, in the busiest hour."""
    size = int(account.max()) + 1
    out = {"total": np.bincount(account, minlength=size)}
    for name, width in (("busiest day", DAY_US), ("busiest hour", HOUR_US)):
        slot = at_us // width
        slot -= slot.min()
        key, count = np.unique(account * (int(slot.max()) + 1) + slot, return_counts=True)
        out[name] = np.zeros(size, np.int64)
        np.maximum.at(out[name], key // (int(slot.max()) + 1), count)
    return out


def above(
    rate: npt.NDArray[np.int64], innocent: npt.NDArray[np.bool_], allowed: int
) -> npt.NDArray[np.bool_]:
    """Accounts strictly above the lowest threshold that flags at most `allowed` innocents."""
    ranked = np.sort(rate[innocent])[::-1]
    threshold = ranked[allowed] if allowed < len(ranked) else -1
    return np.asarray(rate > threshold)


def rate_rule(log: pa.Table, truth: Truth, allowed: int) -> tuple[str, set[str], set[str]]:
    """The best of three rate rules on `log` (id, account, at): its name, the accounts, and all their exchanges.

    `allowed` innocents may be flagged, as many as Headwater flags in this world; the best is the one of highest recall.
    """
    coded = log.column("account").combine_chunks().dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), object)
    code = coded.indices.to_numpy().astype(np.int64)
    at_us = log.column("at").cast(pa.int64()).to_numpy()
    rings = np.array([name in truth.rings for name in names])
    chosen = {what: above(rate, ~rings, allowed) for what, rate in rates(code, at_us).items()}
    best = max(chosen, key=lambda what: int((chosen[what] & rings).sum()))
    ids = log.column("id").filter(pa.array(chosen[best][code]))
    which: list[Any] = ids.to_pylist()
    return best, set(names[chosen[best]]), set(which)


def template_join(spool: Spool, part: str) -> tuple[set[str], set[str]]:
    """Accounts that share an object (`skeleton` or `opening` of the imprint) with four others, and those exchanges."""
    with pq.ParquetFile(spool.path) as file:
        table = file.read(columns=["id", "account", f"imprint.{part}"])
    table = table.set_column(2, part, pc.struct_field(table.column("imprint"), part))
    table = table.filter(pc.field(part) != pa.scalar(0, pa.uint64()))
    pairs = table.group_by([part, "account"]).aggregate([])
    shared = pairs.group_by(part).aggregate([("account", "count")])
    popular = shared.filter(pc.field("account_count") >= FEWEST).column(part)
    rows = table.filter(pc.is_in(table.column(part), value_set=popular.combine_chunks()))
    who: list[Any] = rows.column("account").to_pylist()
    which: list[Any] = rows.column("id").to_pylist()
    return set(who), set(which)

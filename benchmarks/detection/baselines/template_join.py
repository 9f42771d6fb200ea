"""Whoever shares a template with a few others: the rule that a reader of one leaked prompt would write.

Real people share templates too, so it accuses nearly everyone in a real log; that is why it is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from baselines.log import Log, Scored, objects, shared
from headwater.engine import Spool

#: An object is a template here when at least this many accounts use it: oneself and four others.
FEWEST = 5


def by_template(log: Log, part: str) -> Scored:
    """How many accounts share the object (`skeleton`, `opening`, …) that most others share with an account.

    Groups are the accounts of one object; the score and the links count the others.
    """
    row, code = objects(log, [part])
    account, code, size = shared(log.account[row], code, FEWEST)
    others = size[code].astype(np.float64) - 1
    scores = np.zeros(log.accounts)
    np.maximum.at(scores, account, others)
    first = np.full(len(size), log.accounts, np.int64)
    np.minimum.at(first, code, account)
    return Scored(scores, np.stack([first[code], account], axis=1), others)


def template_join(spool: Spool, part: str) -> tuple[set[str], set[str]]:
    """Accounts that share an object (`skeleton` or `opening` of the imprint) with four others, and those exchanges."""
    with pq.ParquetFile(spool.path) as file:
        table = file.read(columns=["id", "account", f"imprint.{part}"])
    table = table.set_column(2, part, pc.struct_field(table.column("imprint"), part))
    table = table.filter(pc.field(part) != pa.scalar(0, pa.uint64()))
    pairs = table.group_by([part, "account"]).aggregate([])
    shared_by = pairs.group_by(part).aggregate([("account", "count")])
    popular = shared_by.filter(pc.field("account_count") >= FEWEST).column(part)
    rows = table.filter(pc.is_in(table.column(part), value_set=popular.combine_chunks()))
    who: list[Any] = rows.column("account").to_pylist()
    which: list[Any] = rows.column("id").to_pylist()
    return set(who), set(which)

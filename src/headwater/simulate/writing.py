"""A world on disk: Parquet tables and the card, byte for byte the same for the same world."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.simulate.world import World

#: How labels were made, beside the log.
CARD = "_scenario.json"


def write(world: World, folder: str | Path) -> tuple[Path, ...]:
    """Write exchanges, accounts, both truths and the card into `folder`; the paths, in that order.

    What is no log begins with an underscore, so that it is passed over where the folder is read as one.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "exchanges.parquet": world.exchanges,
        "accounts.parquet": world.accounts,
        "_truth_accounts.parquet": world.truth.accounts,
        "_truth_exchanges.parquet": world.truth.exchanges,
    }
    for name, table in tables.items():
        _parquet(table, out / name)
    (out / CARD).write_text(json.dumps(world.card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return (*(out / name for name in tables), out / CARD)


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=19 if table.num_rows < 50_000 else 6)

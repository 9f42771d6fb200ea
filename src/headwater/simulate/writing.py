"""A world on disk: the log, Parquet tables and the card, byte for byte the same for the same world."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.exchange import render
from headwater.places import made, together
from headwater.simulate.world import World

#: How labels were made, beside the log.
CARD = "_scenario.json"
#: The form of a log that nothing has to be said about.
OWN: Final = "own"


def write(world: World, folder: str | Path, form: str = OWN) -> tuple[Path, ...]:
    """Write exchanges as `form` has them, accounts, both truths and the card: all or none; the paths, in that order.

    What is no log begins with an underscore, so that it is passed over where the folder is read as one.
    """
    out = Path(folder)
    log = "exchanges.parquet" if form == OWN else f"{form}.jsonl.gz"
    tables = {
        "accounts.parquet": world.accounts,
        "_truth_accounts.parquet": world.truth.accounts,
        "_truth_exchanges.parquet": world.truth.exchanges,
    }
    with made(out), together(out) as place:
        if form == OWN:
            _parquet(world.exchanges, place(log))
        else:
            _rendered(world.exchanges, form, place(log))
        for name, table in tables.items():
            _parquet(table, place(name))
        card = json.dumps(world.card, indent=2, ensure_ascii=False) + "\n"
        place(CARD).write_text(card, encoding="utf-8")
    return tuple(out / name for name in (log, *tables, CARD))


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=19 if table.num_rows < 50_000 else 6)


def _rendered(exchanges: pa.Table, form: str, path: Path) -> None:
    """The exchanges as `form` writes them, in JSON lines."""

    def rows() -> Iterator[dict[str, object]]:
        for batch in exchanges.to_batches(max_chunksize=10_000):
            yield from batch.to_pylist()

    encoder = msgspec.json.Encoder()
    # No name and no time in the header: the same world gives the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        for record in render.render(rows(), form):
            file.write(encoder.encode(record) + b"\n")

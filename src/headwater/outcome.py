"""What an investigation gives back: findings, Arrow tables, the report, and the folder they are written to.

Nothing is found or worded here; `investigation` makes it, `explain` and `report` say it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.detect import Campaign, Detection, Findings
from headwater.engine import Index, Spool
from headwater.exchange import EXCHANGE_SCHEMA
from headwater.explain import dumps, page
from headwater.places import Scratch, keep_apart, together
from headwater.report import fragment, html

_ANNOTATED = pa.schema(
    [
        ("id", pa.string()),
        ("at", EXCHANGE_SCHEMA.field("at").type),
        ("account", pa.string()),
        ("campaign", pa.string()),
        ("attributed", pa.bool_()),
    ]
)
#: The file of rows that could not be used, with reasons; there only where there are such rows.
SET_ASIDE = "set_aside.jsonl"
#: Names of the files that `write` makes.
OUTPUTS = ("accounts.parquet", "exchanges.parquet", "campaigns.json", "report.html", SET_ASIDE)


def check_output(folder: Path, inputs: Iterable[Path]) -> None:
    """`UsageError` where a report in `folder` would overwrite one of the inputs."""
    keep_apart([folder / name for name in OUTPUTS], inputs)


class Investigation:
    """What was found, with everything needed to write it down.

    `findings` are plain records; `accounts` and `exchanges()` give Arrow. Holds the log's columns in a temporary folder
    until it is closed or forgotten; `findings`, `accounts`, `html` and `json` don't need it.
    """

    def __init__(
        self,
        findings: Findings,
        detection: Detection,
        attributed: npt.NDArray[np.bool_],
        index: Index,
        spool: Spool,
        scratch: Scratch,
    ) -> None:
        self.findings = findings
        self._detection = detection
        self._attributed = attributed
        self._index = index
        self._spool = spool
        self._scratch = scratch
        #: files and folders that were read, which are never written over
        self.sources: tuple[Path, ...] = ()

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns that reached the threshold to report."""
        return self.findings.campaigns

    @property
    def accounts(self) -> pa.Table:
        """One row an account of the log: its exchanges, and the campaign it belongs to, if any."""
        world = self._detection.world
        columns: dict[str, list[Any]] = {
            name: [None] * world.size for name in ("campaign", "word", "probability", "tie")
        }
        attributed = [0] * world.size
        code = {name: at for at, name in enumerate(world.accounts)}
        for ring in (*reversed(self.findings.considered), *reversed(self.findings.campaigns)):
            for member in ring.members:
                at = code[member.account]
                columns["campaign"][at], columns["word"][at] = ring.id, ring.word
                columns["probability"][at], columns["tie"][at] = ring.probability, member.tie
                attributed[at] = member.attributed if ring.reported else 0
        return pa.table(
            {
                "account": pa.array(world.accounts, pa.string()),
                "organisation": pa.array(world.organisations, pa.string()),
                "exchanges": pa.array(world.volume, pa.int64()),
                "campaign": pa.array(columns["campaign"], pa.string()),
                "word": pa.array(columns["word"], pa.string()),
                "probability": pa.array(columns["probability"], pa.float64()),
                "tie_nats": pa.array(columns["tie"], pa.float64()),
                "attributed": pa.array(attributed, pa.int64()),
            }
        )

    def exchanges(self) -> pa.RecordBatchReader:
        """Every exchange of the log (duplicates left out) with the campaign that it is attributed to, if any."""
        return pa.RecordBatchReader.from_batches(_ANNOTATED, self._annotated())

    def _annotated(self) -> Iterator[pa.RecordBatch]:
        owner = {ring.id: at for at, ring in enumerate(self.findings.campaigns)}
        names = pa.array(list(owner), pa.string())
        code = {name: at for at, name in enumerate(self._detection.world.accounts)}
        campaign_of = np.full(self._detection.world.size, -1)
        for ring in self.findings.campaigns:
            campaign_of[[code[m.account] for m in ring.members]] = owner[ring.id]
        hit = np.zeros(self._index.rows, bool)
        hit[self._detection.harvest.row[self._attributed]] = True
        for batch in self._spool.batches(["row", "id", "at", "account"]):
            row = batch.column("row").to_numpy()
            live = self._index.account[row] >= 0
            which = np.where(live, campaign_of[self._index.account[row]], -1)
            campaign = (
                names.take(pa.array(which, pa.int64(), mask=which < 0))
                if len(names)
                else pa.nulls(len(row), pa.string())
            )
            columns = [batch.column(name) for name in ("id", "at", "account")]
            out = pa.RecordBatch.from_arrays([*columns, campaign, pa.array(hit[row])], schema=_ANNOTATED)
            yield out.filter(pa.array(live))

    def html(self) -> bytes:
        """The report, one self-contained file."""
        return html(page(self.findings))

    def json(self) -> bytes:
        """The findings as `campaigns.json`."""
        return dumps(self.findings)

    def write(self, folder: Path | str) -> None:
        """Write report.html, campaigns.json, accounts.parquet, exchanges.parquet and, where rows were set aside,
        set_aside.jsonl: all of them whole, or none."""
        folder = Path(folder)
        check_output(folder, self.sources)
        folder.mkdir(parents=True, exist_ok=True)
        with together(folder) as place:
            pq.write_table(self.accounts, place("accounts.parquet"), compression="zstd")
            with (
                self.exchanges() as reader,
                pq.ParquetWriter(place("exchanges.parquet"), reader.schema, compression="zstd") as out,
            ):
                for batch in reader:
                    out.write_batch(batch)
            place("campaigns.json").write_bytes(self.json())
            place("report.html").write_bytes(self.html())
            aside = self._scratch.path / SET_ASIDE
            if aside.exists():
                shutil.copyfile(aside, place(SET_ASIDE))
        if not aside.exists() and not (folder / SET_ASIDE).is_dir():
            (folder / SET_ASIDE).unlink(missing_ok=True)  # it would speak of an earlier run

    def close(self) -> None:
        """Remove the temporary folder; `findings` stay readable."""
        self._scratch.remove()

    def __enter__(self) -> Investigation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repr_html_(self) -> str:
        return fragment(page(self.findings))

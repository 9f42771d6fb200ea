"""What an investigation gives back: findings, Arrow tables, the report, and the folder they are written to.

Nothing is found or worded here; `investigation` makes it, `explain` and `report` say it.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.detect import Campaign, Detection, Findings
from headwater.engine import ACCOUNT, Arranged, behind
from headwater.exchange import EXCHANGE_SCHEMA, Column, is_output, is_set_aside, marked
from headwater.exchange.model import schema_of
from headwater.explain import dumps, page, words
from headwater.places import Scratch, keep_apart, together
from headwater.report import fragment, html

#: What `accounts.parquet` holds; the reference page is generated from it.
ACCOUNTS = (
    Column("account", pa.string(), "The account, as the log names it.", required=True),
    Column("organisation", pa.string(), "Its organisation, by the log or the account table."),
    Column("exchanges", pa.int64(), "Its exchanges in the log, without duplicates.", required=True),
    Column(
        "campaign", pa.string(), "The reported campaign that it belongs to; null for every other account."
    ),
    Column("considered", pa.string(), "The group that it is in, where that was considered and not reported."),
    Column("word", pa.string(), "The word of the verdict on that campaign or group."),
    Column("probability", pa.float64(), "The probability of that verdict."),
    Column("tie_nats", pa.float64(), "Sum of its ties into that campaign or group: larger is firmer."),
    Column("attributed", pa.int64(), "Its exchanges that are attributed to `campaign`.", required=True),
)
#: What `exchanges.parquet` holds; likewise.
EXCHANGES = (
    Column(
        "id",
        pa.string(),
        "The exchange, as the log names it; there twice only where the log reuses it with another account or prompt.",
        required=True,
    ),
    Column("at", EXCHANGE_SCHEMA.field("at").type, "When the request arrived.", required=True),
    Column("account", pa.string(), "The account that sent it.", required=True),
    Column("campaign", pa.string(), "The reported campaign that the account belongs to, or null."),
    Column(
        "attributed",
        pa.bool_(),
        "Whether this exchange is attributed to `campaign`; an account may send others of its own.",
        required=True,
    ),
)
_ANNOTATED = marked(schema_of(EXCHANGES), "exchanges")
#: The file of rows that could not be used, with reasons; there only where there are such rows.
SET_ASIDE = "set_aside.jsonl"
#: Names of the files that `write` makes.
OUTPUTS = ("accounts.parquet", "exchanges.parquet", "campaigns.json", "report.html", SET_ASIDE)


_READ = ("row", "id", "at", "account")


@dataclass(frozen=True)
class _Annotation:
    """Batches of an arranged log as `EXCHANGES`, duplicates left out.

    `names` of campaigns, `campaign_of` (accounts) the place of each account's in them (−1: none), `hit` the rows that
    are attributed, ascending.
    """

    names: pa.Array[Any]
    campaign_of: npt.NDArray[np.int64]
    hit: npt.NDArray[np.int64]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        row = np.asarray(batch.column("row").to_numpy(), np.int64)
        of = np.asarray(batch.column(ACCOUNT).to_numpy(), np.int32)
        live = of >= 0
        which = np.where(live, self.campaign_of[of], -1)
        campaign = (
            self.names.take(pa.array(which, pa.int64(), mask=which < 0))
            if len(self.names)
            else pa.nulls(len(row), pa.string())
        )
        columns = [batch.column(name) for name in ("id", "at", "account")]
        place = np.searchsorted(self.hit, row)
        place[place == len(self.hit)] = 0
        hit = self.hit[place] == row if len(self.hit) else np.zeros(len(row), bool)
        out = pa.RecordBatch.from_arrays([*columns, campaign, pa.array(hit)], schema=_ANNOTATED)
        return out.filter(pa.array(live))


def check_output(folder: Path, inputs: Iterable[Path]) -> None:
    """`UsageError` where a report in `folder` would overwrite one of the inputs.

    An earlier report that lies in a folder of logs was passed over there, and may be replaced.
    """
    outputs = [folder / name for name in OUTPUTS]
    inputs = list(inputs)
    keep_apart(outputs, [path for path in inputs if not path.is_dir()])
    keep_apart([path for path in outputs if not is_output(path)], inputs)


class Closing(Protocol):
    """What an investigation holds on to until it is closed."""

    def close(self) -> None:
        """Let go of it."""


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
        log: Arranged,
        scratch: Scratch,
        kept: Closing,
    ) -> None:
        self.findings = findings
        self._detection = detection
        self._attributed = attributed
        self._log = log
        self._scratch = scratch
        self._kept = kept
        #: files and folders that were read, which are never written over
        self.sources: tuple[Path, ...] = ()

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns that reached the threshold to report."""
        return self.findings.campaigns

    @property
    def accounts(self) -> pa.Table:
        """One row an account of the log, with the campaign or the considered group that holds it (`ACCOUNTS`)."""
        world = self._detection.world
        columns: dict[str, Any] = {column.name: [None] * world.size for column in ACCOUNTS}
        columns.update(account=world.accounts, organisation=world.organisations, exchanges=world.volume)
        columns["attributed"] = [0] * world.size
        code = {name: at for at, name in enumerate(world.accounts)}
        held = [("considered", ring) for ring in reversed(self.findings.considered)]
        held += [("campaign", ring) for ring in reversed(self.findings.campaigns)]
        for kind, ring in held:
            for member in ring.members:
                at = code[member.account]
                columns[kind][at], columns["word"][at] = ring.id, ring.word
                columns["probability"][at], columns["tie_nats"][at] = ring.probability, member.tie
                columns["attributed"][at] = member.attributed if kind == "campaign" else 0
        return pa.table(columns, schema=marked(schema_of(ACCOUNTS), "accounts"))

    def exchanges(self) -> pa.RecordBatchReader:
        """Every exchange of the log (duplicates left out) with its account's campaign, if any (`EXCHANGES`)."""
        made = self._annotation()
        return pa.RecordBatchReader.from_batches(_ANNOTATED, map(made, self._log.batches(_READ)))

    def _annotation(self) -> _Annotation:
        owner = {ring.id: at for at, ring in enumerate(self.findings.campaigns)}
        code = {name: at for at, name in enumerate(self._detection.world.accounts)}
        campaign_of = np.full(self._detection.world.size, -1)
        for ring in self.findings.campaigns:
            campaign_of[[code[m.account] for m in ring.members]] = owner[ring.id]
        attributed = self._detection.harvest.row[self._attributed]
        hit = np.zeros(int(attributed.max(initial=-1)) + 1, bool)
        hit[attributed] = True
        return _Annotation(pa.array(list(owner), pa.string()), campaign_of, np.flatnonzero(hit))

    @property
    def elsewhere(self) -> str | None:
        """Where `write` puts the annotated exchanges, if not beside the report: where an engine has the rows."""
        return None if self._brought else self._log.place("exchanges.parquet")

    @property
    def _brought(self) -> bool:
        """Whether annotated exchanges come beside the report: rows are here, or lie in a folder that goes with us."""
        if self._log.near:
            return True
        place = self._log.place("exchanges.parquet")
        return "://" not in place and Path(place).is_relative_to(self._scratch.path)

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
            exchanges = place("exchanges.parquet")
            with behind() as follow:  # what is told of rows is put together while these are packed
                follow(self._told, *map(place, ("accounts.parquet", "campaigns.json", "report.html")))
                self._log.write(_READ, self._annotation(), _ANNOTATED, exchanges)
            if self._brought and not self._log.near:
                _as_one(Path(self._log.place("exchanges.parquet")), exchanges)
            aside = self._scratch.path / SET_ASIDE
            if aside.exists():
                shutil.copyfile(aside, place(SET_ASIDE))
        if self.elsewhere is not None and is_output(folder / "exchanges.parquet"):
            (folder / "exchanges.parquet").unlink()  # likewise
        if not aside.exists() and is_set_aside(folder / SET_ASIDE):
            (folder / SET_ASIDE).unlink()  # it would speak of an earlier run

    def _told(self, accounts: Path, findings: Path, report: Path) -> None:
        """Write what is told of the log as a whole."""
        pq.write_table(self.accounts, accounts, compression="zstd")
        findings.write_bytes(self.json())
        report.write_bytes(self.html())

    def close(self) -> None:
        """Remove the temporary folder, and let others use that of kept imprints; `findings` stay readable."""
        self._kept.close()
        self._scratch.remove()

    def __enter__(self) -> Investigation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        log, found = self.findings.log, self.findings
        told = [words.many(log.exchanges, "exchange"), words.many(log.accounts, "account")]
        for name, rings in (("campaign", found.campaigns), ("considered group", found.considered)):
            tally = Counter(ring.word for ring in rings)
            verdicts = ", ".join(f"{count} {word}" for word, count in tally.items())
            told.append(words.many(len(rings), name) + (f" ({verdicts})" if verdicts else ""))
        return f"<Investigation: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        return fragment(page(self.findings))


def _as_one(parts: Path, file: Path) -> None:
    """Parquet files of a folder, in order of their names, as one file."""
    with pq.ParquetWriter(file, _ANNOTATED, compression="zstd") as out:
        for part in sorted(parts.glob("*.parquet")):
            with pq.ParquetFile(part) as opened:
                for batch in opened.iter_batches():
                    out.write_batch(batch)

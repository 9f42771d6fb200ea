"""Logs that lie far out: one template for everybody, one account for everything, huge prompts, one second.

Each is written in order of time, with a plain log of as many rows beside it to compare with. Text is told by
`backoff.Model` and hardly ever repeats; where ten million texts are asked for, sentences are joined out of parts that
the model told (four parts of 8,192 kinds each, taken with Arrow), which is as unique and a hundred times cheaper.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import backoff
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import worlds

Ints = npt.NDArray[np.int64]
#: What a text is for a row of a log: its number → its text.
Told = Callable[[Ints], pa.Array]

CORPORA = ("arena", "atlas", "gsm8k", "halueval", "ifeval", "multiwoz", "principles", "taskmaster")
DAYS = 30
SECOND_US = 1_000_000
#: An ordinary account: sessions and exchanges in each.
SESSIONS, IN_SESSION = 5, 6
ROWS_A_CHUNK, ROWS_A_FILE = 65_536, 1_048_576
#: Kinds of each part of a joined sentence, and its parts.
KINDS, PARTS = 8_192, 4
#: A text below this mean length takes a moment; longer ones are put together out of several.
HUGE_BYTES, HUGE_PIECE = 10_000_000, 20_000
TEMPLATE = (
    "You are a careful annotator of customer messages. Read the message between the marks, decide which of the "
    "labels billing, delivery, returns, praise or other fits best, and answer with one line of JSON that has the "
    "keys label, confidence and reason.\n<message>\n{}\n</message>\nAnswer with JSON only."
)


@dataclass(frozen=True)
class Rows:
    """A log to be written: by row a time (µs UTC), an account's number, and which of `told` tells its text."""

    at_us: Ints
    account: Ints
    kind: npt.NDArray[np.int8]
    told: tuple[Told, ...]

    def __add__(self, other: Rows) -> Rows:
        """Both, as accounts of their own."""
        return Rows(
            np.concatenate([self.at_us, other.at_us]),
            np.concatenate([self.account, other.account + self.account.max() + 1]),
            np.concatenate([self.kind, other.kind + np.int8(len(self.told))]),
            self.told + other.told,
        )


class Teller:
    """Texts of the tune side of the corpora, told anew."""

    def __init__(self, corpora: Path) -> None:
        self._model: backoff.Model = worlds._model(corpora, CORPORA)

    def plain(self, rows: Ints) -> pa.Array:
        """Texts of 600 bytes at the mean."""
        return pa.array(self._texts(rows, worlds.LONGER), pa.large_string())

    def templated(self, rows: Ints) -> pa.Array:
        """One template, filled with a short text each."""
        return pa.array([TEMPLATE.format(text) for text in self._texts(rows, 0.7)], pa.large_string())

    def huge(self, rows: Ints) -> pa.Array:
        """Texts of ten million bytes."""
        pieces = HUGE_BYTES // HUGE_PIECE
        longest = np.argsort(self._model.length)[-pieces:]
        return pa.array(
            ["\n".join(self._model.tell(longest, 1e6, 1 + int(row))) for row in rows], pa.large_string()
        )

    def joined(self, rows: Ints) -> pa.Array:
        """Sentences of some 150 bytes, joined out of parts."""
        rng = np.random.default_rng(int(rows[0]) + 1)
        chosen: list[Any] = [part.take(pa.array(rng.integers(0, KINDS, len(rows)))) for part in self._parts()]
        return pc.binary_join_element_wise(*chosen, pa.scalar(" ", pa.large_string()))

    @cache  # noqa: B019
    def _parts(self) -> tuple[pa.Array, ...]:
        texts = self._texts(np.arange(KINDS * PARTS), 0.5)
        parts = [pa.array(texts[at::PARTS], pa.large_string()) for at in range(PARTS)]
        return tuple(pc.utf8_slice_codeunits(part, 0, 40) for part in parts)

    def _texts(self, rows: Ints, longer: float) -> list[str]:
        seed = int(rows[0]) + 1
        contents = np.random.default_rng(seed).integers(0, len(self._model.length), len(rows))
        return self._model.tell(contents, longer, seed)


def ordinary(rows: int, told: Told, seed: int = 1) -> Rows:
    """Accounts with thirty exchanges each, in sessions at hours of their own."""
    rng = np.random.default_rng(seed)
    accounts = -(-rows // (SESSIONS * IN_SESSION))
    hour = np.repeat(rng.normal(14, 3, accounts), SESSIONS)
    day = rng.integers(0, DAYS, accounts * SESSIONS)
    begin = (day * 24 + hour + rng.normal(0, 1.5, len(day))) * 3600
    after = np.cumsum(rng.exponential(90, (len(day), IN_SESSION)), axis=1)
    at_us = worlds.BEGIN_US + ((begin[:, None] + after).ravel() * SECOND_US).astype(np.int64)
    account = np.repeat(np.arange(accounts), SESSIONS * IN_SESSION)
    return Rows(at_us[:rows], account[:rows], np.zeros(rows, np.int8), (told,))


def one_template(rows: int, teller: Teller) -> Rows:
    """Two fifths of the rows: four exchanges of an account, all of one template; ordinary ones beside them."""
    rng = np.random.default_rng(2)
    accounts = rows // 10
    at_us = worlds.BEGIN_US + rng.integers(0, DAYS * worlds.DAY_US, 4 * accounts)
    shared = Rows(
        at_us, np.repeat(np.arange(accounts), 4), np.zeros(len(at_us), np.int8), (teller.templated,)
    )
    return shared + ordinary(rows - len(at_us), teller.plain)


def one_account(rows: int, teller: Teller) -> Rows:
    """One account with nearly all rows, day and night; one row in a hundred is an ordinary account's."""
    rng = np.random.default_rng(3)
    few = rows // 100
    at_us = worlds.BEGIN_US + rng.integers(0, DAYS * worlds.DAY_US, rows - few)
    one = Rows(at_us, np.zeros(len(at_us), np.int64), np.zeros(len(at_us), np.int8), (teller.joined,))
    return one + ordinary(few, teller.joined)


def huge_prompts(rows: int, teller: Teller) -> Rows:
    """One prompt in a thousand has ten million bytes, each from another of the ordinary accounts."""
    plain = ordinary(rows, teller.plain)
    kind = plain.kind.copy()
    kind[500::1000] = 1
    return Rows(plain.at_us, plain.account, kind, (teller.plain, teller.huge))


def one_second(rows: int, teller: Teller) -> Rows:
    """A hundred exchanges of each account, all of them within one second."""
    rng = np.random.default_rng(4)
    at_us = worlds.BEGIN_US + 12 * 3600 * SECOND_US + rng.integers(0, SECOND_US, rows)
    return Rows(at_us, np.arange(rows) % max(1, rows // 100), np.zeros(rows, np.int8), (teller.plain,))


def write(log: Rows, folder: Path, *, lines: bool = False) -> None:
    """Write part-N.parquet (or .jsonl) into `folder`, in order of time."""
    scratch = folder.with_name(f"{folder.name}.undone")
    scratch.mkdir(parents=True, exist_ok=True)
    order = np.argsort(log.at_us, kind="stable")
    for part, first in enumerate(range(0, len(order), ROWS_A_FILE)):
        batches = [
            _batch(log, order[at : min(at + ROWS_A_CHUNK, first + ROWS_A_FILE)], at)
            for at in range(first, min(first + ROWS_A_FILE, len(order)), ROWS_A_CHUNK)
        ]
        if lines:
            _write_lines(batches, scratch / f"part-{part}.jsonl")
        else:
            table = pa.Table.from_batches(batches)
            path = scratch / f"part-{part}.parquet"
            pq.write_table(table, path, row_group_size=worlds.ROWS_A_GROUP, compression="zstd")
    scratch.rename(folder)


def _batch(log: Rows, rows: Ints, first: int) -> pa.RecordBatch:
    """Some rows of a log, the first of which has that number in order of time."""
    number, account = first + np.arange(len(rows)), log.account[rows]
    texts: list[Any] = []
    place = np.empty(len(rows), np.int64)
    for kind, told in enumerate(log.told):
        mine = np.flatnonzero(log.kind[rows] == kind)
        if len(mine):
            place[mine] = sum(map(len, texts)) + np.arange(len(mine))
            texts.append(told(number[mine]))
    prompt: Any = pa.concat_arrays(texts).take(pa.array(place))
    rng = np.random.default_rng(first + 1)
    models = pa.array(["opal-2", "opal-2-mini", "opal-1"])
    net = (account * 7919) % 65_536
    columns: dict[str, Any] = {
        "id": _named("exchange-", number),
        "at": pa.array(log.at_us[rows]).cast(pa.timestamp("us", "UTC")),
        "account": _named("account-", account),
        "prompt": prompt,
        "model": models.take(pa.array(account % 3)),
        "ip": pa.array([f"10.{n >> 8}.{n & 255}.{1 + h}" for n, h in zip(net, account % 250, strict=True)]),
        "latency_ms": pa.array(rng.lognormal(6.5, 0.6, len(rows)).astype(np.float32)),
    }
    return pa.RecordBatch.from_pydict(columns)


def _named(prefix: str, numbers: Ints) -> pa.Array:
    digits: Any = pa.array(numbers).cast(pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")  # type: ignore[call-overload]


def _write_lines(batches: list[pa.RecordBatch], path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for batch in batches:
            for at in range(batch.num_rows):
                row = batch.slice(at, 1).to_pylist()[0]
                row["at"] = row["at"].isoformat()
                out.write(json.dumps(row, ensure_ascii=False) + "\n")

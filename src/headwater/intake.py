"""Logs to a spool of imprints: what an investigation reads once and never again.

Files go through the readers, Arrow data through the same checks by way of a file; prompts become imprints, in as many
threads as allowed. Of their texts the beginning stays in the spool, where a report may quote it and couldn't read it
again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.engine import Spool, behind
from headwater.errors import UnreadableInput, UsageError
from headwater.exchange import EXCHANGE_SCHEMA
from headwater.imprint import imprint, text_keys
from headwater.keys import ImprintKey

#: Arrow columns of whatever type.
Array = Any
#: Between batches: what is done when all before it lies in the spool.
Mark = Callable[[], None]
Item = TypeVar("Item")
Done = TypeVar("Done")


class Again(NamedTuple):
    """A batch whose prompts can be read again where they lie, so that none stays in the spool."""

    batch: pa.RecordBatch


#: Texts of which only a keyed hash enters the spool: that two are the same is all that detection asks of them.
HASHED = ("system", "response", "previous")
#: What stands before a hash where a text stood: the spool hashes texts, and of a very short one it keeps nothing.
_HASHED = "the keyed hash of a text"
#: Prompts are cut to this many characters in the spool: templates are shown, not archives.
SHOWN_CHARS = 2000
#: Share of long prompts up to which only these are cut, and the others left where they are.
_FEW = 0.1
#: Columns that hold what people and models said.
TEXTS = (*HASHED, "prompt")


def schema(*, keep_prompts: bool) -> pa.Schema:
    """Columns of the spool: those of an exchange, with keyed hashes (uint64) for the texts named in HASHED."""
    out = [f for f in EXCHANGE_SCHEMA if keep_prompts or f.name != "prompt"]
    out = [f.with_type(pa.uint64()) if f.name in HASHED else f for f in out]
    return pa.schema([f.with_nullable(False) if f.name == "imprint" else f for f in out])


def no_rows() -> UnreadableInput:
    """What is said of a log without a row that can be used."""
    return UnreadableInput(
        "no row of the input could be used",
        hint="`headwater inspect` says what the files hold and what is missing",
    )


def as_file(
    data: Any, folder: Path, name: str, *, hide: ImprintKey | None = None, held: set[str] | None = None
) -> Path:
    """Arrow data (a table, a batch reader, anything with `__arrow_c_stream__`) as a Parquet file.

    With `hide`, a key, no text is written: prompts become imprints on the way, system prompts and answers keyed hashes;
    the names of those that held anything, and of imprints that were there, go into `held`. Raises `UsageError` for
    anything else than Arrow data.
    """
    held = set() if held is None else held
    if isinstance(data, pa.RecordBatch):
        data = pa.table(data)
    if not hasattr(data, "__arrow_c_stream__"):
        raise UsageError(
            f"{type(data).__name__} is neither a path nor Arrow data",
            hint="give paths, or a table with __arrow_c_stream__ (pyarrow, polars, pandas, duckdb)",
        )
    reader = pa.RecordBatchReader.from_stream(data)
    batches: Iterable[pa.RecordBatch] = reader
    columns = reader.schema
    if hide is not None:
        batches = (_hidden(batch, hide) for batch in noted(reader, (*TEXTS, "imprint"), held))
        none = pa.RecordBatch.from_arrays([pa.nulls(0, f.type) for f in columns], names=columns.names)
        columns = _hidden(none, hide).schema
    path = folder / name
    with pq.ParquetWriter(path, columns, compression="lz4") as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def noted(
    batches: Iterable[pa.RecordBatch], names: Collection[str], held: set[str]
) -> Iterator[pa.RecordBatch]:
    """The batches as they are; which of the columns `names` hold anything goes into `held`."""
    for batch in batches:
        for name in batch.schema.names:
            if name in names and batch.column(name).null_count < batch.num_rows:
                held.add(name)
        yield batch


def _hidden(batch: pa.RecordBatch, key: ImprintKey) -> pa.RecordBatch:
    """The columns of the exchange schema: imprints instead of prompts, and instead of other texts a keyed hash."""
    columns = {name: batch.column(name) for name in EXCHANGE_SCHEMA.names if name in batch.schema.names}
    for name in [name for name in TEXTS if name in columns]:
        said = _cast(columns.pop(name), pa.large_string(), name, "text")
        if name == "prompt":
            kind = EXCHANGE_SCHEMA.field("imprint").type
            given = columns.get("imprint", pa.nulls(len(said), kind))
            given = _cast(given, kind, "imprint", "imprints")
            columns["imprint"] = _imprints(given, said, key)
        else:
            before, gap = pa.scalar(_HASHED, said.type), pa.scalar(" ", said.type)
            columns[name] = pc.binary_join_element_wise(before, text_keys(said, key).cast(said.type), gap)
    return pa.RecordBatch.from_pydict(columns)


def _cast(column: Array, kind: pa.DataType, name: str, what: str) -> Array:
    try:
        return column.cast(kind)
    except pa.ArrowException:
        raise UsageError(
            f"the column {name} ({column.type}) does not hold valid {what}",
            hint="without imprints_only such rows are set aside one by one; so they are when read from a file",
        ) from None


def fill(
    spool: Spool,
    items: Iterable[pa.RecordBatch | Again | Mark],
    key: ImprintKey,
    *,
    workers: int,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Append all batches (EXCHANGE_SCHEMA) to the spool with their imprints, and call the marks between them."""

    def prepared(item: pa.RecordBatch | Again | Mark) -> pa.RecordBatch | Mark:
        batch = item.batch if isinstance(item, Again) else item
        if not isinstance(batch, pa.RecordBatch):
            return batch
        # An imprint that the log gives isn't made of its text: nothing would prove that the text is the one.
        again = isinstance(item, Again) and batch.column("imprint").null_count == batch.num_rows
        columns = [
            pa.nulls(batch.num_rows, spool.schema.field(name).type)
            if again and name == "prompt"
            else _spooled(batch, name, key)
            for name in spool.schema.names
        ]
        return pa.RecordBatch.from_arrays(columns, schema=spool.schema)

    def put(item: pa.RecordBatch | Mark) -> None:
        if isinstance(item, pa.RecordBatch):
            spool.append(item)
            progress(item.num_rows)
        else:
            item()

    if workers <= 1:
        for item in items:
            put(prepared(item))
        return
    with behind() as follow:  # while this thread reads
        for item in _ahead(prepared, items, workers):
            follow(put, item)


def _spooled(batch: pa.RecordBatch, name: str, key: ImprintKey) -> Array:
    if name == "imprint":
        return _imprints(batch.column(name), batch.column("prompt"), key)
    if name == "prompt":
        return _shown(batch.column(name))
    return text_keys(batch.column(name), key) if name in HASHED else batch.column(name)


def _shown(prompt: Array) -> Array:
    """What a report may quote; a spool of whole documents would hold gigabytes, in memory too until a group is full."""
    lengths: Array = pc.binary_length(prompt)
    long: Array = pc.greater(lengths, pa.scalar(SHOWN_CHARS))  # no text has more characters than bytes
    share = pc.mean(long).as_py() or 0
    if not share:
        return prompt
    if share > _FEW:
        return pc.utf8_slice_codeunits(prompt, 0, SHOWN_CHARS)
    long = pc.fill_null(long, False)
    return pc.replace_with_mask(prompt, long, pc.utf8_slice_codeunits(prompt.filter(long), 0, SHOWN_CHARS))


def _imprints(given: Array, prompt: Array, key: ImprintKey) -> Array:
    """The imprint that the log has, or else that of the prompt; null where it has neither."""
    if given.null_count == 0:
        return given.cast(EXCHANGE_SCHEMA.field("imprint").type)
    if given.null_count == len(given):
        return imprint(prompt, key)
    known = given.is_valid().to_numpy(zero_copy_only=False)
    made = imprint(prompt.filter(pa.array(~known)), key)
    place = np.where(known, np.cumsum(known) - 1, known.sum() + np.cumsum(~known) - 1)
    both = pa.concat_arrays([given.filter(pa.array(known)).cast(made.type), made])
    return both.take(pa.array(place))


def _ahead(work: Callable[[Item], Done], items: Iterable[Item], workers: int) -> Iterator[Done]:
    """Work on a few items at once, and give them back in their order: before an error of `items`, those before it."""
    waiting: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            source, failed = iter(items), None
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception as error:
                    failed = error
                    break
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            if failed is not None:
                raise failed
        finally:  # after Ctrl-C or a full disk nobody wants the rest
            pool.shutdown(wait=False, cancel_futures=True)

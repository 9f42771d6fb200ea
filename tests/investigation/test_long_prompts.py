"""Prompts as long as books: imprinted as a whole, and kept no longer than a report shows them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headwater import intake
from headwater.engine import Spool
from headwater.exchange import EXCHANGE_SCHEMA
from headwater.imprint import imprint
from headwater.keys import DEMO_KEY


def test_the_spool_keeps_the_beginning_and_the_imprint_of_all(tmp_path: Path) -> None:
    prompts = [
        "short",
        None,
        "é" * intake.SHOWN_CHARS,
        "a book " * 100_000,
        "a book " * 100_000 + "ends otherwise",
    ]
    given: list[object] = [None] * len(prompts)
    given[1] = imprint(pa.array(["told elsewhere"], pa.large_string()), DEMO_KEY)[0].as_py()
    columns = {"prompt": prompts, "imprint": given, "id": list("abcde"), "account": list("abcde")}
    columns["at"] = [1_767_225_600_000_000] * len(prompts)
    arrays = [pa.array(columns.get(f.name, [None] * len(prompts)), f.type) for f in EXCHANGE_SCHEMA]
    schema = pa.schema([f.with_nullable(True) for f in EXCHANGE_SCHEMA])
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    with Spool(tmp_path / "spool", intake.schema(keep_prompts=True)) as spool:
        intake.fill(spool, [batch], DEMO_KEY, workers=1)
    (found,) = spool.batches(["prompt", "imprint"])
    assert found["prompt"].to_pylist() == [p and p[: intake.SHOWN_CHARS] for p in prompts]
    whole = imprint(pc.fill_null(batch["prompt"], "told elsewhere"), DEMO_KEY)
    assert found["imprint"].to_pylist() == whole.to_pylist()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("long", [0, 1, 30, 200])
def test_few_long_prompts_are_cut_as_many_are(kind: pa.DataType, long: int) -> None:
    """Of few only these are touched, and a slice of a longer column is no other case."""
    texts = ["é" * (intake.SHOWN_CHARS + 1 + at) if at < long else f"short {at}" for at in range(200)]
    texts[7:7] = [None, "é" * (intake.SHOWN_CHARS // 2 + 1)]  # none, and one with more bytes than characters
    column = pa.array(["before", *texts], kind).slice(1)
    shown = intake._shown(column)
    assert shown.type == kind
    assert shown.to_pylist() == [text and text[: intake.SHOWN_CHARS] for text in texts]

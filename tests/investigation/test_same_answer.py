"""The same traffic gives the same answer: in any order, over any files, with any threads, in any form."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.engine import Resources
from headwater.exchange import render
from investigation.worlds import (
    SETTINGS,
    accounts,
    attributed,
    exchanges,
    jsonl,
    members,
    plain,
    rows,
    shuffled,
    verdicts,
)

pytestmark = pytest.mark.xdist_group("small")
THREADED = replace(SETTINGS, engine=Resources(threads=2))


def test_the_world_has_a_campaign() -> None:
    """Without one, everything below would be true of nothing."""
    assert len(plain().campaigns) == 1
    assert len(members(plain())[0]) > 40
    assert len(attributed(plain())) > 1000


@pytest.mark.parametrize("seed", range(4))
def test_order_files_and_threads_change_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr("headwater.engine.arranged.ALONE_BELOW", 0)
    monkeypatch.setattr("headwater.engine.spool.ROWS_A_GROUP", rng.choice([301, 977, 2000]))
    table = shuffled(exchanges(), seed)
    cuts = sorted({0, table.num_rows, *(rng.randrange(table.num_rows) for _ in range(rng.randrange(6)))})
    names = rng.sample(["b", "a", "Z", "nested/c", "0", "ä"], len(cuts) - 1)
    paths = []
    for name, start, end in zip(names, cuts, cuts[1:], strict=False):
        path = tmp_path / "logs" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(start, end - start), path)
        paths.append(path)
    rng.shuffle(paths)
    given = paths if rng.random() < 0.5 else tmp_path / "logs"
    settings = THREADED if seed % 2 else SETTINGS
    with headwater.investigate(given, shuffled(accounts(), seed), settings=settings) as found:
        assert verdicts(found) == verdicts(plain())
        assert attributed(found) == attributed(plain())
        assert found.accounts.equals(plain().accounts)


def test_of_rows_with_one_id_the_same_one_counts_in_any_order(tmp_path: Path) -> None:
    """Copies that differ only where nothing sorts: in the model, the address, the words."""
    table = exchanges()
    ring = table.slice(0, 400)
    copies = ring
    for name, value in (("model", "other-model"), ("ip", "192.0.2.1"), ("user_agent", "other/1.0")):
        at = copies.schema.get_field_index(name)
        copies = copies.set_column(at, name, pa.array([value] * ring.num_rows, table.schema.field(name).type))
    twice = pa.concat_tables([table, copies])
    found = [headwater.investigate(shuffled(twice, seed), accounts(), settings=SETTINGS) for seed in (0, 1)]
    assert found[0].findings.log.duplicates == 400
    assert verdicts(found[0]) == verdicts(found[1])


@pytest.fixture(scope="module")
def shared_columns() -> pa.Table:
    """The columns that LiteLLM's and OpenTelemetry's forms both carry."""
    both = render.CARRIES["litellm"] & render.CARRIES["otel"]
    return exchanges().select([name for name in exchanges().schema.names if name in both])


@pytest.fixture(scope="module")
def from_parquet(
    shared_columns: pa.Table, tmp_path_factory: pytest.TempPathFactory
) -> headwater.Investigation:
    path = tmp_path_factory.mktemp("own") / "own.parquet"
    pq.write_table(shared_columns, path)
    return headwater.investigate(path, accounts(), settings=SETTINGS)


@pytest.mark.parametrize("form", ["jsonl", "litellm", "otel"])
def test_any_form_of_the_same_traffic(
    form: str, shared_columns: pa.Table, from_parquet: headwater.Investigation, tmp_path: Path
) -> None:
    records = rows(shared_columns) if form == "jsonl" else render.render(shared_columns.to_pylist(), form)
    path = jsonl(tmp_path / f"{form}.jsonl", list(records))
    with headwater.investigate(path, accounts(), settings=SETTINGS) as found:
        assert found.findings.log.set_aside == 0
        assert members(from_parquet)
        assert members(found) == members(from_parquet)
        assert [ring.id for ring in found.campaigns] == [ring.id for ring in from_parquet.campaigns]
        assert attributed(found) == attributed(from_parquet)

"""Logs as they are: torn, doubled, mistyped. What is good is used, what isn't is counted, the verdict stands."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import headwater
from headwater.investigation import Investigation
from investigation.worlds import SETTINGS, accounts, attributed, exchanges, members, plain, rows

pytestmark = pytest.mark.xdist_group("small")

AT = "2026-10-07T00:00:00Z"
#: Lines that hold no usable exchange, and a word of the reason that each is given.
BAD = {
    b'{"id": 7, "at": "yesterday", "account": "x", "prompt": "y"}': "time",
    b'{"id": "b1", "at": "%s", "prompt": "y"}' % AT.encode(): "account",
    b'{"id": "b2", "at": "2226-10-07T00:00:00Z", "account": "x", "prompt": "y"}': "at",
    b'{"id": "b3", "at": "1926-10-07T00:00:00Z", "account": "x", "prompt": "y"}': "at",
    b'{"id": "b4", "at": "%s", "account": "x", "prompt": "\xff\xfe"}' % AT.encode(): "UTF-8",
    b'{"id": "b5", "at": "%s", "account": "x"}' % AT.encode(): "prompt",
    b'{"id": "b6", "at": "%s", "account": {"name": "x"}, "prompt": "y"}' % AT.encode(): "account",
    b'{"id": "b7", "at": "%s", "account": "x", "prompt": 12}' % AT.encode(): "prompt",
    b"[1, 2]": "object",
    b"null": "object",
    b'{"torn": ': "JSON",
}


@dataclass(frozen=True)
class Broken:
    """An investigation of a broken copy of the small world."""

    found: Investigation
    aside: list[dict[str, Any]]
    added: int


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """The small world over three kinds of files, with all that can go wrong among it."""
    folder = tmp_path_factory.mktemp("broken")
    logs = folder / "logs"
    logs.mkdir()
    table = exchanges()
    third = table.num_rows // 3
    lines = [json.dumps(row).encode() for row in rows(table.slice(0, third))]
    # Twice the same; and the same id with other content and a later time, which is another exchange.
    lines += lines[:50]
    lines += [
        json.dumps({**row, "at": "2026-10-19T00:00:00Z", "account": "stranger", "prompt": "other"}).encode()
        for row in rows(table.slice(50, 20))
    ]
    odd = [
        {"id": "empty", "at": AT, "account": "odd-1", "prompt": ""},
        {"id": "long", "at": AT, "account": "odd-1", "prompt": "word \n" * 1_750_000},
        {"id": "nul", "at": AT, "account": "odd\x00nul", "prompt": "a\x00b"},
        {"id": "typed", "at": AT, "account": "odd-2", "prompt": "fine", "status": "teapot", "turn": -1e99},
    ]
    lines += [json.dumps(row).encode() for row in odd]
    for at, line in enumerate(BAD):
        lines.insert(100 * at, line)
    (logs / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    # From here on a column is missing.
    pq.write_table(table.slice(third, third).drop_columns(["temperature"]), logs / "b.parquet")
    rest = b"\n".join(json.dumps(row).encode() for row in rows(table.slice(2 * third)))
    (logs / "c.jsonl.gz").write_bytes(gzip.compress(rest))
    (logs / "d.jsonl.gz").write_bytes(gzip.compress(rest)[:-2000])
    (logs / "e.parquet").write_bytes((logs / "b.parquet").read_bytes()[:-100])
    found = headwater.investigate(logs, accounts(), settings=SETTINGS)
    found.write(folder / "report")
    aside = [json.loads(line) for line in (folder / "report" / "set_aside.jsonl").read_text().splitlines()]
    return Broken(found, aside, len(odd) + 20)


def test_every_good_row_is_used_once(broken: Broken) -> None:
    log = broken.found.findings.log
    assert log.exchanges == plain().findings.log.exchanges + broken.added
    assert log.accounts == plain().findings.log.accounts + 4
    assert log.duplicates >= 50
    assert any(
        note.startswith("20 exchanges reuse the id of another") for note in broken.found.findings.notes
    )


def test_the_campaigns_are_the_same(broken: Broken) -> None:
    assert members(plain())
    assert members(broken.found) == members(plain())
    assert attributed(broken.found) == attributed(plain())


def test_every_bad_row_is_counted_with_its_reason(broken: Broken) -> None:
    log = broken.found.findings.log
    assert log.set_aside == len(broken.aside) == sum(count for _, count in log.set_aside_reasons)
    in_lines = [row for row in broken.aside if row["file"].endswith("a.jsonl")]
    assert [row["row"] for row in in_lines] == [1 + 100 * at for at in range(len(BAD))]
    for row, word in zip(in_lines, BAD.values(), strict=True):
        assert word in f"{row['field']}: {row['what']}"
    others = Counter(Path(row["file"]).name for row in broken.aside if row not in in_lines)
    assert set(others) == {"d.jsonl.gz", "e.parquet"}
    assert others["e.parquet"] == 1


def test_what_is_set_aside_is_told_without_its_content(broken: Broken) -> None:
    told = json.dumps(broken.aside) + broken.found.findings.log.set_aside_reasons.__repr__()
    for word in ("yesterday", "teapot", "stranger"):
        assert word not in told


def test_earlier_rows_set_aside_do_not_stay(tmp_path: Path) -> None:
    """A clean run in the same folder must not be read with the faults of the last one."""
    path = tmp_path / "set_aside.jsonl"
    path.write_text('{"file":"a.jsonl","row":1,"field":null,"what":"of an earlier run","hint":null}\n')
    with headwater.investigate(exchanges().slice(0, 300), settings=SETTINGS) as found:
        assert found.findings.log.set_aside == 0
        assert path.exists()
        found.write(tmp_path)
    assert not path.exists()

"""CSV files in which a row does not end: what is lost is counted and bounded, and never read as something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.logs import AT, ids, read_all
from headwater.exchange import SetAside, streams

HEADER = "id,at,account,prompt\n"


def good(number: int, prompt: str = "p") -> str:
    cell = '"' + prompt.replace('"', '""') + '"' if set(prompt) & set('",\n\r') else prompt
    return f"r{number},{AT},a,{cell}\n"


@pytest.fixture
def short_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMIT", 20_000)


@pytest.mark.usefixtures("short_rows")
def test_a_quote_that_nobody_closed_loses_no_rows_of_a_large_file(tmp_path: Path) -> None:
    """A customer who writes one must not hide everybody's rows behind it."""
    path = tmp_path / "log.csv"
    path.write_text(HEADER + good(1) + f'broken,{AT},a,"opened\n' + "".join(good(n) for n in range(2, 2000)))
    table, aside = read_all(path, aside=SetAside())
    assert table.num_rows == 1999
    (row,) = aside.rows
    assert str(row.where).endswith("row 2")


@pytest.mark.usefixtures("short_rows")
def test_rows_that_open_quotes_are_not_read_again_without_end(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEADER + good(1) + 'x","\n' * 300)  # opens, and goes on within quotes
    table, aside = read_all(path, aside=SetAside())
    assert ids(table) == ["r1"]
    assert 2 < len(aside.rows) < 300
    assert aside.total == 300
    assert "lines behind it go" in aside.rows[-1].what


@given(
    prompts=st.lists(st.text(st.sampled_from('ab",\n\r é'), min_size=1), min_size=1, max_size=8),
    broken=st.integers(0, 7),
)
def test_a_quote_that_nobody_closed_costs_its_row_alone(
    prompts: list[str], broken: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where the other rows hold no quoted line ends that could close it elsewhere."""
    rows = [good(number, prompt.replace("\n", " ")) for number, prompt in enumerate(prompts)]
    broken %= len(rows)
    rows.insert(broken, f'broken,{AT},a,"opened\n')
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    path.write_bytes((HEADER + "".join(rows)).encode())
    table, aside = read_all(path, aside=SetAside())
    read = ids(table)
    assert len(read) + aside.total >= len(prompts)
    assert set(read) <= {f"r{number}" for number in range(len(prompts))} | {"broken"}

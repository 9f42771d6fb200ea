"""Strings that would like to act: they come back as they were in data, and do nothing where a person looks."""

from __future__ import annotations

import io
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.exchange import safe_cell
from headwater.explain import board, explain_account, load
from headwater.investigation import Investigation
from headwater.report import draw
from investigation.worlds import SETTINGS, accounts, exchanges, members, plain

pytestmark = pytest.mark.xdist_group("small")

HTML = "</script></template><img src=x onerror=alert(1)><svg/onload=alert(2)>"
POISONS = {
    "account": f'=HYPERLINK("http://evil.example","x")|../../etc/passwd|{HTML}|\x1b[2J\x1b]0;owned\x07|\u202e',
    "organisation": f"../../../tmp/owned|{HTML}|\u2066\x00|{{{{7*7}}}}|{{% include '/etc/passwd' %}}",
    "user_agent": f"@SUM(1+1)*cmd|'/C calc'!A0|{HTML}|\x9b31m",
    "model": f"-2+3+cmd|' /C calc'!A0|{HTML}|\x1b[31m|[bold red]|\r\n",
    "prompt": f"+{HTML}\x1b[2J\u202e\x00{{{{ config }}}}../../etc/passwd[link=http://evil.example]x[/link] ",
}


def poisoned(table: pa.Table) -> pa.Table:
    """A table with poison before every text that a client, or an attacker, chooses."""
    for name, poison in POISONS.items():
        if name in table.schema.names:
            column = table.column(name)
            parts = (pa.scalar(poison, column.type), column, pa.scalar("", column.type))
            at = table.schema.get_field_index(name)
            table = table.set_column(at, table.schema.field(name), pc.binary_join_element_wise(*parts))
    return table


@pytest.fixture(scope="module")
def found() -> Investigation:
    return headwater.investigate(poisoned(exchanges()), poisoned(accounts()), settings=SETTINGS)


@pytest.fixture(scope="module")
def folder(found: Investigation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The written report, in the only folder that may have changed."""
    room = tmp_path_factory.mktemp("room")
    here = Path.cwd()
    os.chdir(room)
    try:
        found.write(room / "deep" / "report")
    finally:
        os.chdir(here)
    written = {str(path.relative_to(room)) for path in room.rglob("*") if path.is_file()}
    names = ("report.html", "campaigns.json", "accounts.parquet", "exchanges.parquet")
    assert written == {f"deep/report/{name}" for name in names}
    return room / "deep" / "report"


class Elements(HTMLParser):
    """Collects elements and attributes as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


def elements(text: str) -> Elements:
    parser = Elements()
    parser.feed(text)
    parser.close()
    return parser


def test_poison_changes_no_verdict(found: Investigation) -> None:
    bare = [frozenset(name.removeprefix(POISONS["account"]) for name in ring) for ring in members(found)]
    assert [len(ring) for ring in bare] == [len(ring) for ring in members(plain())]
    assert len(bare[0] & members(plain())[0]) >= 0.95 * len(bare[0])


def test_data_files_hold_the_strings_as_they_were(found: Investigation, folder: Path) -> None:
    table = pq.read_table(folder / "accounts.parquet")
    assert all(name.startswith(POISONS["account"]) for name in table["account"].to_pylist())
    told = json.loads((folder / "campaigns.json").read_bytes())
    ring = told["campaigns"][0]
    assert all(member["account"].startswith(POISONS["account"]) for member in ring["members"])
    assert load(folder) == found.findings


def test_json_escapes_what_acts_on_a_screen(folder: Path) -> None:
    raw = (folder / "campaigns.json").read_bytes()
    assert b"\x1b" not in raw
    assert b"\x00" not in raw
    assert b"\x07" not in raw


def test_the_page_has_no_element_of_the_poison(found: Investigation, folder: Path) -> None:
    clean, dirty = elements(plain().html().decode()), elements((folder / "report.html").read_text("utf-8"))
    assert dirty.tags == clean.tags
    assert {name for name, _ in dirty.attributes} == {name for name, _ in clean.attributes}
    assert not any(name.startswith("on") for name, _ in dirty.attributes)
    assert not any(
        "evil.example" in (value or "") for name, value in dirty.attributes if name in ("href", "src")
    )
    text = (folder / "report.html").read_text("utf-8")
    for mark in ("\x1b", "\x00", "\x07", "\x9b", "\u202e", "\u2066", "{{7*7}}49"):
        assert mark not in text


def test_the_fragment_for_notebooks_has_none_either(found: Investigation) -> None:
    clean, dirty = elements(plain()._repr_html_()), elements(found._repr_html_())
    assert dirty.tags == clean.tags
    assert "\x1b" not in found._repr_html_()


def test_the_terminal_is_left_as_it_is(found: Investigation) -> None:
    for colour in (True, False):
        drawn = io.StringIO()
        draw(board(found.findings, report="report.html"), drawn, colour=colour, width=100)
        text = drawn.getvalue()
        for mark in ("\x1b[2J", "\x1b]0;", "\x1b]8;", "\x07", "\x00", "\x9b", "\u202e"):
            assert mark not in text
        assert colour or "\x1b" not in text


def test_an_account_can_be_explained_by_its_hostile_name(found: Investigation) -> None:
    account = found.campaigns[0].members[0].account
    assert explain_account(found.findings, account).passages


def test_a_spreadsheet_would_not_run_a_name() -> None:
    for poison in POISONS.values():
        assert safe_cell(poison)[0] not in "=+-@\t\r\n"

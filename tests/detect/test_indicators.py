"""What the operator notes of others' reports and of benchmarks: read strictly, refused by file, row and field."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.indicators import (
    Benchmarks,
    Indicator,
    Outside,
    Sighting,
    load_benchmarks,
    load_outside,
)
from headwater.errors import ConfigurationError, UnreadableInput
from headwater.imprint import imprint
from headwater.keys import DEMO_KEY

INDICATOR = '[[indicator]]\nkind = "ip"\nvalue = "203.0.113.9"\nsource = "a peer"\nexpires = 2027-01-31\n'
SIGHTING = '[[sighting]]\naccount = "a1"\nwhere = "a data set"\nfound_on = 2026-12-01\nsource = "a canary"\n'
ITEM = "Natalia sold clips to forty eight of her friends in April"


def written(folder: Path, text: str | bytes, name: str = "outside.toml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reports_and_sightings_are_read(tmp_path: Path) -> None:
    text = INDICATOR + 'confidence = 0.5\nnote = "seen twice"\n' + SIGHTING
    assert load_outside(written(tmp_path, text)) == Outside(
        (Indicator("ip", "203.0.113.9", "a peer", date(2027, 1, 31), 0.5, "seen twice"),),
        (Sighting("a1", None, "a data set", date(2026, 12, 1), "a canary"),),
    )
    assert load_outside(written(tmp_path, "")) == Outside((), ())


@pytest.mark.parametrize("value", ["0x2A", "2a", "000000000000002a"])
def test_a_templates_hash_has_one_form(tmp_path: Path, value: str) -> None:
    text = INDICATOR.replace('"ip"', '"template"').replace("203.0.113.9", value)
    assert load_outside(written(tmp_path, text)).indicators[0].value == "000000000000002a"


def test_an_indicator_holds_through_its_last_day() -> None:
    one = Indicator("ip", "203.0.113.9", "a peer", date(1970, 1, 2), 1.0)
    day = 86_400_000_000
    assert one.holds(2 * day - 1)
    assert not one.holds(2 * day)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[indicator]", ""),
        ("indicators = []", ""),
        ("indicator = 3", ""),
        ("indicator = [3]", "row 1"),
        (INDICATOR + "[[indicator]]\nkind = 'ip'", "row 2, field value"),
        (INDICATOR.replace('"ip"', '"country"'), "row 1, field kind"),
        (INDICATOR.replace('"ip"', "[1]"), "row 1, field kind"),
        (INDICATOR.replace("2027-01-31", '"2027"'), "row 1, field expires"),
        (INDICATOR.replace("source", "sauce"), "row 1, field sauce"),
        (INDICATOR + "confidence = 0", "row 1, field confidence"),
        (INDICATOR + "confidence = nan", "row 1, field confidence"),
        (INDICATOR + "confidence = true", "row 1, field confidence"),
        (INDICATOR + "note = 1", "row 1, field note"),
        (INDICATOR.replace('"ip"', '"template"'), "row 1, field value"),
        (INDICATOR.replace('"ip"', '"template"').replace("203.0.113.9", "f" * 17), "row 1, field value"),
        (SIGHTING + 'exchange = "e"', "row 1"),
        (SIGHTING.replace('account = "a1"\n', ""), "row 1"),
        (SIGHTING.replace("2026-12-01", "3"), "row 1, field found_on"),
        (SIGHTING.replace('"a canary"', '" "'), "row 1, field source"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as refused:
        load_outside(path)
    assert str(refused.value.where) == ", ".join(part for part in (str(path), place) if part)


def test_items_are_hashed_under_the_logs_key(tmp_path: Path) -> None:
    lines = written(tmp_path, f"\n{ITEM}\nToo short\n{ITEM}\n", "items.txt")
    records = written(
        tmp_path, f'{{"question": "{ITEM} and May", "answer": "72"}}\n"{ITEM}"\n', "items.jsonl"
    )
    found = load_benchmarks((lines, records), DEMO_KEY)
    made = imprint([ITEM, f"{ITEM} and May", "Too short"], DEMO_KEY).field("exact").to_numpy()
    assert found.has(made).tolist() == [True, True, False]
    assert (len(found), found.short) == (2, 1)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("{", 1),
        (f'"{ITEM}"\n3', 2),
        ('{"other": "x"}', 1),
        ('{"prompt": 3}', 1),
        ("[" * 100_000, 1),
        ('""', 1),
    ],
)
def test_a_line_without_a_text_is_refused_by_its_place(tmp_path: Path, text: str, row: int) -> None:
    path = written(tmp_path, text, "items.jsonl")
    with pytest.raises(ConfigurationError) as refused:
        load_benchmarks((path,), DEMO_KEY)
    assert (refused.value.where.file, refused.value.where.row) == (str(path), row)
    assert "Natalia" not in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for load in (load_outside, lambda path: load_benchmarks((path,), DEMO_KEY)):
        with pytest.raises(UnreadableInput):
            load(tmp_path / "missing.toml")
        with pytest.raises(ConfigurationError):
            load(written(tmp_path, b"\xff\xfe"))
    lone = written(tmp_path, '"\\ud800 ' + ITEM + '"', "items.jsonl")
    assert len(load_benchmarks((lone,), DEMO_KEY)) == 1


@given(st.sets(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)))
def test_has_is_membership(items: set[int], asked: list[int]) -> None:
    table = Benchmarks(np.array(sorted(items), np.uint64))
    asked = [*asked, *list(items)[:5]]
    assert table.has(np.array(asked, np.uint64)).tolist() == [a in items for a in asked]

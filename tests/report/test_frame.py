"""A page is one file under a strict policy, and no string can change its structure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings

from explain.builders import HOSTILE, campaign, crowd, findings, hostile, poisoned, quiet
from headwater import explain
from headwater.report import Chart, Column, Link, Page, Section, Table, Text, fragment, html
from headwater.report.frame import LONGEST


class Reader(HTMLParser):
    """Collects start tags with their attributes, text outside scripts, and what is in the inline blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inline: list[tuple[str, dict[str, str | None], str]] = []
        self._in: tuple[str, dict[str, str | None]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._in = (tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._in = None

    def handle_data(self, data: str) -> None:
        if self._in:
            self.inline.append((*self._in, data))
        else:
            self.text.append(data)


def read(page: bytes | str) -> Reader:
    reader = Reader()
    reader.feed(page.decode() if isinstance(page, bytes) else page)
    return reader


def data_of(reader: Reader) -> dict[str, Any]:
    packed = next(text for tag, attrs, text in reader.inline if attrs.get("id") == "data")
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(json.loads(packed))))
    return found


@pytest.fixture(scope="module")
def report() -> bytes:
    return html(explain.page(findings(labels_note="Joined from different sources")))


def test_the_policy_names_each_script_and_the_style_by_hash(report: bytes) -> None:
    reader = read(report)
    policy = next(a["content"] for t, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == rules["trusted-types"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in policy
    assert "http" not in policy

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    scripts = [text for tag, attrs, text in reader.inline if tag == "script" and "type" not in attrs]
    assert rules["script-src"].split() == [hashed(text) for text in scripts]
    assert rules["style-src"].split() == [hashed(text) for tag, _, text in reader.inline if tag == "style"]


def test_nothing_is_loaded_and_nothing_is_inline_that_the_policy_forbids(report: bytes) -> None:
    reader = read(report)
    for tag, attrs in reader.tags:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form", "source", "audio", "video")
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        assert "src" not in attrs
        href = attrs.get("href")
        assert href is None or href.startswith(("#", "data:"))
    assert b"sourceMappingURL" not in report


def test_links_lead_to_places_in_the_page_and_ids_are_unique(report: bytes) -> None:
    reader = read(report)
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {href[1:] for _, a in reader.tags if (href := a.get("href")) and href.startswith("#")}
    assert targets <= set(ids)
    assert {c["key"] for c in data_of(reader)["charts"]} <= set(ids)


def test_it_can_be_read_without_script(report: bytes) -> None:
    text = " ".join(read(report).text)
    for said in (
        "Three campaigns among",
        "1 in 9,000",
        "+6.20",
        "−1.15",
        "Joined from different sources",
        "A person decides",
    ):
        assert said in text
    # Tables stay open until a script has drawn their chart.
    charts = [a for t, a in read(report).tags if t == "details" and "open" in a]
    assert len(charts) == 6


def test_the_same_page_gives_the_same_bytes(report: bytes) -> None:
    assert report == html(explain.page(findings(labels_note="Joined from different sources")))


def test_charts_and_their_tables_hold_the_same_numbers(report: bytes) -> None:
    data = data_of(read(report))
    assert set(data["specs"]) == {"timeline", "waterfall"}
    chart = next(c for c in data["charts"] if c["key"] == "c1-why")
    ring = findings().campaigns[0]
    assert chart["records"]["bars"][-1]["end"] == pytest.approx(ring.log_odds, abs=1e-9)
    text = " ".join(read(report).text)
    assert all(row["signed"] in text for row in chart["records"]["bars"])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_string_changes_no_structure(text: str) -> None:
    plain, poison = read(html(explain.page(poisoned("plain")))), read(html(explain.page(poisoned(text))))
    assert [t for t, _ in plain.tags] == [t for t, _ in poison.tags]
    assert [sorted(a) for _, a in plain.tags] == [sorted(a) for _, a in poison.tags]


@settings(max_examples=30)
@given(hostile)
def test_no_string_at_all_changes_structure(text: str) -> None:
    plain = read(fragment(explain.page(poisoned("plain"))))
    poison = read(fragment(explain.page(poisoned(f"x{text}"))))
    assert [(t, sorted(a)) for t, a in plain.tags] == [(t, sorted(a)) for t, a in poison.tags]


def test_hostile_text_is_shown_as_it_is() -> None:
    reader = read(html(explain.page(poisoned(HOSTILE[0]))))
    assert HOSTILE[0] in "".join(reader.text)
    assert data_of(reader)["map"]["names"][0] == f"{HOSTILE[0]}0"


def test_a_key_that_is_no_key_is_refused() -> None:
    page = Page("t", "v", [], [Section('x" onclick="y', "s", [Text("t")])])
    with pytest.raises(ValueError, match="not a key"):
        html(page)
    table = Table("t", [Column("c")], [[Link("x", "javascript:alert(1)")]])
    with pytest.raises(ValueError, match="not a key"):
        html(Page("t", "v", [], [Section("s", "s", [table])]))


def test_a_text_of_ten_million_characters_is_cut() -> None:
    page = html(Page("t", "v", [], [Section("s", "s", [Text("x" * 10_000_000)])]))
    assert len(page) < 1_000_000
    assert f"({10_000_000 - LONGEST:,} more characters)".encode() in page


def test_numbers_that_json_cannot_say_are_refused() -> None:
    chart = Chart("c", "waterfall", "t", "s", {"bars": [{"start": float("nan")}]}, Table("t", [], []))
    with pytest.raises(ValueError, match="JSON"):
        html(Page("t", "v", [], [Section("s", "s", [chart])]))


@pytest.mark.parametrize("made", [findings(), quiet(), crowd()], ids=["full", "quiet", "crowd"])
def test_a_report_is_under_three_megabytes(made: object) -> None:
    assert len(html(explain.page(made))) < 3_000_000  # type: ignore[arg-type]


def test_many_large_campaigns_with_long_names_are_too() -> None:
    import dataclasses

    def named(i: int) -> object:
        ring = campaign(f"ring-{i:02d}", 500, seed=i, ties=1_000)
        tag = hashlib.sha256(str(i).encode()).hexdigest()
        return dataclasses.replace(
            ring,
            members=tuple(
                dataclasses.replace(
                    m, account=f"user-{hashlib.sha256(f'{tag}{j}'.encode()).hexdigest()[:32]}"
                )
                for j, m in enumerate(ring.members)
            ),
        )

    made = findings(campaigns=tuple(named(i) for i in range(40)))
    assert len(html(explain.page(made))) < 3_000_000


def test_a_fragment_is_static_and_has_no_links() -> None:
    reader = read(fragment(explain.page(findings())))
    assert not {"script", "a", "iframe", "img"} & {t for t, _ in reader.tags}
    assert not [a for _, a in reader.tags if "style" in a or "id" in a]
    assert "Three campaigns among" in " ".join(reader.text)
    assert re.search(r"^\s*<div class=\"headwater-fragment\">", fragment(explain.page(quiet())))

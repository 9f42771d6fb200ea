"""Where a page may be written: over an older page of ours, and over nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.cli.pages import page_place, write_page
from headwater.errors import UsageError
from headwater.report import Page, html


def test_new_empty_and_older_pages_may_be_written(tmp_path: Path) -> None:
    out = tmp_path / "trace.html"
    assert page_place(out, [tmp_path, None]) == out
    out.touch()
    assert page_place(out, [tmp_path]) == out
    out.write_bytes(html(Page("a title", "a verdict", [], [])))
    assert page_place(out, [tmp_path]) == out


@pytest.mark.parametrize("link", ["itself", "soft", "hard"])
def test_an_input_is_not_written_over(tmp_path: Path, link: str) -> None:
    """Not even one that is a page of ours."""
    data = tmp_path / "page.html"
    data.write_bytes(html(Page("a title", "a verdict", [], [])))
    out = data if link == "itself" else tmp_path / "out.html"
    if link == "soft":
        out.symlink_to(data)
    elif link == "hard":
        out.hardlink_to(data)
    with pytest.raises(UsageError, match="would be overwritten"):
        page_place(out, [tmp_path / "none", data])


def test_what_is_no_page_of_ours_is_not_written_over(tmp_path: Path) -> None:
    for content in (b'{"text": "a row"}\n', b"<!doctype html><title>somebody's page</title>", b"\x00" * 99):
        (tmp_path / "out").write_bytes(content)
        with pytest.raises(UsageError, match="isn't a page of ours"):
            page_place(tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == content
    page_place(tmp_path / "out", begins=(b"\x00\x00",))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no plain file"):
        page_place(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a folder"):
        page_place(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone.x\.html: cannot be written"):
        page_place(tmp_path / "gone" / "x.html")


def test_where_writing_fails_the_place_that_was_asked_for_is_named(tmp_path: Path) -> None:
    out = tmp_path / f"{'x' * 300}.html"  # no file may have such a name
    for write in (page_place, lambda place: write_page(place, b"a page")):
        with pytest.raises(UsageError, match="cannot be written") as failed:
            write(out)
        assert failed.value.where.file == str(out)
    assert list(tmp_path.iterdir()) == []
    write_page(tmp_path / "x.html", b"a page")
    assert (tmp_path / "x.html").read_bytes() == b"a page"

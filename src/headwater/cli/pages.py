"""Where a page may be written: never over what is read, and over no file that isn't a page of ours.

Asked before any work is done, so that a mistyped `-o` costs nothing, and a data set least of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from headwater.errors import UsageError, Where
from headwater.places import keep_apart, together

#: How every page of ours begins, and what stands in its first kilobytes.
PAGE_BEGINS: Final = (b"<!doctype html>", b'<meta name="generator" content="Headwater">')
_HEAD: Final = 1 << 14


def page_place(
    out: Path,
    inputs: Iterable[Path | None] = (),
    *,
    what: str = "a page",
    begins: tuple[bytes, ...] = PAGE_BEGINS,
) -> Path:
    """`out`, where it may be written: its folder is there, and what lies there already is an older `what` of ours.

    `inputs`: files and folders that are read (None: not given); `begins`: how our own files begin, and then what else
    stands in their first 16 KiB. An empty file may be written over. Raises UsageError, which names `out`.
    """
    try:
        _check(out, [path for path in inputs if path is not None], what, begins)
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", where=Where(str(out))) from error
    return out


def _check(out: Path, read: list[Path], what: str, begins: tuple[bytes, ...]) -> None:
    where = Where(str(out))
    if not out.parent.is_dir():
        told = "cannot be written: its folder isn't there"
        raise UsageError(told, where=where, hint="make the folder first")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise UsageError("cannot be written: its folder is closed to you", where=where)
    keep_apart([out], [path for path in read if not path.is_dir()])
    if out.is_dir():
        raise UsageError("is a folder, where a file is to be written", where=where, hint="name a file in it")
    if not out.exists():
        return
    if not out.is_file():
        raise UsageError("is no plain file", where=where, hint="choose another output")
    with out.open("rb") as file:
        head = file.read(_HEAD)
    if head and not (head.startswith(begins[0]) and all(mark in head for mark in begins)):
        hint = "choose another output, or remove the file first"
        raise UsageError(f"is there already, and isn't {what} of ours", where=where, hint=hint)


def write_page(out: Path, content: bytes) -> None:
    """Write a page whole, or not at all. Raises UsageError, which names `out` and no file of ours, where it fails."""
    try:
        with together(out.parent) as place:
            place(out.name).write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", where=Where(str(out))) from error


def new_place(out: Path) -> Path:
    """`out`, where nothing lies yet; UsageError, which names it, where something does."""
    if out.exists():
        raise UsageError("a file of this name exists", where=Where(str(out)), hint="choose another name")
    return out

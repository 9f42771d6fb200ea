"""What `headwater mark` is given to read: texts on the command line, files, folders, standard input."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from headwater.cli.terminal import Terminal
from headwater.errors import UnreadableInput, UsageError, Where

#: Files of a folder that are looked at; a data set of many texts is for the audit.
_MOST_FILES = 10_000
#: Bytes that are read from standard input.
LARGEST = 128 << 20
#: Files of rows, which are no texts.
_ROWS = {".jsonl", ".ndjson", ".parquet", ".arrow", ".csv"}
#: How a file's name ends, as no sentence does.
_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,5}$")


def read_file(path: Path) -> str:
    """The text in the file; `UnreadableInput` where it isn't one."""
    from headwater.mark import read_text

    return read_text(path)


def texts_of(given: tuple[str, ...], keyring: Path, terminal: Terminal) -> list[tuple[str, Path | str]]:
    """Names of texts, and what they are: a path that is still to be read ("-": standard input), or the text."""
    found: list[tuple[str, Path | str]] = []
    for each in given:
        path = Path(each)
        if each == "-":
            found.append(("standard input", path))
        elif _exists(path):
            found += [(str(one), one) for one in _files(path, keyring, terminal)]
        elif any(letter.isspace() for letter in each) and not _NAME.search(each):
            found.append(("text", each))
        else:
            hint = "a text is taken where it holds a space and doesn't end as a file's name does; else give it to -"
            raise UsageError("no such file or folder", where=Where(each[:200]), hint=hint)
    return found


def content_of(found: Path | str) -> str:
    """The text; `UnreadableInput` where it isn't one."""
    if isinstance(found, str):
        return found
    if str(found) == "-":
        return _standard_input()
    if found.suffix in _ROWS:
        hint = "headwater audit DATA --keyring FILE reads each row by itself"
        raise UnreadableInput("holds rows, not one text", where=Where(str(found)), hint=hint)
    return read_file(found)


def _standard_input() -> str:
    from headwater.mark import decoded

    return decoded(sys.stdin.buffer.read(LARGEST + 1), where=Where("standard input"))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # longer than a path may be
        return False


def _files(path: Path, keyring: Path, terminal: Terminal) -> list[Path]:
    """The file, or those of a folder: hidden ones and the keyring are no texts, and what is no file is told."""
    if not path.is_dir():
        return [path]
    shown = [
        each
        for each in sorted(path.rglob("*"))
        if not any(part.startswith(".") for part in each.relative_to(path).parts)
    ]
    paths = [each for each in shown if each.is_file() and each.resolve() != keyring.resolve()]
    if others := sum(not each.is_file() and (each.is_symlink() or not each.is_dir()) for each in shown):
        terminal.warn(
            f"{path}: {others:,} entries are neither files nor folders of its own, and were not read"
        )
    if len(paths) > _MOST_FILES:
        hint = "headwater audit reads marks in data sets: --keyring"
        raise UsageError(f"{len(paths):,} files", where=Where(str(path)), hint=hint)
    if not paths:
        raise UsageError("holds no files", where=Where(str(path)))
    return paths

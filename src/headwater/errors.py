"""One small family of errors, with fields instead of prose.

    HeadwaterError                what went wrong, where, and what to do next
    ├── UsageError                a setting, an option or an argument cannot be used
    │   └── ConfigurationError    the same, in a configuration file
    ├── UnreadableInput           a file cannot be read at all (exit code 2)
    ├── ConflictError             somebody else was first: what was seen before has changed, or is being written
    └── BadRow                    one row cannot be used; it is set aside and counted

The doors (command line, API) word an error from its fields; nothing here formats for a terminal. No field
may ever carry a prompt, a key or a secret: `field` names a column, `what` describes the fault, and values
are described by their type and length only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Where:
    """The place a fault was found: `file` path, `row` counted from 1, `field` as a dotted path."""

    file: str | None = None
    row: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        parts = [self.file or ""]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.field:
            parts.append(f"field {self.field}")
        return ", ".join(part for part in parts if part)


class HeadwaterError(Exception):
    """Base of all errors raised on purpose.

    `what` says what happened, `where` says in which file, row and field, `hint` says what to do.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: Where | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = where or Where()
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        place = str(self.where)
        return f"{place}: {self.what}" if place else self.what


class UsageError(HeadwaterError):
    """An option or argument that cannot be used as given."""


class ConfigurationError(UsageError):
    """A configuration file that cannot be used as written."""


class UnreadableInput(HeadwaterError):  # noqa: N818  (reads as a sentence where it is raised)
    """A file or folder that cannot be read at all; rows that can be read elsewhere are not lost."""


class ConflictError(HeadwaterError):
    """Somebody else was first: what was seen before has changed, or another process is writing. Nothing was done."""


@dataclass(frozen=True)
class BadRow:
    """One row set aside: a value, not an exception, so that the good rows go on.

    `rows`: how many rows go with it, where they cannot be told apart.
    """

    what: str
    where: Where = field(default_factory=Where)
    hint: str | None = None
    rows: int = 1


def unreadable(path: Path, error: OSError) -> UnreadableInput:
    """What to say of a file that the system doesn't give: that it isn't there, with the nearest name, or why not."""
    where = Where(str(path))
    if isinstance(error, FileNotFoundError):
        return UnreadableInput("does not exist", where=where, hint=_nearest(path))
    hint = "name a file" if isinstance(error, IsADirectoryError) else "check its permissions"
    reason = error.strerror or type(error).__name__
    return UnreadableInput(f"cannot be read ({reason})", where=where, hint=hint)


def _nearest(path: Path) -> str:
    from difflib import get_close_matches

    folder = path.parent
    try:
        names = [inner.name for inner in folder.iterdir()] if folder.is_dir() else []
    except OSError:  # a folder that may be entered and not listed
        names = []
    near = get_close_matches(path.name, names, n=1)
    return f"did you mean {folder / near[0]}?" if near else "check the path"

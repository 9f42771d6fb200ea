"""Files that a run writes line by line and a later run goes on with: what an ended run half wrote is taken away.

Nothing is taken away from a file that isn't ours, and none of its bytes is changed before all of it was looked at.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from headwater.errors import UsageError, Where, unreadable


def mended(path: Path, read: Callable[[int, bytes], None], begins: Callable[[int], bytes]) -> None:
    """Make the last line of `path` whole, where there is a file.

    `read` is given each whole line with its number, and raises where it isn't ours; `begins`: how our line of that
    number begins. A last line without its end is kept if it is a whole object, and cut if it begins as ours does.
    Raises `UsageError` for any other, and `UnreadableInput` where the file can't be read and written.
    """
    try:
        if not path.exists():
            return
        with path.open("r+b") as file:
            whole = number = 0
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n") or object_of(line) is not None:
                    read(number, line)
                    whole += len(line)
                    continue
                ours = begins(number)
                if not ours.startswith(line) and not (ours and line.startswith(ours)):
                    what = "ends in half a line that this command didn't write; nothing was changed"
                    hint = "choose another file, or take the line away"
                    raise UsageError(what, where=Where(str(path), number), hint=hint)
                file.truncate(whole)
                return
            if number and not line.endswith(b"\n"):
                file.seek(whole)
                file.write(b"\n")
    except OSError as error:
        raise unreadable(path, error) from None


@contextmanager
def appended(path: Path) -> Iterator[TextIO]:
    """`path`, opened to write more lines, for one run at a time: what it holds is looked at inside.

    UsageError where it can't be written, or another run does.
    """
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", where=Where(str(path))) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait for it, or choose another file"
            raise UsageError("another run is writing it", where=Where(str(path)), hint=hint) from None
        except OSError:  # a file system without locks
            pass
        yield file


def object_of(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line in UTF-8; None where it is anything else."""
    try:
        found = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

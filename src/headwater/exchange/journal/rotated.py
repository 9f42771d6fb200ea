"""What a rotation remembers beside the journal: which file's rows are being put in their place, and what had no answer.

One small file, `rotated.json`, replaced as a whole. Writing it is the moment at which a file's rows count as written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from headwater.errors import UnreadableInput, Where, unreadable
from headwater.exchange.journal.folder import synced

_NAME: Final = "rotated.json"
_HINT: Final = "it says which rows were written: see that the newest file's are there, then remove it"
#: Requests without an answer that are remembered, the newest.
MOST_UNANSWERED: Final = 100_000


class Placing(msgspec.Struct, frozen=True):
    """A journal file whose rows lie whole under `out`, and are moved to their names; it goes when they are there.

    `parts`: their paths below `out`. `keep`: whether the journal file is kept, because some of it couldn't be read.
    """

    file: str
    out: str
    parts: list[str]
    keep: bool


class State(msgspec.Struct, frozen=True):
    """What is known of a folder's rotation. `id` names its own folder below `out`.

    `unanswered`: ids of requests whose rows have no answer, with their times: it may still come. `sequence`: that of
    the last record of the file before, which `incarnation` wrote: what was written twice becomes one row.
    """

    id: str
    placing: Placing | None = None
    unanswered: dict[str, int] = {}
    incarnation: str = ""
    sequence: int | None = None

    def before(self, incarnation: str) -> int | None:
        """The sequence before a file of this incarnation; None where that isn't known."""
        if self.incarnation == incarnation:
            return self.sequence
        return 0 if self.incarnation else None


def load(folder: Path, secret: Callable[[int], bytes]) -> State:
    """What is remembered, or a new state. Raises UnreadableInput."""
    path = folder / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State(secret(8).hex())
    except OSError as error:
        raise unreadable(path, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableInput("is no state of a rotation", where=Where(str(path)), hint=_HINT) from None


def store(folder: Path, state: State) -> None:
    """Remember `state`; on the disk when this returns. Raises OSError."""
    fresh = folder / f".{_NAME}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _NAME)
    synced(folder)


def newest(unanswered: dict[str, int]) -> dict[str, int]:
    """As many as are remembered."""
    over = len(unanswered) - MOST_UNANSWERED
    return dict(sorted(unanswered.items(), key=lambda one: one[1])[over:]) if over > 0 else unanswered

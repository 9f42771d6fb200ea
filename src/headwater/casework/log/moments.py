"""The moments between two writes of store, outbox and log, by name: where a kill must do no harm.

Nothing here does anything. Whoever opens a log may pass a callable that is told each moment as it comes; tests end
the process there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Told the name of a moment.
Between = Callable[[str], None]

#: In the order in which they come when entries are published. Those of files come once for each file.
MOMENTS: Final = (
    "locked",
    "messages read",
    "commitments written",
    "records written",
    "outbox emptied",
    "sequenced",
    "file written",
    "file in its place",
    "tiles in their places",
    "tiles durable",
    "signed",
    "checkpoint stored",
    "checkpoint written",
    "published",
    "partial tiles removed",
)


def nothing(_moment: str) -> None:
    """What is called where nobody listens."""

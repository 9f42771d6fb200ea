"""The command line: one file per command, each loaded when it is called.

A command translates options into calls of the rooms below and their answers into text; it decides nothing.
`app` finds commands, `terminal` holds the manners (what goes to which stream, colour, progress), `faults`
words errors.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run `headwater` with the process's arguments and exit with its code."""
    import sys

    from headwater.cli.app import run

    _open_streams()
    sys.exit(run(sys.argv[1:]))


def _open_streams() -> None:
    """Give a closed stdin, stdout or stderr to nobody: the next file that is opened would take its place."""
    import os

    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free

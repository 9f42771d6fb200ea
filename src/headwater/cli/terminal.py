"""Terminal manners, kept in one place.

- Data goes to stdout, everything else (notes, progress, errors) to stderr.
- Progress is drawn only where stderr is a terminal, and never with `--quiet` or `--no-progress`.
- `--color` decides about colour; without it NO_COLOR, then CLICOLOR_FORCE or FORCE_COLOR, then the terminal.
- Strings that came from a log lose their control characters before they are shown.
- A reader who closes the pipe early wants no more, and a stream that was closed from the start has no reader;
  that is no error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from headwater.cli.whole import Whole
    from headwater.report import Board

#: Called with a stage's name, how much is done and how much there is (None: unknown).
Progress = Callable[[str, int, int | None], None]
#: How far a bar gets before its stage has ended.
NEARLY_FULL = 0.99
When = Literal["auto", "always", "never"]


def clean(text: str) -> str:
    """`text` on one line and without characters that would act on the reader's screen."""
    from headwater.report import clean as cleaned

    return cleaned(text)


@dataclass(frozen=True)
class Terminal:
    """What the user asked for about output; `colour` is `--color`."""

    quiet: bool = False
    show_progress: bool = True
    colour: When = "auto"

    def out(self, text: str) -> None:
        """Write data to stdout, as it is; the caller has cleaned what came from a log."""
        write(sys.stdout, text)

    def json(self, value: object) -> None:
        """Write a value as one line of JSON to stdout; strings from a log don't act on the screen."""
        import msgspec

        from headwater.report import inert_json

        self.out(inert_json(msgspec.json.encode(value).decode()) + "\n")

    def say(self, text: str) -> None:
        """Write a note to stderr, unless `--quiet`."""
        if not self.quiet:
            write(sys.stderr, text + "\n")

    def warn(self, text: str) -> None:
        """Write a warning to stderr, also with `--quiet`: results rest on it."""
        write(sys.stderr, f"warning: {text}\n")

    def coloured(self, stream: TextIO | None) -> bool:
        """Whether text on `stream` may carry colour."""
        if stream is None:
            return False
        if self.colour != "auto":
            return self.colour == "always"
        from headwater.report import wants_colour

        return wants_colour(stream)

    def draw(self, board: Board) -> None:
        """Write a board to stdout, as wide as the terminal."""
        import io
        import shutil

        from headwater.report import draw

        drawn = io.StringIO()
        width = shutil.get_terminal_size().columns
        draw(board, drawn, colour=self.coloured(sys.stdout), width=width)
        self.out(drawn.getvalue())

    @contextmanager
    def progress(self, whole: Whole | None = None) -> Iterator[Progress]:
        """A callable that draws how far the work is, or does nothing where nobody watches.

        `whole` is told the same, and says how much of all work is done in a line of its own.
        """
        if self.quiet or not self.show_progress or not _watched(sys.stderr):
            yield _unwatched
            return
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        from headwater.cli.whole import SOON, words

        class Told(ProgressColumn):
            """How far a stage is, in rows; or all of them, at this moment."""

            def render(self, task: Any) -> Text:
                if task.fields.get("whole"):
                    return Text(str(whole))
                of = "" if task.total is None else f" of {int(task.total):,}"
                rest = task.time_remaining if whole is None and task.elapsed and task.elapsed > SOON else None
                left = f", {words(rest)} left" if rest else ""
                done = task.fields.get("done", task.completed)
                if task.total and done >= task.total and not task.finished:
                    left = ", and what follows from them"
                return Text(f"{int(done):,}{of}{left}" if done or of else "")

        console = Console(stderr=True, no_color=not self.coloured(sys.stderr), highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(), Told()
        with Bars(*columns, console=console, transient=True) as bars:
            tasks: dict[str, Any] = {}

            def draw(stage: str, done: int, total: int | None) -> None:
                if stage not in tasks:
                    for before in bars.tasks:
                        bars.update(before.id, completed=before.fields.get("done", before.completed))
                    tasks[stage] = bars.add_task(clean(stage).replace("[", "\\["), total=total)
                # A stage ends when the next one begins: what follows its rows takes as long as they do.
                drawn = done if total is None or whole is None else min(done, NEARLY_FULL * total)
                bars.update(tasks[stage], completed=drawn, total=total, done=done)
                if whole is None:
                    return
                whole.told(stage, done, total)
                if "" not in tasks:
                    tasks[""] = bars.add_task("", total=100, whole=True)
                bars.update(tasks[""], completed=int(100 * whole.now()[0]))

            yield draw


def _watched(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _unwatched(_stage: str, _done: int, _total: int | None) -> None:
    pass


def write(stream: TextIO | None, text: str) -> None:
    """Write and flush; where the reader has gone, or never was, the rest goes nowhere, quietly."""
    if stream is None:  # so Python calls a stream that was closed when the process began
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at exit; point the stream away so that this stays quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()

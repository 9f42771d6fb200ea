"""Errors in words: `error:` with the place and the fault, then `hint:` with what to do.

The fields come from `headwater.errors`; no text of a log is printed uncleaned, and the message of an
unexpected exception is not printed at all, because it may quote one.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click

from headwater.cli.terminal import clean, write
from headwater.errors import HeadwaterError

INTERRUPTED = 130


def worded(error: BaseException) -> tuple[str, int]:
    """The lines to print for `error`, and the exit code."""
    if isinstance(error, HeadwaterError):
        return _lines(str(error), error.hint) + _trace(error.__cause__), error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error), 2
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "interrupted\n", INTERRUPTED
    if isinstance(error, MemoryError):
        return _lines("the machine's memory is used up", "give less: --memory 1024, --threads 1"), 2
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return _lines(f"{place}{error.strerror}", None), 2
    return _unexpected(error), 2


def show(error: BaseException) -> int:
    """Print `error` to stderr; the exit code."""
    text, code = worded(error)
    with suppress(OSError):  # the terminal may be what has gone
        write(sys.stderr, text)
    return code


def _lines(what: str, hint: str | None) -> str:
    text = f"error: {clean(what)}\n"
    return text + (f"hint: {clean(hint)}\n" if hint else "")


def _usage(error: click.ClickException) -> str:
    from difflib import get_close_matches

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message() + "\n"
    context: click.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else "headwater"
    hint = f"{path} --help"
    if isinstance(error, click.NoSuchOption):
        near = error.possibilities
        return _lines(f"there is no option {error.option_name}", f"did you mean {near[0]}?" if near else hint)
    if isinstance(error, click.exceptions.NoSuchCommand):
        known = []
        if context and isinstance(context.command, click.Group):
            known = context.command.list_commands(context)
        near = get_close_matches(error.command_name, known, n=1)
        other = f"did you mean {path} {near[0]}?" if near else f"commands: {', '.join(known)}"
        return _lines(f"there is no command {path} {error.command_name}", other)
    message = error.format_message().rstrip(".").replace("\n", " ")
    return _lines(message[:1].lower() + message[1:], hint)


def _trace(cause: BaseException | None) -> str:
    """The trace of what another package raised, where it was asked for."""
    import traceback

    return "".join(traceback.format_exception(cause)) if cause and os.environ.get("HEADWATER_DEBUG") else ""


def _unexpected(error: BaseException) -> str:
    import traceback

    if os.environ.get("HEADWATER_DEBUG"):
        return "".join(traceback.format_exception(error))
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "headwater" in frame.filename] or frames
    place = "an unknown place"
    if ours:
        last = ours[-1]
        place = f"{os.path.basename(last.filename)}, line {last.lineno}, {last.name}"  # noqa: PTH119
    what = f"a fault in Headwater itself ({type(error).__name__} in {place})"
    return _lines(what, "HEADWATER_DEBUG=1 shows the whole trace, which may quote the log; please report it")

"""Keys from a provider: a program of the operator's that prints one key, such as a KMS's command line.

The program is started without a shell and has a bound of time and of output. Nothing of what it prints is ever shown,
neither its output nor its errors.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from headwater.errors import ConfigurationError, Where
from headwater.keys.private_file import LARGEST_FILE

#: Seconds that a program may take.
TIMEOUT_S = 30.0
_MOST_WORDS = 100


def key_from_command(
    words: Sequence[str],
    *,
    where: Where,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> str:
    """What the program `words[0]` prints when it is started with the other words as arguments, as ASCII.

    It runs in `folder` with `environment` (default: the process's) and no standard input. Raises `ConfigurationError`
    where it can't be started, ends with another code than 0, takes longer than `timeout_s` or prints more than 64 KiB.
    """
    if not 0 < len(words) <= _MOST_WORDS or not all(isinstance(word, str) and word for word in words):
        hint = 'for example ["aws", "secretsmanager", "get-secret-value", …]: the program and its arguments'
        raise ConfigurationError("must be a list of words", where=where, hint=hint)
    try:
        process = subprocess.Popen(
            list(words),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        what = f"the program can't be started: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise ConfigurationError(
            what, where=where, hint="its first word is a program, not a line of a shell"
        ) from None
    try:
        printed = _printed(process, where, timeout_s)
    finally:
        _ended(process)
    return printed.decode("ascii", errors="replace")


def _printed(process: subprocess.Popen[bytes], where: Where, timeout_s: float) -> bytes:
    assert process.stdout is not None
    until, pieces, size = monotonic() + timeout_s, [], 0
    late = ConfigurationError(f"the program took longer than {timeout_s:g} s", where=where)
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while True:
            if not selector.select(max(0.0, until - monotonic())):
                raise late
            piece = os.read(process.stdout.fileno(), LARGEST_FILE)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_FILE:
                raise ConfigurationError(f"the program printed more than {LARGEST_FILE:,} bytes", where=where)
    try:
        code = process.wait(max(0.01, until - monotonic()))
    except subprocess.TimeoutExpired:
        raise late from None
    if code:
        hint = "run it by hand to see why; what it prints isn't shown here, it may be a key"
        raise ConfigurationError(f"the program ended with code {code}", where=where, hint=hint)
    return b"".join(pieces)


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Ends it and what it started, where it hasn't ended."""
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()

"""Where things are written: scratch folders that go, and files that appear whole and together.

What is read is never written over, nothing that lies in the way is followed, and what a killed run left behind
goes with the next one. What is written is no business of this module.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headwater.errors import UsageError, Where

_LOCK = ".lock"
#: What the lock of a folder that we made holds.
_OURS = b"a scratch folder of headwater\n"
#: Files and folders that are named like this are passed over where a folder is read.
_PASSED_OVER = (".", "_")


class Scratch:
    """A fresh folder for its user alone; `remove` takes it away, or else the end of the process.

    It is locked while its process lives; those beside it whose lock is free were left by a killed one, and go.
    """

    def __init__(self, parent: Path | None = None, prefix: str = "headwater-") -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        _sweep(parent, prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self.remove = weakref.finalize(self, _ended, self.path, _locked(self.path))


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Makes `folder`, and those it lies in; where the work fails, those that were made go, as far as they are empty."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # the first that isn't empty is kept, and those above it
            for place in missing:
                place.rmdir()
        raise


@contextmanager
def together(folder: Path) -> Iterator[Callable[[str], Path]]:
    """Gives places to write to, by file name; they take those names when all is written, and go where writing fails.

    The places lie in a fresh folder of their own, so that neither another run nor a link that somebody left can
    come between. A place that nothing was written to changes nothing.
    """
    names: list[str] = []
    fresh = Scratch(folder, ".headwater-")

    def place(name: str) -> Path:
        names.append(name)
        return fresh.path / name

    try:
        yield place
        written = [name for name in dict.fromkeys(names) if (fresh.path / name).exists()]
        for name in written:
            if (folder / name).is_dir():
                raise UsageError(
                    "is a folder, where a file is to be written",
                    where=Where(str(folder / name)),
                    hint="choose another output folder",
                )
        for name in written:
            (fresh.path / name).replace(folder / name)
    finally:
        fresh.remove()


def keep_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse an output that is one of the inputs (files or folders), under whatever name, or lies in one.

    Raises `UsageError`. An output that isn't there yet overwrites nothing.
    """
    read = {_identity(path) for path in inputs} - {None}
    for output in outputs:
        if _identity(output) is not None and any(_identity(place) in read for place in _around(output)):
            raise UsageError(
                "is part of the input and would be overwritten",
                where=Where(str(output)),
                hint="choose another output: what is read is never written over",
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """What a path leads to, whatever its name: links of both kinds have the identity of their target."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _around(path: Path) -> Iterator[Path]:
    """The path, then each folder it lies in, up to one that is passed over where folders are read."""
    place = path.resolve()
    yield place
    for folder in place.parents:
        if place.name.startswith(_PASSED_OVER):
            return
        yield folder
        place = folder


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock of `folder`; None where the file system has no locks."""
    made = folder / f"{_LOCK}.new"
    try:
        descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, _OURS)
        made.rename(folder / _LOCK)  # only now has it the name that others look for
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _ended(folder: Path, lock: int | None) -> None:
    _emptied(folder)
    if lock is not None:
        os.close(lock)


def _emptied(folder: Path) -> None:
    """Remove the folder, its lock last: whoever is killed at this leaves what can still be swept."""
    with suppress(OSError):
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner, ignore_errors=True)
            elif inner.name != _LOCK:
                inner.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path, prefix: str) -> None:
    """Remove folders that this user's killed processes left in `parent`."""
    with suppress(OSError):
        for folder in parent.glob(f"{prefix}*"):
            if not folder.is_symlink() and folder.lstat().st_uid == os.geteuid():
                _swept(folder)


def _swept(folder: Path) -> None:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # not made by us, not locked yet, or gone in the meantime
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a living process would not let go of it
        if os.pread(lock, len(_OURS) + 1, 0) == _OURS:  # somebody else's folder may be named like ours
            _emptied(folder)
    except OSError:
        pass
    finally:
        os.close(lock)

"""What an audit keeps while it runs, so that a run that was killed goes on where it was: one small file a chunk.

A chunk is done when its part stands under its own name, which it gets last. Another corpus, another question or
another version of the program begins anew. Only files of these names are ever removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import UsageError, Where
from headwater.provenance.audit.corpus import ours
from headwater.provenance.audit.record import Part

FOLDER: Final = ".audit-work"
_JOB: Final = "job.json"
_LOCK: Final = "lock"
_ANNOTATIONS: Final = "annotations"
_ASIDE: Final = "set_aside.jsonl"
_ENDING: Final = "ending"


class Work:
    """The folder of one audit's output, with what is kept in it until the audit ends."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._folder = out / FOLDER
        self._lock: int | None = None

    def begin(self, job: bytes) -> bytes | None:
        """Make ready, and lock. The job that is gone on with, as it was first written; None for a fresh start.

        Raises UsageError where another audit writes here, or the folder holds something that no audit wrote.
        """
        if self.out.exists() and not self.out.is_dir():
            raise UsageError("is a file, where a folder is to be written", where=Where(str(self.out)))
        if self.out.is_dir() and not ours(self.out) and any(self.out.iterdir()):
            raise UsageError(
                "holds files that no audit wrote",
                where=Where(str(self.out)),
                hint="choose an empty folder, or a new one, with --out",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                "another audit is writing there",
                where=Where(str(self.out)),
                hint="wait for it, or choose another folder with --out",
            ) from None
        kept = self._folder / _JOB
        if kept.exists() and _same(before := kept.read_bytes(), job):
            return before
        self._clear()
        (self._folder / _ANNOTATIONS).mkdir()
        _put(kept, job)
        return None

    def has(self, number: int) -> bool:
        """Whether a chunk is done, and all that it left is whole."""
        try:
            pq.read_metadata(self._annotated(number))
            msgspec.msgpack.decode(self.sample(number).read_bytes())
        except (OSError, pa.ArrowException, ValueError, RecursionError):
            return False
        return self.part(number) is not None

    def part(self, number: int) -> Part | None:
        """What a chunk added; None where its file was torn, so that it's audited again."""
        try:
            return msgspec.json.decode(self._part(number).read_bytes(), type=Part)
        except (OSError, msgspec.DecodeError, RecursionError):
            return None

    def annotations(self, number: int) -> Path:
        """Where the annotations of a chunk are written."""
        return self._folder / _ANNOTATIONS / f"part-{number:08d}.parquet"

    def aside(self, number: int) -> Path:
        """Where the rows of a chunk that are set aside are told."""
        return self._folder / f"{number:08d}.jsonl"

    def sample(self, number: int) -> Path:
        """Where a chunk's texts of the sample are kept; they go when the audit ends."""
        return self._folder / f"{number:08d}.sample"

    def finish(self, number: int, part: Part) -> None:
        """A chunk is done: its other files are whole."""
        _put(self._part(number), msgspec.json.encode(part))

    def set_aside(self) -> Path:
        """Where all rows that are set aside are told, until the audit ends."""
        return self._folder / _ASIDE

    def end(self, report: bytes, chunks: int) -> None:
        """Put the report in the place of an earlier one, and remove what was kept for going on.

        Until the mark that all is there is set, an earlier report stays; from then on a run that goes on ends this.
        """
        (self._folder / _ENDING).touch()
        new = self._folder / _ANNOTATIONS
        (self.out / _ANNOTATIONS).mkdir(exist_ok=True)
        told = {f"part-{number:08d}.parquet" for number in range(chunks)}
        for name in sorted(told):
            if (new / name).exists():
                (new / name).replace(self.out / _ANNOTATIONS / name)
        for path in (self.out / _ANNOTATIONS).glob("part-*.parquet"):
            if path.name not in told:
                path.unlink()
        if self.set_aside().exists():
            self.set_aside().replace(self.out / _ASIDE)
        else:
            (self.out / _ASIDE).unlink(missing_ok=True)
        _put(self.out / "audit.json", report)
        shutil.rmtree(self._folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let another audit write here."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:08d}.json"

    def _annotated(self, number: int) -> Path:
        """Where the annotations of a chunk lie: already in their place, if the run was ended at its end."""
        place = self.annotations(number)
        return (
            place
            if place.exists() or not (self._folder / _ENDING).exists()
            else self.out / _ANNOTATIONS / place.name
        )

    def _clear(self) -> None:
        for path in self._folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()


def _same(before: bytes, now: bytes) -> bool:
    """Whether two jobs ask the same, whatever the day."""
    try:
        a, b = msgspec.json.decode(before), msgspec.json.decode(now)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(a, dict) and isinstance(b, dict) and a.get("asks") == b.get("asks")


def _put(path: Path, data: bytes) -> None:
    """Write whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)

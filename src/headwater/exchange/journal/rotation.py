"""Closed files of a journal become Parquet that `investigate` reads, each exactly once, in a process of their own.

    <out>/day=2026-01-31/<number>-<incarnation>-<first>-<last>.parquet   exchanges, by the day they came
    <out>/_late/day=…/                                                   answers that came after their row was written
    <out>/_notes/<number>-….json                                         what a file lacked: gaps, damage, rows left out
    <out>/_staged/                                                       parts on their way

A file's parts are written beside, then its state says so, then they take their names, then the file goes. Killed
anywhere, the next run ends what was begun. What begins with _ is passed over where a folder is read.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa

from headwater.errors import BadRow, ConfigurationError, HeadwaterError, UsageError, Where
from headwater.exchange.journal.folder import JournalFile, RotationLock, journal_files, lives, synced, worded
from headwater.exchange.journal.follow import Position
from headwater.exchange.journal.parts import Contents, answered, contents, staged
from headwater.exchange.journal.reading import is_closed
from headwater.exchange.journal.rotated import Placing, State, load, newest, store
from headwater.exchange.journal.settings import RotationSettings
from headwater.exchange.journal.table import Imprinting

#: What happens in a rotation, in order, for each file; a test kills it at each of them.
MOMENTS: Final = ("part written", "parts staged", "committed", "part placed", "placed", "journal removed")
Between: TypeAlias = Callable[[str], None]
_DEFAULT: Final = RotationSettings()


@dataclass
class Rotated:
    """What one rotation did.

    `waiting`: files that were left (still written, waited for, or followed by a reader that is behind). `unanswered`:
    rows without an answer; `late`: answers to rows of earlier files. The others sum up what `_notes` say.
    """

    files: int = 0
    rows: int = 0
    parts: int = 0
    waiting: int = 0
    unanswered: int = 0
    late: int = 0
    set_aside: int = 0
    torn: int = 0
    missing: int = 0
    unknown: int = 0
    served_unrecorded: int = 0
    refused: int = 0
    answers_lost: int = 0
    damaged: list[BadRow] = field(default_factory=list)


def rotate(
    folder: Path,
    out: Path,
    until_us: int,
    settings: RotationSettings = _DEFAULT,
    *,
    imprinting: Imprinting | None = None,
    readers: Iterable[Position] = (),
    secret: Callable[[int], bytes] = secrets.token_bytes,
    between: Between = lambda _: None,
) -> Rotated:
    """Turn the closed files of one relay's `folder` into Parquet below `out`, then remove them.

    `until_us`: now; a request that came less than `patience_us` before it and has no answer yet is waited for, while
    its relay lives. `imprinting` makes imprints of a column of prompts, and must be given where only those are kept.
    `readers`: where others are that follow the journal; files that they haven't read stay.

    Raises ConflictError where another process rotates it, UsageError and ConfigurationError for what can't be used,
    UnreadableInput for a file of a newer version, HeadwaterError where there is no room; then nothing is lost.
    """
    if settings.keep == "imprints" and imprinting is None:
        raise UsageError("only imprints are to be kept, and there is no key to make them under")
    folder, out = folder.resolve(), out.resolve()
    if out == folder or folder in out.parents:
        hint = "choose a folder beside it"
        raise UsageError("lies in the journal that is rotated", where=Where(str(out)), hint=hint)
    if not folder.is_dir():
        raise UsageError("is no journal's folder", where=Where(str(folder)), hint="check the path")
    lock = RotationLock(folder)
    try:
        return _Rotation(folder, out, until_us, settings, imprinting, between).run(list(readers), secret)
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, OSError):
            raise worded(out, error) from None
        raise HeadwaterError("cannot be written", where=Where(str(out))) from error
    finally:
        lock.release()


class _Rotation:
    def __init__(
        self,
        folder: Path,
        out: Path,
        until_us: int,
        settings: RotationSettings,
        imprinting: Imprinting | None,
        between: Between,
    ) -> None:
        self._folder = folder
        self._out = out
        self._until_us = until_us
        self._settings = settings
        self._imprinting = imprinting
        self._between = between
        self._done = Rotated()

    def run(self, readers: list[Position], secret: Callable[[int], bytes]) -> Rotated:
        state = load(self._folder, secret)
        self._place(state)
        files = journal_files(self._folder)
        live = lives(self._folder)  # asked after the files were listed: see there
        held = min((position.file for position in readers), default=None)
        for at, file in enumerate(files):
            if held is not None and file.name >= held:
                break
            if live and file is files[-1] and not is_closed(file):
                break
            found = contents(file, state.before(file.incarnation))
            answered(found, files[at + 1 :])
            if live and file.incarnation == files[-1].incarnation and self._waits(found):
                break
            state = self._rotated(file, found, state)
        self._done.waiting = len(journal_files(self._folder))
        return self._done

    def _waits(self, found: Contents) -> bool:
        """Whether a request may still be answered; lines of a batch, which take hours, aren't waited for."""
        patience = self._settings.patience_us
        return any(
            not entry.record.batch and abs(self._until_us - entry.record.at_us) < patience
            for entry in found.accepted
            if entry.record.id not in found.outcomes
        )

    def _rotated(self, file: JournalFile, found: Contents, state: State) -> State:
        beside = self._out / "_staged" / state.id
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700, parents=True)
        texts = self._settings.keep == "prompts"
        made = staged(
            file, found, state.unanswered, beside, self._imprinting, texts=texts, between=self._between
        )
        self._between("parts staged")
        keep = self._settings.keep_damaged and not (found.account.whole and not made.set_aside)
        placing = Placing(file.name, str(self._out), made.parts, keep)
        unanswered = {id: at for id, at in state.unanswered.items() if id not in made.late} | made.unanswered
        last = found.last if found.last is not None else state.before(file.incarnation)
        state = State(state.id, placing, newest(unanswered), file.incarnation, last)
        store(self._folder, state)
        self._between("committed")
        self._place(state)
        self._count(found, made.rows, len(made.parts), len(made.late), len(made.unanswered), made.set_aside)
        return state

    def _place(self, state: State) -> None:
        """End what was begun: give parts their names, where they don't have them yet, and remove their file."""
        placing = state.placing
        if placing is None or not (path := self._folder / placing.file).exists():
            return
        out = Path(placing.out)
        beside = out / "_staged" / state.id
        if not beside.is_dir():
            hint = "bring it back to its place, then rotate again"
            what = "isn't there, and holds rows of a rotation that was begun"
            raise ConfigurationError(what, where=Where(str(beside)), hint=hint)
        for part in placing.parts:
            if not (beside / part).exists():  # it has its name; somebody may even have taken it away
                continue
            place = out / part
            place.parent.mkdir(parents=True, exist_ok=True)
            (beside / part).replace(place)
            synced(place.parent)
            self._between("part placed")
        for folder in {inner for part in placing.parts for inner in (out / part).parent.parents}:
            if folder == out or out in folder.parents:
                synced(folder)
        self._between("placed")
        if placing.keep:
            (self._folder / "damaged").mkdir(mode=0o700, exist_ok=True)
            path.replace(self._folder / "damaged" / placing.file)
        else:
            path.unlink()
        synced(self._folder)
        self._between("journal removed")
        shutil.rmtree(beside, ignore_errors=True)
        self._done.files += 1

    def _count(self, found: Contents, rows: int, parts: int, late: int, unanswered: int, aside: int) -> None:
        done, account = self._done, found.account
        done.rows, done.parts, done.late = done.rows + rows, done.parts + parts, done.late + late
        done.unanswered += unanswered
        done.set_aside += aside
        done.torn += account.torn
        done.missing += account.missing
        done.unknown += account.unknown
        done.damaged += account.damaged
        for gap in found.gaps:
            done.served_unrecorded += gap.served
            done.refused += gap.refused
            done.answers_lost += gap.answers

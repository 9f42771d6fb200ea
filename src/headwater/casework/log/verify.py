"""A whole log checked by a stranger, from nothing but its static files: signature, quorum, every entry, every tile.

Reads through a callable, from a folder or wherever the files are served. Reports what doesn't fit and goes on where
that makes sense; never writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headwater.casework.log.beside import check_cosigned, check_stamps
from headwater.casework.log.files import (
    CHECKPOINT,
    COSIGNED,
    HASH_BYTES,
    MOST_BUNDLE,
    MOST_NOTE,
    Fetch,
    from_folder,
    tiles_of,
)
from headwater.casework.log.mend import AT_ONCE, grown, root_of
from headwater.errors import UnreadableInput, UsageError, Where
from headwater.proof import (
    TILE,
    Checkpoint,
    Rejected,
    Trust,
    Witnessed,
    decode_bundle,
    entries_path,
    grow,
    tile_path,
)

#: Findings that are told; where there are more, the rest is of the same kind.
MOST_FINDINGS: Final = 20

#: Told how many entries of how many are checked.
Told = Callable[[int, int], None]


@dataclass
class Verified:
    """What was checked of a log; it holds where there are no `findings`.

    `cosigned`: names of trusted witnesses and when they cosigned (seconds since 1970). `stamped`: sizes of the log
    and when a trusted authority stamped them (microseconds since 1970). `told`: what wasn't checked, and why.
    """

    checkpoint: Checkpoint
    entries: int = 0
    cosigned: tuple[tuple[str, int], ...] = ()
    stamped: tuple[tuple[int, int], ...] = ()
    findings: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything that was checked fits."""
        return not self.findings


def verify_log(
    place: Path | Fetch, trust: Trust, *, tsa_roots: bytes | None = None, told: Told = lambda _done, _of: None
) -> Verified:
    """Check the log whose files lie in a folder, or are read by a callable, against whom one trusts.

    `tsa_roots`: certificates (PEM) of trusted time stamping authorities. Raises UnreadableInput where there is no
    checkpoint, UsageError where none that is trusted: then nothing of the log can be believed.
    """
    fetch = from_folder(place) if isinstance(place, Path) else place
    believed, later = _believed(fetch, trust)
    checkpoint = believed.checkpoint
    found = Verified(checkpoint)
    found.cosigned = tuple((witness.name, at_s) for witness, at_s in believed.cosigned)
    if later is not None:
        found.told.append(f"the newest checkpoint ({later:,} entries) has too few cosignatures yet")
    _entries(fetch, found, told)
    found.findings += check_cosigned(fetch, trust, checkpoint)
    good, wrong, unchecked = check_stamps(fetch, trust, checkpoint, tsa_roots)
    found.stamped = tuple(good)
    found.findings += wrong
    found.told += unchecked
    del found.findings[MOST_FINDINGS:]
    return found


def _believed(fetch: Fetch, trust: Trust) -> tuple[Witnessed, int | None]:
    """The newest checkpoint that is trusted; and the size of a newer one that isn't, for want of cosignatures."""
    note = fetch(CHECKPOINT, MOST_NOTE)
    if note is None:
        raise UnreadableInput(
            "there is no file `checkpoint`", hint="name the folder or URL that a log is served at"
        )
    try:
        return trust.witnessed(note), None
    except Rejected as error:
        newest = error
    earlier = fetch(COSIGNED, MOST_NOTE)
    if earlier is not None:
        try:
            alone = Trust(trust.logs).check(note)
            return trust.witnessed(earlier), alone.size
        except Rejected:
            pass
    raise UsageError(f"the checkpoint is not trusted: {newest}", where=Where(CHECKPOINT)) from None


def _entries(fetch: Fetch, found: Verified, told: Told) -> None:
    """Make the tree again from its entries, and compare it with tiles and checkpoint."""
    size = found.checkpoint.size
    read = tiles_of(fetch, size)
    edge: dict[tuple[int, int], bytes] = {}
    for start in range(0, size, AT_ONCE):
        end = min(size, start + AT_ONCE)
        try:
            held = [one for at in range(start, end, TILE) for one in _bundle(fetch, at, min(end, at + TILE))]
        except Rejected as error:
            found.findings.append(str(error))
            _edge(fetch, found)
            return
        for level, index, data in grown(start, held, edge):
            if len(data) == TILE * HASH_BYTES:
                _same(read(level, index, TILE), data, tile_path(level, index), found)
        found.entries = end
        told(end, size)
    for (level, index), data in edge.items():
        width = len(data) // HASH_BYTES
        _same(read(level, index, width), data, tile_path(level, index, width), found)
    if root_of(size, edge) != found.checkpoint.root:
        found.findings.append("the entries make another root than the one in the checkpoint")


def entries_of(fetch: Fetch, checkpoint: Checkpoint) -> list[bytes]:
    """All entries of a log, seen to make the root in its checkpoint; `Rejected` where they don't."""
    size = checkpoint.size
    held = [one for at in range(0, size, TILE) for one in _bundle(fetch, at, min(size, at + TILE))]
    edge: dict[tuple[int, int], bytes] = {}
    grown(0, held, edge)
    if root_of(size, edge) != checkpoint.root:
        raise Rejected("the entries make another root than the one in the checkpoint")
    return held


def _bundle(fetch: Fetch, start: int, end: int) -> list[bytes]:
    index, width = start // TILE, end - start
    path = entries_path(index, width)
    data = fetch(path, MOST_BUNDLE)
    try:
        if data is None and width < TILE:
            full = fetch(entries_path(index), MOST_BUNDLE)
            if full is not None:
                return decode_bundle(full, TILE)[:width]
        if data is None:
            raise Rejected("is not there")
        return decode_bundle(data, width)
    except Rejected as error:
        raise Rejected(f"{path}: {error}") from None


def _edge(fetch: Fetch, found: Verified) -> None:
    """Where entries are missing: whether at least the tiles on the edge fit the checkpoint."""
    found.told.append(f"only the first {found.entries:,} entries could be checked")
    try:
        checkpoint = found.checkpoint
        grow(checkpoint.size, b"", tiles_of(fetch, checkpoint.size), expected=checkpoint.root)
    except Rejected as error:
        found.findings.append(str(error))


def _same(served: bytes, right: bytes, path: str, found: Verified) -> None:
    if served != right:
        found.findings.append(
            f"{path}: {'is not what the entries make it' if served else 'is missing or torn'}"
        )

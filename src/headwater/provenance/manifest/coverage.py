"""What lies in a data set's folder and no manifest or signature speaks of: told, so that nobody takes it for checked.

Files whose names begin with a dot, and what lies in such folders, are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from headwater.provenance.manifest.confirmations import CONFIRMATIONS_NAME
from headwater.provenance.manifest.names import CARD_NAME, CARD_SUBJECT, MANIFESTS

#: Files that are told one by one, and files that are looked at.
MOST_TOLD: Final = 20
_MOST_ENTRIES: Final = 20_000
_UNSIGNED: Final = "no signature covers it"
_UNLISTED: Final = "no manifest lists it"


def uncovered(
    folder: Path, data: Path, manifests: Iterable[str], spoken_of: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Files that nothing speaks of, each with what is missing: manifests in `folder`, then files below `data`.

    `manifests`: names of those that were found in `folder`; `spoken_of`: what manifests list and signatures cover.
    """
    kept = {*MANIFESTS, CONFIRMATIONS_NAME, *manifests}
    for name in sorted(kept - spoken_of):
        if (folder / name).is_file():
            partly = name == CARD_NAME and CARD_SUBJECT in spoken_of
            yield name, f"{_UNSIGNED}, Headwater's section and keys apart" if partly else _UNSIGNED
    left = 0
    for name in _below(data):
        if name in spoken_of or (name in kept and folder.samefile(data)):
            continue
        left += 1
        if left <= MOST_TOLD:
            yield name, _UNLISTED
    if left > MOST_TOLD:
        yield f"{left - MOST_TOLD:,} more files", _UNLISTED


def _below(folder: Path) -> Iterator[str]:
    entries = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            entries += 1
            if entries > _MOST_ENTRIES:
                return
            if not name.startswith("."):
                yield (Path(place) / name).relative_to(folder).as_posix()

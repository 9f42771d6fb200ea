"""What lies beside the newest checkpoint: an earlier one that witnesses cosigned, and those with time stamps.

Each must be the beginning of the log that is published now. `stamps/sizes` names the stamped ones, a line each.
"""

from __future__ import annotations

import re
from typing import Final

from headwater.casework.log.files import COSIGNED, MOST_NOTE, MOST_STAMP, STAMPS, Fetch, tiles_of
from headwater.errors import UsageError
from headwater.proof import (
    Checkpoint,
    Rejected,
    Trust,
    check_consistency,
    check_timestamp,
    consistency_proof,
    grow,
)

SIZES: Final = f"{STAMPS}/sizes"
#: Stamps that are looked at: the newest ones.
MOST_STAMPS: Final = 1000
_MOST_SIZES: Final = 2**20
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def stamp_paths(size: int) -> tuple[str, str]:
    """Where the stamped checkpoint of a size and its time stamp lie."""
    return f"{STAMPS}/{size}.checkpoint", f"{STAMPS}/{size}.tsr"


def stamped_sizes(fetch: Fetch) -> list[int]:
    """Sizes of the log that have a time stamp, each once, in the order in which they got it."""
    lines = (fetch(SIZES, _MOST_SIZES) or b"").decode("ascii", "replace").splitlines()
    return list(dict.fromkeys(int(line) for line in lines if _SIZE.fullmatch(line)))


def begins(fetch: Fetch, now: Checkpoint, earlier: Checkpoint) -> None:
    """Check that `earlier` is the beginning of the log that is published; `Rejected` where it isn't."""
    if earlier.origin != now.origin:
        raise Rejected("is of another log")
    if earlier.size > now.size:
        raise Rejected(f"has {earlier.size:,} entries, more than what is published now ({now.size:,})")
    if root_before(fetch, now, earlier.size) != earlier.root:
        raise Rejected("is not the beginning of the log that is published now")


def root_before(fetch: Fetch, now: Checkpoint, size: int) -> bytes:
    """Root of the first `size` entries, shown to stand under the checkpoint `now`.

    Raises `Rejected` where the tiles don't fit the checkpoint: a torn file is no proof of another log.
    """
    read = tiles_of(fetch, now.size)
    grow(now.size, b"", read, expected=now.root)
    made = grow(size, b"", read).root
    if size:
        check_consistency(size, now.size, consistency_proof(size, now.size, read), made, now.root)
    return made


def check_cosigned(fetch: Fetch, trust: Trust, now: Checkpoint) -> list[str]:
    """What doesn't fit of the cosigned checkpoint; nothing where there is none."""
    note = fetch(COSIGNED, MOST_NOTE)
    if note is None:
        return []
    try:
        begins(fetch, now, Trust(trust.logs).check(note))
    except Rejected as error:
        return [f"{COSIGNED}: {error}"]
    return []


def check_stamps(
    fetch: Fetch, trust: Trust, now: Checkpoint, roots: bytes | None
) -> tuple[list[tuple[int, int]], list[str], list[str]]:
    """Time stamps on earlier checkpoints: (size, microseconds since 1970) of those that hold, what doesn't fit, and
    what wasn't checked."""
    good: list[tuple[int, int]] = []
    wrong: list[str] = []
    sizes = stamped_sizes(fetch)
    for size in sizes[-MOST_STAMPS:]:
        named, answer = stamp_paths(size)
        try:
            note, response = fetch(named, MOST_NOTE), fetch(answer, MOST_STAMP)
            if note is None or response is None:
                raise Rejected("is missing")
            earlier = Trust(trust.logs).check(note)
            if earlier.size != size:
                raise Rejected("holds a checkpoint of another size")
            begins(fetch, now, earlier)
            if roots is not None:
                good.append((size, check_timestamp(response, note, roots)))
        except Rejected as error:
            wrong.append(f"time stamp of {size:,} entries: {error}")
        except UsageError as error:  # the extra isn't installed
            return good, wrong, [f"time stamps: {error.what} ({error.hint})"]
    if sizes and roots is None:
        return good, wrong, [f"{len(sizes):,} time stamps: no authority's certificates were given"]
    if roots is not None and not sizes:
        return good, wrong, ["time stamps: none are published"]
    return good, wrong, []

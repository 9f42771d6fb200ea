"""What the store holds of the signed entries that are written again, compared with what was signed.

A bundle that isn't full is written again with the entries that come to it. Where the store was damaged, that would put
another entry in the place of a good one, under a tree that doesn't have it.
"""

from __future__ import annotations

from headwater.casework.log.files import HASH_BYTES
from headwater.errors import HeadwaterError
from headwater.proof import TILE, ReadTile, leaf_hash


def check_edge(size: int, held: list[bytes], read: ReadTile) -> None:
    """Raise HeadwaterError, with the entries, where the store's are not those of the last tile of the signed tree.

    `held`: the store's entries from the beginning of that tile to before `size`; `read`: tiles that were seen to make
    the signed root.
    """
    signed = read(0, size // TILE, len(held)) if held else b""
    wrong = [
        size - len(held) + at
        for at, entry in enumerate(held)
        if leaf_hash(entry) != signed[at * HASH_BYTES : (at + 1) * HASH_BYTES]
    ]
    if wrong:
        first, last = wrong[0], wrong[-1]
        which = f"entry {first:,}" if first == last else f"entries {first:,} to {last:,}"
        are = "is" if first == last else "are"
        what = (
            f"{which} in the store {are} not what was signed: the store is damaged, and nothing is published"
        )
        hint = "restore its newest copy, or take them back from what is published: `headwater log recover`"
        raise HeadwaterError(what, hint=hint)

"""A proof that an entry stands in a log, in one file that is checked offline (c2sp.org/tlog-proof@v1).

It carries the log's checkpoint with its cosignatures, the entry's index, and the inclusion proof; not the entry, which
whoever checks has from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.proof.checkpoint import Checkpoint
from headwater.proof.lines import (
    HASH_BYTES,
    LARGEST,
    MOST_HASHES,
    decimal,
    from_base64,
    hash_from_base64,
    in_base64,
)
from headwater.proof.merkle import check_inclusion, leaf_hash
from headwater.proof.note import MOST_NOTE, read_note
from headwater.proof.rejected import Rejected
from headwater.proof.trust import Trust

#: Bytes of a proof that are looked at.
MOST_PROOF = 2 * MOST_NOTE
_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """The entry's index (from 0), its inclusion proof from the leaf up, the log's signed checkpoint, and extra data.

    Nothing of it is checked yet, and nobody vouches for the extra data.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.index <= LARGEST:
            raise Rejected("an index is from 0 to 2**63 - 1")
        if len(self.proof) > MOST_HASHES or any(len(one) != HASH_BYTES for one in self.proof):
            raise Rejected(f"an inclusion proof has at most {MOST_HASHES} hashes of {HASH_BYTES} bytes")

    def data(self) -> bytes:
        """The proof's bytes, for a file that ends with `.tlog-proof`."""
        extra = [f"extra {in_base64(self.extra)}"] if self.extra else []
        lines = [_FIRST, *extra, f"index {self.index}", *map(in_base64, self.proof), ""]
        return ("\n".join(lines) + "\n").encode("ascii") + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """The proof that `data` is; `Rejected` where it is none."""
        if len(data) > MOST_PROOF:
            raise Rejected(f"the proof has more than {MOST_PROOF:,} bytes")
        head, _, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Rejected("the proof has a line that isn't ASCII") from None
        if lines.pop(0) != _FIRST:
            raise Rejected(f"the proof doesn't begin with {_FIRST}")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = from_base64(lines.pop(0).removeprefix("extra "), "the extra data of the proof")
            if not extra:
                raise Rejected("the proof has an empty line of extra data")
        if not lines or not lines[0].startswith("index "):
            raise Rejected("the proof has no index")
        index = decimal(lines.pop(0).removeprefix("index "), "the index in the proof")
        if len(lines) > MOST_HASHES:
            raise Rejected(f"the proof has more than {MOST_HASHES} hashes")
        read_note(checkpoint)
        proof = tuple(hash_from_base64(line, "a hash of the proof") for line in lines)
        return cls(index, proof, checkpoint, extra)

    def check(self, entry: bytes, trust: Trust) -> Checkpoint:
        """The checkpoint that `entry` is proved to stand under.

        Raises `Rejected` where `trust` doesn't believe the checkpoint, or the entry isn't at this index of its tree.
        """
        checkpoint = trust.check(self.checkpoint)
        check_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.proof, checkpoint.root)
        return checkpoint

"""Checkpoints of transparency logs (c2sp.org/tlog-checkpoint): whose tree, how large, and its root.

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

This is the text; it becomes a promise when a note with it is signed (`note`).
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.proof.lines import HASH_BYTES, LARGEST, decimal, hash_from_base64, in_base64, whole_lines
from headwater.proof.rejected import Rejected


@dataclass(frozen=True)
class Checkpoint:
    """A log's name, the size of its tree in leaves, its root (32 bytes), and lines that nobody audits."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= LARGEST or len(self.root) != HASH_BYTES:
            raise Rejected("a checkpoint has a size from 0 to 2**63 - 1 and a root of 32 bytes")
        if not all((self.origin, *self.extensions)):
            raise Rejected("a checkpoint has an empty line")
        lines = whole_lines(self.text(), "the checkpoint")
        if len(lines) != 3 + len(self.extensions):
            raise Rejected("a name in the checkpoint is more than one line")

    def text(self) -> str:
        """The text of the note."""
        return "\n".join((self.origin, str(self.size), in_base64(self.root), *self.extensions)) + "\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that the text of a note is; `Rejected` where it is none."""
        lines = whole_lines(text, "the checkpoint")
        if len(lines) < 3:
            raise Rejected("a checkpoint has at least three lines")
        size = decimal(lines[1], "the size in the checkpoint")
        root = hash_from_base64(lines[2], "the root in the checkpoint")
        return cls(lines[0], size, root, tuple(lines[3:]))

"""The one error of this room: bytes that prove nothing, or not what they were said to prove.

Its text names what is wrong and never what was read; the room above says in which file it was.
"""

from __future__ import annotations


class Rejected(ValueError):  # noqa: N818  (reads as a sentence where it is raised)
    """A proof, signature or form that isn't accepted; the reason names no content."""

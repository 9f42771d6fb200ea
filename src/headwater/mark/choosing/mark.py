"""A mark on sentences, as a keyring has it: its key, and the embedder that it was made with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from headwater.mark.choosing.embedder import Embedder, embedder
from headwater.mark.choosing.features import key_vector
from headwater.mark.choosing.fingerprint import Vector
from headwater.mark.marks import Dated
from headwater.mark.scheme import MarkKey

SENTENCES: Final = "headwater-sentences"
#: As the cards of schemes are.
CARD: Final = {
    "checked against": "made here: its own vectors in our tests, real paraphrases in benchmarks/marks/sentences.json",
    "weaknesses": (
        "It is read with the embedder that made it. Who has many texts that are known to be marked can learn the key's "
        "vector. One key likes the same sentences each time: answers to one prompt grow alike. With hashed-words few "
        "paraphrased texts are read."
    ),
}
#: Bits of the two integers of a key.
KEY_BITS: Final = (64, 64)


@dataclass(frozen=True)
class SentenceMark(Dated):
    """One mark on sentences; dates, `revoked` and `account` as of a `Mark`."""

    name: str
    embedder: str
    key: MarkKey
    begins: date | None = None
    ends: date | None = None
    revoked: bool = False
    account: str = ""

    @property
    def by(self) -> Embedder:
        """Its embedder; `UsageError` where that isn't installed."""
        return embedder(self.embedder)

    @cached_property
    def direction(self) -> Vector:
        """The key as a vector w (2048,) of standard normals: a text's score is w·v (`fingerprint`).

        Under another embedder the same key is another vector.
        """
        return key_vector(self.key.numbers, f"{SENTENCES} {self.embedder}")

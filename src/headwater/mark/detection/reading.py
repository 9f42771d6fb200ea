"""What one mark is in one reading of a text, as reports and pages take it."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.mark.detection.decoys import Decoys


@dataclass(frozen=True)
class Passage:
    """Characters `begin` … `end`-1 of the text as given, with ln p of the passage, everything counted."""

    begin: int
    end: int
    log_p: float


@dataclass(frozen=True)
class Reading:
    """One mark in one reading of the text.

    `tokens`: how many the text has there; `units`: distinct pieces of evidence (of a mark on sentences both are
    sentences, and `tokenizer` is the embedder); `log_p`: ln of the p-value of this key
    in this reading, windows counted; `whole`: the same of the whole text alone; `wanted`: units that a text of a
    chat's entropy would need; `refused`: why a low p-value isn't believed.
    """

    mark: str
    scheme: str
    tokenizer: str
    normalised: bool
    tokens: int
    units: int
    wanted: int
    log_p: float
    whole: float
    passages: tuple[Passage, ...] = ()
    decoys: Decoys | None = None

    @property
    def refused(self) -> str:
        """Why a low p-value isn't believed; empty where it is."""
        return "" if self.decoys is None or self.decoys.agrees else self.decoys.why

"""A function for Hugging Face `datasets`: `data.map(Annotate(), batched=True)` adds what the audit says as columns.

Columns that are there stay as they are. Needs `headwater[datasets]` only where `datasets` itself is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.provenance.audit import Annotator

PREFIX = "headwater_"
NAMES = ("verdict", "contradicted", "findings", "terms")


class Annotate:
    """Adds `headwater_verdict`, `headwater_contradicted`, `headwater_findings` and `headwater_terms`.

    `headwater_findings` and `headwater_terms` are texts, parted by "; ": what was found, and for each origin that a row
    claims "who: what terms answer".
    """

    def __init__(self, use: str = "train", *, annotator: Annotator | None = None) -> None:
        self.annotator = annotator or Annotator(use)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns for a batch of columns."""
        names = [name for name in batch if not name.startswith(PREFIX)]
        rows = [
            dict(zip(names, values, strict=True)) for values in zip(*(batch[n] for n in names), strict=True)
        ]
        found = [one.flat() for one in self.annotator.annotate(rows)]
        return {f"{PREFIX}{name}": [one[name] for one in found] for name in NAMES}

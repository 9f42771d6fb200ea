"""A paraphrase, replayed: the edits that a real paraphraser made elsewhere, laid over the marked text (see `masks`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headwater.mark.bench.attacks.attack import Marked
from headwater.mark.bench.masks import Mask, items_of, replayed


@dataclass(frozen=True)
class Paraphrase:
    """Edits of `masks`, which are all of one paraphraser, called `by`."""

    masks: tuple[Mask, ...]
    by: str = "DIPPER"
    needs_text: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"paraphrase ({self.by})"

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        if not marked.text:
            return ""
        items = [item.strip() for item in items_of(marked.other_text)]
        words = [item for item in items if item[0].isalnum()] or ["word"]
        signs = [item for item in items if not item[0].isalnum()]
        return replayed(marked.text, self.masks, words, signs, random)

"""Writing with a mark: of several drafts of a whole answer, or of its next part, one is taken, and so on.

A draft is drawn from the model as it is, so nothing is written that it wouldn't write. Evidence is at most ln m nats
a choice among m drafts: it takes many choices.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing.fair import by_chances, by_normals
from headwater.mark.choosing.fingerprint import Vector, combined, log_p, looked_at, sentences_of
from headwater.mark.choosing.mark import SentenceMark
from headwater.mark.detection.scored import Scored, score
from headwater.mark.evidence import standard
from headwater.mark.marks import Mark
from headwater.mark.scheme import Tokens, Units
from headwater.mark.text import normalised

#: After these no space is put between two parts.
_CLOSED: Final = tuple("。！？｡、，」』）")


class Writer(Protocol):
    """One answer that is being written under a mark."""

    text: str

    def choose(self, drafts: Sequence[str]) -> int:
        """Which of `drafts`, one or more for what comes next, is taken; it is added to `text`."""
        ...

    def log_p(self) -> float:
        """ln p of what was written, as a reader would find it: it counts this mark alone."""
        ...


def joined(text: str, part: str) -> str:
    """`part` after `text`, with a space between where neither has one and the script uses them."""
    if not text or not part or text[-1].isspace() or part[0].isspace() or text.endswith(_CLOSED):
        return text + part
    return f"{text} {part}"


class WordWriter:
    """Best of drafts by their words, under any scheme that values tokens; its tokenizer is the mark's first.

    A draft is scored by what it alone would add: units that an earlier part has, or that two drafts share, don't
    count. So scores of different drafts are independent, and each is taken with exactly its chance.
    """

    def __init__(self, mark: Mark, prompt: str = "") -> None:
        """`prompt`: what the model was asked, as a reader will be told it, or nothing."""
        self.text = ""
        self._mark, self._scorer = mark, standard(mark.scheme)
        self._encode = mark.tokenizers[0].encode
        self._prompt: Tokens = self._encode(prompt).ids if prompt else np.zeros(0, np.int64)

    def choose(self, drafts: Sequence[str]) -> int:
        """See `Writer`."""
        distinct = Counter(drafts)
        texts = sorted(distinct)
        random = _random(self._mark.key.numbers, self.text, texts)
        found = [self._new(each) for each in texts]
        shared = _shared(found)
        chances = [
            self._chance(units.part(~common), random) for units, common in zip(found, shared, strict=True)
        ]
        taken = texts[by_chances(chances, [distinct[each] for each in texts])]
        self.text = joined(self.text, taken)
        return list(drafts).index(taken)

    def log_p(self) -> float:
        """See `Writer`."""
        return self._scored(self._units(self.text)).log_p

    def _units(self, text: str) -> Units:
        tokens = np.concatenate([self._prompt, self._encode(text).ids])
        return self._mark.scheme.units(tokens, prompt=len(self._prompt))

    def _new(self, draft: str) -> Units:
        """The units that `draft` would add."""
        units = self._units(joined(self.text, draft))
        begin = len(self._prompt) + (len(self._encode(self.text).ids) if self.text else 0)
        return units.part(units.position >= begin)

    def _scored(self, units: Units) -> Scored:
        return score(self._mark.scheme, self._mark.key, units, self._scorer)

    def _chance(self, units: Units, random: np.random.Generator) -> float:
        """ln of an exactly uniform p-value: within a step of the total's law it is drawn."""
        within = float(random.random())
        if not len(units):
            return float(np.log(max(within, 1e-300)))
        once = Units(units.context, units.token, units.position, np.ones_like(units.times), units.tokens)
        scored = self._scored(once)
        least, more = scored.tails(np.array([scored.total, scored.total + 1]))
        return float(
            np.logaddexp(more, least + np.log(max(within * -np.expm1(min(more - least, -1e-12)), 1e-300)))
        )


class SentenceWriter:
    """Best of drafts by their sentences' keyed function; a draft may have one sentence or many."""

    def __init__(self, mark: SentenceMark, prompt: str = "") -> None:
        """`prompt`: its sentences don't count, as for a reader who is told it."""
        self.text = ""
        self._mark, self._prompt = mark, normalised(prompt).text

    def choose(self, drafts: Sequence[str]) -> int:
        """See `Writer`."""
        distinct = Counter(drafts)
        texts = sorted(distinct)
        random = _random(self._mark.key.numbers, self.text, texts)
        vectors = self._vectors(texts, random)
        scores = vectors @ self._mark.direction
        times = np.array([distinct[each] for each in texts])
        taken = texts[by_normals(scores, vectors @ vectors.T, times, random)]
        self.text = joined(self.text, taken)
        return list(drafts).index(taken)

    def log_p(self) -> float:
        """See `Writer`."""
        plain = normalised(self.text).text
        found = [plain[begin:end] for begin, end in sentences_of(plain, self._prompt)]
        vector = combined(looked_at(found, self._mark.by)) if found else None
        return 0.0 if vector is None else float(log_p(vector @ self._mark.direction))

    def _vectors(self, texts: Sequence[str], random: np.random.Generator) -> NDArray[np.float64]:
        """The vector of each draft; one without a sentence gets one of its own, so that it has its chance."""
        plain = [normalised(each).text for each in texts]
        cut = [[each[begin:end] for begin, end in sentences_of(each)] for each in plain]
        rows = looked_at([sentence for each in cut for sentence in each], self._mark.by)
        found: list[Vector] = []
        at = 0
        for each in cut:
            vector = combined(rows[at : at + len(each)])
            at += len(each)
            if vector is None:
                vector = random.standard_normal(len(self._mark.direction))
                vector /= np.linalg.norm(vector)
            found.append(vector)
        return np.stack(found)


def writer(mark: Mark | SentenceMark, prompt: str = "") -> Writer:
    """What writes under `mark`."""
    return SentenceWriter(mark, prompt) if isinstance(mark, SentenceMark) else WordWriter(mark, prompt)


def _shared(found: Sequence[Units]) -> list[NDArray[np.bool_]]:
    """Which units of each stand in another one, too."""
    rows = [np.column_stack([units.context, units.token]) for units in found]
    together = np.concatenate(rows)
    if not len(together):
        return [np.zeros(0, bool) for _ in found]
    _, which, counts = np.unique(together, axis=0, return_inverse=True, return_counts=True)
    common = counts[which.ravel()] > 1
    return np.split(common, np.cumsum([len(each) for each in rows])[:-1])


def _random(key: Sequence[int], text: str, drafts: Sequence[str]) -> np.random.Generator:
    """What is drawn besides the key: the same for the same drafts, and unforeseeable without the key."""
    digest = hashlib.sha256(repr((tuple(key), text, sorted(drafts))).encode("utf-8", "surrogatepass"))
    return np.random.default_rng(int.from_bytes(digest.digest()[:16], "little"))

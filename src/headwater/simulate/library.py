"""All contents of a world in one place: texts of every corpus it names, by number, with topic and language.

Contents are referred to by number everywhere else, so that a world is columns until its prompts are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from headwater.simulate.chance import Ints, ragged
from headwater.simulate.corpora import Corpora


@dataclass(frozen=True)
class Shelf:
    """Topics of one or several corpora: `offsets` into `units` per topic, and the corpus of each topic."""

    offsets: Ints
    units: Ints
    corpus: Ints

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return len(self.corpus)


class Library:
    """Texts, answers, corpus and language of every content; units (runs of contents) and topics over them."""

    def __init__(self, corpora: Corpora, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names)))
        loaded = [corpora.load(name) for name in self.names]
        self.texts = [text for corpus in loaded for text in corpus.texts]
        self.answers = [text for corpus in loaded for text in corpus.answers]
        base = np.cumsum([0] + [len(corpus.texts) for corpus in loaded])
        self.unit_start = np.concatenate([c.starts[:-1] + b for c, b in zip(loaded, base[:-1], strict=True)])
        self.unit_length = np.concatenate([np.diff(c.starts) for c in loaded])
        self.unit_corpus = np.repeat(np.arange(len(loaded)), [len(c.starts) - 1 for c in loaded])
        self.corpus = np.repeat(self.unit_corpus, self.unit_length)
        unit_base = np.cumsum([0] + [len(c.starts) - 1 for c in loaded])
        spoken = [language for corpus in loaded for language in corpus.language]
        self.languages = tuple(sorted(set(spoken)))
        number = {language: i for i, language in enumerate(self.languages)}
        self.language = np.repeat(np.array([number[one] for one in spoken]), self.unit_length)
        self._units: list[list[Ints]] = []
        for corpus, b in zip(loaded, unit_base[:-1], strict=True):
            count = int(corpus.cluster.max()) + 1
            order = np.argsort(corpus.cluster, kind="stable")
            cuts = np.searchsorted(corpus.cluster[order], np.arange(1, count))
            self._units.append([part + b for part in np.split(order, cuts)])
        self.is_dialogue = np.array([bool((np.diff(c.starts) > 1).any()) for c in loaded])

    def shelf(self, names: Iterable[str]) -> Shelf:
        """The topics of the named corpora, in the order of the names."""
        numbers = [self.names.index(name) for name in names]
        parts = [part for number in numbers for part in self._units[number]]
        owner = [number for number in numbers for _ in self._units[number]]
        sizes = np.array([len(part) for part in parts], dtype=np.int64)
        return Shelf(np.r_[0, np.cumsum(sizes)], np.concatenate(parts), np.array(owner, dtype=np.int64))

    def contents_of(self, units: Ints) -> Ints:
        """All contents of the units: every turn of a dialogue."""
        return ragged(self.unit_start[units], self.unit_length[units])

    def topics_of(self, names: Iterable[str], content: Ints) -> Ints:
        """The topic of each content, as a number on the shelf of the named corpora."""
        shelf = self.shelf(names)
        topic = np.zeros(len(self.unit_start), dtype=np.int64)
        topic[shelf.units] = np.repeat(np.arange(shelf.topics), np.diff(shelf.offsets))
        unit = np.searchsorted(self.unit_start, content, side="right") - 1
        return np.asarray(topic[unit])

"""Stage 1: phrases that language models leave in text, found in one pass over many texts at once.

The table `artefacts.toml` holds phrases with their kind, language and, where they name one, provider; an
Aho–Corasick automaton (1975; the crate `aho-corasick`) goes over the bytes of a whole batch. What a finding means for
a row is decided by the audit; a phrase is an observation, never a verdict on who wrote a text.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, Final

#: Between two texts of a batch: no phrase holds it, so that none is found across.
_BETWEEN: Final = b"\x00\xff"
#: Bytes beside a phrase that are looked at.
_BESIDE: Final = 320
#: Thai and Lao, Burmese, Khmer, Han, kana and Hangul: words follow one another, or carry endings.
_UNPARTED: Final = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xD7FF),
    (0x20000, 0x3FFFF),
)
#: Bytes that are searched at once.
_WINDOW: Final = 128 << 10
#: Findings of one phrase in one text beyond which no more are told.
MOST_IN_TEXT: Final = 100


@dataclass(frozen=True)
class Kind:
    """What a group of phrases has in common, in words; `unsettles`: see the table's head."""

    name: str
    title: str
    means: str
    innocent: str
    unsettles: bool


@dataclass(frozen=True)
class Phrase:
    """One phrase, in lower case, with what it tells. `provider` is a slug of the terms registry, "other" or None.

    `before` and `after`: what the text beside it must match, in lower case; None where anything may stand there.
    """

    text: str
    kind: str
    language: str
    provider: str | None
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Hit:
    """A phrase in the text `index` of a batch, from byte `start` to before byte `end` of its UTF-8."""

    index: int
    start: int
    end: int
    phrase: Phrase


class Artefacts:
    """The table, compiled."""

    def __init__(self, kinds: dict[str, Kind], phrases: Sequence[Phrase]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        self.kinds = kinds
        self.phrases = tuple(phrases)
        forms = {form: phrase for phrase in phrases for form in _forms(phrase.text)}
        self._phrases = list(forms.values())
        self._reach = max(map(len, forms))
        self._open = [(_parts_words(form.decode()[:1]), _parts_words(form.decode()[-1:])) for form in forms]
        self._automaton = BytesAhoCorasick(list(forms), implementation=Implementation.DFA)

    def find(self, texts: Sequence[bytes]) -> list[Hit]:
        """All phrases in texts (UTF-8), in order of place; of phrases within one another only the longest."""
        starts = list(accumulate((len(text) + len(_BETWEEN) for text in texts), initial=0))
        whole = _BETWEEN.join(texts).lower()
        hits: list[Hit] = []
        count: dict[tuple[int, Phrase], int] = {}
        for which, start, end in self._places(whole):
            index = bisect_right(starts, start) - 1
            phrase = self._phrases[which]
            if count.get((index, phrase), 0) >= MOST_IN_TEXT:
                continue
            before = _decoded(whole[max(starts[index], start - _BESIDE) : start])
            after = _decoded(whole[end : min(starts[index + 1] - len(_BETWEEN), end + _BESIDE)])
            if self._stands(which, before, after):
                count[index, phrase] = count.get((index, phrase), 0) + 1
                hits.append(Hit(index, start - starts[index], end - starts[index], phrase))
        return _longest(hits)

    def _stands(self, which: int, before: str, after: str) -> bool:
        """Whether a form is the phrase that it seems, by what stands beside it."""
        first, last = self._open[which]
        if (first and _parts_words(before[-1:])) or (last and _parts_words(after[:1])):
            return False
        phrase = self._phrases[which]
        if phrase.before is not None and phrase.before.search(before[-80:]) is None:
            return False
        return phrase.after is None or phrase.after.search(after[:80]) is not None

    def _places(self, whole: bytes) -> Iterator[tuple[int, int, int]]:
        """(form, start, end) of every form, a window of the bytes at a time: all places at once may be millions."""
        for begin in range(0, len(whole), _WINDOW):
            piece = whole[begin : begin + _WINDOW + self._reach]
            for which, start, end in self._automaton.find_matches_as_indexes(piece, overlapping=True):
                if start < _WINDOW:
                    yield which, begin + start, begin + end


def _longest(hits: list[Hit]) -> list[Hit]:
    """Hits without those that lie in another, in order of place."""
    hits.sort(key=lambda hit: (hit.index, hit.start, -hit.end))
    kept: list[Hit] = []
    for hit in hits:
        if not kept or kept[-1].index != hit.index or hit.end > kept[-1].end:
            kept.append(hit)
    return kept


def _forms(text: str) -> list[bytes]:
    """A phrase as it may stand in bytes whose ASCII letters were lowered: other apostrophes, a capital at its head."""
    curly = [text, text.replace("'", "’")]
    forms = [form for each in curly for form in (each, each[:1].upper() + each[1:])]
    return list(dict.fromkeys(form.encode().lower() for form in forms))


def _parts_words(char: str) -> bool:
    """Whether a character is a letter or digit of a script that puts something between words."""
    if not char.isalnum():
        return False
    code = ord(char)
    return not any(first <= code <= last for first, last in _UNPARTED)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "ignore").lower()


@cache
def artefacts() -> Artefacts:
    """The shipped table."""
    return Artefacts(*parsed(_table()))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("headwater.provenance.audit").joinpath("artefacts.toml").read_text("utf-8"))


def parsed(table: dict[str, Any]) -> tuple[dict[str, Kind], list[Phrase]]:
    """Kinds and phrases of a table as `artefacts.toml` has them."""
    kinds = {name: Kind(name, **told) for name, told in table["kind"].items()}
    phrases = []
    for group in table["phrases"]:
        before, after = (re.compile(group[side]) if side in group else None for side in ("before", "after"))
        for text in group["text"]:
            told = group["kind"], group["language"], group.get("provider"), before, after
            phrases.append(Phrase(text, *told))
    return kinds, phrases


def artefact_kinds() -> dict[str, Kind]:
    """The kinds of the shipped table, by name; cheap, without the automaton."""
    return parsed(_table())[0]

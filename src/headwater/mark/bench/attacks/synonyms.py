"""Synonyms from a WordNet database (Princeton's files `index.*`, `data.*`, `*.exc`; Debian has them in wordnet-base).

A word is taken to its base form, replaced by another word of one of its senses, and given its ending and capitals
again where that is easy: -s, -ed, -ing. No sense is told from another, as in the attacks that are published.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from headwater.errors import UnreadableInput, Where, unreadable
from headwater.mark.bench.attacks.attack import Marked, percent

KINDS = ("noun", "verb", "adj", "adv")
LARGEST = 64 << 20
_WORD = re.compile(r"[A-Za-z]+")
_ENDINGS = (("ies", "y"), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"), ("es", ""), ("s", ""))
_VOWELS = frozenset("aeiou")
#: Words of grammar that WordNet has as something else (`are`, a hundred square metres).
_GRAMMAR_WORDS = """about all and any are but can did does for had has have her him his its may more most must not now
off one our out over she some than that the them then they this too two was well were what when who will with you"""
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())


@dataclass(frozen=True)
class Synonyms:
    """A share of the words that have a synonym is replaced by one of them. `wordnet`: the folder of the database."""

    wordnet: Path
    share: float = 1.0
    needs_text: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"synonyms {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        known = thesaurus(self.wordnet)

        def other(match: re.Match[str]) -> str:
            word = match.group()
            found = _others(known, word.lower())
            drawn = random.random(2)
            if not found or drawn[0] >= self.share:
                return word
            return _capital(found[int(drawn[1] * len(found))], word)

        return _WORD.sub(other, marked.text)


@cache
def thesaurus(folder: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Each base form's synonyms of one word, and irregular forms' base forms.

    Raises `UnreadableInput` where a file is missing or isn't WordNet's.
    """
    synonyms: dict[str, set[str]] = {}
    irregular: dict[str, str] = {}
    for kind in KINDS:
        for line in _lines(folder / f"data.{kind}"):
            if line.startswith("  "):
                continue
            fields = line.split(" ")
            try:
                words = [fields[4 + 2 * number].split("(")[0].lower() for number in range(int(fields[3], 16))]
            except (ValueError, IndexError):
                raise UnreadableInput("is not a WordNet database", where=Where(str(folder))) from None
            plain = [word for word in words if word.isalpha()]
            for word in plain:
                synonyms.setdefault(word, set()).update(each for each in plain if each != word)
        for line in _lines(folder / f"{kind}.exc"):
            form, *bases = line.split(" ")
            if bases:
                irregular.setdefault(form, bases[0])
    if not synonyms:
        raise UnreadableInput("is not a WordNet database", where=Where(str(folder)))
    return {word: tuple(sorted(found)) for word, found in synonyms.items() if found}, irregular


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST).splitlines()
    except OSError as error:
        raise unreadable(path, error) from None


def _others(known: tuple[dict[str, tuple[str, ...]], dict[str, str]], word: str) -> tuple[str, ...]:
    """Words that can stand for `word`, in its form."""
    synonyms, irregular = known
    if len(word) < 3 or word in _GRAMMAR:
        return ()
    if word in synonyms:
        return synonyms[word]
    if word in irregular:
        return ()  # its synonym's form isn't known
    for ending, instead in _ENDINGS:
        base = word.removesuffix(ending) + instead
        if word.endswith(ending) and base in synonyms:
            kept = "s" if ending in {"ies", "es", "s"} else ending
            return tuple(inflected(each, kept) for each in synonyms[base])
    return ()


def inflected(base: str, ending: str) -> str:
    """`base` with the ending s, ed or ing, by the rules of regular words."""
    if ending == "s":
        if base.endswith(("s", "x", "z", "ch", "sh")):
            return base + "es"
        return base[:-1] + "ies" if base.endswith("y") and base[-2:-1] not in _VOWELS else base + "s"
    if base.endswith("e") and not (ending == "ing" and base.endswith("ee")):
        return base[:-1] + ending
    if ending == "ed" and base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    return base + ending


def _capital(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word

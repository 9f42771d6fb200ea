"""How phrases are written in `phrases/*.toml`, one file for each language, and what they become: patterns over tokens.

A phrase is words as they stand in a text; phrases are parted by commas. `{name}` is any one of that language's words of
this name, `(a|b)` either, `?` after them one or none, `*` any number; next to letters, brackets hold a word's endings.
Words of `skip`, of all languages together, are passed over in phrases and in texts. What a pattern matches says
`reference`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from typing import Any

from headwater.imprint.normal import normal
from headwater.imprint.reference_text import WORD, shape_of

#: Ways in which an intent is found: by one phrase alone, or by one of `first` and one of `second` in one text.
PARTS = ("alone", "first", "second")
_SYNTAX = "{}()|,?*"
_PIECES = re.compile(
    r"(?:\{(?P<name>\w+)\}|\((?P<group>[^()]*)\)(?=[?*]))(?P<times>[?*]?)|(?P<text>(?:\([^()]*\)(?![?*])|[^\s{}()?*])+)"
)

#: A run of tokens.
Run = tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """One run of tokens out of several, or nothing where () is among them; any number of them where `again`."""

    runs: frozenset[Run]
    again: bool = False


#: Pieces that follow each other.
Pattern = tuple[Piece, ...]
#: Patterns by what they are written as, by intent and part.
Phrases = Mapping[str, Mapping[str, Mapping[str, Pattern]]]


@cache
def phrases() -> Mapping[str, Phrases]:
    """The phrases of every language, by its name."""
    return {language: read(table, skipped()) for language, table in _tables().items()}


@cache
def skipped() -> frozenset[str]:
    """Tokens that are passed over wherever they stand."""
    lists = (table["words"].get("skip", "") for table in _tables().values())
    return frozenset(token for listed in lists for phrase in _listed(listed) for token in phrase.split())


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    files = resources.files(__package__).joinpath("phrases").iterdir()
    texts = {file.name: file.read_text(encoding="utf-8") for file in files if file.name.endswith(".toml")}
    return {name.removesuffix(".toml"): tomllib.loads(texts[name]) for name in sorted(texts)}


def read(table: Mapping[str, Any], skip: frozenset[str]) -> Phrases:
    """The phrases of one language; raises `ValueError` for a phrase that has no meaning."""
    words = {
        name: frozenset(run for phrase in _listed(listed) for run in _runs(phrase, skip))
        for name, listed in table["words"].items()
        if name != "skip"
    }
    found: dict[str, dict[str, dict[str, Pattern]]] = {}
    for intent, alone in table.get("alone", {}).items():
        found.setdefault(intent, {})["alone"] = _patterns(alone, words, skip)
    for intent, both in table.get("both", {}).items():
        first, second = (_patterns(listed, words, skip) for listed in both)
        found.setdefault(intent, {}).update(first=first, second=second)
    return found


def _patterns(listed: str, words: Mapping[str, frozenset[Run]], skip: frozenset[str]) -> dict[str, Pattern]:
    return {phrase: _pattern(phrase, words, skip) for phrase in _listed(listed)}


def _pattern(phrase: str, words: Mapping[str, frozenset[Run]], skip: frozenset[str]) -> Pattern:
    if _PIECES.sub("", phrase).strip():
        raise ValueError(f"the phrase “{phrase}” has brackets that don't match")
    pieces = []
    for part in _PIECES.finditer(phrase):
        name, text = part["name"], part["text"]
        if name and name not in words:
            raise ValueError(f"the phrase “{phrase}” names words that are not listed: {name}")
        if text in skip:
            continue
        runs = words[name] if name else frozenset(_runs(text or f"({part['group']})", skip))
        pieces.append(Piece(runs | {()} if part["times"] == "?" else runs, part["times"] == "*"))
    if not pieces or pieces[0].again or () in pieces[0].runs:
        raise ValueError(f"the phrase “{phrase}” may begin with nothing")
    return tuple(pieces)


def _runs(phrase: str, skip: frozenset[str]) -> Iterator[Run]:
    """What a phrase without names stands for, by its (a|b), as the tokens that are not passed over."""
    parts = re.split(r"\(([^()]*)\)", phrase)
    for chosen in product(*(part.split("|") for part in parts[1::2])):
        text = "".join(
            plain + either for plain, either in zip(parts[::2], (*chosen, ""), strict=True)
        ).split()
        run = tuple(token for token in text if token not in skip)
        if text and not run:
            raise ValueError(f"the phrase “{phrase}” holds nothing but words that are passed over")
        yield run


def _listed(listed: str) -> list[str]:
    """Phrases as texts are compared: folded, one space between tokens, code points of unspaced scripts apart."""
    apart = normal(listed).translate(_APART)
    return [phrase for part in apart.split(",") if (phrase := " ".join(part.split()))]


class _Apart(dict[int, str]):
    """What each code point of a phrase becomes."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        shape = shape_of(character)
        if shape == "u":
            self[code] = f" {character} "
        elif shape and shape in WORD:
            self[code] = character.lower() if code < 0x80 else character
        else:
            self[code] = character if character in _SYNTAX else " " if shape else ""
        return self[code]


_APART = _Apart()

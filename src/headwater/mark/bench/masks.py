"""Edit masks: what a real paraphraser kept, moved and replaced, item by item, without any of the text.

A mask is made by aligning a text with its paraphrase, and replayed on another text: the same places are kept or
replaced, in the same order. So a paraphraser's damage can be measured without it. An item is a word or a sign, with
the white space before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from headwater.errors import UnreadableInput, Where
from headwater.mark.whole_file import whole_file

#: What stands in a mask for an item that wasn't there: a word, or a sign.
WORD, SIGN = -1, -2
LARGEST = 32 << 20
#: Items of the longest mask.
_MOST = 100_000
_FORMAT = "headwater edit masks 1"
_ITEM = re.compile(r"\s*(?:\w+|[^\w\s])")


@dataclass(frozen=True)
class Mask:
    """`made_by`: the paraphraser; `items`: how many the original had; `places`: for each item of the paraphrase the
    place in the original that it came from, or WORD or SIGN for a new one."""

    made_by: str
    items: int
    places: tuple[int, ...]

    @property
    def kept(self) -> float:
        """The share of the paraphrase's items that came from the original."""
        return sum(place >= 0 for place in self.places) / max(1, len(self.places))


def items_of(text: str) -> list[str]:
    """Words and signs, each with the white space before it; together they are the text, but for its last space."""
    return _ITEM.findall(text)


def mask_of(original: str, paraphrase: str, made_by: str) -> Mask:
    """How `paraphrase` came from `original`: common runs in order, then moved runs, then single words and signs.

    Capitals count: a word that became another's beginning is a new one.
    """
    old = [item.strip() for item in items_of(original)]
    new = [item.strip() for item in items_of(paraphrase)]
    places = [WORD if item[0].isalnum() or item[0] == "_" else SIGN for item in new]
    free = [True] * len(old)
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        _take(places, free, block.a, block.b, block.size)
    for length in (2, 1):
        _moved(old, new, places, free, length)
    return Mask(made_by, len(old), tuple(places))


def _moved(old: list[str], new: list[str], places: list[int], free: list[bool], length: int) -> None:
    """Runs of at least `length` items that stand elsewhere in the original, unused; the nearest one of several."""
    where: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(old) - length + 1):
        where.setdefault(tuple(old[at : at + length]), []).append(at)
    at = 0
    while at <= len(new) - length:
        found = [
            place
            for place in where.get(tuple(new[at : at + length]), ())
            if all(free[place : place + length]) and all(each < 0 for each in places[at : at + length])
        ]
        if not found:
            at += 1
            continue
        place = min(found, key=lambda each: abs(each - at))
        size = length
        while (
            at + size < len(new)
            and place + size < len(old)
            and old[place + size] == new[at + size]
            and free[place + size]
            and places[at + size] < 0
        ):
            size += 1
        _take(places, free, place, at, size)
        at += size


def _take(places: list[int], free: list[bool], old: int, new: int, size: int) -> None:
    for step in range(size):
        places[new + step] = old + step
        free[old + step] = False


def replayed(
    text: str, masks: Sequence[Mask], words: Sequence[str], signs: Sequence[str], random: np.random.Generator
) -> str:
    """`text` as `masks`' paraphraser would have left it: masks are drawn one after the other until it is used up.

    New items are drawn from `words` and `signs`, so that what they would say about a mark is nothing.
    """
    items = items_of(text)
    found: list[str] = []
    begin = 0
    while begin < len(items):
        mask = masks[int(random.integers(len(masks)))]
        inside, last = min(mask.items, len(items) - begin), 0
        for place in mask.places:
            last = place if place >= 0 else last
            if last >= inside:
                continue
            if place >= 0:
                item = items[begin + place]
                first = begin + place == 0 and bool(found) and not item[0].isspace()
                found.append(" " + item if first else item)
            elif place == WORD or not signs:
                found.append(" " + words[int(random.integers(len(words)))])
            else:
                found.append(signs[int(random.integers(len(signs)))])
        begin += max(1, mask.items)
    return "".join(found).strip()


def save(masks: Iterable[Mask], path: Path) -> None:
    """Write masks as JSON: each a list of runs, [first place, how many] or [-1 or -2, how many new ones]."""
    kept = [{"by": mask.made_by, "items": mask.items, "runs": _runs(mask.places)} for mask in masks]
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in kept)
    path.write_text(f'{{"format": "{_FORMAT}", "masks": [\n{lines}\n]}}\n', encoding="utf-8")


def load(path: Path) -> tuple[Mask, ...]:
    """Masks from a file. Raises `UnreadableInput` where it holds none."""
    return _read(whole_file(path, largest=LARGEST), Where(str(path)))


@cache
def shipped() -> tuple[Mask, ...]:
    """The masks that come with Headwater: of DIPPER (Krishna et al., 2023), from the pairs of OUTFOX."""
    content = files("headwater.mark.bench").joinpath("edit_masks.json").read_bytes()
    return _read(content, Where("edit_masks.json"))


def _read(content: bytes, where: Where) -> tuple[Mask, ...]:
    try:
        held = json.loads(content)
        if held["format"] != _FORMAT:
            raise ValueError
        found = tuple(_mask(each) for each in held["masks"])
    except (ValueError, KeyError, TypeError, RecursionError):
        found = ()
    if not found:
        raise UnreadableInput("the file holds no edit masks", where=where)
    return found


def _mask(held: dict[str, object]) -> Mask:
    by, items, runs = held["by"], held["items"], held["runs"]
    if not isinstance(by, str) or type(items) is not int or not isinstance(runs, list):
        raise TypeError
    places: list[int] = []
    for first, count in runs:
        if type(first) is not int or type(count) is not int:
            raise TypeError
        if not 0 < count <= _MOST or len(places) + count > _MOST or not SIGN <= first < items:
            raise ValueError
        if first >= 0 and first + count > items:
            raise ValueError
        places += [first] * count if first < 0 else range(first, first + count)
    if not 0 < items <= _MOST or not places:
        raise ValueError
    return Mask(by, items, tuple(places))


def _runs(places: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        if runs and (
            (place < 0 and runs[-1][0] == place)
            or (place >= 0 and place == runs[-1][0] + runs[-1][1] and runs[-1][0] >= 0)
        ):
            runs[-1][1] += 1
        else:
            runs.append([place, 1])
    return runs

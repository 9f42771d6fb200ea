"""The reference's first half in plain Python: from a text to its folded form, its shape and its tokens.

This is the specification of `kernel.text`: readable and slow. It is also used for the phrase table.
"""

from __future__ import annotations

from itertools import groupby

from headwater.imprint.normal import normal
from headwater.imprint.scripts import Kind, properties

#: Shapes of white space: one space, one new line, a blank line; and of letters and digits.
GAPS = " \n\v"
WORD = "aA0"


def shape_of(character: str) -> str:
    """Shape of one code point: letters `a`, ASCII capitals `A`, digits `0`, unspaced scripts `u`, white space " ".

    Symbols stand for themselves; what is dropped has none ("").
    """
    kind = properties()[ord(character)] & 7
    if kind == Kind.WORD:
        return "A" if "A" <= character <= "Z" else "a"
    shapes = {Kind.SPACE: " ", Kind.DIGIT: "0", Kind.UNSPACED: "u", Kind.DROPPED: ""}
    return shapes.get(kind, character)


def folded(text: str) -> tuple[str, str]:
    """The folded text and its shape, equally long, one space before and after; (" ", " ") if nothing is left.

    White space becomes one space, one new line if it holds one, one vertical tab if it holds more (a blank
    line). ASCII letters are lower case; the shape remembers which were not.
    """
    pairs = [(c, s) for c in normal(text) if (s := shape_of(c))]
    units, shape = [" "], [" "]
    for is_gap, run in groupby(pairs, key=lambda pair: pair[1] == " "):
        if is_gap:
            newlines = sum(c == "\n" for c, _ in run)
            gap = GAPS[min(newlines, 2)]
            if len(units) > 1:
                units.append(gap)
                shape.append(gap)
        else:
            for character, klass in run:
                units.append(character.lower() if character.isascii() else character)
                shape.append(klass)
    if len(units) > 1 and shape[-1] in GAPS:
        units.pop()
        shape.pop()
    if len(units) > 1:
        units.append(" ")
        shape.append(" ")
    return "".join(units), "".join(shape)


def tokens(units: str, shape: str) -> list[tuple[str, str]]:
    """Words, and code points of unspaced scripts, with their shapes; of a text without any, its symbols."""
    found = []
    for kind, run in groupby(zip(units, shape, strict=True), key=lambda pair: _kind_of_token(pair[1])):
        if kind == "word":
            characters, shapes = zip(*run, strict=True)
            found.append(("".join(characters), "".join(shapes)))
        elif kind == "unspaced":
            found.extend(run)
    return found or [(c, s) for c, s in zip(units, shape, strict=True) if s not in GAPS]


def _kind_of_token(klass: str) -> str:
    return "word" if klass in WORD else "unspaced" if klass == "u" else "other"


def masked(units: str, shape: str) -> str:
    """`units` with each run of digits as one 0."""
    parts = groupby(zip(units, shape, strict=True), key=lambda pair: pair[1] == "0")
    return "".join("0" if digits else "".join(c for c, _ in run) for digits, run in parts)

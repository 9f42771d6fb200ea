"""Numbers that the compiled loops and their reference share: classes, places of secrets, sizes.

They are part of the format: changing one changes imprints, and calls for a new `IMPRINT_VERSION`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Classes of folded code points, in an order that makes them quick to tell apart: white space (one space, one
# new line, a blank line), words (letter, ASCII capital, digit), unspaced scripts, then symbols.
SPACE, NEWLINE, BLANK, LETTER, UPPER, DIGIT, UNSPACED, SYMBOL = range(8)
#: How many classes there are: each ASCII symbol has its own, others share the last 25.
CLASSES = 64

# Kinds of code points (`scripts.Kind`) and the script of ASCII letters (`scripts.Script`).
K_SPACE, K_WORD, K_DIGIT, K_UNSPACED, K_DROPPED = 1, 2, 3, 4, 5
ASCII_SCRIPT = 2

# Places of the secrets (`material.Material`): two words of SipHash key for each purpose, two odd multipliers
# for the sketch, three for shingles.
TOKEN, EXACT, OPENING, CLOSING, SKELETON, PASSAGE, MIX, SHINGLE, SECRET_WORDS = 0, 2, 4, 6, 8, 10, 12, 14, 17
#: The odd constants between them (as in splitmix64) that spread a sum over all bits.
SPREAD = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

# Columns of the numbers that the kernel fills: the hashes, eight minimisers, the words, the phrase
# groups, the script.
EXACT_AT, SKELETON_AT, OPENING_AT, CLOSING_AT, MINIMA_AT = 0, 1, 2, 3, 4
WORDS_AT, GROUPS_AT, SCRIPT_AT, NUMBERS = 12, 13, 14, 15

#: Tokens that `opening` and `closing` look at.
EDGE = 8
#: Tokens in a shingle of the minimisers, and of the passages.
SHINGLE_TOKENS = 3
PASSAGE_TOKENS = 5
#: Dimensions of the sketch for pairs of code points, and for triples of classes; length of each part.
CONTENT, LAYOUT = 96, 32
SKETCH_LENGTH = 127
#: How many minimisers there are, as `headwater.exchange.model` says.
MINIMISERS = 8
#: What stands for a minimiser that a short text does not have.
ABSENT = 0xFFFFFFFFFFFFFFFF
#: What stands for a slot in a skeleton; no symbol has this code.
SLOT = 1
#: A skeleton needs four fixed words, counted in halves (a code point of an unspaced script is half a word).
FIXED_HALF_WORDS = 8

_ASCII_SYMBOLS = [code for code in range(33, 127) if not chr(code).isalnum()]


def symbol_class(code: int) -> int:
    """Class of a symbol: its own for ASCII, one of 25 by its code for others."""
    return SYMBOL + (_ASCII_SYMBOLS.index(code) if code < 128 else len(_ASCII_SYMBOLS) + code % 25)


#: A unit on its way: the code point, its class from this bit on, and above them one bit for ASCII letters and digits,
#: the last for ASCII letters.
CLASS_BIT, WORD_BIT, LETTER_BIT = 21, 27, 28


def _ascii_table() -> NDArray[np.uint32]:
    """For each ASCII code the folded unit with its class and its bits."""
    table = np.full(128, 32, np.uint32)
    for code in range(33, 127):
        character = chr(code)
        kind = symbol_class(code) if not character.isalnum() else DIGIT
        if character.isalpha():
            kind = UPPER if character.isupper() else LETTER
        flags = character.isalnum() << WORD_BIT | character.isalpha() << LETTER_BIT
        table[code] = ord(character.lower()) | kind << CLASS_BIT | flags
    table.setflags(write=False)
    return table


ASCII = _ascii_table()

#: Quotation marks that open (first row), and those that close them.
QUOTES = np.array(
    [
        [0x22, 0x201C, 0xAB, 0x300C, 0x300E, 0x201E, 0x2018],
        [0x22, 0x201D, 0xBB, 0x300D, 0x300F, 0x201C, 0x2019],
    ]
)
QUOTES.setflags(write=False)

# What a code point is to normalisation (`simple`): nothing composes with it; invisible; only `normal` can tell; a
# base that marks may join; composed already or replaced, so that no mark may follow; a starter that joins a base.
PLAIN, DROP, SLOW, OPEN, CLOSED, ATTACHES = range(6)
#: Added to a base that some starter joins.
JOINS = 1 << 29
#: A combining mark: this plus its class, and plus `SECOND` where some base takes it up.
MARK, SECOND = 1 << 30, 1 << 8
#: Longest run of combining marks that is kept: no writing needs more, and sorting longer ones takes quadratic time.
LONGEST_MARKS = 30

#: How functions are compiled that only other compiled functions call: without the costly wrappers for Python.
INNER = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

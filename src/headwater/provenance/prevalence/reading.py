"""Which part of a text is read, and whether it is text of a kind that the estimate was fitted for.

A text's first `CUT` characters are read, and of these only whole words: running English of forty words or more. What
they score is decided in `scorer`.
"""

from __future__ import annotations

#: Characters read, from the beginning of a text.
CUT = 2000
#: Words that a text needs. Below, people and models differ too little.
LEAST_WORDS = 40
#: Share of the words that English running text has at least (German or Italian dialogue reaches a tenth of it).
LEAST_COMMON = 0.14
#: Share of characters that are letters of ASCII or spaces; code, tables and other scripts have fewer.
LEAST_LETTERS = 0.6

_COMMON = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "a",
        "is",
        "it",
        "that",
        "for",
        "on",
        "with",
        "as",
        "be",
        "by",
        "this",
        "are",
        "or",
        "from",
        "have",
        "not",
        "but",
        "they",
        "his",
        "her",
        "which",
        "we",
        "you",
        "he",
        "she",
        "had",
        "been",
        "were",
        "their",
        "there",
        "all",
        "can",
        "will",
        "would",
        "if",
        "when",
        "what",
        "who",
        "more",
        "no",
        "out",
        "up",
        "do",
        "my",
        "your",
        "its",
        "them",
        "then",
        "than",
        "into",
        "could",
        "only",
        "other",
        "about",
        "some",
        "these",
        "i",
        "me",
        "him",
        "our",
        "us",
    ]
)
_KEPT = bytes(code for code in range(128) if chr(code).isalpha() or code == 32)
_MARKS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})
_SPACED = tuple((f" {mark}", mark) for mark in (".", ",", "!", "?", ";", ":", "'", "n't"))


def read(text: str) -> str | None:
    """The part that is scored, in lower case with single spaces; None where the text is of another kind."""
    words = text[:CUT].translate(_MARKS).lower().split()
    if len(words) < LEAST_WORDS:
        return None
    if sum(map(_COMMON.__contains__, words)) < LEAST_COMMON * len(words):
        return None
    joined = " ".join(words)
    plain = joined.encode("ascii", "ignore")
    if len(plain) - len(plain.translate(None, _KEPT)) < LEAST_LETTERS * len(joined):
        return None
    # Corpora that were cut into tokens put spaces before their marks; people and models alike don't.
    for spaced, mark in _SPACED:
        joined = joined.replace(spaced, mark)
    return joined

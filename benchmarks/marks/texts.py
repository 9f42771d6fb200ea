"""Texts without any mark, of the three kinds that detectors have been wrong on: prose by people, code, and text that
repeats itself. Some hundred tokens each; none was ever near a key.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

CHARACTERS = 1400
_FORMS = (
    "The order {} of customer {} was shipped on day {}.\n",
    '{{"id": {}, "name": "item {}", "price": {}, "tags": ["a", "b"]}},\n',
    "| {} | value {} | ok | {} |\n",
    "{},{},{},0,0,0,0,true\n",
    "Step {}: add {} to {} and carry the one.\n",
    "assert f({}) == {}  # case {}\n",
)


def corpora() -> Path:
    """Where the corpora were unpacked."""
    return Path(os.environ["HEADWATER_CORPORA"])


def prose(count: int, seed: int) -> list[str]:
    """Pieces of novels published by 1930."""
    draw = random.Random(seed)
    books = sorted((corpora() / "text" / "english_novels").rglob("*.txt"))
    found = []
    for _ in range(count):
        text = draw.choice(books).read_text("utf-8", errors="replace")
        at = draw.randrange(len(text) // 10, max(len(text) // 10 + 1, len(text) - 2 * CHARACTERS))
        found.append(text[at : at + CHARACTERS])
    return found


def code(count: int, seed: int) -> list[str]:
    """Pieces of Python's own standard library."""
    draw = random.Random(seed)
    files = sorted(Path(os.__file__).parent.glob("*.py"))
    files = [each for each in files if each.stat().st_size > 4 * CHARACTERS]
    found = []
    for _ in range(count):
        text = draw.choice(files).read_text("utf-8", errors="replace")
        at = draw.randrange(len(text) - CHARACTERS)
        found.append(text[at : at + CHARACTERS])
    return found


def repetitive(count: int, seed: int) -> list[str]:
    """Rows, lists, counts and refrains: one form a text, with numbers that change, or with none."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        form = _FORMS[number % len(_FORMS)]
        if number % 4 == 3:
            text = form.format(1, 2, 3) * 200
        else:
            rows = (form.format(at, draw.randrange(1000), draw.randrange(100)) for at in range(200))
            text = "".join(rows)
        found.append(text[:CHARACTERS])
    return found


KINDS = {"prose": prose, "code": code, "repetitive": repetitive}

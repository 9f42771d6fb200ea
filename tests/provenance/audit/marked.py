"""Rows with marks and a keyring for them: token ids of 500 words, drawn by the schemes' own samplers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headwater.mark import MarkKey, scheme

VOCABULARY = 500
NUMBER = 0x5EED_0000_1234_5678
KEY = MarkKey("chat", (NUMBER,))
#: Widths are small, so that short rows have much to show.
GUMBEL = scheme("vllm-gumbel", {"width": 2})

TOKENIZER = """
[[tokenizer]]
name = "list"
kind = "ids"
vocab_size = 500
"""
MARK = f"""
[[mark]]
name = "chat"
scheme = "vllm-gumbel"
width = 2
key = {NUMBER:#x}
tokenizer = "list"
"""
OTHER = f"""
[[mark]]
name = "other"
scheme = "headwater-tilt"
width = 1
delta = 5.0
keys = [{NUMBER + 1:#x}, {NUMBER + 2:#x}]
tokenizer = "list"
"""


def keyring(path: Path, *tables: str) -> Path:
    """A keyring in a file that only its owner may read."""
    path.write_text("".join(tables or (TOKENIZER, MARK)), encoding="utf-8")
    path.chmod(0o600)
    return path


def unmarked(length: int, random: np.random.Generator) -> str:
    """Tokens by chance."""
    return " ".join(map(str, random.integers(0, VOCABULARY, length)))


def marked(
    length: int,
    random: np.random.Generator,
    key: MarkKey = KEY,
    drawn_by: Any = GUMBEL,
    spread: float = 1.0,
) -> str:
    """Tokens that a scheme's sampler takes under `key` from laws of some entropy."""
    tokens = [int(each) for each in random.integers(0, VOCABULARY, drawn_by.width)]
    while len(tokens) < length:
        logits = (random.normal(size=VOCABULARY) * spread).astype(np.float32)
        tokens.append(drawn_by.choose(key, tokens, logits))
    return " ".join(map(str, tokens))

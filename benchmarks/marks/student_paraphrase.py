"""Paraphrase without a paraphraser: what DIPPER kept and replaced in real texts, replayed on other texts.

Pairs of ChatGPT's essays and DIPPER's versions of them (OUTFOX) are aligned token by token; an answer then keeps its
tokens where an essay kept its own, in the same order, and all else is drawn without a mark from the teacher's law.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gpt
import numpy as np
import student_models
import student_serve
from numpy.typing import NDArray

Ints = NDArray[np.int64]
PAIRS = 300


def pairs(corpora: Path, words: Path) -> list[tuple[list[int], list[int]]]:
    """Token ids of essays and of what DIPPER made of them."""
    from tokenizers import Tokenizer

    made, folder = Tokenizer.from_file(str(words)), corpora / "paraphrase/outfox"
    found = [
        json.loads((folder / name).read_text(encoding="utf-8"))[:PAIRS]
        for name in ("chatgpt/test/test_lms.json", "dipper/chatgpt/test_attacks.json")
    ]
    before, after = ([row.ids[1:] for row in made.encode_batch([t.strip() for t in side])] for side in found)
    return list(zip(before, after, strict=True))


def sources(before: Sequence[int], after: Sequence[int]) -> Ints:
    """For each token of `after` the place in `before` that it was kept from, or -1."""
    found = np.full(len(after), -1, np.int64)
    for start, at, size in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        found[at : at + size] = np.arange(start, start + size)
    return found


def plans(found: Sequence[Ints], rows: int, length: int, random: np.random.Generator) -> Ints:
    """Pieces (rows, length) of such lists, each of `length` tokens of an original that begin somewhere in it."""
    out = np.full((rows, length), -1, np.int64)
    for row in range(rows):
        each = found[int(random.integers(len(found)))]
        first = int(random.integers(0, max(1, int(each.max(initial=0)) - length)))
        inside = np.flatnonzero((each >= first) & (each < first + length))
        if not len(inside):
            continue
        begin = max(0, int(inside[0] - (each[inside[0]] - first)))
        piece = each[begin : begin + length] - first
        known = (each[begin : begin + length] >= 0) & (piece >= 0) & (piece < length)
        out[row, : len(piece)][known] = piece[known]
    return out


def survival(plan: Ints, widths: Sequence[int]) -> dict[str, float]:
    """The share of tokens that are kept together with the so many tokens before them, in place."""
    found = {}
    for width in widths:
        windows = np.lib.stride_tricks.sliding_window_view(plan, width + 1, axis=1)
        whole = (windows >= 0).all(-1) & (np.diff(windows, axis=-1) == 1).all(-1)
        found[str(width)] = round(float(whole.mean()), 4)
    return found


def paraphrased(
    teacher: gpt.GPT, served: Ints, prompt: int, seed: int, *, corpora: Path, words: Path, folder: Path
) -> Ints:
    """`served` (rows, n) with its answers rewritten by plans of `corpora`; `folder` gets the shares that they keep."""
    rows, length = served.shape[0], served.shape[1] - prompt
    aligned = [sources(*pair) for pair in pairs(corpora, words)]
    plan = plans(aligned, rows, length, np.random.default_rng([seed, 5]))
    random = np.random.default_rng([seed, 6])
    rates = json.dumps({"pairs": PAIRS, "kept": survival(plan, (0, 1, 2, 4))})
    (folder / "survival.json").write_text(rates + "\n", encoding="utf-8")
    parts: list[NDArray[Any]] = []
    for first in range(0, rows, student_serve.ROWS):
        here = slice(first, first + student_serve.ROWS)
        tokens = served[here, :prompt]
        decoder, new = student_models.Decoder(teacher, len(tokens), served.shape[1]), tokens
        for step in range(length):
            chosen = np.empty(len(tokens), np.int64)
            student_serve.plain(decoder.chances(new), random.random(len(tokens)), chosen)
            place = plan[here, step]
            originals = served[here, prompt:][np.arange(len(tokens)), np.maximum(place, 0)]
            new = np.where(place >= 0, originals, chosen)[:, None]
            tokens = np.concatenate([tokens, new], 1)
        parts.append(tokens)
    return np.concatenate(parts)

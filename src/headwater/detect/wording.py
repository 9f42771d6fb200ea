"""A template as one can read it: the words that all its fillings share, and the places where they differ.

Only for people: detection works on imprints. Where a log keeps imprints only, there is nothing to show, and the
report says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from headwater.detect.verdict import Slot

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
#: Texts aligned, and characters of each: enough to see a template, little enough to be quick.
MOST_TEXTS, MOST_CHARS = 24, 1500
#: A fixed run between two slots has at least this many word tokens, or it is part of the slot.
LEAST_RUN = 2
EXAMPLES, EXAMPLE_CHARS = 5, 160
#: Words up to this length bind nothing on their own: "in a" stands in every prompt.
LITTLE = 3


def align(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[Slot, ...], list[tuple[str, ...] | None]]:
    """Fixed texts, slots between them (always one fewer than fixed texts), and each text's slot fillings.

    None stands for a text that doesn't hold the fixed ones in their order.
    """
    tokens = [_TOKEN.findall(t[:MOST_CHARS]) for t in texts[:MOST_TEXTS]]
    if not tokens:
        return ("",), (), []
    common = tokens[0]
    for other in tokens[1:]:
        match = SequenceMatcher(None, common, other, autojunk=False)
        common = [
            common[i] for block in match.get_matching_blocks() for i in range(block.a, block.a + block.size)
        ]
        if not common:
            break
    runs = _runs(common, tokens)
    if not runs:
        return ("", ""), (_slot(texts),), [(_cut(t),) for t in texts]
    fillings = [_fill(runs, t) for t in tokens]
    columns = list(zip(*(filling for filling in fillings if filling is not None), strict=True))
    fixed = ["".join(run) for run in runs]
    # A slot at an edge that is always empty is no slot.
    texts_out, slots, kept = [""], [], []
    for at, values in enumerate(columns):
        if any(v.strip() for v in values):
            slots.append(_slot(values))
            kept.append(at)
            texts_out.append("")
        if at < len(fixed):
            texts_out[-1] += fixed[at]
    cut = [None if f is None else tuple(_cut(f[at]) for at in kept) for f in fillings]
    return tuple(texts_out), tuple(slots), cut


def _runs(common: list[str], tokens: Sequence[list[str]]) -> list[list[str]]:
    """The shared tokens as runs that stand together in every text, short ones dropped."""
    runs: list[list[str]] = []
    at = 0
    while at < len(common):
        end = at + 1
        while end < len(common) and all(_holds(common[at : end + 1], t) for t in tokens[:6]):
            end += 1
        run = common[at:end]
        if _binds(run):
            runs.append(run)
        at = end
    return runs


def _binds(run: list[str]) -> bool:
    """Whether a run is long enough, and more than little words, to be a part of the template."""
    solid = [token for token in run if token.strip() and (token[0].isalnum() or len(run) > 3)]
    little = all(token.isspace() or (token.isalpha() and len(token) <= LITTLE) for token in run)
    return len(solid) >= LEAST_RUN and not little


def _cut(text: str) -> str:
    return text if len(text) <= EXAMPLE_CHARS else text[: EXAMPLE_CHARS - 1].rstrip() + "…"


def _holds(run: list[str], text: list[str]) -> bool:
    size = len(run)
    first = run[0]
    return any(text[i] == first and text[i : i + size] == run for i in range(len(text) - size + 1))


def _fill(runs: list[list[str]], text: list[str]) -> tuple[str, ...] | None:
    """What stands before, between and after the runs (None where the text doesn't hold them in order)."""
    out, at = [], 0
    for run in runs:
        size = len(run)
        place = next((i for i in range(at, len(text) - size + 1) if text[i : i + size] == run), None)
        if place is None:
            return None
        out.append("".join(text[at:place]))
        at = place + size
    out.append("".join(text[at:]))
    return tuple(out)


def _slot(values: Sequence[str]) -> Slot:
    seen = list(dict.fromkeys(v.strip() for v in values if v.strip()))
    return Slot(len(seen), tuple(_cut(v) for v in seen[:EXAMPLES]))

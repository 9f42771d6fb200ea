"""Which units a text has: the distinct windows of its token ids, found in linear time.

Engines differ in three things: how far back a token looks, whether it may look into the prompt, and what stands for
tokens before the beginning. What counts as one piece of evidence is the same for all: a window counts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.scheme import Tokens, Units

#: `first`: each context is scored where it stands first (engines leave its repetitions unmarked); `pairs`: each pair
#: of context and token once, with how often it was read in `times`.
Count = Literal["first", "pairs"]
#: The largest number of tokens in one text (its windows are numbered in 32 bits).
LONGEST = 2**32 - 2
#: The largest token id: in 32 bits the next one is what vLLM puts where there is no token (-1). How far back any
#: engine can be told to look.
LARGEST_TOKEN, WIDEST = 2**32 - 2, 64
#: Not to be foreseen by who writes the text; nothing that is found depends on it.
_SEED = secrets.randbits(63)


@dataclass(frozen=True)
class Window:
    """How an engine looks back from a token.

    `width`: tokens of context. `into_prompt`: whether a context may hold tokens of the prompt. `padding`: what the
    engine puts where there is no token yet; None: such positions carry no mark. `prompt_seen`: whether a context that
    the prompt holds counts as seen, so that the engine leaves its repetitions in the answer unmarked.
    """

    width: int
    count: Count = "first"
    into_prompt: bool = True
    padding: int | None = None
    prompt_seen: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.width <= WIDEST:
            raise ConfigurationError(f"width must be from 0 to {WIDEST}")
        if self.count not in {"first", "pairs"}:
            raise ConfigurationError("count must be first or pairs")


def checked(tokens: Sequence[int] | Tokens) -> Tokens:
    """Token ids as an int64 array (n,). Raises `UsageError` where they are no ids (0 to 2^32 - 2)."""
    try:
        array = np.asarray(tokens)
    except (OverflowError, ValueError, TypeError):
        raise UsageError("token ids must be a flat list of integers") from None
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise UsageError("token ids must be a flat list of integers")
    if int(array.min()) < 0 or int(array.max()) > LARGEST_TOKEN:
        raise UsageError(f"token ids must be from 0 to {LARGEST_TOKEN}")
    if len(array) > LONGEST:
        raise UsageError(f"a text may have at most {LONGEST} tokens", hint="read it in parts")
    return np.ascontiguousarray(array, np.int64)


def columns(units: Units, width: int) -> NDArray[np.int64]:
    """The contexts with one row for each place, (width, n), as compiled loops read them; `find`'s aren't copied.

    Raises `UsageError` for units of a scheme that looks back further or less far.
    """
    if units.context.shape[1] != width:
        raise UsageError(f"units with {units.context.shape[1]} tokens of context, for a scheme with {width}")
    return np.ascontiguousarray(units.context.T, np.int64)


def find(tokens: Sequence[int] | Tokens, window: Window, *, prompt: int = 0) -> Units:
    """The units of a text whose first `prompt` tokens are the prompt: context only, never scored.

    With `padding` the text is taken to begin where the request (or, unless `into_prompt`, the answer) began.
    Raises `UsageError` for what are no token ids and for a prompt longer than the text.
    """
    padded, history, first, moved = _laid_out(checked(tokens), window, prompt)
    from headwater.mark.engines.kernel.windows import distinct

    room = max(len(padded) - history, 0)
    where, times = np.empty(room, np.int64), np.empty(room if window.count == "pairs" else 0, np.int64)
    bits = max(int(1.5 * room).bit_length(), 4)
    found, before = distinct(
        padded, window.width, history, first, window.count == "pairs", _SEED, bits, where, times
    )
    where = where[before:found]
    often = times[before:found] if window.count == "pairs" else np.ones(len(where), np.int64)
    return _units(padded, window.width, where, often, moved, len(tokens) - prompt)


def firsts(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each distinct number of `numbers` (n,) stands first, ascending; in linear time."""
    from headwater.mark.engines.kernel.windows import distinct

    where, times = np.empty(len(numbers), np.int64), np.empty(len(numbers), np.int64)
    bits = max(int(1.5 * len(numbers)).bit_length(), 4)
    found, _ = distinct(np.ascontiguousarray(numbers), 0, 0, 0, True, _SEED, bits, where, times)
    return where[:found]


def reference(tokens: Sequence[int] | Tokens, window: Window, *, prompt: int = 0) -> Units:
    """The same as `find`, in NumPy: the specification. Sorts, so it takes n log n."""
    padded, history, first, moved = _laid_out(checked(tokens), window, prompt)
    places = np.arange(history, len(padded), dtype=np.int64)
    back = places[:, None] + np.arange(-window.width, 1 if window.count == "pairs" else 0)
    rows = padded[back] if back.shape[1] else np.zeros((len(places), 1), np.int64)
    if not len(places):
        return _units(padded, window.width, places, places, moved, len(tokens) - prompt)
    _, at, often = np.unique(rows, axis=0, return_index=True, return_counts=True)
    order = np.argsort(at)
    at, often = at[order], often[order]
    chosen = places[at] >= first
    where = places[at][chosen]
    often = often[chosen] if window.count == "pairs" else np.ones(len(where), np.int64)
    return _units(padded, window.width, where, often, moved, len(tokens) - prompt)


def _laid_out(tokens: Tokens, window: Window, prompt: int) -> tuple[Tokens, int, int, int]:
    """The tokens with their padding, the first place that is looked at, the first that is scored, and by how much
    places differ from positions in the text."""
    if not 0 <= prompt <= len(tokens):
        raise UsageError("the prompt is longer than the text")
    width = window.width
    begin = 0 if window.into_prompt else prompt
    if window.padding is None:
        first = max(prompt, begin + width)
        history = min(width, first) if window.prompt_seen and window.count == "first" else first
        return tokens, history, first, 0
    text = tokens[begin:]
    padded = np.concatenate([np.full(width, window.padding, np.int64), text])
    first = prompt - begin + width
    if not (window.prompt_seen and window.count == "first"):
        return padded, first, first, begin - width
    if begin:
        raise ConfigurationError("a window with padding behind the prompt can't have seen the prompt")
    return padded, width, first, -width


def _units(
    padded: Tokens, width: int, where: NDArray[np.int64], times: NDArray[np.int64], moved: int, tokens: int
) -> Units:
    from headwater.mark.engines.kernel.windows import contexts

    columns = np.empty((width, len(where)), np.int64)
    contexts(padded, where, columns)
    return Units(columns.T, padded[where], where + moved, times, tokens)

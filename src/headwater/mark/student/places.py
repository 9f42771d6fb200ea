"""Where in a text a model's law may be tested against a key: at the first place of each context in what it sees.

At a context that stood there before, a model may repeat what followed it then. In marked text that was the key's
choice, so the key would be read from the text, not from the model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import Scheme, Tokens

Ints = NDArray[np.int64]


def check_suited(scheme: Scheme) -> None:
    """Raise `UsageError` for a scheme in which different contexts share a list, so that its units aren't what a
    student's laws show: MarkLLM's green lists of more than one token of context."""
    if getattr(scheme, "engine", "") == "markllm" and scheme.width > 1:
        raise UsageError("different contexts share MarkLLM's lists: a student can't be tested for them")


def places(scheme: Scheme, tokens: Tokens, *, prompt: int = 0) -> tuple[Ints, Ints]:
    """Positions (n,) in one text as a model sees it, and the contexts (n, width) that the scheme has there.

    `prompt`: so many tokens are read only, but contexts that stand in them count as seen. A scheme that doesn't look
    back has one context: all its places are given, for texts that carry no mark.
    """
    units = scheme.units(tokens, prompt=prompt)
    width = units.context.shape[1]
    if not width:
        every = np.arange(prompt, len(tokens), dtype=np.int64)
        return every, np.zeros((len(every), 0), np.int64)
    fresh = np.ones(len(tokens), np.bool_)
    if len(tokens) > width:
        windows = np.lib.stride_tricks.sliding_window_view(tokens, width)[:-1]
        fresh[width:] = False
        fresh[width + np.unique(windows, axis=0, return_index=True)[1]] = True
    chosen = fresh[units.position]
    return units.position[chosen], units.context[chosen]

"""Contexts of many answers on torch tensors, read from an engine's own buffer of tokens: what `Row.context` says.

Nothing is kept between steps, so an answer that moves, waits or begins anew loses nothing.
"""

from __future__ import annotations

from torch import Tensor, arange, where


def contexts(tokens: Tensor, slot: Tensor, length: Tensor, widest: int) -> Tensor:
    """The last `widest` tokens (n, widest) of answers that are `length` (n,) tokens long; 0 where none is.

    `tokens` (slots, longest): the buffer; `slot` (n,): which of its rows each answer has.
    """
    at = length[:, None] - widest + arange(widest, device=tokens.device)
    return where(at >= 0, tokens[slot[:, None], at.clamp(min=0)].long(), 0)


def fresh(
    tokens: Tensor,
    length: Tensor,
    prompt: Tensor,
    context: Tensor,
    width: Tensor,
    once: Tensor,
    prompt_seen: Tensor,
) -> Tensor:
    """Whether each row's next token may be marked: (n,) bool.

    That is: the row has `width` tokens, and its context (the last `width` of `context`) didn't stand before a token of
    the answer, where the rule marks each `once`; nor before one of the prompt, where `prompt_seen`. `tokens` (n,
    longest): prompt and answer; `length`, `prompt` (n,): tokens of both, and of the prompt.
    """
    widest, longest = context.shape[1], tokens.shape[1]
    # Before the token at each place after the first: did the same context stand there?
    place = arange(longest, device=tokens.device)
    begins = where(prompt_seen, 0, prompt)
    same = (place >= begins[:, None]) & (place < length[:, None]) & (place >= width[:, None]) & once[:, None]
    for back in range(1, widest + 1):
        shifted = tokens[:, : longest - back] if back < longest else tokens[:, :0]
        equal = same.new_zeros(same.shape)
        equal[:, min(back, longest) :] = shifted == context[:, widest - back, None]
        same = same & (equal | (back > width)[:, None])
    return (length >= width) & ~same.any(1)

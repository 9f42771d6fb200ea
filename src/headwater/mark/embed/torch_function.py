"""The keyed function of our own marks on torch tensors: SipHash-2-4 of contexts, then Philox4x32-10 by token.

Integers of 64 bits that wrap around, on any device; the same bits as `own.function`, which is the specification. Many
rows at once, each with its own key and width, without a loop over rows.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from headwater.mark.engines.philox import M0, M1, ROUNDS, W0, W1, WORD


def _signed(number: int) -> int:
    """A word of 64 bits as torch's signed integers hold it."""
    return number - (1 << 64) if number >> 63 else number


_STARTS: Final = tuple(
    map(_signed, (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573))
)


def seeds(context: Tensor, width: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """SipHash-2-4 of the last `width` tokens (n,) of `context` (n, widest) under two words of key (n,): (n,) int64."""
    widest = context.shape[1]
    place = torch.arange(widest + 1, device=context.device)
    at = (widest - width)[:, None] + place
    tokens = torch.where(at < widest, context.gather(1, at.clamp(max=widest - 1)) & WORD, 0)
    v0, v1, v2, v3 = first ^ _STARTS[0], second ^ _STARTS[1], first ^ _STARTS[2], second ^ _STARTS[3]
    last = width // 2
    for j in range(widest // 2 + 1):
        word = tokens[:, 2 * j]
        if 2 * j + 1 <= widest:
            word = word | (tokens[:, 2 * j + 1] << 32)
        word = word | torch.where(last == j, ((4 * width) & 255) << 56, 0)
        n0, n1, n2, n3 = _rounds(v0, v1, v2, v3 ^ word, 2)
        goes = last >= j
        v0, v1, v2, v3 = (
            torch.where(goes, new, old) for new, old in ((n0 ^ word, v0), (n1, v1), (n2, v2), (n3, v3))
        )
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ 255, v3, 4)
    return v0 ^ v1 ^ v2 ^ v3


def words(seed: Tensor, token: Tensor, use: Tensor) -> Tensor:
    """The words of 32 bits (in int64) of tokens under seeds for their uses; all of one shape."""
    c0, c1 = (token >> 2) & WORD, use & WORD
    c2 = c3 = torch.zeros_like(token)
    k0, k1 = seed & WORD, (seed >> 32) & WORD
    for _ in range(ROUNDS):
        one, two = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (
            ((two >> 32) & WORD) ^ c1 ^ k0,
            two & WORD,
            ((one >> 32) & WORD) ^ c3 ^ k1,
            one & WORD,
        )
        k0, k1 = (k0 + W0) & WORD, (k1 + W1) & WORD
    which = token & 3
    return torch.where(which < 2, torch.where(which == 0, c0, c1), torch.where(which == 2, c2, c3))


def _rounds(
    v0: Tensor, v1: Tensor, v2: Tensor, v3: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    for _ in range(count):
        v0 = v0 + v1
        v1 = _rotated(v1, 13) ^ v0
        v0 = _rotated(v0, 32)
        v2 = v2 + v3
        v3 = _rotated(v3, 16) ^ v2
        v0 = v0 + v3
        v3 = _rotated(v3, 21) ^ v0
        v2 = v2 + v1
        v1 = _rotated(v1, 17) ^ v2
        v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


def _rotated(word: Tensor, bits: int) -> Tensor:
    # A shift to the right copies the sign: what it brings in from above is masked.
    return (word << bits) | ((word >> (64 - bits)) & ((1 << bits) - 1))

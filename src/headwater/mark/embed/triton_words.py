"""The keyed words of a batch's likeliest tokens in one Triton kernel: coin, seed and Philox of each row at once.

`torch_step` says the same in hundreds of operations on tensors, each a launch of its own on a GPU; this is one launch.
Checked bit for bit with Triton's interpreter on a CPU (`benchmarks/marks/embed_gpu.py`), not on a GPU.
"""
# mypy: disable-error-code="untyped-decorator, no-untyped-def, no-untyped-call, no-any-return"

from __future__ import annotations

from typing import Final

import torch
import triton
import triton.language as tl
from torch import Tensor

#: Tokens that one program looks at.
_BLOCK: Final = 64


def keyed(context: Tensor, numbers: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row whether its context has a key (n,), and the words (n, k) of the tokens `index`; see `torch_step`."""
    rows, tokens = index.shape
    word = torch.empty_like(index)
    has = torch.empty(rows, dtype=torch.int64, device=index.device)
    context, numbers, index = context.contiguous(), numbers.contiguous(), index.contiguous()
    grid = (rows, triton.cdiv(tokens, _BLOCK))
    _keyed[grid](context, numbers, index, word, has, context.shape[1], tokens, numbers.shape[1], BLOCK=_BLOCK)
    return has != 0, word


@triton.jit
def _rotated(word, bits: tl.constexpr):
    return (word << bits) | (word >> (64 - bits))


@triton.jit
def _round(v0, v1, v2, v3):
    v0 += v1
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 += v3
    v3 = _rotated(v3, 16) ^ v2
    v0 += v3
    v3 = _rotated(v3, 21) ^ v0
    v2 += v1
    v1 = _rotated(v1, 17) ^ v2
    v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


@triton.jit
def _number(numbers, at):
    return tl.load(numbers + at).to(tl.uint64, bitcast=True)


@triton.jit
def _token(context, at, widest):
    return tl.load(context + at, mask=at < widest, other=0).to(tl.uint64, bitcast=True) & 0xFFFFFFFF


@triton.jit
def _seed(context, widest, width, k0, k1):
    """SipHash-2-4 of the last `width` tokens of a row under two words of key."""
    v0, v1 = k0 ^ tl.full((), 0x736F6D6570736575, tl.uint64), k1 ^ tl.full((), 0x646F72616E646F6D, tl.uint64)
    v2, v3 = k0 ^ tl.full((), 0x6C7967656E657261, tl.uint64), k1 ^ tl.full((), 0x7465646279746573, tl.uint64)
    for j in range(width // 2 + 1):
        at = widest - width + 2 * j
        word = _token(context, at, widest) | (_token(context, at + 1, widest) << 32)
        ending = ((4 * width) & 255).to(tl.uint64) << 56
        word = tl.where(j == width // 2, word | ending, word)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 = v0 ^ word
    v2 = v2 ^ 255
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@triton.jit
def _words(seed, token, use):
    """Philox4x32-10 of tokens under one seed: of four words the one that a token's two lowest bits name."""
    token = token.to(tl.uint64, bitcast=True)
    nothing = token ^ token
    c0, c1, c2, c3 = (token >> 2) & 0xFFFFFFFF, nothing + use, nothing, nothing
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        one, two = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (two >> 32) ^ c1 ^ k0, two & 0xFFFFFFFF, (one >> 32) ^ c3 ^ k1, one & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    which = token & 3
    return tl.where(which < 2, tl.where(which == 0, c0, c1), tl.where(which == 2, c2, c3))


@triton.jit
def _keyed(context, numbers, index, word, has, widest, tokens, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    context, numbers = context + row * widest, numbers + row * columns
    width = tl.load(numbers).to(tl.int32)
    coin = _seed(context, widest, width, _number(numbers, 5), _number(numbers, 6))
    # The key's numbers stand from 8 on, the master's from 11.
    masters = (_number(numbers, 4) != 0) & ((coin >> 32) >= _number(numbers, 7))
    at = tl.where(masters, 11, 8)
    seed = _seed(context, widest, width, _number(numbers, at + 1), _number(numbers, at + 2))
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    token = tl.load(index + row * tokens + place, mask=place < tokens, other=0)
    found = _words(seed, token, _number(numbers, 1))
    tl.store(word + row * tokens + place, found.to(tl.int64, bitcast=True), mask=place < tokens)
    if tl.program_id(1) == 0:
        tl.store(has + row, tl.load(numbers + at))

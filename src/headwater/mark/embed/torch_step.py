"""One step of writing marks on torch tensors: what `step.mark` does, on the device where the scores are.

Without a loop over rows, a branch on data or a wait for the device, so engines can run it in the midst of their own
work and compile it. Bits and green lists are those of `step.mark` for the same likeliest tokens; the rest is summed
up and drawn from at once, which has the law of the race there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import torch
from torch import Tensor

from headwater.mark.embed.rule import Rule
from headwater.mark.embed.step import TOP_K
from headwater.mark.embed.torch_function import seeds, words
from headwater.mark.own.function import GUMBEL, SIZE, TILT

Keyed: TypeAlias = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
#: Numbers of a packed rule (`Rule.numbers`).
NUMBERS: Final = 14
#: The vocabulary is laid in so many strides, as `kernel` lays it: what is drawn from the rest is drawn by columns.
_STRIDES: Final = 64
_WIDTH, _USE, _GREEN, _DELTA, _COIN, _SHARE, _KEY, _MASTER = 0, 1, 2, 3, 4, 7, 8, 11


def packed(rules: Sequence[Rule | None], device: torch.device | str = "cpu") -> Tensor:
    """Rules as `step` takes them: (n, 14) int64, the bits of `Rule.numbers`; zeros for None."""
    out = np.zeros((len(rules), NUMBERS), np.uint64)
    for at, rule in enumerate(rules):
        if rule is not None:
            out[at] = rule.numbers
    return torch.from_numpy(out.view(np.int64)).to(device)


def is_gumbel(numbers: Tensor) -> Tensor:
    """Which packed rules choose a token by key, (n,) bool."""
    return numbers[:, _USE] == GUMBEL


def step(
    scores: Tensor, context: Tensor, fresh: Tensor, numbers: Tensor, drawn: Tensor, top_k: int = TOP_K
) -> Tensor:
    """Mark rows of `scores` (n, vocabulary) float32 in place; the chosen tokens (n,), -1 where none was.

    `context` (n, widest) int64: the last tokens of each row, in the last places; `fresh` (n,): whether a row is marked
    at all; `numbers` (n, 14): see `packed`; `drawn` (n, 2) float64: uniform numbers in [0, 1) for the noise of the rest
    and for the token that is drawn from it. `top_k`: 0 for the whole vocabulary. See `step.mark`.
    """
    top, index = scores.topk(min(top_k or scores.shape[1], scores.shape[1]), dim=1)
    has, word = (
        (_fused() or keyed)(context, numbers, index) if scores.is_cuda else keyed(context, numbers, index)
    )
    most, use = top[:, 0].double(), numbers[:, _USE]
    writes = fresh & has & torch.isfinite(most)
    green = (word < numbers[:, _GREEN, None]) & (writes & (use == TILT))[:, None] & (top > -torch.inf)
    delta = numbers[:, _DELTA].contiguous().view(torch.float64).float()
    scores.scatter_(1, index, torch.where(green, top + delta[:, None], top))
    return _chosen(scores, top, index, word, writes & (use == GUMBEL), most, drawn)


def keyed(context: Tensor, numbers: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row whether its context has a key (n,), and the words (n, k) of the tokens `index` under it."""
    width, use = numbers[:, _WIDTH], numbers[:, _USE]
    coin = seeds(context, width, numbers[:, _COIN + 1], numbers[:, _COIN + 2])
    masters = (numbers[:, _COIN] != 0) & (((coin >> 32) & (SIZE - 1)) >= numbers[:, _SHARE])
    has, first, second = (
        torch.where(masters, numbers[:, _MASTER + n], numbers[:, _KEY + n]) for n in range(3)
    )
    seed = seeds(context, width, first, second)
    return has != 0, words(seed[:, None].expand_as(index), index, use[:, None].expand_as(index))


@cache
def _fused() -> Keyed | None:
    """The same in one kernel, where Triton is there."""
    try:
        from headwater.mark.embed.triton_words import keyed as fused
    except ImportError:
        return None
    return fused


def _chosen(
    scores: Tensor, top: Tensor, index: Tensor, word: Tensor, gumbel: Tensor, most: Tensor, drawn: Tensor
) -> Tensor:
    """The winner of the likeliest tokens and the rest, in the rows of `gumbel`; all others of its row get -inf."""
    value, place = (top.double() - torch.log(-torch.log((word.double() + 0.5) / SIZE))).max(1)
    token = index.gather(1, place[:, None])
    columns, total = _rest(scores, index, most)
    noise = -torch.log(-torch.log(drawn[:, 0]))
    wins = (torch.log(total) + noise > value - most) & (total > 0)
    other = _from_rest(columns, drawn[:, 1] * total)
    token = torch.where(wins[:, None], other[:, None], token)
    kept = scores.gather(1, token)
    scores.masked_fill_(gumbel[:, None], -torch.inf)
    scores.scatter_(1, token, torch.where(gumbel[:, None], kept, scores.gather(1, token)))
    return torch.where(gumbel, token[:, 0], -1)


def _rest(scores: Tensor, index: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """What tokens outside `index` weigh, e^(score - most), in columns (n, 64, width), and together (n,)."""
    weight = torch.exp(scores - most[:, None].float()).scatter_(1, index, 0.0).nan_to_num_(0.0)
    weight = torch.nn.functional.pad(weight, (0, -weight.shape[1] % _STRIDES))
    columns = weight.view(len(weight), _STRIDES, -1)
    return columns, columns.sum(1).double().sum(1)


def _from_rest(columns: Tensor, point: Tensor) -> Tensor:
    """The token at `point` of the cumulated weights: its column first, then its place in it."""
    width = columns.shape[2]
    sums = columns.sum(1).double().cumsum(1)
    column = torch.searchsorted(sums, point[:, None], right=True).clamp_(max=width - 1)
    before = torch.where(column > 0, sums.gather(1, (column - 1).clamp(min=0)), 0.0)
    inner = columns.gather(2, column[:, :, None].expand(-1, _STRIDES, 1))[:, :, 0].double()
    place = torch.searchsorted(inner.cumsum(1), point[:, None] - before, right=True)
    # A column's sum and its parts' differ in their last bits: no further than the last token that weighs anything.
    weighs = (inner > 0) * torch.arange(1, _STRIDES + 1, device=inner.device)
    last = (weighs.amax(1, keepdim=True) - 1).clamp_(min=0)
    return (torch.minimum(place, last) * width + column)[:, 0]

"""How the models of the student experiment are trained and read: the small GPT of `lm/gpt.py`, on one core.

Training differs from `lm/train.py` only in speed: attention written out and compiled (which needs a C++ compiler), and
a loss that never holds the logits of a whole batch. Laws are computed in float32.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import gpt
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
#: Rows of logits that are held at a time.
CHUNK = 256


class Loss(torch.autograd.Function):
    """Mean nats a token of `functional.linear(hidden, embedding)` against `wanted`, with its gradients at once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, embedding: Tensor, wanted: Tensor) -> Tensor:
        """A number; products in bfloat16, sums in float32."""
        count, total = len(hidden), 0.0
        on_hidden, on_embedding = torch.empty_like(hidden), torch.zeros(embedding.shape)
        table = embedding.to(torch.bfloat16)
        for first in range(0, count, CHUNK):
            here = slice(first, first + CHUNK)
            rows, labels = hidden[here].to(torch.bfloat16), wanted[here, None]
            chances = torch.softmax((rows @ table.T).float(), -1)
            total -= chances.gather(1, labels).log().sum().item()
            chances.scatter_add_(1, labels, torch.full(labels.shape, -1.0))
            slope = chances.to(torch.bfloat16)
            on_hidden[here] = (slope @ table).to(hidden.dtype)
            on_embedding += slope.T @ rows
        ctx.save_for_backward(on_hidden / count, on_embedding / count)
        return torch.tensor(total / count)

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        """Gradients for hidden rows and embedding."""
        on_hidden, on_embedding = ctx.saved_tensors
        return on_hidden * scale, on_embedding * scale, None


def hidden(model: gpt.GPT, tokens: Tensor) -> Tensor:
    """The normed stream (batch, n, width) before the logits, with a causal mask written out."""
    n, shape = tokens.shape[1], model.shape
    size = shape.width // shape.heads
    cos, sin = model.cos[:n], model.sin[:n]
    ahead = torch.full((n, n), -torch.inf).triu(1)
    x = model.embedding(tokens) * shape.width**0.5
    for block in model.blocks:
        b = len(x)
        qkv = block.qkv(block.norm1(x)).view(b, n, 3, shape.heads, size).permute(2, 0, 3, 1, 4)
        q, k, v = gpt.turned(qkv[0], cos, sin), gpt.turned(qkv[1], cos, sin), qkv[2]
        scores = torch.matmul(q, k.transpose(-1, -2)).float() * size**-0.5 + ahead
        mixed = torch.matmul(torch.softmax(scores, -1).to(v.dtype), v)
        x = x + block.out(mixed.transpose(1, 2).reshape(b, n, shape.width))
        x = x + block.down(functional.relu(block.up(block.norm2(x))).square())
    return model.norm(x)


#: Fused by the compiler: half the time of a step.
fused = torch.compile(hidden, dynamic=False)


def trained(
    base: gpt.GPT, tokens: Ints, prompt: int, *, epochs: float, seed: int, rate: float = 1.0, batch: int = 32
) -> tuple[gpt.GPT, list[float]]:
    """A copy of `base` after `epochs` over rows (answers, n), whose first `prompt` tokens aren't learned.

    `rate`: the share of `lm/train.py`'s learning rates. Returns the loss of every tenth step as well.
    """
    model = gpt.GPT(base.shape)
    model.load_state_dict(base.state_dict())
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embedding" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embedding" in n]
    makers = [
        torch.optim.Muon(matrices, lr=0.02 * rate, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(others, lr=0.002 * rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    full = [maker.param_groups[0]["lr"] for maker in makers]
    random = np.random.default_rng(seed)
    steps = int(epochs * len(tokens) / batch)
    order = np.concatenate([random.permutation(len(tokens)) for _ in range(int(epochs) + 1)])
    losses = []
    for step in range(steps):
        rows = torch.from_numpy(tokens[order[step * batch : (step + 1) * batch]])
        with torch.autocast("cpu", torch.bfloat16):
            stream = fused(model, rows[:, :-1])[:, prompt - 1 :].float()
        loss = Loss.apply(stream.flatten(0, 1), model.embedding.weight, rows[:, prompt:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        for maker, most in zip(makers, full, strict=True):
            maker.param_groups[0]["lr"] = most * min((step + 1) / 20, 1.0, (steps - step) / (0.5 * steps))
            maker.step()
        if step % 10 == 0:
            losses.append(round(loss.item(), 3))
    return model.eval(), losses


def laws(model: gpt.GPT, tokens: Ints, begun: int, batch: int = 16) -> Iterator[tuple[slice, Floats]]:
    """The laws (rows, n - begun, vocabulary) of each token of `tokens` (rows, n) from `begun` on."""
    for first in range(0, len(tokens), batch):
        here = slice(first, min(first + batch, len(tokens)))
        with torch.inference_mode():
            logits = model(torch.from_numpy(tokens[here, :-1]))[:, begun - 1 :]
            yield here, torch.softmax(logits, -1).numpy()


def held_out(model: gpt.GPT, tokens: Ints, begun: int) -> float:
    """Nats a token of `tokens` (rows, n) from `begun` on."""
    total = 0.0
    for here, chances in laws(model, tokens, begun):
        found = np.take_along_axis(chances, tokens[here, begun:, None], 2)
        total -= float(np.log(np.maximum(found, 1e-30)).sum())
    return total / (len(tokens) * (tokens.shape[1] - begun))


class Decoder:
    """Token-by-token laws of `rows` answers side by side, in bfloat16; keys and values are laid out beforehand."""

    def __init__(self, model: gpt.GPT, rows: int, length: int) -> None:
        shape = model.shape
        self.model, self.done = copy.deepcopy(model).to(torch.bfloat16), 0
        lay = (shape.layers, rows, shape.heads, length, shape.width // shape.heads)
        self.keys, self.values = (torch.zeros(lay, dtype=torch.bfloat16) for _ in range(2))

    @torch.inference_mode()
    def chances(self, tokens: Ints) -> Floats:
        """The laws (rows, vocabulary) after `tokens` (rows, n), which follow what was given before."""
        model, shape = self.model, self.model.shape
        b, n = tokens.shape
        here = slice(self.done, self.done + n)
        self.done += n
        cos, sin = model.cos[here], model.sin[here]
        x = model.embedding(torch.from_numpy(tokens)) * shape.width**0.5
        for number, block in enumerate(model.blocks):
            qkv = block.qkv(block.norm1(x)).view(b, n, 3, shape.heads, -1).permute(2, 0, 3, 1, 4)
            self.keys[number, :, :, here] = gpt.turned(qkv[1], cos, sin)
            self.values[number, :, :, here] = qkv[2]
            k, v = self.keys[number, :, :, : self.done], self.values[number, :, :, : self.done]
            mixed = functional.scaled_dot_product_attention(
                gpt.turned(qkv[0], cos, sin), k, v, is_causal=n > 1
            )
            x = x + block.out(mixed.transpose(1, 2).reshape(b, n, shape.width))
            x = x + block.down(functional.relu(block.up(block.norm2(x))).square())
        logits = functional.linear(model.norm(x[:, -1]), model.embedding.weight)
        return torch.softmax(logits.float(), -1).numpy()

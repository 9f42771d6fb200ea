"""The small GPT of the marks' benchmarks in torch: trained here, read by `headwater.mark.proxy` in NumPy.

Pre-norm blocks with RMS norms, rotary positions, squared ReLU and tied embeddings; nothing else, so that the forward
pass is short to write down twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The size of a model: `width` a multiple of `heads`, `window` in tokens."""

    tokens: int = 4096
    width: int = 128
    heads: int = 4
    layers: int = 4
    window: int = 256


def rotation(window: int, half: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (window, half) of rotary positions, base 10,000."""
    pace = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(window, dtype=torch.float64)[:, None] * pace
    return angle.cos().float(), angle.sin().float()


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`x` (..., n, 2·half) with its halves rotated by position."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Attention and a two-layer net, each on a normed copy of the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.heads = shape.heads
        self.norm1, self.norm2 = nn.RMSNorm(d, eps=1e-6), nn.RMSNorm(d, eps=1e-6)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.up, self.down = nn.Linear(d, 4 * d, bias=False), nn.Linear(4 * d, d, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, kept: list[Tensor] | None = None) -> Tensor:
        """`x` (batch, n, width); `kept` holds earlier keys and values and is added to."""
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        if kept is not None:
            if kept:
                k, v = torch.cat([kept[0], k], 2), torch.cat([kept[1], v], 2)
            kept[:] = [k, v]
        a = functional.scaled_dot_product_attention(q, k, v, is_causal=n > 1)
        x = x + self.out(a.transpose(1, 2).reshape(b, n, d))
        return x + self.down(functional.relu(self.up(self.norm2(x))).square())


class GPT(nn.Module):
    """Token ids (batch, n) to logits (batch, n, tokens)."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.tokens, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        nn.init.normal_(self.embedding.weight, std=0.02)
        cos, sin = rotation(shape.window, shape.width // shape.heads // 2)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens: Tensor, kept: list[list[Tensor]] | None = None) -> Tensor:
        """Logits; with `kept` (one list a layer, empty at first) only the new tokens are given."""
        first = kept[0][0].shape[2] if kept is not None and kept[0] else 0
        here = slice(first, first + tokens.shape[1])
        cos, sin = self.cos[here], self.sin[here]
        x = self.embedding(tokens) * self.shape.width**0.5
        for number, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if kept is None else kept[number])
        return functional.linear(self.norm(x), self.embedding.weight)


def save(model: GPT, path: str, note: str) -> None:
    """Weights as float16 and the shape, in a compressed `.npz` that NumPy reads without pickles."""
    import numpy as np

    arrays = {name: value.detach().to(torch.float16).numpy() for name, value in model.state_dict().items()}
    numbers = np.array(list(asdict(model.shape).values()), np.int64)
    np.savez_compressed(path, shape=numbers, note=np.array(note), **arrays)


def load(path: str) -> GPT:
    """A model as `save` wrote it, in float32."""
    import numpy as np

    with np.load(path) as kept:
        model = GPT(Shape(*(int(n) for n in kept["shape"])))
        state = {
            name: torch.from_numpy(kept[name].astype(np.float32))
            for name in kept.files
            if name not in ("shape", "note")
        }
    model.load_state_dict(state)
    return model.eval()

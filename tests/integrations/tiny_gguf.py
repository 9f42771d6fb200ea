"""A language model of a few kilobytes with random weights, as llama.cpp reads it: GGUF version 3, written by hand."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

#: Each byte is a token, after the three that every vocabulary begins with.
TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
WIDTH, HEADS, INNER = 32, 2, 32
_UINT32, _FLOAT32, _STRING, _ARRAY, _INT32 = 4, 6, 8, 9, 5


def write(path: Path, *, seed: int = 0, spread: float = 0.6) -> None:
    """One layer of Llama's kind. `spread`: of the output's weights, so of how certain the model is."""
    random = np.random.default_rng(seed)
    tensors = {
        "token_embd.weight": random.normal(0, 1, (len(TOKENS), WIDTH)),
        "output_norm.weight": np.ones(WIDTH),
        "output.weight": random.normal(0, spread, (len(TOKENS), WIDTH)),
        "blk.0.attn_norm.weight": np.ones(WIDTH),
        "blk.0.ffn_norm.weight": np.ones(WIDTH),
        **{f"blk.0.attn_{name}.weight": random.normal(0, 0.3, (WIDTH, WIDTH)) for name in "qkv"},
        "blk.0.attn_output.weight": random.normal(0, 0.3, (WIDTH, WIDTH)),
        "blk.0.ffn_gate.weight": random.normal(0, 0.3, (INNER, WIDTH)),
        "blk.0.ffn_up.weight": random.normal(0, 0.3, (INNER, WIDTH)),
        "blk.0.ffn_down.weight": random.normal(0, 0.3, (WIDTH, INNER)),
    }
    said: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.context_length": 1024,
        "llama.embedding_length": WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.scores": [0.0] * len(TOKENS),
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * 256],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(said)))
    for name, value in said.items():
        out += _text(name) + _value(value)
    offset = 0
    for name, values in tensors.items():
        shape = values.shape[::-1]
        out += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        offset += -(-values.size * 4 // 32) * 32
    out += bytes(-len(out) % 32)
    for values in tensors.values():
        out += values.astype("<f4").tobytes()
        out += bytes(-len(out) % 32)
    path.write_bytes(out)


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    kind, form = {str: (_STRING, ""), float: (_FLOAT32, "<f"), int: (_INT32, "<i")}[type(value[0])]
    each = b"".join(_text(one) if form == "" else struct.pack(form, one) for one in value)
    return struct.pack("<IIQ", _ARRAY, kind, len(value)) + each

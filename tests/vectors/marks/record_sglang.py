"""Record what SGLang's detector and PyTorch selector compute, for the tests of `sglang-gumbel`.

    PYTHONPATH=folder python tests/vectors/marks/record_sglang.py

where `folder/sglang_watermarking/` holds `detector.py`, `config.py` and `core.py` of SGLang's
`python/sglang/srt/sampling/watermarking` (they need msgspec and torch, nothing else of SGLang). Writes `sglang.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from sglang_watermarking import core, detector  # type: ignore[import-not-found]

VERSION = "0.5.23"
KEY_A, KEY_B = "0123456789abcdef", "0xfedcba9876543210"


def logits(position: int, size: int) -> torch.Tensor:
    """Logits that are the same everywhere: multiples of 1/16, hardly two of them alike."""
    values = (torch.arange(size) * 37 + position * 17) % 131 - 56
    return values.to(torch.float32) / 16


def hashes() -> list[dict[str, Any]]:
    """Hashes of contexts, values and coins of a few odd inputs."""
    found = []
    for key in ("0", "1", KEY_A, KEY_B, "ffffffffffffffff"):
        number = detector.parse_watermark_key(key)
        other = detector.parse_watermark_key(KEY_B)
        for context in ([], [0], [7], [1, 2, 3, 4], [4294967295, 0, 128000], list(range(64))):
            place = detector.hash_context(context)
            for token in (0, 5, 4294967295):
                value = detector.watermark_hash(number, place, token)
                coin = detector.position_coin(number, other, place)
                found.append(
                    {
                        "key": key,
                        "context": context,
                        "token": token,
                        "hash": place,
                        "value": value,
                        "coin": coin,
                    }
                )
    return found


def generated(
    key_b: str | None, mixing: float, width: int, prompt: list[int], count: int, size: int
) -> list[int]:
    """Tokens of the selector; where a context is repeated, the most likely one."""
    numbers = [detector.parse_watermark_key(key) for key in (KEY_A, key_b) if key]
    tokens, seen = list(prompt), set()
    for position in range(count):
        context = tuple(tokens[-width:])
        row = logits(position, size)
        if context in seen:
            tokens.append(int(row.argmax()))
            continue
        seen.add(context)
        more = [torch.tensor(numbers[1:]), torch.tensor([int(mixing * 2**32)])] if key_b else []
        chosen = core.select_watermark_tokens_torch(
            torch.softmax(row, -1)[None],
            torch.tensor([detector.hash_context(context)]),
            torch.tensor(numbers[:1]),
            *more,
        )
        tokens.append(int(chosen))
    return tokens[len(prompt) :]


def read(
    key_b: str | None, mixing: float, width: int, prompt: list[int], tokens: list[int]
) -> dict[str, Any]:
    """What the detector says."""
    reader = detector.WatermarkDetector(KEY_A, key_b=key_b, mixing_probability=mixing, context_window=width)
    found = reader.detect_tokens(tokens, prompt_token_ids=prompt)
    return {
        "contexts": found.combined.num_contexts,
        "score": found.combined.score,
        "log_p": found.combined.log_p_value,
        "repeated": found.repeated_contexts,
        "skipped": found.skipped_initial_tokens,
    }


def main() -> None:
    """Run and write."""
    cases = []
    for key_b, mixing in ((None, 0.5), (KEY_B, 0.5), (KEY_B, 0.2)):
        for width, prompt, count, size in (
            (4, [9, 8, 7, 6, 5], 96, 300),
            (4, [3, 1], 60, 128),
            (1, [2], 80, 16),
            (2, [5, 5, 5], 64, 6),
            (16, list(range(20)), 40, 200),
        ):
            tokens = generated(key_b, mixing, width, prompt, count, size)
            case = {
                "key": KEY_A,
                "key_b": key_b,
                "mixing": mixing,
                "width": width,
                "size": size,
                "prompt": prompt,
            }
            said = read(key_b, mixing, width, prompt, tokens)
            alone = read(key_b, mixing, width, [], tokens)
            cases.append({**case, "tokens": tokens, "with_prompt": said, "without_prompt": alone})
    long = [(i * i) % 5003 for i in range(9000)]
    corners = [0, 1, 2**31 - 1, 2**31, 2**32 - 200, 2**32 - 129, 2**32 - 128, 2**32 - 2, 2**32 - 1]
    found = {
        "source": "https://github.com/sgl-project/sglang, python/sglang/srt/sampling/watermarking",
        "version": VERSION,
        "licence": "Apache-2.0",
        "recorded": f"by record_sglang.py, which ran its detector and its PyTorch selector (torch {torch.__version__})",
        "hashes": hashes(),
        "logs": [
            [corner, float(core._log_uniform_from_hash_torch(torch.tensor([corner]))[0])]
            for corner in corners
        ],
        "long": {"key": KEY_A, "rule": "i * i % 5003, i < 9000", "found": read(None, 0.5, 4, [1], long)},
        "cases": cases,
    }
    text = json.dumps(found, separators=(",", ":")).replace('{"key"', '\n{"key"')
    Path(__file__).with_name("sglang.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

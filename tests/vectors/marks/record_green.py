"""Record green lists of lm-watermarking, Unigram-Watermark and MarkLLM on the CPU, from their own classes.

    python tests/vectors/marks/record_green.py LM_WATERMARKING UNIGRAM MARKLLM

takes the folders of the three repositories; needs torch, transformers, nltk and scipy. Writes `kgw_others.json` and
`unigram.json` beside this file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
SOURCES = {
    "lm-watermarking": "jwkirchenbauer/lm-watermarking fb602de9f5ac4d70099e43d3c0d7ce93616a78b3 (Apache-2.0)",
    "unigram": "XuandongZhao/Unigram-Watermark b96cdb4d52771e3cbd543a9d9aeeaec8d0790ca2 (MIT)",
    "markllm": "THU-BPM/MarkLLM 112fa7419b115efc82f229a59a86fb14c5528c80 (Apache-2.0)",
}
HEADER = {"sources": SOURCES, "torch": torch.__version__, "numpy": np.__version__}
HEADER |= {"recorded": "tests/vectors/marks/record_green.py, on the CPU"}


def text(size: int, count: int, seed: int) -> torch.Tensor:
    """Token ids of a sort: few are frequent, some pairs come again, 0 among them."""
    generator = torch.Generator().manual_seed(seed)
    tokens = (torch.rand(count, generator=generator) ** 4 * size).to(torch.int64)
    tokens[count // 2 : count // 2 + 12] = tokens[3:15]
    tokens[7], tokens[20] = 0, size - 1
    return tokens


def flags(tokens: torch.Tensor, width: int, own: bool, listed: Any) -> str:
    """For each position from `width` on whether its token is in the list of what stands before it (or with it)."""
    return "".join(
        str(int(tokens[i] in torch.as_tensor(listed(tokens[: i + 1] if own else tokens[:i]))))
        for i in range(width, len(tokens))
    )


def lm_watermarking() -> list[dict[str, Any]]:
    """`simple_1`, its legacy lists, and `selfhash`."""
    import extended_watermark_processor as theirs  # type: ignore[import-not-found]

    found = []
    for size, scheme, direct in (
        (1000, "simple_1", True),
        (1000, "simple_1", False),
        (32_000, "selfhash", True),
        (1000, "ff-anchored_minhash_prf-2-True-77777777777", True),
    ):
        base = theirs.WatermarkBase(list(range(size)), 0.25, 2.0, scheme, direct)
        base.rng = torch.Generator()
        tokens = text(size, 60, size)
        own = base.self_salt
        settings = {"seeding_scheme": "selfhash" if own else scheme, "context_width": base.context_width}
        settings |= {"select_green_tokens": direct, "greenlist_ratio": 0.25, "engine": "lm-watermarking"}
        green = flags(tokens, base.context_width - own, own, base._get_greenlist_ids)
        found.append(case(size, settings, base.hash_key, tokens, base.context_width - own, green))
    return found


def markllm_kgw() -> list[dict[str, Any]]:
    """MarkLLM's left-hand schemes."""
    from watermark.kgw.kgw import KGWUtils  # type: ignore[import-not-found]

    found = []
    for function, width, key in (
        ("time", 1, 15485863),
        ("time", 3, 97),
        ("additive", 2, 2**33 + 1),
        ("skip", 3, 11),
    ):
        config = {"vocab_size": 1000, "gamma": 0.5, "hash_key": key, "prefix_length": width, "device": "cpu"}
        theirs = KGWUtils(SimpleNamespace(**config, f_scheme=function, window_scheme="left"))
        tokens = text(1000, 60, width)
        green = flags(tokens, width, False, theirs.get_greenlist_ids)
        settings = {"engine": "markllm", "f_scheme": function, "context_width": width, "greenlist_ratio": 0.5}
        found.append(case(1000, settings, key, tokens, width, green))
    return found


def case(
    size: int, settings: dict[str, Any], key: int, tokens: torch.Tensor, first: int, green: str
) -> dict[str, Any]:
    """One configuration as it's kept."""
    return {
        "vocab_size": size,
        "settings": settings,
        "key": key,
        "tokens": tokens.tolist(),
        "first": first,
        "green": green,
    }


def unigram() -> list[dict[str, Any]]:
    """Masks of both repositories, and the z score of distinct tokens."""
    import transformers  # type: ignore[import-not-found]

    transformers.LogitsWarper = transformers.LogitsProcessor  # the name that gptwm.py knows has gone
    import gptwm  # type: ignore[import-not-found]
    from watermark.unigram.unigram import UnigramUtils  # type: ignore[import-not-found]

    found = []
    for size, fraction, key in ((1000, 0.5, 0), (32_000, 0.25, 15485863), (128_256, 0.5, 2**40 + 3)):
        detector = gptwm.GPTWatermarkDetector(fraction, 2.0, size, key)
        mask = detector.green_list_mask.numpy().astype(np.uint8)
        theirs = UnigramUtils(SimpleNamespace(gamma=fraction, vocab_size=size, hash_key=key)).mask
        tokens = text(size, 80, size)
        found.append(
            {
                "vocab_size": size,
                "fraction": fraction,
                "key": key,
                "sha256": hashlib.sha256(mask.tobytes()).hexdigest(),
                "same in markllm": bool((theirs == mask.astype(bool)).all()),
                "tokens": tokens.tolist(),
                "z": float(detector.unidetect(tokens.tolist())),
            }
        )
    return found


def main() -> None:
    """Write both files."""
    for folder in sys.argv[1:]:
        sys.path.insert(0, folder)
    kgw = {**HEADER, "cases": lm_watermarking() + markllm_kgw()}
    (HERE / "kgw_others.json").write_text(json.dumps(kgw, separators=(",", ":")) + "\n")
    (HERE / "unigram.json").write_text(
        json.dumps({**HEADER, "cases": unigram()}, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main()

"""What torch says of 300 tokens of a novel by the shipped proxy: the known answer of `tests/mark/proxy`.

HEADWATER_CORPORA=… python benchmarks/marks/lm/golden.py tests/mark/fixtures
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import corpus
import gpt
import torch
from tokenizers import Tokenizer


def main() -> None:
    """Write `proxy_logs.json` beside the model."""
    folder = Path(sys.argv[1])
    model = gpt.load(str(folder / "proxy.npz"))
    text = corpus.prompt_texts(Path(os.environ["HEADWATER_CORPORA"]))[0][0][50_000:52_000]
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids[1:301]
    half = model.shape.window // 2
    chance, entropy = [0.0], [0.0]
    for start in range(0, len(tokens) - half - 1, half):
        rows = torch.tensor(tokens[start : start + model.shape.window + 1])
        with torch.inference_mode():
            logs = torch.log_softmax(model(rows[None, :-1])[0].double(), -1)
        fresh = slice(0 if start == 0 else half, None)
        chance += logs.gather(1, rows[1:, None])[fresh, 0].tolist()
        entropy += (-(logs.exp() * logs).sum(1))[fresh].tolist()
    kept = {
        "source": "benchmarks/marks/lm/golden.py: torch's forward pass; text of a novel in the public domain",
        "torch": torch.__version__,
        "tokens": tokens,
        "log_chance": [round(each, 5) for each in chance],
        "entropy": [round(each, 5) for each in entropy],
    }
    (folder / "proxy_logs.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

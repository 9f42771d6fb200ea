"""Train the tokenizer and the two models of the marks' benchmarks: the shipped proxy and the teacher.

    HEADWATER_CORPORA=… python benchmarks/marks/lm/train.py --out FOLDER [--only proxy|teacher]

Needs torch and tokenizers (not among the project's own dependencies); about ten minutes of one core each. The proxy and
its tokenizer are what `tests/mark/fixtures` holds; the teacher isn't kept in the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import corpus
import gpt
import numpy as np
import torch
from torch.nn import functional

SEED = {"proxy": 20261, "teacher": 20262}
SHAPE = {"proxy": gpt.Shape(width=128, heads=4, layers=4), "teacher": gpt.Shape(width=256, heads=8, layers=4)}
STEPS = {"proxy": 400, "teacher": 300}
BATCH = 8


def tokenizer(texts: list[str], out: Path) -> None:
    """A byte-level BPE of 4,096 tokens, saved as `tokenizer.json`."""
    from tokenizers import ByteLevelBPETokenizer

    made = ByteLevelBPETokenizer()
    made.train_from_iterator(texts, vocab_size=4096, special_tokens=["<|end|>"], show_progress=False)
    made.save(str(out))


def encoded(texts: list[str], path: Path) -> torch.Tensor:
    """All texts as one row of token ids, each ended by token 0."""
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_file(str(path))
    rows = [np.array([*row.ids, 0], np.int64) for row in tokens.encode_batch(texts)]
    return torch.from_numpy(np.concatenate(rows))


def rate(step: int, steps: int) -> float:
    """The share of the full learning rate: short warm-up, flat, linear to zero over the last 40%."""
    return min((step + 1) / 50, 1.0, max((steps - step) / (0.4 * steps), 0.0))


def test_loss(model: gpt.GPT, tokens: torch.Tensor) -> float:
    """Nats a token on the first 64 windows of `tokens`."""
    window = model.shape.window
    rows = tokens[: 64 * window + 1]
    with torch.no_grad():
        losses = [
            functional.cross_entropy(
                model(rows[i : i + window][None])[0], rows[i + 1 : i + window + 1]
            ).item()
            for i in range(0, 64 * window, window)
        ]
    return float(np.mean(losses))


def trained(name: str, tokens: torch.Tensor, held: torch.Tensor) -> tuple[gpt.GPT, dict[str, object]]:
    """A model trained from its seed, with what is worth recording."""
    torch.manual_seed(SEED[name])
    model, steps = gpt.GPT(SHAPE[name]), STEPS[name]
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embedding" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embedding" in n]
    makers = [
        torch.optim.Muon(matrices, lr=0.02, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(others, lr=0.002, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    base = [maker.param_groups[0]["lr"] for maker in makers]
    window, began, mean = model.shape.window, time.time(), 0.0
    for step in range(steps):
        starts = torch.randint(0, len(tokens) - window - 1, (BATCH,))
        rows = torch.stack([tokens[s : s + window + 1] for s in starts])
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(rows[:, :-1])
        loss = functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        for maker, full in zip(makers, base, strict=True):
            maker.param_groups[0]["lr"] = full * rate(step, steps)
            maker.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"{name} step {step} loss {mean:.3f} {time.time() - began:.0f} s", flush=True)
    model.eval()
    return model, {
        "seed": SEED[name],
        "steps": steps,
        "tokens_a_step": BATCH * window,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_loss_nats": round(mean, 3),
        "held_out_loss_nats": round(test_loss(model, held), 3),
        "training_tokens": len(tokens),
        "wall_s": round(time.time() - began),
    }


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=list(SHAPE))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    corpora = Path(os.environ["HEADWATER_CORPORA"])
    asked.out.mkdir(parents=True, exist_ok=True)
    words = asked.out / "tokenizer.json"
    if not words.exists():
        tokenizer(corpus.proxy_texts(corpora, None), words)
    held = encoded(corpus.prompt_texts(corpora)[0][:1], words)
    for name, texts in (("proxy", corpus.proxy_texts), ("teacher", corpus.teacher_texts)):
        if asked.only not in (None, name):
            continue
        model, record = trained(name, encoded(texts(corpora), words), held)
        gpt.save(
            model,
            str(asked.out / f"{name}.npz"),
            f"trained by benchmarks/marks/lm/train.py, seed {SEED[name]}",
        )
        torch.save(model.state_dict(), asked.out / f"{name}.pt")
        (asked.out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(record)


if __name__ == "__main__":
    main()

"""Best of drafts by words, on the same drafts: what a choice tells, and what DIPPER's paraphrase leaves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import sentence_pairs
import sentence_worlds as worlds

from headwater.mark import Mark, MarkKey, detect, scheme
from headwater.mark.choosing.embedder import NAMES, embedder
from headwater.mark.choosing.writing import WordWriter
from headwater.mark.tokenizer import Words

DRAFTS, TEXTS, WIDTH, SEED = (8, 16), 40, 3, 20261130


def read(cache: Path | None) -> dict[str, Any]:
    """On tune questions: nats a choice as written, and the share that is read at 0.01 before and after a paraphrase."""
    every = [embedder(name) for name in NAMES]
    pairs = sentence_pairs.pairs("tune", every[1], every, cache)
    told: dict[str, Any] = {"width": WIDTH, "texts": TEXTS, "sentences": worlds.SENTENCES}
    for drafts in DRAFTS:
        random = np.random.default_rng(SEED + drafts)
        clean, after = [], []
        for number in range(TEXTS):
            mark = Mark(
                "words",
                scheme("headwater-gumbel", {"width": WIDTH}),
                MarkKey("words", (number, SEED)),
                (Words(),),
            )
            writing, became = WordWriter(mark), []
            for options in worlds.pools(pairs.question, drafts, random):
                taken = writing.choose([pairs.sentences[each] for each in options])
                became.append(pairs.became[options[taken]])
            clean.append(writing.log_p())
            after.append(detect(" ".join(became), [mark]).readings[0].whole)
        level = np.log(0.01)
        told[str(drafts)] = {
            "nats a choice, as written": round(float(-np.mean(clean)) / worlds.SENTENCES, 3),
            "read at 0.01, as written": float(np.mean(np.array(clean) <= level)),
            "read at 0.01, paraphrased": float(np.mean(np.array(after) <= level)),
            "nats, paraphrased": round(float(-np.mean(after)), 2),
        }
    return told

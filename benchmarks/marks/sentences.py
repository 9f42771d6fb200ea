"""Marks on sentences: how many are still read after a real paraphraser, against what was predicted, and what they cost.

Texts of twenty sentences are chosen among drafts that have a real DIPPER paraphrase (`sentence_worlds`), and read from
the paraphrases. The prediction comes from the tune half alone, cross-fitted: projections fitted on one half of its
questions, texts from the other. The score part is opened by `--part score`. Every seed is fixed.

    python benchmarks/marks/sentences.py --date 2026-01-31 [--cache FOLDER] [--part NAME] … [--out FILE]
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sentence_bits
import sentence_fit
import sentence_pairs
import sentence_words
import sentence_worlds as worlds
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "detection"))
from intervals import clopper_pearson

import record
from headwater.mark.choosing.embedder import NAMES, embedder
from headwater.mark.choosing.features import features
from headwater.mark.choosing.projected import projected

SEED = 20261128
#: Drafts of a sentence, and how many pools of them; keys a pool.
POOLS = {4: 24, 8: 24, 16: 24, 64: 10}
#: The same for the score part, which is read in more ways.
SCORE_POOLS = {4: 8, 8: 8, 16: 12, 64: 8}
KEYS = 60
LEVELS = {"0.01": 2.3263478740408408, "0.001": 3.090232306167813}
#: What a paraphrase by a model such as GPT leaves of words beside what DIPPER leaves isn't measured here: a range.
ASSUMED_SURVIVAL = (0.6, 0.8)


def shares(found: list[float]) -> dict[str, Any]:
    """Mean score, and the share that is read at each level, with its interval over texts."""
    scores = np.array(found)
    told: dict[str, Any] = {"texts": len(scores), "mean_score": round(float(scores.mean()), 3)}
    for level, least in LEVELS.items():
        hits = int((scores > least).sum())
        low, high = clopper_pearson(hits, len(scores))
        told[level] = [round(hits / len(scores), 4), round(low, 4), round(high, 4)]
    return told


def kernels(world: worlds.World, essay: NDArray[np.int64]) -> dict[str, float]:
    """Mean correlation of a sentence's value with its paraphrase's, with others' of its question and of its essay."""
    kept = float((world.before * world.after).sum(axis=1).mean())
    topic, same = [], []
    for question in np.unique(world.question):
        here = np.flatnonzero(world.question == question)
        gram = world.before[here] @ world.before[here].T
        apart = essay[here][:, None] != essay[here][None, :]
        topic.append(gram[apart])
        same.append(gram[~apart & ~np.eye(len(here), dtype=bool)])
    return {
        "paraphrase": round(kept, 4),
        "same question": round(float(np.concatenate(topic).mean()), 4),
        "same essay": round(float(np.concatenate(same).mean()), 4),
    }


def edits(random: np.random.Generator) -> dict[str, Any]:
    """What is done to a text of twenty sentences."""
    return {
        "sentences reordered": random.permutation,
        "a quarter of sentences deleted": lambda seen: random.permutation(seen)[:15],
        "half of the sentences deleted": lambda seen: random.permutation(seen)[:10],
    }


def measured(parts: list[tuple[worlds.World, NDArray[np.int64]]], *, whole: bool) -> dict[str, Any]:
    """The shares over `parts`, worlds with the essays of their sentences; `whole`: with edits and strangers' keys."""
    told: dict[str, Any] = {"correlation": {}}
    seen = [kernels(world, essay) for world, essay in parts]
    told["correlation"] = {name: round(float(np.mean([each[name] for each in seen])), 4) for name in seen[0]}
    for drafts, count in (SCORE_POOLS if whole else POOLS).items():
        random = np.random.default_rng(SEED + drafts)
        clean: list[float] = []
        paraphrased: list[float] = []
        others: list[float] = []
        edited: dict[str, list[float]] = {}
        for number in range(count):
            world = parts[number % len(parts)][0]
            written = worlds.write(world, drafts, KEYS, random)
            clean += worlds.scores(world.before, written)
            paraphrased += worlds.scores(world.after, written)
            if whole:
                others += worlds.strangers(world.after, written, 1000, random)
                for name, edit in edits(random).items():
                    edited.setdefault(name, []).extend(worlds.scores(world.after, written, edit))
        one = {"clean": shares(clean), "paraphrased": shares(paraphrased)}
        one["nats a sentence, clean"] = round(float(np.mean(clean)) ** 2 / 2 / worlds.SENTENCES, 3)
        if whole:
            one["paraphrased and"] = {name: shares(each) for name, each in edited.items()}
            one["unrelated keys"] = shares(others)
        told[str(drafts)] = one
    return told


def tune(cache: Path | None) -> dict[str, Any]:
    """The prediction: projections from one half of the tune questions, texts from the other, and vice versa."""
    every = [embedder(name) for name in NAMES]
    told = {}
    for by in every:
        pairs = sentence_pairs.pairs("tune", by, every, cache)
        questions = np.unique(pairs.question)
        first = np.isin(pairs.question, questions[::2])
        parts = []
        for fit, other in ((first, ~first), (~first, first)):
            matrix = sentence_fit.fitted(pairs.part(fit), sentence_fit.WIDTH[by.name]).astype(np.float64)
            held = pairs.part(other)
            before, after = (
                each.astype(np.float64) @ matrix[:-1] + matrix[-1] for each in (held.of, held.after)
            )
            parts.append((worlds.world(before, after, held.question), held.essay))
        told[by.name] = measured(parts, whole=False)
    return told


def score(cache: Path | None) -> dict[str, Any]:
    """The held-out part, with the projections that are shipped."""
    every = [embedder(name) for name in NAMES]
    told = {}
    for by in every:
        pairs = sentence_pairs.pairs("score", by, every, cache)
        before, after = projected(pairs.of, by.name), projected(pairs.after, by.name)
        world = worlds.world(before, after, pairs.question)
        told[by.name] = measured([(world, pairs.essay)], whole=True)
        told[by.name]["distortion"] = distortion(world, pairs.sentences)
    return told


def distortion(world: worlds.World, sentences: list[str]) -> dict[str, Any]:
    """Texts of chosen sentences beside texts of drafts drawn at random, and how evenly drafts are chosen over keys."""
    told: dict[str, Any] = {}
    for name, fair in (("every draft has its chance", True), ("the highest score", False)):
        random = np.random.default_rng(SEED)
        uneven, chosen, drawn = [], [], []
        for _ in range(4):
            written = worlds.write(world, 16, 400, random, fair=fair)
            counts = np.stack([(written.chosen == each).sum() for each in written.pool.ravel()])
            uneven.append(counts / 400 * 16)
            chosen += [[sentences[each] for each in column] for column in written.chosen.T[:40]]
            pick = random.integers(16, size=(40, worlds.SENTENCES))
            drawn += [[sentences[written.pool[at, one]] for at, one in enumerate(row)] for row in pick]
        spread = np.concatenate(uneven)
        told[name] = {
            "chances over 1/m": [round(float(np.quantile(spread, each)), 3) for each in (0.05, 0.5, 0.95)],
            "chances over 1/m that counting alone gives": [
                round(float(binom.ppf(each, 400, 1 / 16)) / 400 * 16, 3) for each in (0.05, 0.5, 0.95)
            ],
            "marked": style(chosen),
            "drawn": style(drawn),
        }
    return told


def wordings(cache: Path | None) -> dict[str, Any]:
    """Another kind of paraphrase: PromptBench's instructions, each worded ten times by people; mean correlations."""
    path = sentence_pairs.corpora() / "paraphrase" / "promptbench" / "prompts.jsonl"
    kinds: dict[str, dict[str, None]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["method"] == "human_paraphrase":
            kinds.setdefault(row["task"], {})[row["prompt"]] = None
    texts = [text for found in kinds.values() for text in list(found)[:10]]
    task = np.repeat(np.arange(len(kinds)), [min(10, len(found)) for found in kinds.values()])
    told = {}
    for name in NAMES:
        by = embedder(name)
        rows = features(projected(sentence_pairs.embedded(texts, by, cache), name))
        gram, same = rows @ rows.T, task[:, None] == task[None, :]
        apart = ~np.eye(len(task), dtype=bool)
        told[name] = {
            "same instruction": round(float(gram[same & apart].mean()), 4),
            "another instruction": round(float(gram[~same].mean()), 4),
        }
    return told


def style(texts: list[list[str]]) -> dict[str, float]:
    """Distinct words and pairs of words in a text, and words a sentence: means over texts."""
    ones, twos, lengths = [], [], []
    for text in texts:
        words = " ".join(text).lower().split()
        ones.append(len(set(words)) / max(1, len(words)))
        twos.append(len(set(pairwise(words))) / max(1, len(words) - 1))
        lengths.append(len(words) / len(text))
    means = [round(float(np.mean(each)), 4) for each in (ones, twos, lengths)]
    return dict(zip(("distinct_1", "distinct_2", "words_a_sentence"), means, strict=True))


def predicted(found: dict[str, Any]) -> dict[str, Any]:
    """What a paraphraser would leave that keeps another share of a value's correlation than DIPPER: not measured.

    The mean score grows with the correlation that is kept beyond that of the topic; scores fall about it by 1.
    """
    topic, dipper = found["correlation"]["same question"], found["correlation"]["paraphrase"]
    told: dict[str, Any] = {}
    for kept in ASSUMED_SURVIVAL:
        each = {}
        for drafts in map(str, POOLS):
            mean = found[drafts]["paraphrased"]["mean_score"] * (kept - topic) / (dipper - topic)
            each[drafts] = {level: round(float(ndtr(mean - least)), 3) for level, least in LEVELS.items()}
        told[f"keeps {kept:.0%} of the correlation, where DIPPER keeps {dipper:.0%}"] = each
    return told


def main() -> None:
    """Run the parts that are asked for, and keep the others' figures."""
    parser = record.options(__doc__)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--plot", type=Path, help="draw the figure of both parts here (.svg)")
    parser.add_argument("--part", action="append", choices=["tune", "score", "bits", "wordings", "words"])
    asked = parser.parse_args()
    kept: dict[str, Any] = {}
    if asked.out and asked.out.exists():
        kept = json.loads(asked.out.read_text("utf-8"))
    parts = {
        "tune": tune,
        "score": score,
        "bits": sentence_bits.compared,
        "wordings": wordings,
        "words": sentence_words.read,
    }
    for name in asked.part or list(parts):
        began = time.perf_counter()
        kept[name] = {"date": asked.date, "revision": asked.revision, "figures": parts[name](asked.cache)}
        kept[name]["seconds"] = round(time.perf_counter() - began)
    if "tune" in kept:
        kept["predicted, other paraphrasers"] = predicted(kept["tune"]["figures"][NAMES[0]])
    kept["texts"] = {
        "sentences": worlds.SENTENCES,
        "pools": POOLS,
        "pools_of_score": SCORE_POOLS,
        "keys_a_pool": KEYS,
        "seed": SEED,
    }
    record.keep(kept, asked)
    if asked.plot:
        from sentence_plot import drawn

        asked.plot.write_text(drawn(kept), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What a mark does to text: the law of the next token averaged over keys, and how a prompt asked again is answered.

Laws: those of a trained model after pieces of novels; the token that is chosen under each of many keys is counted, and
held against the law by a chi-squared test (tokens expected fewer than five times together). Beside it, what would come
of the likeliest 64 alone, without the lump for the rest. Answers: the same prompts asked several times; distinct and
repeated n-grams, how much two answers to one prompt share (4-grams, self-BLEU's kind), perplexity under a second model;
intervals of 95% by resampling prompts.

    python benchmarks/marks/distortion.py --date 2026-01-31 --models FOLDER [--out FILE]

`--models`: the folder with `teacher.npz`, `proxy.npz` and `tokenizer.json` that `lm/train.py` makes; prompts come from
HEADWATER_CORPORA.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import texts

import record
from headwater.mark.bench.cached_gpt import CachedGPT
from headwater.mark.embed import Memory, Row, Rule, mark, rule_of
from headwater.mark.own import Gumbel, LayeredTilt, Tilt
from headwater.mark.proxy.gpt import GPT, load
from headwater.mark.scheme import MarkKey
from headwater.mark.tokenizer import load_tokenizer

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
KEYS, AT_ONCE, LAWS, TOP_K = 40_000, 4_000, 6, 64
PROMPTS, ANSWERS, LENGTH, PROMPT = 16, 6, 128, 32
TEMPERATURE = 0.7
PLAIN, FIRST, SECOND = MarkKey("plain", (11, 12)), MarkKey("account", (13, 14)), MarkKey("master", (15, 16))


def prompts(folder: Path, count: int) -> Ints:
    """Beginnings of pieces of novels, (count, PROMPT) token ids."""
    tokenizer = load_tokenizer("model", folder / "tokenizer.json")
    return np.array([tokenizer.encode(text).ids[:PROMPT] for text in texts.prose(count, 5)])


def tested(chosen: Ints, law: Floats) -> dict[str, Any]:
    """Counts of chosen tokens against a law: chi-squared with its p-value, and the total variation distance."""
    counts, expected = np.bincount(chosen, minlength=len(law)).astype(float), law * len(chosen)
    often = expected >= 5
    seen, due = (
        np.append(counts[often], counts[~often].sum()),
        np.append(expected[often], expected[~often].sum()),
    )
    square = float(((seen - due) ** 2 / due).sum())
    free = len(due) - 1
    noise = float(np.sqrt(due * (1 - due / len(chosen))).sum() * np.sqrt(2 / np.pi) / 2 / len(chosen))
    return {
        "chi_squared": round(square, 1),
        "degrees": free,
        "p": float(f"{gammaincc(free / 2, square / 2):.3g}"),
        "total_variation": round(float(np.abs(seen - due).sum() / 2 / len(chosen)), 5),
        "expected_by_chance": round(noise, 5),
    }


def laws(model: GPT, begun: Ints) -> list[dict[str, Any]]:
    """The law averaged over keys, for several laws at two temperatures."""
    random, rows = np.random.default_rng(1), []
    for temperature in (1.0, TEMPERATURE):
        logits = CachedGPT(model.at(model.temperature * temperature), begun[:LAWS]).logits()
        for number, row in enumerate(logits):
            law = np.exp(row.astype(float) - row.max())
            law /= law.sum()
            chosen, alone = [], []
            top = np.argsort(-law)[:TOP_K]
            cut = np.where(np.isin(np.arange(len(law)), top), row, -np.inf).astype(np.float32)
            for turn in range(KEYS // AT_ONCE):
                pairs = random.integers(1, 2**63, (AT_ONCE, 2)).tolist()
                answers = [Row(Rule("gumbel", 4, (a, b)), begun[number]) for a, b in pairs]
                chosen.append(mark(answers, np.tile(row, (AT_ONCE, 1)), top_k=TOP_K, random=random))
                if turn < 2:  # so few show it
                    alone.append(mark(answers, np.tile(cut, (AT_ONCE, 1)), top_k=TOP_K, random=random))
            entropy = float(-(law[law > 0] * np.log(law[law > 0])).sum())
            rows.append(
                {
                    "temperature": temperature,
                    "entropy": round(entropy, 3),
                    "keyed": round(float(law[top].sum()), 4),
                    "with_the_lump": tested(np.concatenate(chosen), law),
                    "likeliest_alone": tested(np.concatenate(alone), law),
                }
            )
            print(rows[-1], flush=True)
    return rows


def ways() -> dict[str, Callable[[int, Memory], tuple[Rule | None, Memory | None]]]:
    """How answers are marked: the rule of each answer, and whether contexts are remembered over answers."""
    gumbel = rule_of(Gumbel(), PLAIN)

    def of_account(answer: int) -> Rule:
        return rule_of(Gumbel(), MarkKey("one", (100 + answer, 7)))

    layered = rule_of(LayeredTilt(coin=(3, 4), delta=1.0), FIRST, SECOND)
    return {
        "unmarked": lambda _, __: (None, None),
        "gumbel, contexts of any answer seen": lambda _, memory: (gumbel, memory),
        "gumbel, contexts of this answer seen": lambda _, __: (gumbel, None),
        "gumbel, nothing seen": lambda _, __: (replace(gumbel, once=False), None),
        "gumbel, a key for each answer": lambda answer, _: (of_account(answer), None),
        "tilt 1": lambda _, __: (rule_of(Tilt(delta=1.0), PLAIN), None),
        "layered tilt 1": lambda _, __: (layered, None),
        "layered tilt 2": lambda _, __: (replace(layered, delta=2.0), None),
    }


def written(model: GPT, begun: Ints, way: Callable[[int, Memory], tuple[Rule | None, Memory | None]]) -> Ints:
    """Answers (prompts, answers, length) of one way, all to the same prompts; one after another in time."""
    random, memory = np.random.default_rng(2), Memory()
    tokens = np.empty((len(begun), ANSWERS, LENGTH), np.int64)
    asked = [way(answer, memory) for answer in range(ANSWERS)]
    rows = [
        [None if rule is None else Row(rule, prompt, kept) for rule, kept in asked]
        for prompt in begun.tolist()
    ]
    flat = [row for each in rows for row in each]
    stream = CachedGPT(model, np.repeat(begun, ANSWERS, axis=0))
    for place in range(LENGTH):
        scores = np.ascontiguousarray(stream.logits(), np.float32)
        mark(flat, scores, top_k=TOP_K, random=random)
        taken = np.argmax(scores + random.gumbel(size=scores.shape), axis=1)
        for row, token in zip(flat, taken.tolist(), strict=True):
            if row is not None:
                row.append(token)
        tokens[:, :, place] = taken.reshape(len(begun), ANSWERS)
        stream.append(taken)
    return tokens


def grams(text: Ints, n: int) -> set[tuple[int, ...]]:
    """The distinct n-grams of a text."""
    return set(zip(*(text[at : len(text) - n + 1 + at].tolist() for at in range(n)), strict=True))


def measured(answers: Ints, judge: GPT, begun: Ints) -> dict[str, Floats]:
    """By prompt: distinct 2-grams of its answers, repeated 4-grams in each, 4-grams shared, answers alike, nats."""
    found: dict[str, list[float]] = {
        name: [] for name in ("distinct_2", "repeated_4", "shared_4", "alike", "nats")
    }
    for prompt, group in zip(begun, answers, strict=True):
        found["distinct_2"].append(
            len(set().union(*(grams(each, 2) for each in group))) / (ANSWERS * (LENGTH - 1))
        )
        found["repeated_4"].append(float(np.mean([1 - len(grams(each, 4)) / (LENGTH - 3) for each in group])))
        shared, alike = [], []
        for at, one in enumerate(group):
            for two in group[:at]:
                ours, theirs = grams(one, 4), grams(two, 4)
                shared.append(len(ours & theirs) / max(len(ours | theirs), 1))
                alike.append(float(np.array_equal(one, two)))
        found["shared_4"].append(float(np.mean(shared)))
        found["alike"].append(float(np.mean(alike)))
        rows = np.concatenate([np.repeat(prompt[None], ANSWERS, 0), group], axis=1)
        logs = _judged(judge, rows)
        found["nats"].append(float(-np.take_along_axis(logs, group[:, :, None], 2).mean()))
    return {name: np.array(values) for name, values in found.items()}


def _judged(judge: GPT, rows: Ints) -> Floats:
    """Log laws (rows, length, tokens) of the places behind the prompt."""
    stream, logs = CachedGPT(judge, rows[:, :PROMPT]), []
    for place in range(PROMPT, rows.shape[1]):
        scores = stream.logits().astype(float)
        logs.append(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
        stream.append(rows[:, place])
    return np.stack(logs, axis=1)


def between(values: Floats) -> dict[str, float]:
    """The mean over prompts with its interval of 95%."""
    random = np.random.default_rng(3)
    means = values[random.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return {
        "mean": round(float(values.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def main() -> None:
    """Print the tables, and keep them."""
    parser = record.options(__doc__)
    parser.add_argument("--models", type=Path, required=True)
    asked = parser.parse_args()
    teacher, judge = load(asked.models / "teacher.npz"), load(asked.models / "proxy.npz")
    begun = prompts(asked.models, PROMPTS)
    averaged = laws(teacher, begun)
    table, plain = [], None
    for name, way in ways().items():
        found = measured(written(teacher.at(teacher.temperature * TEMPERATURE), begun, way), judge, begun)
        plain = plain or found
        more = between(found["nats"] - plain["nats"])
        table.append(
            {"way": name, **{each: between(values) for each, values in found.items()}, "nats_more": more}
        )
        print(table[-1], flush=True)
    result = {
        "date": asked.date,
        "revision": asked.revision,
        "model": teacher.name,
        "judge": judge.name,
        "keys": KEYS,
        "top_k": TOP_K,
        "laws": averaged,
        "answers": {
            "prompts": PROMPTS,
            "answers": ANSWERS,
            "tokens": LENGTH,
            "temperature": TEMPERATURE,
            "ways": table,
        },
    }
    record.keep(result, asked)


if __name__ == "__main__":
    main()

"""How much of the information limit each detector of marks reaches, and how many tokens it takes to p = 1e-6.

    python benchmarks/marks/efficiency.py --date 2026-11-28 --models FOLDER [--out FILE.json] [--plot FILE.svg]

Needs torch, HEADWATER_CORPORA and the `teacher.npz` of `benchmarks/marks/lm/train.py`. Evidence a unit is -ln p / n
by the exact law of the sum, over all scored answers of a seed together (n about 2,000: Bahadur's slope); the limit is
the mean entropy of the served laws over the same units. What is learned is learned on answers to prompts from the tune
novels, under other keys, and scored on answers to prompts from other novels.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "benchmarks/marks/lm"), str(ROOT / "benchmarks/marks")]

import corpus  # noqa: E402
import gpt  # noqa: E402
import numpy as np  # noqa: E402
import serve  # noqa: E402
import torch  # noqa: E402
import traffic as marks  # noqa: E402

import record  # noqa: E402
from headwater.mark import evidence, proxy  # noqa: E402
from headwater.mark.engines import kgw, synthid, vllm  # noqa: E402

FIXTURES = ROOT / "tests/mark/fixtures"
#: Nats a token that the teacher has at each (about: answers differ).
SETTINGS = {
    "0.72": serve.Setting(0.225),
    "1.24": serve.Setting(0.335),
    "2.4": serve.Setting(0.62, 0.95),
    "4.4": serve.Setting(0.93),
}
TUNE, SEEDS, EACH = 32, 3, 16
PROMPT, LENGTH = 32, 128
LEVEL = math.log(1e-6)
STARTS = 40
SHARE = 0.1

Detectors = dict[str, tuple[marks.Traffic, marks.Scored]]


@dataclass(frozen=True)
class World:
    """What all settings share. `unigram`: tokens as often as own traffic has them, for edits."""

    teacher: gpt.GPT
    coarse: dict[str, gpt.GPT]
    prompts: np.ndarray
    proxy: proxy.GPT


def prompts(corpora: Path, tokenizer: Path) -> np.ndarray:
    """Prompts (TUNE + SEEDS · EACH, PROMPT): the first from tune novels, the others from score novels."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(tokenizer))
    random, rows = np.random.default_rng(5), []
    for texts, count in zip(corpus.prompt_texts(corpora), (TUNE, SEEDS * EACH), strict=True):
        for number in range(count):
            text = texts[number % len(texts)]
            start = int(random.integers(20_000, len(text) - 20_000))
            rows.append(made.encode(text[start : start + 1000]).ids[1 : PROMPT + 1])
    return np.array(rows, np.int64)


def served(
    world: World, kind: str, scheme: Any, setting: serve.Setting, seed: int
) -> tuple[marks.Traffic, Any]:
    """Answers to all prompts, each under its own key."""
    random = np.random.default_rng(seed)
    keys = [scheme.random_key(random) for _ in world.prompts]
    sampler = serve.Sampler(kind, scheme, keys, seed)
    answers = serve.serve(world.teacher, world.prompts, LENGTH, setting, sampler)
    return marks.traffic(scheme, keys, answers), answers


def part(found: marks.Traffic, chosen: np.ndarray) -> np.ndarray:
    """Units of some answers."""
    return np.flatnonzero(found.rows(chosen))


def tune_rows() -> np.ndarray:
    """Which answers are for tuning."""
    return np.arange(TUNE + SEEDS * EACH) < TUNE


def classed(found: marks.Traffic, features: np.ndarray, steps: list[int]) -> tuple[evidence.Grid, np.ndarray]:
    """A grid learned on tune units, and the classes of all units."""
    cells = evidence.grid(features[part(found, tune_rows())], steps)
    return cells, cells.classes(features)


def gumbel_detectors(world: World, found: marks.Traffic, *, doubt: float = 0.01) -> Detectors:
    """Everything without the provider's laws, for keyed Gumbel marks."""
    null, tune = found.scheme.null, part(found, tune_rows())
    chance, values = found.chance[tune], found.values[tune]
    own = [line[found.prompt :] for line in found.tokens[:TUNE]]
    scorers: dict[str, marks.Scored] = {
        "engine: sum of -ln(1-u)": marks.table_scored(found, evidence.engine_sum(null)),
        "mixture, from marked values": marks.table_scored(found, evidence.mixture(null, values, doubt=doubt)),
        "mixture, from chances": marks.table_scored(
            found, evidence.mixture_of_chances(null, chance, doubt=doubt)
        ),
    }
    for name, reader, steps in (
        ("by class of token counts", proxy.counted(own, 4096), [10, 1]),
        ("by class of 3-token counts", proxy.counted(own, 4096, order=3), [10, 2]),
        ("by class of the proxy", world.proxy, [12, 3]),
    ):
        cells, classes = classed(found, marks.features(found, reader), steps)
        scorer = evidence.by_class_of_chances(null, chance, classes[tune], cells.count, doubt=doubt)
        scorers[name] = marks.table_scored(found, scorer, classes)
    cells, classes = classed(found, np.log(found.chance)[:, None], [24])
    best = evidence.by_class_of_chances(null, chance, classes[tune], cells.count, doubt=doubt)
    scorers["by class of the true chance (bound)"] = marks.table_scored(found, best, classes)
    return {name: (found, each) for name, each in scorers.items()}


def provider(
    model: gpt.GPT, found: marks.Traffic, setting: serve.Setting, log: np.ndarray | None = None
) -> tuple[marks.Traffic, marks.Scored]:
    """The provider's detector with laws recomputed by `model`, eight answers at a time and without a cache.

    `log`: answers as they were served (answers, n), which the model reads instead of the text that is tested: where
    the provider kept them, and the text stands token beside token with one of them.
    """
    own = proxy.counted([line[found.prompt :] for line in found.tokens[:TUNE]], 4096)
    common = np.exp(own.read(np.arange(4096)).log_chance)

    def recompute(asked: marks.Traffic) -> Iterator[Any]:
        return serve.recomputed(model, asked.tokens if log is None else log, asked.prompt, setting)

    race = marks.raced(found, recompute, common)
    tune = part(found, tune_rows())
    learned = marks.learned_from(marks.Raced(race.lag[tune], race.chance[tune], race.odd[tune]))
    return found, marks.provider_scored(learned, race)


def bits_detectors(world: World, found: marks.Traffic) -> Detectors:
    """SynthID's means and ours, or a green list's count and ours."""
    null, tune = found.scheme.null, part(found, tune_rows())
    layers = found.scheme.streams
    scorers = {}
    if layers > 1:
        scorers["engine: mean"] = marks.table_scored(
            found, evidence.engine_mean(null, weights=[1.0] * layers)
        )
        falling = evidence.engine_mean(null, weights=evidence.falling_weights(layers))
        scorers["engine: weighted mean"] = marks.table_scored(found, falling)
        scorers["by layer"] = marks.table_scored(found, evidence.mixture(null, found.values[tune]))
    else:
        scorers["engine: green tokens (z-test)"] = marks.table_scored(found, evidence.engine_mean(null))
    cells, classes = classed(found, marks.features(found, world.proxy), [8, 2])
    scorer = evidence.by_class(null, found.values[tune], classes[tune], cells.count)
    scorers["by class of the proxy"] = marks.table_scored(found, scorer, classes)
    return {name: (found, each) for name, each in scorers.items()}


def figures(detectors: Detectors) -> dict[str, Any]:
    """Of each detector: its share of the limit and nats a unit with standard errors, and units to p = 1e-6."""
    made: dict[str, Any] = {}
    for name, (found, scored) in detectors.items():
        shares, nats, reach = [], [], []
        for seed in range(SEEDS):
            rows = np.arange(TUNE + SEEDS * EACH)
            rows = (rows >= TUNE + seed * EACH) & (rows < TUNE + (seed + 1) * EACH)
            here = part(found, rows)
            log_p = scored.log_p(found.rows(rows))
            limit = found.limit_of(rows)
            shares.append(-log_p / limit)
            nats.append(-log_p / len(here))
            reach.append(marks.to_reach(scored, here, STARTS, LEVEL))
        made[name] = {
            "share_of_limit": round(float(np.mean(shares)), 4),
            "se": round(float(np.std(shares, ddof=1) / math.sqrt(SEEDS)), 4),
            "nats_a_unit": round(float(np.mean(nats)), 4),
            "tokens_to_1e-6": round(float(np.median(reach)), 1),
        }
    return made


def one_setting(
    world: World, setting: serve.Setting, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """All detectors of all schemes at one entropy."""
    made: dict[str, Any] = {"temperature": setting.temperature, "top_p": setting.top_p}
    for width in (4, 2):
        found, answers = served(world, "gumbel", vllm.Gumbel(width=width), setting, seed + width)
        if width == 4:
            own = np.concatenate([line[PROMPT:] for line in answers.tokens[:16]])
            world = replace(world, proxy=proxy.fitted(world.proxy, own))
            made["proxy_temperature"] = world.proxy.temperature
            made["entropy"] = round(float(answers.entropy.mean()), 3)
            made["entropy_of_units"] = round(found.limit / len(found), 3)
            made["share_of_tokens_marked"] = round(float(answers.marked.mean()), 3)
            detectors = gumbel_detectors(world, found)
            for name, model in world.coarse.items():
                detectors[f"provider, {name}"] = provider(model, found, setting)
            made["gumbel"] = figures(detectors)
            say("gumbel")
        others = answers.tokens[:TUNE, PROMPT:].ravel()
        changed = marks.edited(found, answers, SHARE, others, seed)
        after = gumbel_detectors(world, changed, doubt=0.4) if width == 4 else {}
        after = {name: after[name] for name in after if "engine" in name or "the proxy" in name}
        coarse = world.coarse["bfloat16 weights"]
        after["provider, bfloat16 weights"] = provider(coarse, changed, setting)
        after["provider, bfloat16 weights, served log"] = provider(coarse, changed, setting, answers.tokens)
        made[f"gumbel, width {width}, {SHARE:.0%} of tokens replaced"] = figures(after)
        say(f"edited {width}")
    found, _ = served(world, "synthid", synthid.SynthID(), setting, seed + 10)
    made["synthid"] = figures(bits_detectors(world, found))
    say("synthid")
    found, _ = served(world, "green", kgw.Kgw(4096), setting, seed + 11)
    made["kgw"] = figures(bits_detectors(world, found))
    say("kgw")
    return made


def main() -> None:
    """Measure and keep."""
    parser = record.options(__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began, cpu = time.time(), time.process_time()
    teacher = gpt.load(str(asked.models / "teacher.npz"))
    world = World(
        teacher,
        {
            "bfloat16 weights": serve.rounded(teacher, torch.bfloat16),
            "float16 weights": serve.rounded(teacher, torch.float16),
        },
        prompts(Path(os.environ["HEADWATER_CORPORA"]), FIXTURES / "tokenizer.json"),
        proxy.load(FIXTURES / "proxy.npz"),
    )
    result: dict[str, Any] = {"date": asked.date, "revision": asked.revision, "models": {}, "settings": {}}
    result["answers"] = {
        "tune": TUNE,
        "score": f"{SEEDS} seeds of {EACH}",
        "prompt": PROMPT,
        "length": LENGTH,
    }
    for name, path in (
        ("teacher", asked.models / "teacher.json"),
        ("proxy", FIXTURES / "proxy_training.json"),
    ):
        result["models"][name] = json.loads(path.read_text(encoding="utf-8"))
    for number, (name, setting) in enumerate(SETTINGS.items()):
        say = lambda what, name=name: print(name, what, f"{time.process_time() - cpu:.0f} s", file=sys.stderr)  # noqa: E731
        result["settings"][name] = one_setting(world, setting, 1000 * (1 + number % 2), say)
        if asked.out:  # what is measured is kept, should the rest be cut short
            asked.out.write_text(json.dumps(result) + "\n", encoding="utf-8")
    result["cpu_s"], result["wall_s"] = round(time.process_time() - cpu), round(time.time() - began)
    record.keep(result, asked)
    if asked.plot:
        from efficiency_plot import drawn

        asked.plot.write_text(drawn(result), encoding="utf-8")


if __name__ == "__main__":
    main()

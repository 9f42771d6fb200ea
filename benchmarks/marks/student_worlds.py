"""The worlds of the student experiment: which marks a teacher's answers carry, and what each student is trained on.

Every world of a seed has the same prompts, from novels that no model was trained on, and keys of its own. What was made
is kept in a folder, one file an answer set and one a student, and made only where it is missing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import corpus
import gpt
import numpy as np
import student_models
import student_paraphrase
import student_serve
import torch
from numpy.typing import NDArray
from student_serve import Mark

from headwater.mark import own
from headwater.mark.engines import vllm
from headwater.mark.scheme import MarkKey, Scheme

Ints = NDArray[np.int64]
PROMPT, LENGTH = 16, 112
#: Answers of the first seed, and of each other: half as much text, under other keys.
ANSWERS, FEWER = 2592, 1296
EPOCHS, RATE = 2, 0.5
#: The share of each of eight accounts, equal and not.
EQUAL = (0.125,) * 8
SHARES = (0.30, 0.20, 0.15, 0.12, 0.10, 0.07, 0.04, 0.02)
DILUTED = 0.1
EPOCH = "2026-11"


@dataclass(frozen=True)
class World:
    """One student's training text. `served`: the answer set that the provider marked; `how` the student got it.

    `accounts`: shares of the accounts that collected it, empty for one key.
    """

    name: str
    served: str
    scheme: str = ""
    settings: tuple[tuple[str, float], ...] = ()
    accounts: tuple[float, ...] = ()
    how: str = "whole"


def _world(name: str, scheme: str, *, accounts: tuple[float, ...] = (), **settings: float) -> World:
    return World(name, name, scheme, tuple(settings.items()), accounts)


MARKED = (
    World("unmarked", "unmarked"),
    _world("vllm-gumbel width 4", "vllm-gumbel", width=4),
    _world("tilt width 1", "headwater-tilt", width=1, delta=1.0),
    _world("tilt width 2", "headwater-tilt", width=2, delta=2.0),
    _world("gumbel width 2", "headwater-gumbel", width=2),
    _world("layered, 8 equal accounts", "headwater-layered", accounts=EQUAL, width=2),
    _world("layered tilt, 8 accounts", "headwater-layered-tilt", accounts=SHARES, width=2, delta=2.0),
)
#: In the order in which they are made, the most telling first; another seed only after all of one.
WORLDS = (
    *MARKED,
    replace(MARKED[1], name="vllm-gumbel width 4, 10% of the text", how="diluted"),
    replace(MARKED[2], name="tilt width 1, paraphrased", how="paraphrased"),
)
#: Of the first seed alone.
MORE = (
    _world("layered, 8 accounts", "headwater-layered", accounts=SHARES, width=2),
    replace(MARKED[4], name="gumbel width 2, 10% of the text", how="diluted"),
    replace(MARKED[4], name="gumbel width 2, paraphrased", how="paraphrased"),
)


@dataclass(frozen=True)
class Keyed:
    """A world's mark under the keys of one seed; what reads its key or the accounts' layer, and the master's."""

    mark: Mark
    scheme: Scheme | None
    master: Scheme | None = None


def keyed(world: World, seed: int) -> Keyed:
    """The keys of a world: made of its answer set's name and the seed."""
    if not world.scheme:
        return Keyed(Mark("none"), None)
    random = np.random.default_rng([seed, *world.served.encode()])
    settings: dict[str, Any] = dict(world.settings)
    settings["width"] = int(settings["width"])
    kind: Any = "tilt" if "tilt" in world.scheme else "gumbel"
    if not world.accounts:
        made: dict[str, Callable[..., Scheme]] = {
            "vllm-gumbel": vllm.Gumbel,
            "headwater-gumbel": own.Gumbel,
            "headwater-tilt": own.Tilt,
        }
        scheme = made[world.scheme](**settings)
        key = scheme.random_key(random)
        return Keyed(Mark(kind, keys=(key,), engine=world.scheme == "vllm-gumbel", **settings), scheme)
    layered: Any = own.LayeredTilt if kind == "tilt" else own.Layered
    master = MarkKey("master", own.Gumbel().random_key(random).numbers)
    coin = own.coin_of(master)
    keys = tuple(
        own.account_key(master, f"account {number}", EPOCH, scheme=world.scheme)
        for number in range(len(world.accounts))
    )
    mark = Mark(kind, keys=keys, master=master, coin=coin, **settings)
    return Keyed(mark, layered(coin=coin, **settings), layered(coin=coin, layer="master", **settings))


def answers_of(seed: int) -> int:
    """How many answers a seed's students have."""
    return FEWER if seed else ANSWERS


def owners(world: World, seed: int) -> Ints:
    """Whose each answer is (answers,)."""
    shares, count = world.accounts or (1.0,), answers_of(seed)
    ends = np.rint(np.cumsum(shares) * count).astype(np.int64)
    return np.searchsorted(ends, np.arange(count), side="right").astype(np.int64)


class Kept:
    """The folder of intermediate state: answers and students, made where they are missing."""

    def __init__(self, folder: Path, models: Path, corpora: Path, say: Callable[[str], None]) -> None:
        self.folder, self.corpora, self.say = folder, corpora, say
        folder.mkdir(parents=True, exist_ok=True)
        self.teacher = gpt.load(str(models / "teacher.npz"))
        self.base = gpt.load(str(models / "proxy.npz"))
        self.words = models / "tokenizer.json"

    def prompts(self, seed: int, count: int, *, probe: bool = False, length: int = PROMPT) -> Ints:
        """The first tokens of passages of novels (count, length): of one half for training, the other to probe."""
        from tokenizers import Tokenizer

        made, random = Tokenizer.from_file(str(self.words)), np.random.default_rng([seed, 77, probe])
        texts = corpus.prompt_texts(self.corpora)[int(probe)]
        chosen = [texts[number] for number in random.integers(0, len(texts), count)]
        starts = [int(random.integers(0, len(text) - 1500)) for text in chosen]
        most = max(200, 8 * length)
        passages = [text[start : start + most] for text, start in zip(chosen, starts, strict=True)]
        return np.array([row.ids[1 : length + 1] for row in made.encode_batch(passages)], np.int64)

    def answers(self, world: World, seed: int) -> Ints:
        """What the provider served (answers, prompt + length)."""
        path = self.path("answers", world.served, seed, ".npy")
        if not path.exists():
            began = time.process_time()
            random = np.random.default_rng([seed, 3])
            prompts = self.prompts(seed, answers_of(seed))
            random.shuffle(prompts)
            found = student_serve.serve(
                self.teacher, prompts, LENGTH, keyed(world, seed).mark, owners(world, seed), seed
            )
            self.save(path, found)
            self.say(f"served {world.served} {seed}: {time.process_time() - began:.0f} s")
        return np.load(path)[: answers_of(seed)].astype(np.int64)

    def held_answers(self) -> Ints:
        """Unmarked answers to other prompts, which no student sees (64, prompt + length)."""
        path = self.folder / "answers.held.npy"
        if not path.exists():
            prompts = self.prompts(3000, 64, probe=True)
            plain = np.zeros(len(prompts), np.int64)
            self.save(path, student_serve.serve(self.teacher, prompts, LENGTH, Mark("none"), plain, 3000))
        return np.load(path).astype(np.int64)

    def text(self, world: World, seed: int) -> Ints:
        """What the student is trained on (answers, prompt + length)."""
        served = self.answers(world, seed)
        if world.how == "diluted":
            mixed, count = self.answers(WORLDS[0], seed).copy(), int(DILUTED * answers_of(seed))
            mixed[:count] = served[:count]
            return mixed
        if world.how == "paraphrased":
            path = self.path("answers", world.name, seed, ".npy")
            if not path.exists():
                began = time.process_time()
                found = student_paraphrase.paraphrased(
                    self.teacher,
                    served,
                    PROMPT,
                    seed,
                    corpora=self.corpora,
                    words=self.words,
                    folder=self.folder,
                )
                self.save(path, found)
                self.say(f"paraphrased {world.name} {seed}: {time.process_time() - began:.0f} s")
            return np.load(path).astype(np.int64)
        return served

    def student(self, world: World, seed: int) -> gpt.GPT:
        """The base after training on the world's text."""
        path = self.path("student", world.name, seed, ".npz")
        if not path.exists():
            text = self.text(world, seed)
            began = time.process_time()
            model, losses = student_models.trained(
                self.base, text, PROMPT, epochs=EPOCHS, seed=seed, rate=RATE
            )
            spent = time.process_time() - began
            _model(model, path)
            path.with_suffix(".json").write_text(
                json.dumps({"cpu_s": round(spent), "losses": losses}) + "\n", encoding="utf-8"
            )
            self.say(f"trained {world.name} {seed}: {spent:.0f} s, loss {losses[0]} to {losses[-1]}")
        return gpt.load(str(path))

    def sibling(self) -> gpt.GPT:
        """The base after as much training on passages of novels that carry no mark."""
        path = self.folder / "sibling.npz"
        if not path.exists():
            rows = self.prompts(99, ANSWERS, length=PROMPT + LENGTH)
            model, losses = student_models.trained(self.base, rows, PROMPT, epochs=EPOCHS, seed=99, rate=RATE)
            _model(model, path)
            self.say(f"sibling: loss {losses[0]} to {losses[-1]}")
        return gpt.load(str(path))

    @staticmethod
    def save(path: Path, array: NDArray[Any]) -> None:
        """Keep token ids, whole or not at all."""
        part = path.with_suffix(".part.npy")
        np.save(part, array.astype(np.int16))
        part.rename(path)

    def path(self, kind: str, name: str, seed: int, suffix: str) -> Path:
        """Where something is kept."""
        plain = name.replace("%", "").replace(",", "").replace(" ", "-")
        return self.folder / f"{kind}.{plain}.{seed}{suffix}"


def _model(model: gpt.GPT, path: Path) -> None:
    part = path.with_suffix(".part.npz")
    gpt.save(model, str(part), "a student of benchmarks/marks/student.py")
    part.rename(path)


def make(kept: Kept, seeds: int) -> None:
    """Everything, in order."""
    torch.set_num_threads(1)
    for seed in range(seeds):
        for number, world in enumerate(WORLDS):
            kept.student(world, seed)
            if seed == number == 0:
                kept.sibling()
    for world in MORE:
        kept.student(world, 0)

"""The files of a plan, loaded: the source of laws, tokenizer, prompts, judge, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.mark.bench import attacks, markllm
from headwater.mark.bench.attacks import Attack
from headwater.mark.bench.entrant import Entrant, SchemeEntrant, entrant
from headwater.mark.bench.laws import CountedTexts, MadeLaws, Model, Source
from headwater.mark.bench.pen import Plain
from headwater.mark.bench.plan import KEYRING, Material, Plan, Spec
from headwater.mark.bench.reading import Words
from headwater.mark.bench.writing import Sharpening, fitted, write
from headwater.mark.keyring import load_keyring
from headwater.mark.proxy import GPT, Counts, Proxy, load
from headwater.mark.text import read_text
from headwater.mark.tokenizer import HuggingFace, load_tokenizer

Ints = NDArray[np.int64]
#: Tokens of a prompt.
PROMPT = 32
_FIT = 5


@dataclass(frozen=True)
class _Words:
    inner: HuggingFace

    def encode(self, text: str) -> Ints:
        return self.inner.encode(text).ids

    def decode(self, tokens: Ints) -> str:
        return self.inner.decode(tokens)


@dataclass(frozen=True)
class Loaded:
    """What a plan's files hold."""

    material: Material

    @cached_property
    def words(self) -> Words | None:
        """The tokenizer, where there is one."""
        path = self.material.tokenizer
        return None if path is None else _Words(load_tokenizer("bench", path))

    @cached_property
    def judge(self) -> Proxy | None:
        """The second model, where there is one."""
        path = self.material.judge
        return None if path is None else load(path)

    def source(self, entropy: float) -> Source:
        """Where laws come from; made ones have the entropy already."""
        if self.material.laws is None:
            return MadeLaws(entropy)
        return self._model

    @cached_property
    def _model(self) -> Source:
        path = self.material.laws
        assert path is not None
        found = load(path)
        if isinstance(found, Counts):
            source: Source = CountedTexts(found)
        elif isinstance(found, GPT):
            source = Model(found)
        else:
            raise UsageError("only a GPT or counts can write", where=Where(str(path)))
        words = self.words
        if isinstance(words, _Words) and (words.inner.vocab_size or 0) > source.size:
            what = "the tokenizer has more tokens than the model"
            raise ConfigurationError(what, where=Where(str(self.material.tokenizer)))
        return source

    def sharpening(self, entropy: float) -> Sharpening:
        """The sharpening at which laws have `entropy`."""
        source = self.source(entropy)
        return fitted(source, self.prompts(source, 16, _FIT), entropy, top_p=self.material.top_p, seed=_FIT)

    def prompts(self, source: Source, count: int, seed: int) -> Ints:
        """`count` prompts (count, 32): cut from the prompts' text, or else written by the source, unmarked."""
        random = np.random.default_rng([seed, count])
        if self.material.prompts is not None:
            if self.words is None:
                raise UsageError("a text of prompts needs --tokenizer")
            tokens = self.words.encode(read_text(self.material.prompts))
            if len(tokens) < PROMPT + 1:
                what = f"has fewer than {PROMPT} tokens"
                raise UsageError(what, where=Where(str(self.material.prompts)), hint="give a longer text")
            places = random.integers(len(tokens) - PROMPT, size=count)
            found: Ints = tokens[places[:, None] + np.arange(PROMPT)]
            return found
        first = random.integers(1, source.size, (count, 1))
        if isinstance(source, MadeLaws):
            return random.integers(1, source.size, (count, PROMPT))
        return write(source, Plain(random), first, PROMPT - 1, Sharpening()).tokens

    def entrant(self, scheme: Spec, size: int) -> Entrant:
        """Who takes part under a spec."""
        if scheme.name == KEYRING:
            return self._of_keyring(str(scheme.settings.get("mark")))
        if scheme.name.startswith(markllm.PREFIX):
            return markllm.entrant(scheme.name, scheme.settings, size)
        return entrant(scheme.name, scheme.settings, size)

    def _of_keyring(self, name: str) -> Entrant:
        assert self.material.keyring is not None
        ring = load_keyring(self.material.keyring)
        mark = next(mark for mark in ring.marks if mark.name == name)
        return SchemeEntrant(f"{mark.name} ({mark.scheme.name})", mark.scheme, None, mark.key)


@lru_cache(maxsize=4)
def loaded(material: Material) -> Loaded:
    """Each file is read once in a process."""
    return Loaded(material)


def schemes_of(plan: Plan) -> tuple[Spec, ...]:
    """Who takes part: the schemes that are named, and the marks of the keyring that aren't revoked."""
    found = list(plan.schemes)
    if plan.material.keyring is not None:
        ring = load_keyring(plan.material.keyring)
        found += [Spec(KEYRING, {"mark": mark.name}) for mark in ring.current()]
    return tuple(found)


def attacks_of(plan: Plan, words: Words | None) -> list[Attack]:
    """The plan's attacks, in its order. `UsageError` where one needs text and there is no tokenizer."""
    found = []
    for each in plan.attacks:
        made = attacks.attack(each.name, each.settings)
        if made.needs_text and words is None:
            raise UsageError(f"the attack {each.name} needs text", hint="give --laws and --tokenizer")
        found.append(made)
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise UsageError("two attacks are the same")
    return found


def checked(plan: Plan) -> None:
    """Raise what would be raised later: every scheme and attack is made once, every file read."""
    held = loaded(plan.material)
    attacks_of(plan, held.words)
    source = held.source(plan.entropies[0])
    for entropy in plan.entropies:
        held.source(entropy)
    labels = [held.entrant(each, source.size).label for each in schemes_of(plan)]
    if not labels:
        raise UsageError(
            "the keyring has no mark that isn't revoked", where=Where(str(plan.material.keyring))
        )
    if len(set(labels)) < len(labels):
        raise UsageError("two schemes are the same")
    _ = held.judge  # a file that is none is told now

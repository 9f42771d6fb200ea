"""A test by answers: prompts to somebody's model, its answers in order, every key's wealth, and when to stop.

How a model is asked is the caller's business: answers come one by one, and none is asked for once the rule says stop.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.errors import HeadwaterError, UnreadableInput, UsageError, Where
from headwater.mark.detection.verdict import Verdict
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.student.sequential import Rule, Sequential, Wealth
from headwater.mark.student.texts import lines_of
from headwater.mark.tokenizer import Tokenizer

#: Distinct pairs below which a key that isn't shown says nothing.
WANTED: Final = 20_000
#: Pairs of answers that were read at once say so to whoever watches.
Told = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Answer:
    """What a model said to a prompt; `tokens`: how many it was charged for, 0 where nobody said."""

    prompt: str
    text: str
    tokens: int = 0


@dataclass(frozen=True)
class Reader:
    """A key with one tokenizer, as answers are read under it."""

    name: str
    scheme: Scheme
    key: MarkKey
    tokenizer: Tokenizer
    account: str = ""


@dataclass(frozen=True)
class Heard:
    """One reader's result; `log_adjusted`: ln p with all readers counted."""

    name: str
    scheme: str
    tokenizer: str
    account: str
    wealth: Wealth
    log_adjusted: float
    verdict: Verdict


@dataclass(frozen=True)
class Answered:
    """All of them. `stopped`: evidence, queries spent, tokens spent, or no more answers; `unread`: answers that a
    tokenizer couldn't read."""

    heard: tuple[Heard, ...]
    alpha: float
    queries: int
    tokens: int
    stopped: str
    unread: int

    @property
    def found(self) -> tuple[Heard, ...]:
        """Those that stand."""
        return tuple(each for each in self.heard if each.verdict is Verdict.MARKED)

    @property
    def verdict(self) -> Verdict:
        """Of all together."""
        if self.found:
            return Verdict.MARKED
        enough = all(each.verdict is Verdict.NOT_SHOWN for each in self.heard)
        return Verdict.NOT_SHOWN if enough else Verdict.NOT_ENOUGH


def listen(
    readers: Sequence[Reader],
    answers: Iterable[Answer],
    rule: Rule,
    *,
    prompts: Sequence[str] = (),
    told: Told | None = None,
) -> Answered:
    """Read `answers` in their order until `rule` says stop, or there is none left.

    Every answer is read under every key before the next is asked for. `prompts`: all that may be asked; they are read
    first, and their contexts count in no answer. Raises `UsageError` without a reader, where the rule counts fewer
    keys than there are, or where a prompt alone would show a key: a model that repeats it would, too.
    """
    if not readers:
        raise UsageError("there is no key to test")
    if rule.keys < len(readers):
        raise UsageError("the rule counts fewer keys than are read")
    tests = [Sequential(each.scheme, each.key) for each in readers]
    for row, prompt in enumerate(prompts, 1):
        _ask(readers, tests, prompt, rule, row)
    known = set(prompts)
    queries = tokens = unread = 0
    stopped = ""
    for answer in answers:
        queries += 1
        if answer.prompt not in known:
            _ask(readers, tests, answer.prompt, rule, queries)
        longest = 0
        for reader, test in zip(readers, tests, strict=True):
            try:
                before = reader.tokenizer.encode(answer.prompt).ids
                after = reader.tokenizer.encode(answer.text).ids
                test.read(np.concatenate([before, after]), prompt=len(before))
                longest = max(longest, len(after))
            except HeadwaterError:
                unread += 1
        tokens += answer.tokens or longest
        if told:
            told("read answers", queries, rule.queries)
        if stopped := rule.why([test.log_p() for test in tests], queries, tokens):
            break
    level, heard = np.log(rule.alpha), []
    for reader, test in zip(readers, tests, strict=True):
        wealth = test.wealth()
        adjusted = min(0.0, wealth.log_p + float(np.log(rule.keys)))
        verdict = Verdict.NOT_SHOWN if wealth.units >= WANTED else Verdict.NOT_ENOUGH
        if adjusted <= level:
            verdict = Verdict.MARKED
        heard.append(
            Heard(
                reader.name,
                reader.scheme.name,
                reader.tokenizer.name,
                reader.account,
                wealth,
                adjusted,
                verdict,
            )
        )
    return Answered(tuple(heard), rule.alpha, queries, tokens, stopped or "no more answers", unread)


def _ask(readers: Sequence[Reader], tests: Sequence[Sequential], prompt: str, rule: Rule, row: int) -> None:
    """Take in a prompt under every key; `UsageError` where it alone would show one."""
    for reader, test in zip(readers, tests, strict=True):
        try:
            read = reader.tokenizer.encode(prompt).ids
        except HeadwaterError:
            continue
        if test.alone(read) <= np.log(rule.alpha / rule.keys):
            hint = "ask with prompts that nobody marked: a model that repeats them would seem to know the key"
            raise UsageError(
                f"the prompt carries the mark {reader.name}", where=Where("prompts", row), hint=hint
            )
        test.asked(read)


def prompts_of(path: Path) -> list[str]:
    """The prompts of a file of JSON lines: texts, or objects with `prompt`."""
    found = []
    for row, said in lines_of(path):
        prompt = said.get("prompt") if isinstance(said, dict) else said
        found.append(_text(prompt, path, row, "prompt"))
    if not found:
        raise UnreadableInput("holds no prompt", where=Where(str(path)))
    return found


def answers_of(path: Path) -> list[Answer]:
    """The answers of a file of JSON lines, objects with `prompt`, `answer` and, where known, `tokens`."""
    found = []
    for row, said in lines_of(path):
        if not isinstance(said, dict):
            raise UnreadableInput("is not a JSON object", where=Where(str(path), row))
        tokens = said.get("tokens", 0)
        if type(tokens) is not int or tokens < 0:
            raise UnreadableInput("is not a number of tokens", where=Where(str(path), row, "tokens"))
        prompt, text = (_text(said.get(name), path, row, name) for name in ("prompt", "answer"))
        found.append(Answer(prompt, text, tokens))
    return found


def answer_line(answer: Answer) -> str:
    """An answer as a line that `answers_of` reads."""
    said = {"prompt": answer.prompt, "answer": answer.text, "tokens": answer.tokens}
    return json.dumps(said, ensure_ascii=False) + "\n"


def prompts_digest(prompts: Sequence[str]) -> str:
    """SHA-256 of all prompts, in order."""
    return hashlib.sha256(json.dumps(list(prompts)).encode()).hexdigest()


def _text(value: Any, path: Path, row: int, field: str) -> str:
    if not isinstance(value, str):
        raise UnreadableInput("is not a text", where=Where(str(path), row, field))
    return value

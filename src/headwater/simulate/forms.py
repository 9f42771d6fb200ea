"""Templates with named slots: public wordings by reference, or a scenario's own text.

A form takes a content text (and, for grading, an answer and a criterion) and gives the prompt. Contents are
data: braces or markup in them change nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from headwater.errors import UsageError
from headwater.simulate.corpora import Corpora

_SLOT = re.compile(r"\{\{?\s*(\w*)\s*\}?\}")
#: What public templates call the slots that we fill.
_MEANING = {
    "task": "task", "instruction": "task", "input": "task", "question": "task", "text": "task", "": "task",
    "document": "task", "premise": "task", "prompt": "task", "argument_sentences": "task",
    "completion": "answer", "response": "answer", "answer": "answer", "summary": "answer",
    "chain_of_thought": "answer",
    "criteria": "criterion", "criterion": "criterion", "rubric": "criterion", "reference_answer": "reference",
    "ideal": "reference", "options_": "nothing", "options": "nothing", "number": "number",
}  # fmt: skip

#: Criteria for grading requests: short rubrics in plain words.
CRITERIA = (
    "Is the answer correct, and does every step follow from the one before it?",
    "Does the answer address everything that was asked, and nothing that was not?",
    "Would a beginner understand the explanation without further help?",
    "Score 1: wrong result. Score 3: right result, gaps in the reasoning. Score 5: right and complete.",
    "Is each claim in the answer supported by the question or by common knowledge?",
    "Is the answer as short as it can be without leaving anything out?",
    "Score 1: ignores the instruction. Score 3: follows it in part. Score 5: follows it in every point.",
    "Is the tone suitable and the language free of mistakes?",
    "Are the calculations carried out without error, with units where they belong?",
    "Does the code run as it stands, and does it handle empty and unexpected input?",
    "Does the answer say what is uncertain instead of guessing?",
    "Is the structure clear: first the result, then the reasons, then what remains open?",
)


class Given(NamedTuple):
    """What one request has to say: a content with its answer, a criterion, a personal number, 64 random bits."""

    task: str
    answer: str
    criterion: str
    number: str
    bits: int
    language: str


class Wording(Protocol):
    """Whatever makes a prompt of a content."""

    def write(self, given: Given) -> str:
        """The prompt of one request."""


@dataclass(frozen=True)
class Form:
    """One template: `pieces` of fixed text, and between them the meaning of each slot."""

    name: str
    pieces: tuple[str, ...]
    slots: tuple[str, ...]

    def write(self, given: Given) -> str:
        """The prompt of one request; a template has nothing to choose."""
        return self.fill(given.task, given.answer, given.criterion, given.number)

    def fill(self, task: str, answer: str, criterion: str, number: str = "") -> str:
        """The prompt: every slot replaced by what it means."""
        values = {
            "task": task,
            "answer": answer or task,
            "criterion": criterion,
            "reference": answer,
            "number": number,
            "nothing": "",
        }
        out = [self.pieces[0]]
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            out.append(values[slot])
            out.append(piece)
        return "".join(out)


def parse(name: str, text: str) -> Form:
    """A template text as a form. Raises `UsageError` where it has no slot for a task or an unknown one."""
    pieces: list[str] = []
    slots: list[str] = []
    last = 0
    for match in _SLOT.finditer(text):
        meaning = _MEANING.get(match[1].lower())
        if meaning is None:
            raise UsageError(
                f"the template {name!r} has an unknown slot {match[1]!r}",
                hint="slots are task, answer, criterion, number",
            )
        pieces.append(text[last : match.start()])
        slots.append(meaning)
        last = match.end()
    pieces.append(text[last:])
    if not {"task", "answer"} & set(slots):
        raise UsageError(
            f"the template {name!r} has no slot for a task", hint="write {task} where the text goes"
        )
    return Form(name, tuple(pieces), tuple(slots))


def forms(corpora: Corpora, reference: str) -> list[Form]:
    """The forms that a scenario's `templates` entry means.

    `judge:NAME`, `flan:TASK` and `promptbench:TASK` name public wordings (all that bear that label); anything
    else is a template text itself.
    """
    kind, _, name = reference.partition(":")
    if kind in ("judge", "flan", "promptbench") and re.fullmatch(r"[\w.\-]+(#\d+)?", name):
        name, _, number = name.partition("#")
        corpus = corpora.load(kind)
        found = [text for text, label in zip(corpus.texts, corpus.labels, strict=True) if label == name]
        if not found:
            raise UsageError(f"no public wording is named {reference!r}")
        if number:
            found = found[int(number) : int(number) + 1]
        return [_public(kind, f"{reference}#{i}", text) for i, text in enumerate(found)]
    return [parse(_short(reference), reference)]


@lru_cache(maxsize=4096)
def _public(kind: str, name: str, text: str) -> Form:
    if kind == "judge":
        # YAML registries hold the prompt as an indented block; the rest of the entry is not sent.
        block = re.search(r"^\s*prompt: \|-\n((?:[ ]{4}.*\n|\n)+)", text, flags=re.MULTILINE)
        if block:
            text = "\n".join(line[4:] for line in block[1].rstrip().split("\n"))
    if kind == "promptbench" and not re.search(r"\{(task|text)\}", text):
        text = text.replace("{}", "this text").rstrip() + "\n\n{task}"
    return parse(name, text)


def usable(corpora: Corpora, name: str) -> tuple[Form, ...]:
    """Every wording of a corpus that has a slot for a task and no slot that we cannot fill, nor an answer's."""
    found = []
    for i, text in enumerate(corpora.load(name).texts):
        try:
            form = parse(f"{name}#{i}", text)
        except UsageError:
            continue
        if set(form.slots) <= {"task", "nothing"} and form.slots.count("task") == 1:
            found.append(form)
    return tuple(found)


def _short(text: str) -> str:
    return text[:24].replace("\n", " ")

"""Prompts without a template: the same kind of request in words that are composed anew each time.

Every part is a choice of its own, from 64 random bits, so that the same request always gives the same text.
Placing, separators and the order of the parts vary too: no opening, closing or skeleton comes again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from headwater.simulate.forms import Form, Given
from headwater.simulate.phrases import RULES

Kind = Literal["reasoning", "grading", "code", "answers", "agent"]

_PART = re.compile(r"<(\w+)>")
_BREAKS = ("\n\n", "\n", " ", " ", "\n\n")
#: One remade prompt in so many holds a public wording in place of the bare text.
_PUBLIC = 8


class Dice:
    """Whole numbers out of 64 bits, one after another (splitmix64)."""

    def __init__(self, bits: int) -> None:
        self._state = bits

    def below(self, count: int) -> int:
        """The next number from 0 to `count` − 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = self._state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return ((z ^ z >> 31) >> 11) % count

    def of(self, options: tuple[str, ...]) -> str:
        """One of `options`."""
        return options[self.below(len(options))]


def phrase(rule: str, dice: Dice) -> str:
    """One phrase of the rule, all parts chosen."""
    return _PART.sub(lambda part: phrase(part[1], dice), dice.of(RULES[rule]))


def sentence(rule: str, dice: Dice) -> str:
    """A phrase with a beginning and an end, as people write them."""
    text = phrase(rule, dice)
    if dice.below(3):
        text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!:;-…。！" else text + dice.of((".", ".", "", "!", " :)", "...", " -"))


@dataclass(frozen=True)
class Remade:
    """A request of one kind, worded anew each time; `public` wordings take the bare text's place at times."""

    kind: Kind
    public: tuple[Form, ...] = ()

    def write(self, given: Given) -> str:
        """The prompt: the text (and, for grading, the answer to judge) among composed sentences."""
        dice = Dice(given.bits)
        text = given.task
        if self.public and self.kind != "grading" and dice.below(_PUBLIC) == 0:
            text = self.public[dice.below(len(self.public))].write(given)
        if given.language == "zh":
            return self._chinese(text, given, dice)
        if self.kind == "grading" and given.answer:
            return self._grading(given, dice)
        ask, gap = sentence(self.kind, dice), dice.of(_BREAKS)
        lead = sentence("lead", dice) if dice.below(5) < 3 else ""
        shape = dice.below(4)
        if shape == 0:
            parts = (lead, ask, text)
        elif shape == 1:
            parts = (lead, text, ask)
        elif shape == 2:
            parts = (ask, text, lead)
        else:
            parts = (text, ask, lead)
        return gap.join(part for part in parts if part)

    def _grading(self, given: Given, dice: Dice) -> str:
        ask, gap = sentence("grading", dice), dice.of(_BREAKS)
        asked, replied = (f"{sentence(rule, dice)}{dice.of((' ', gap))}" for rule in ("asked", "replied"))
        body = (asked + given.task, replied + given.answer)
        parts = (ask, *body) if dice.below(2) else (*body, ask)
        return gap.join(parts)

    def _chinese(self, text: str, given: Given, dice: Dice) -> str:
        if self.kind == "grading" and given.answer:
            text = f"{text}{dice.of(_BREAKS)}{given.answer}"
        ask, gap = phrase("zh", dice), dice.of(("\n", "。", "\n\n", " ", "："))
        return gap.join((ask, text) if dice.below(2) else (text, ask))


@dataclass(frozen=True)
class FollowUp:
    """A later turn of the same work: what came of it, some words of a tool's output, and what is wanted next."""

    def write(self, given: Given) -> str:
        """The prompt, with a passage of up to twenty words that differs from turn to turn."""
        dice = Dice(given.bits)
        words = (given.answer or given.task).split()
        start = dice.below(max(1, len(words) - 4))
        passage = " ".join(words[start : start + 4 + dice.below(17)])
        said = sentence("follow", dice)
        return said if dice.below(4) == 0 else f"{said}{dice.of(_BREAKS)}{passage}"

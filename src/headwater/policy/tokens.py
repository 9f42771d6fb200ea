"""The words and signs of a condition, read before CEL's own parser sees it, and how they stand to one another.

Only what the comparing part of CEL needs is a token at all. Which facts and functions there are is `condition`'s
business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headwater.policy.facts import FACTS
from headwater.policy.place import Place

#: Brackets inside one another; an evaluator in a thread with a small stack ends the process at 200.
MOST_NESTED = 20

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+)
    |(?P<text>'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<sign>&&|\|\||[=!<>]=|/(?!/)|[-+*%<>!?:,.()\[\]])""",
    re.VERBOSE | re.ASCII,
)
_MEANT = {"=": "==", "&": "&&", "|": "||"}
_OPEN, _CLOSED = ("(", "["), (")", "]")


class Token(NamedTuple):
    """A word or sign, and where it begins and ends; `kind`: text, number, name or sign."""

    kind: str
    text: str
    start: int
    end: int


class Part(NamedTuple):
    """A stretch of a condition that is an expression by itself; `logical` where it must be true or false."""

    text: str
    logical: bool


def words_in(text: str) -> int:
    """How many tokens there are in `text`, whatever else is in it."""
    return sum(1 for found in _TOKEN.finditer(text) if found.lastgroup != "space")


def tokens_of(text: str, place: Place) -> list[Token]:
    """The tokens of `text`; `ConfigurationError` at `place` for what has no place in a condition."""
    tokens: list[Token] = []
    at = depth = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _misplaced(text[at], place)
        token = Token(str(found.lastgroup), found[0], at, found.end())
        # CEL reads r'…' and '''…''' otherwise than they look.
        if token.kind == "text" and tokens and tokens[-1].end == at and tokens[-1].kind in ("text", "name"):
            raise place.fault(
                "a text follows directly on a name or a text", hint="write 'likely', in plain quotes"
            )
        depth += (token.text in _OPEN) - (token.text in _CLOSED)
        if depth > MOST_NESTED:
            raise place.fault(
                "the condition has too many brackets inside one another", hint=f"at most {MOST_NESTED}"
            )
        if token.kind != "space":
            tokens.append(token)
        at = token.end
    return tokens


def _misplaced(character: str, place: Place) -> Exception:
    if character in "'\"":
        return place.fault(
            "a text in the condition is not closed", hint="it ends on its line, with the same quote"
        )
    meant = _MEANT.get(character)
    hint = f"did you mean {meant}?" if meant else f"a condition compares facts: {', '.join(FACTS)}"
    return place.fault(f"the character {character!r} has no place in a condition", hint=hint)


def alone(tokens: Sequence[Token], at: int) -> bool:
    """Whether no sign makes something else of the token at `at`."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    return before not in (*"+-*/%.!",) and after not in (*"+-*/%.[(",)


def compared(tokens: Sequence[Token], at: int) -> Iterator[Token]:
    """What the name at `at` is compared with by ==, != or in, as far as that is written beside it."""
    others = [
        at + 2 * side
        for side in (-1, 1)
        if 0 <= at + 2 * side < len(tokens) and tokens[at + side].text in ("==", "!=")
    ]
    if [each.text for each in tokens[at + 1 : at + 3]] == ["in", "["]:
        others += range(at + 3, next(n for n in range(at + 3, len(tokens)) if tokens[n].text == "]"))
    return (tokens[other] for other in others if alone(tokens, other))


def parts(text: str, tokens: Sequence[Token]) -> Iterator[Part]:
    """Every operand of a logical operator and every argument, however deep; brackets are known to match."""
    begun: list[tuple[int, bool]] = [(0, False)]
    for token in (*tokens, Token("sign", ")", len(text), len(text))):
        if token.text in _OPEN:
            begun.append((token.end, False))
        elif token.text in (*_CLOSED, "&&", "||", "?", ":", ","):
            start, logical = begun.pop()
            part = text[start : token.start].strip()
            joins = token.text in ("&&", "||")
            if part and part != text.strip():
                yield Part(part, logical or joins or token.text == "?")
            if token.text not in _CLOSED:
                begun.append((token.end, joins))


def conjuncts(text: str, tokens: Sequence[Token]) -> list[str]:
    """What must all hold for `text` to hold: the operands of its outermost &&, or all of it."""
    found, begun, depth = [], 0, 0
    for token in tokens:
        depth += (token.text in _OPEN) - (token.text in _CLOSED)
        if depth == 0 and token.text in ("||", "?"):
            return [text]
        if depth == 0 and token.text == "&&":
            found.append(text[begun : token.start])
            begun = token.end
    return [*found, text[begun:]]

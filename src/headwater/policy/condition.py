"""A condition of a pack: the part of CEL that compares facts of a campaign and an account, checked where it is read.

CEL's own parser and evaluator do the work; they are handed only what costs them little: bounded length and depth (a
deep one overflows the evaluator's stack and ends the process), and neither loops nor patterns. Then every part is
tried on invented facts, those at its own thresholds among them. What fails on a real one is an error, never "no".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.policy.facts import FACTS, Facts, by_name
from headwater.policy.place import Place
from headwater.policy.regions import MEANT, REGIONS
from headwater.policy.tokens import Part, Token, alone, compared, parts, tokens_of
from headwater.policy.trials import LEAST_TRIALS, MOST_TRIALS, Trials

if TYPE_CHECKING:
    from cel import Program

MOST_CHARACTERS = 1000

#: Answers that are asked of one condition about places.
_MOST_ASKED = 3000
_WORDS = ("true", "false", "in")
#: None of them costs more than its argument is long, and none is a loop.
_FUNCTIONS = ("size", "contains", "startsWith", "endsWith", "int", "double")
_LOOPS = ("all", "exists", "exists_one", "existsOne", "filter", "map")
#: What a fact is called beside what it is compared with.
_CALLED = {"text": "a text", "number": "a number", "true or false": "true or false"}

_WHY: tuple[tuple[type[Exception], str, str], ...] = (
    (ZeroDivisionError, "division by zero", "ask first: exchanges > 0 && accounts / exchanges > 1"),
    (ArithmeticError, "a number of more than 64 bits", "reckon with double(exchanges)"),
    (LookupError, "there is nothing at that position", "write word in ['likely', 'confirmed']"),
    (
        TypeError,
        "types that don't go together",
        "CEL does not mix types: write size(word) > 3, not word > 3, and double(accounts) * 0.5",
    ),
    (Exception, "a function that can't take this", f"functions are {', '.join(_FUNCTIONS)}"),
)


class _Unanswered(Exception):  # noqa: N818  (a reason, worded by whoever knows the place)
    def __init__(self, why: str, hint: str) -> None:
        self.why, self.hint = why, hint
        super().__init__(why)


@dataclass(frozen=True)
class Scope:
    """What a condition may name: the pack's `programmes`, and traits where it `protects` (a limit, an overlay)."""

    programmes: tuple[str, ...] = ()
    protects: bool = False

    def facts(self) -> tuple[str, ...]:
        """The facts that may be named."""
        return tuple(name for name, fact in FACTS.items() if self.protects or not fact.protects_only)

    def words(self, name: str) -> tuple[str, ...]:
        """The closed list that the fact `name` is one of, or nothing."""
        return ("", *self.programmes) if name == "purpose" else FACTS[name].words


RAISES = Scope()


@dataclass(frozen=True)
class Condition:
    """A condition that was checked: its `text`, and where it stands."""

    text: str
    place: Place
    program: Program

    def holds(self, facts: Facts) -> bool:
        """Whether it holds for `facts`; `ConfigurationError` names pack, rule and condition where there's no answer."""
        return self.answer(by_name(facts))

    def answer(self, values: Mapping[str, object]) -> bool:
        """The same for facts by name."""
        try:
            answer = _answered(self.program, values)
        except _Unanswered as error:
            raise self.place.fault(
                f"the condition {_quoted(self.text)} cannot be evaluated{self._where(values)}: {error.why}",
                hint=error.hint,
            ) from None
        if isinstance(answer, bool):
            return answer
        found = type(answer).__name__
        raise self.place.fault(
            f"the condition {_quoted(self.text)} answers with {found}{self._where(values)}",
            hint="a condition is true or false: compare with == or >",
        )

    def _where(self, values: Mapping[str, object]) -> str:
        # Where an account is, or what it is called, is nobody's business in an error.
        shown = [name for name in self.program.variables() if name in values and name != "region"]
        named = [f"{name} = {values[name]!r}" for name in shown]
        return f" where {', '.join(named)}" if named else ""


def condition(text: str, place: Place, scope: Scope = RAISES) -> Condition:
    """`text` as a condition; `ConfigurationError` at `place` names its first fault."""
    if len(text) > MOST_CHARACTERS:
        raise place.fault(
            f"a condition of {len(text):,} characters is too long",
            hint=f"at most {MOST_CHARACTERS:,}: two rules may propose the same rung",
        )
    tokens = tokens_of(text, place)
    _check_names(tokens, place, scope)
    made = Condition(text, place, parsed(text, place))
    tried = trials_of([made], scope)
    _check_equalities(tokens, place, scope)
    _check_region(tokens, place)
    for part in parts(text, tokens):
        _check_part(part, tried, place)
    for values in tried.of(made.program.variables()):
        made.answer(values)
    _check_protection(made, tokens, tried)
    return made


def trials_of(conditions: Iterable[Condition], scope: Scope) -> Trials:
    """Trials with all figures and texts that the conditions name."""
    return Trials(*named_in(conditions), scope.programmes)


def named_in(conditions: Iterable[Condition]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The figures and the texts that the conditions name, each once."""
    tokens = [token for each in conditions for token in tokens_of(each.text, each.place)]
    numbers = dict.fromkeys(float(token.text) for token in tokens if token.kind == "number")
    texts = dict.fromkeys(_text_of(token) for token in tokens if token.kind == "text")
    return tuple(numbers), tuple(texts)


def nearest(name: str, names: Iterable[object]) -> str:
    """A hint: the one of `names` that was meant, or all of them."""
    known = sorted(str(each) for each in names)
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _check_names(tokens: Sequence[Token], place: Place, scope: Scope) -> None:
    for at, token in enumerate(tokens):
        if token.kind != "name" or token.text in _WORDS:
            continue
        name = token.text
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        if called or (at and tokens[at - 1].text == "."):
            if name in _FUNCTIONS and called:
                continue
            loop = "no fact is a list to go through: write one comparison after the other, with || or &&"
            raise place.fault(
                f"there is no function called {name}",
                hint=loop if name in _LOOPS else nearest(name, _FUNCTIONS),
            )
        if name not in FACTS:
            raise place.fault(f"there is no fact called {name}", hint=nearest(name, scope.facts()))
        if name not in scope.facts():
            raise place.fault(
                f"{name} has no place in a rule, which raises",
                hint="nobody is accused by a trait: name it in a limit or an overlay, which protect",
            )


def parsed(text: str, place: Place) -> Program:
    """CEL's program for `text`, which was checked or is part of what was; `ConfigurationError` where it is none."""
    import cel

    try:
        return cel.compile(text)
    except ValueError as error:
        reason = str(error).rpartition("ERROR: <input>:")[2].partition("\n")[0].partition(" expecting")[0]
        raise place.fault(
            f"the condition cannot be parsed: {reason}", hint="for example: probability >= 0.9 && groups >= 2"
        ) from None


def _text_of(token: Token) -> str:
    import cel

    return str(cel.evaluate(token.text))


def _check_equalities(tokens: Sequence[Token], place: Place, scope: Scope) -> None:
    """Refuse to compare a fact with what it can never be: CEL would answer no, and nobody would be told."""
    for at, token in enumerate(tokens):
        if token.text not in FACTS or not alone(tokens, at):
            continue
        kind, words = FACTS[token.text].type.removeprefix("whole "), scope.words(token.text)
        for other in compared(tokens, at):
            found = "true or false" if other.text in ("true", "false") else other.kind
            if found in _CALLED and found != kind:
                raise place.fault(
                    f"{token.text} is {_CALLED[kind]}, and never {other.text}",
                    hint="CEL does not mix types: 3 is not '3'",
                )
            if words and other.kind == "text" and (text := _text_of(other)) not in words:
                raise place.fault(
                    f"{token.text} is never {_quoted(text)}", hint=_meant(token.text, text, words)
                )


def _meant(name: str, text: str, words: Sequence[str]) -> str:
    if name == "region":
        if text.upper() in ("EU", "EEA"):
            return "write each state by its own code: region in ['AT', 'BE', …]"
        meant = MEANT.get(text.upper()) or (text.upper() if text.upper() in REGIONS else None)
        return (
            f"did you mean {meant}?"
            if meant
            else "an ISO 3166-1 code of two capital letters, such as 'DE'; or ''"
        )
    if name == "purpose" and len(words) == 1:
        return "it is the name of a programme, and this pack lists none under programmes"
    return nearest(text, filter(None, words))


def _check_region(tokens: Sequence[Token], place: Place) -> None:
    for at, token in enumerate(tokens):
        if token.kind != "name" or token.text != "region":
            continue
        others = [other for other in compared(tokens, at) if other.kind != "sign"]
        if not others or any(other.kind != "text" for other in (*others, *_listed(tokens, at))):
            raise place.fault(
                "region is compared with places by == or in", hint="write region in ['DE', 'FR']"
            )


def _listed(tokens: Sequence[Token], at: int) -> Iterator[Token]:
    """What stands in the list behind `in`: places, and nothing that would have to be reckoned."""
    if [each.text for each in tokens[at + 1 : at + 3]] == ["in", "["]:
        for each in tokens[at + 3 :]:
            if each.text == "]":
                return
            if each.text != ",":
                yield each


def _told_apart(tokens: Sequence[Token]) -> list[str]:
    """One place of each sort that the condition tells apart: those named in the same comparisons are one sort."""
    sites = [
        {_text_of(other) for other in compared(tokens, at) if other.kind == "text"}
        for at, token in enumerate(tokens)
        if token.kind == "name" and token.text == "region"
    ]
    sorts = {tuple(region in site for site in sites): region for region in sorted(REGIONS, reverse=True)}
    return list(sorts.values())


def _check_protection(made: Condition, tokens: Sequence[Token], tried: Trials) -> None:
    """Refuse a condition that takes protection away from a place: what holds where nobody knows, holds there too."""
    names = made.program.variables()
    if "region" not in names:
        return
    regions = _told_apart(tokens)
    most = min(MOST_TRIALS, max(LEAST_TRIALS, _MOST_ASKED // len(regions)))
    for values in tried.of([name for name in names if name != "region"], most):
        if not made.answer({**values, "region": ""}):
            continue
        for region in regions:
            if not made.answer({**values, "region": region}):
                raise made.place.fault(
                    f"the condition {_quoted(made.text)} holds where no region is known, and not in {region}",
                    hint="a place adds protection and takes none away: name those that have more, with == or in",
                )


def _check_part(part: Part, tried: Trials, place: Place) -> None:
    """Refuse a part that no facts have an answer to: within the whole it may be passed over today, and met once."""
    program = parsed(part.text, place)
    reason: _Unanswered | None = None
    for values in tried.of(program.variables()):
        try:
            answer = _answered(program, values)
        except _Unanswered as error:
            reason = error
            continue
        if part.logical and not isinstance(answer, bool):
            raise place.fault(
                f"the part {_quoted(part.text)} answers with {type(answer).__name__}, not with true or false",
                hint="&&, || and ? : join what is true or false",
            )
        return
    if reason is not None:
        raise place.fault(
            f"the part {_quoted(part.text)} of the condition cannot be evaluated: {reason.why}",
            hint=reason.hint,
        )


def _answered(program: Program, values: Mapping[str, object]) -> object:
    try:
        return program.execute({name: values[name] for name in program.variables() if name in values})
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        why, hint = next((why, hint) for kind, why, hint in _WHY if isinstance(error, kind))
        # CEL's own words may quote the values.
        raise _Unanswered(why, hint) from None


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= 120 else text[:119] + '…'}”"

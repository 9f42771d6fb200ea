"""A condition of a pack: the part of CEL that compares the facts of one campaign, checked where it is read.

CEL's own parser and evaluator do the work; they are handed only what costs them little: bounded length and depth (a
deep one overflows the evaluator's stack and ends the process), and neither loops nor patterns. Then every part is
tried on invented campaigns, those at its own thresholds among them. What fails on a real one is an error, never "no".
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, NamedTuple, get_args

from headwater.detect import Kind, Word
from headwater.policy.facts import Facts
from headwater.policy.place import Place

if TYPE_CHECKING:
    from cel import Program

MOST_CHARACTERS = 1000
#: Brackets inside one another; an evaluator in a thread with a small stack ends the process at 200.
MOST_NESTED = 20
MOST_TRIALS = 300
#: Shares no factor with the number of combinations: all are met before one comes again.
_STRIDE = 1_000_003

_FACTS = tuple(fact.name for fact in fields(Facts))
_WORDS = ("true", "false", "in")
#: None of them costs more than its argument is long, and none is a loop.
_FUNCTIONS = ("size", "contains", "startsWith", "endsWith", "int", "double")
_LOOPS = ("all", "exists", "exists_one", "existsOne", "filter", "map")
#: Facts that take one of a closed list of words.
_SCALES: dict[str, tuple[str, ...]] = {"word": get_args(Word), "kind": get_args(Kind)}
_TEXTS = ("word", "kind", "declared")

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+)
    |(?P<text>'(?:[^'\\\r\n]|\\.)*'|"(?:[^"\\\r\n]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<sign>&&|\|\||[=!<>]=|/(?!/)|[-+*%<>!?:,.()\[\]])""",
    re.VERBOSE | re.ASCII,
)
_MEANT = {"=": "==", "&": "&&", "|": "||"}

#: What a campaign may look like, fact by fact; the first of each where a condition doesn't name it.
_USUAL: dict[str, tuple[object, ...]] = {
    **_SCALES,
    "probability": (0.999, 0.5, 0.0, 1.0),
    "chance": (0.001, 0.5, 30.0),
    "accounts": (1200, 1, 2),
    "exchanges": (400_000, 0, 1, 10**9),
    "firm": (1200, 0, 1, 2),
    "groups": (4, 0, 1, 2),
    "declared": ("", "partner: a", "evaluator: b"),
}
#: The least and the largest that a number in a condition is tried as.
_RANGE = {
    "probability": (0, 1),
    "chance": (0.001, 1e6),
    "accounts": (1, 10**9),
    "exchanges": (0, 10**12),
    "firm": (0, 10**9),
    "groups": (0, 100),
}

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


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Part(NamedTuple):
    """A stretch of a condition that is an expression by itself; `logical` where it must be true or false."""

    text: str
    logical: bool


class _Unanswered(Exception):  # noqa: N818  (a reason, worded by whoever knows the place)
    def __init__(self, why: str, hint: str) -> None:
        self.why, self.hint = why, hint
        super().__init__(why)


@dataclass(frozen=True)
class Condition:
    """A condition that was checked: its `text`, and where it stands."""

    text: str
    place: Place
    program: Program

    def holds(self, facts: Facts) -> bool:
        """Whether it holds for `facts`; `ConfigurationError` names pack, rule and condition where there's no answer."""
        return self.answer(asdict(facts))

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
        named = [f"{name} = {values[name]!r}" for name in self.program.variables() if name in values]
        return f" where {', '.join(named)}" if named else ""


def condition(text: str, place: Place) -> Condition:
    """`text` as a condition; `ConfigurationError` at `place` names its first fault."""
    if len(text) > MOST_CHARACTERS:
        raise place.fault(
            f"a condition of {len(text):,} characters is too long",
            hint=f"at most {MOST_CHARACTERS:,}: two rules may propose the same rung",
        )
    tokens = _tokens(text, place)
    _check_names(tokens, place)
    made = Condition(text, place, _parsed(text, place))
    texts = [(token, _text_of(token)) for token in tokens if token.kind == "text"]
    _check_equalities(tokens, dict(texts), place)
    tried = _Trials([float(t.text) for t in tokens if t.kind == "number"], [value for _, value in texts])
    for part in _parts(text, tokens):
        _check_part(part, tried, place)
    for values in tried.of(made.program.variables()):
        made.answer(values)
    return made


def nearest(name: str, names: Iterable[object]) -> str:
    """A hint: the one of `names` that was meant, or all of them."""
    known = sorted(str(each) for each in names)
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _tokens(text: str, place: Place) -> list[_Token]:
    tokens: list[_Token] = []
    at = depth = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _misplaced(text[at], place)
        token = _Token(str(found.lastgroup), found[0], at, found.end())
        # CEL reads r'…' and '''…''' otherwise than they look.
        if token.kind == "text" and tokens and tokens[-1].end == at and tokens[-1].kind in ("text", "name"):
            raise place.fault(
                "a text follows directly on a name or a text", hint="write 'likely', in plain quotes"
            )
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
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
    hint = f"did you mean {meant}?" if meant else f"a condition compares facts: {', '.join(_FACTS)}"
    return place.fault(f"the character {character!r} has no place in a condition", hint=hint)


def _check_names(tokens: Sequence[_Token], place: Place) -> None:
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
        if name not in _FACTS:
            raise place.fault(f"there is no fact called {name}", hint=nearest(name, _FACTS))


def _parsed(text: str, place: Place) -> Program:
    import cel

    try:
        return cel.compile(text)
    except ValueError as error:
        reason = str(error).rpartition("ERROR: <input>:")[2].partition("\n")[0].partition(" expecting")[0]
        raise place.fault(
            f"the condition cannot be parsed: {reason}", hint="for example: probability >= 0.9 && groups >= 2"
        ) from None


def _text_of(token: _Token) -> str:
    import cel

    return str(cel.evaluate(token.text))


def _check_equalities(tokens: Sequence[_Token], texts: Mapping[_Token, str], place: Place) -> None:
    """Refuse to compare a fact with what it can never be: CEL would answer no, and nobody would be told."""
    for at, token in enumerate(tokens):
        if token.text not in _FACTS or not _alone(tokens, at):
            continue
        kind, scale = ("text" if token.text in _TEXTS else "number"), _SCALES.get(token.text)
        for other in _compared(tokens, at):
            if other.kind in ("text", "number") and other.kind != kind:
                raise place.fault(
                    f"{token.text} is a {kind}, and never {other.text}",
                    hint="CEL does not mix types: 3 is not '3'",
                )
            if scale and other in texts and texts[other] not in scale:
                raise place.fault(
                    f"{token.text} is never {_quoted(texts[other])}", hint=nearest(texts[other], scale)
                )


def _compared(tokens: Sequence[_Token], at: int) -> Iterator[_Token]:
    """What the name at `at` is compared with, as far as that is written beside it."""
    others = [
        at + 2 * side
        for side in (-1, 1)
        if 0 <= at + 2 * side < len(tokens) and tokens[at + side].text in ("==", "!=")
    ]
    if [each.text for each in tokens[at + 1 : at + 3]] == ["in", "["]:
        others += range(at + 3, next(n for n in range(at + 3, len(tokens)) if tokens[n].text == "]"))
    return (tokens[other] for other in others if _alone(tokens, other))


def _alone(tokens: Sequence[_Token], at: int) -> bool:
    """Whether no sign makes something else of the token at `at`."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    return before not in (*"+-*/%.!",) and after not in (*"+-*/%.[(",)


def _parts(text: str, tokens: Sequence[_Token]) -> Iterator[_Part]:
    """Every operand of a logical operator and every argument, however deep; brackets are known to match."""
    begun: list[tuple[int, bool]] = [(0, False)]
    for token in (*tokens, _Token("sign", ")", len(text), len(text))):
        if token.text in ("(", "["):
            begun.append((token.end, False))
        elif token.text in (")", "]", "&&", "||", "?", ":", ","):
            start, logical = begun.pop()
            part = text[start : token.start].strip()
            joins = token.text in ("&&", "||")
            if part and part != text.strip():
                yield _Part(part, logical or joins or token.text == "?")
            if token.text not in (")", "]"):
                begun.append((token.end, joins))


def _check_part(part: _Part, tried: _Trials, place: Place) -> None:
    """Refuse a part that no campaign has an answer to: within the whole it may be passed over today, and met once."""
    program = _parsed(part.text, place)
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
        return program.execute(dict(values))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        why, hint = next((why, hint) for kind, why, hint in _WHY if isinstance(error, kind))
        # CEL's own words may quote the values.
        raise _Unanswered(why, hint) from None


class _Trials:
    """Invented campaigns, made of what campaigns look like and of the figures and texts that a condition names."""

    def __init__(self, numbers: Sequence[float], texts: Sequence[str]) -> None:
        self._values = dict(_USUAL)
        self._values["declared"] = tuple(dict.fromkeys((*_USUAL["declared"], *texts)))
        for name, (least, most) in _RANGE.items():
            whole = isinstance(_USUAL[name][0], int)
            near = [n + step for n in numbers for step in ((-1, 0, 1) if whole else (0,))]
            inside = [int(n) if whole else n for n in near if least <= n <= most]
            self._values[name] = tuple(dict.fromkeys((*_USUAL[name], *inside)))

    def of(self, names: Sequence[str]) -> Iterator[dict[str, object]]:
        """All combinations of the facts that are named, or `MOST_TRIALS` of them, spread evenly."""
        varied = [(name, self._values[name]) for name in names if name in self._values]
        usual = {name: values[0] for name, values in _USUAL.items()}
        total = math.prod(len(values) for _, values in varied)
        for n in range(min(total, MOST_TRIALS)):
            chosen = dict(usual)
            at = n * _STRIDE % total
            for name, values in varied:
                at, digit = divmod(at, len(values))
                chosen[name] = values[digit]
            yield chosen


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= 120 else text[:119] + '…'}”"

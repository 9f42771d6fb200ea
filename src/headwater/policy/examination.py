"""What a pack that loads may still get wrong: lines that never decide, and customers who are told too little.

Trials are invented, so that what is never met in them may be met once; a remark says what was looked for. Faults are
`pack`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headwater.detect import NO_RULE
from headwater.errors import HeadwaterError
from headwater.policy.condition import Condition, named_in, parsed
from headwater.policy.decision import Decider
from headwater.policy.facts import Facts
from headwater.policy.order import Outcome, raised_by
from headwater.policy.pack import Pack, Rule
from headwater.policy.rungs import REASON_CLASS, Rung
from headwater.policy.tokens import conjuncts, tokens_of, words_in
from headwater.policy.trials import Trials, spread

#: Invented facts that each line is tried on, at most and at least; a long pack gets fewer.
MOST_TRIED, LEAST_TRIED = 3000, 100
#: Trials of all lines alone, and words of conditions that are gone through for all lines together: each line for which
#: a trial holds asks all the others. Some microseconds, and a fifth of one.
MOST_ALONE, MOST_TOGETHER = 100_000, 15_000_000
#: What a trial costs besides its words, in words.
_BESIDE = 200
#: Figures of other lines that a line is tried on, at most.
_MOST_OTHERS = 100


@dataclass(frozen=True)
class Remark:
    """Something in a pack that a person should look at: the line (`rules.hold`), what is odd, and what to do."""

    line: str
    what: str
    hint: str


@dataclass(frozen=True)
class _Met:
    """One invented account that a line holds for: the facts by name, and what the pack says of it."""

    values: Mapping[str, object]
    outcome: Outcome
    raised: str


def examine(pack: Pack) -> tuple[Remark, ...]:
    """What a person should look at in `pack`, in the order of its lines."""
    return (*_told(pack), *_automatic(pack), *_reached(pack))


def _told(pack: Pack) -> Iterator[Remark]:
    """Rules that tell the customer less than they could."""
    acting = [rule for rule in pack.rules if rule.rung is not Rung.OBSERVE]
    if silent := [rule for rule in acting if "reason_class" not in rule.said]:
        classes = ", ".join(dict.fromkeys(rule.reason_class for rule in silent))
        yield Remark(
            _lines(silent),
            f"names no reason class; the customer is told what is usual for the rung: {classes}",
            "write reason_class where another one fits better",
        )
    vague = [
        rule
        for rule in acting
        if rule.reason_class == "person-decided" and REASON_CLASS[rule.rung] != "person-decided"
    ]
    if vague:
        yield Remark(
            _lines(vague),
            "tells the customer that a person decided, and not why",
            "name the class of what was seen",
        )
    if bare := [rule for rule in acting if not rule.clause]:
        yield Remark(
            _lines(bare),
            "names no clause of the contract",
            "write clause there, or for every rule under defaults",
        )


def _lines(rules: Sequence[Rule]) -> str:
    return f"rules.{', '.join(rule.id for rule in rules)}"


def _automatic(pack: Pack) -> Iterator[Remark]:
    for rule in pack.rules:
        if rule.person_required:
            continue
        if rule.rung is Rung.QUARANTINE and rule.lasts_h > 24:
            yield Remark(
                f"rules.{rule.id}",
                "holds an account without a person",
                "it ends after 24 hours unless a person confirms it, whatever `for` says",
            )
        if rule.rung is Rung.BAN:
            yield Remark(
                f"rules.{rule.id}",
                "closes accounts without a person",
                "remove ban from without_a_person, unless you mean it",
            )
    unused = [
        rung.word
        for rung in sorted(pack.without_a_person)
        if not any(rule.rung is rung and not rule.person_required for rule in pack.rules)
    ]
    if unused:
        yield Remark(
            "without_a_person",
            f"lists {', '.join(unused)}, and every such rule asks for a person",
            "remove it, or write person_required: false in the rule that is meant",
        )


def _reached(pack: Pack) -> Iterator[Remark]:
    """Lines that decide nothing that was tried, and declared parties whom a rule meets."""
    decider = Decider(pack)
    trying = _Trying(pack)
    named = sorted(
        {name for each in pack.conditions() for name in each.program.variables()} | {"declared", "purpose"}
    )
    lines: list[tuple[str, str, Condition]] = [
        (part, each.id, each.condition)
        for part, every in (("rules", pack.rules), ("limits", pack.limits), ("overlays", pack.overlays))
        for each in every
    ]
    rules = {rule.id: rule for rule in pack.rules}
    declared: set[str] = set()
    for part, name, when in lines:
        met = list(_met(decider, when, trying, named))
        if not met:
            yield Remark(
                f"{part}.{name}", "holds for nothing that was tried", "look whether its parts go together"
            )
        elif part == "rules" and (what := _outdone(rules[name], met, rules)):
            yield Remark(f"{part}.{name}", what, "remove it, or change the one before it")
        declared |= {
            each.outcome.rule for each in met if each.values["declared"] and each.outcome.rung >= Rung.SHAPE
        }
    if declared:
        yield Remark(
            "limits",
            f"declared parties are met by {', '.join(sorted(declared))}",
            "write a limit with when: declared != ''",
        )


class _Trying:
    """What the lines of a pack are tried on, and how often: alone, and together with all the others."""

    def __init__(self, pack: Pack) -> None:
        every = list(pack.conditions())
        self._numbers, self._texts = named_in(every)
        self._programmes = tuple(each.name for each in pack.programmes)
        words = sum(words_in(each.text) for each in every)
        self.alone = min(MOST_TRIED, max(LEAST_TRIED, MOST_ALONE // len(every)))
        self.together = max(1, MOST_TOGETHER // (len(every) * (words + _BESIDE)))

    def trials(self, when: Condition) -> Trials:
        """Facts at the figures of all lines; where those are many, at those of `when` and some of the others."""
        numbers = self._numbers
        if len(numbers) > _MOST_OTHERS:
            own, _ = named_in([when])
            numbers = tuple(dict.fromkeys((*own, *numbers[:: -(-len(numbers) // _MOST_OTHERS)])))
        return Trials(numbers, self._texts, self._programmes, between=True)


def _met(decider: Decider, when: Condition, trying: _Trying, named: Sequence[str]) -> Iterator[_Met]:
    """Invented accounts that `when` holds for."""
    trials = trying.trials(when)
    values = {name: trials.values[name] for name in named} | _narrowed(when, trials)
    left = trying.together
    for chosen in spread(values, trying.alone):
        try:
            if not when.answer(chosen):
                continue
            if not left:
                return
            left -= 1
            answers = decider.answers(Facts(**chosen))  # type: ignore[arg-type]
        except HeadwaterError:  # no answer for these: a fault that is told where it is met
            continue
        raised = raised_by(decider.pack, answers)
        told = decider.outcome(answers, str(chosen["purpose"]))
        yield _Met(chosen, told, raised.id if raised else NO_RULE)


def _narrowed(when: Condition, trials: Trials) -> dict[str, Sequence[object]]:
    """For each fact that a part of `when` asks for by itself: the values that this part allows."""
    found: dict[str, Sequence[object]] = {}
    for text in conjuncts(when.text, tokens_of(when.text, when.place)):
        part = Condition(text, when.place, parsed(text, when.place))
        names = part.program.variables()
        if len(names) != 1:
            continue
        allowed = [
            value for value in found.get(names[0], trials.values[names[0]]) if _holds(part, names[0], value)
        ]
        found[names[0]] = allowed or trials.values[names[0]]
    return found


def _holds(part: Condition, name: str, value: object) -> bool:
    try:
        return part.answer({name: value})
    except HeadwaterError:
        return False


def _outdone(rule: Rule, met: Sequence[_Met], rules: Mapping[str, Rule]) -> str | None:
    """Why a rule that holds never decides, if so."""
    raising = [each for each in met if each.raised == rule.id]
    if not raising:
        others = sorted({each.raised for each in met} - {NO_RULE}, key=list(rules).index)
        return f"never decides where it holds: {', '.join(others)} always does"
    if rule.rung > Rung.OBSERVE and all(each.outcome.limited for each in raising):
        caps = sorted({each.outcome.rule for each in raising})
        return f"is always capped, by {', '.join(caps)}"
    return None

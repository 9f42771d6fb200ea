"""Facts and a pack in, a decision out: the one place where figures are compared with a policy.

`decide` proposes for a campaign, a `Decider` decides for many accounts: the same conditions, each of them answered, in
the same order (`order`). Pure functions; what they return is a proposal, never an action.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.detect import Proposal
from headwater.policy.duties import Duties
from headwater.policy.facts import FACTS, NOTHING, Facts, in_order, mistaken
from headwater.policy.order import Outcome, outcome, programme_of
from headwater.policy.pack import Pack
from headwater.policy.rungs import Rung
from headwater.proof import canonical_json

if TYPE_CHECKING:
    from cel import Program

#: Decisions that a `Decider` remembers; each takes about a kilobyte.
MOST_REMEMBERED = 32_768
_MOST_OUTCOMES = 4096
_NAMES = tuple(FACTS)
#: The names of the facts as RFC 8785 orders them.
_SORTED = tuple(sorted(_NAMES))
_sorted = operator.attrgetter(*_SORTED)
_NUMBERS = tuple(name for name, fact in FACTS.items() if fact.type == "number")
_encode = msgspec.json.Encoder().encode
_PURPOSE = _NAMES.index("purpose")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is proportionate for one account, by which rule of which pack, and what is owed with it.

    `rule` is the id of the rule, limit, programme or overlay that decided (`limited`: one that caps), or `no-rule`.
    `reason` is for the operator; the customer learns the rung, `reason_class`, `clause` and the expiry. A step ends
    `expires_after_h` hours after it began (0: nothing begins). `persons` have to agree before anything happens.
    `inputs_sha256` is the digest of the facts as canonical JSON (RFC 8785), `pack_sha256` that of the pack's bytes.
    """

    rung: Rung
    rule: str
    reason: str
    reason_class: str
    clause: str
    expires_after_h: int
    persons: int
    duties: Duties
    limited: bool
    pack: str
    pack_sha256: str
    inputs_sha256: str


def decide(facts: Facts, pack: Pack) -> Proposal:
    """What would be proportionate for `facts` under `pack`, with the rule that decided."""
    facts = _covered(facts, pack)
    told = outcome(pack, [each.holds(facts) for each in pack.conditions()], facts.purpose)
    return Proposal(
        rung=told.rung.word,
        rule=told.rule,
        pack=pack.name,
        reason=told.reason,
        person_required=told.asked or told.persons > 0,
        pack_sha256=pack.sha256,
    )


class Decider:
    """A pack made ready to decide for many accounts; decisions on facts that were seen before are remembered.

    All conditions are one list of CEL, evaluated once; each of them is answered, or the decision is an error. Threads
    may share one.
    """

    def __init__(self, pack: Pack, *, most: int = MOST_REMEMBERED) -> None:
        import cel

        self.pack = pack
        self._conditions = tuple(pack.conditions())
        self._all: Program = cel.compile(f"[{','.join(f'({each.text})' for each in self._conditions)}]")
        places = ((_NAMES.index(name), name) for name in self._all.variables())
        self._named = tuple((at, name, NOTHING[at]) for at, name in places)
        self._outcomes: dict[tuple[object, ...], Outcome] = {}
        self._remembered = lru_cache(most)(self._decided)

    def decide(self, facts: Facts) -> Decision:
        """What is proportionate for `facts`.

        Raises `ConfigurationError` naming pack, rule and condition where one has no answer, `UsageError` naming a fact
        that has a value which it never has.
        """
        return self._remembered(facts)

    def _decided(self, facts: Facts) -> Decision:
        if (error := mistaken(facts)) is not None:
            raise error
        facts_used = _covered(facts, self.pack)
        told = self.outcome(self.answers(facts_used), facts_used.purpose)
        return Decision(
            told.rung,
            told.rule,
            told.reason,
            told.reason_class,
            told.clause,
            told.lasts_h,
            told.persons,
            told.duties,
            told.limited,
            self.pack.name,
            self.pack.sha256,
            inputs_sha256(facts),
        )

    def answers(self, facts: Facts) -> Sequence[bool]:
        """Whether each condition of the pack holds for `facts`, in the order of `Pack.conditions`."""
        values = in_order(facts)
        try:
            answers = self._all.execute({name: values[at] or nothing for at, name, nothing in self._named})
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            answers = None
        if answers is not None and set(map(type, answers)) == {bool}:
            return tuple(answers)
        # One of them has no answer: one by one they say which.
        return tuple(each.holds(facts) for each in self._conditions)

    def outcome(self, answers: Sequence[bool], purpose: str) -> Outcome:
        """What the answers come to under the pack; see `order`."""
        key = (*answers, purpose)
        told = self._outcomes.get(key)
        if told is None:
            if len(self._outcomes) >= _MOST_OUTCOMES:
                self._outcomes.clear()
            told = self._outcomes[key] = outcome(self.pack, answers, purpose)
        return told


def _covered(facts: Facts, pack: Pack) -> Facts:
    """The facts as the pack sees them: a programme that it doesn't list covers nobody."""
    if not facts.purpose or programme_of(pack, facts.purpose) is not None:
        return facts
    values = list(in_order(facts))
    values[_PURPOSE] = ""
    return Facts(*values)


def inputs_sha256(facts: Facts) -> str:
    """The SHA-256 of the facts as canonical JSON (RFC 8785), in hexadecimal."""
    values: dict[str, Any] = dict(zip(_SORTED, _sorted(facts), strict=True))
    for name in _NUMBERS:
        value = values[name]
        if value.is_integer():
            values[name] = int(value)
        elif not 1e-4 <= value < 1e15:  # between them everybody writes the shortest digits alike
            return hashlib.sha256(canonical_json(values)).hexdigest()
    return hashlib.sha256(_encode(values)).hexdigest()

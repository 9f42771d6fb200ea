"""Stages 2 and 3: registries of a provider's outputs, and detectors of marks. Strangers' code comes in here.

Both are verifiers, found through the entry points `headwater.verifiers`: given texts, they say which of them they
recognise, with what they can prove. Shipped is `marks`; a stage without a verifier is told as not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final, Literal, Protocol

import msgspec

from headwater.errors import UsageError

GROUP: Final = "headwater.verifiers"


class Match(msgspec.Struct, frozen=True):
    """One text that a verifier recognises, whole or from character `start` to before `end`.

    `p_value`: how often a text that was not the model's would be taken for one, where the verifier can say;
    `at` is the ISO date on which the output was registered. `proof` names what can be checked: the id of a receipt,
    or the name of a mark, never its key.
    """

    kind: str
    provider: str | None = None
    model: str | None = None
    start: int = 0
    end: int = 0
    p_value: float | None = None
    at: str | None = None
    account_type: str | None = None
    proof: str = ""


class Verifier(Protocol):
    """Recognises texts of a model. What its author promises:

    `verify` gets up to some thousand texts of a batch and returns as many lists; it keeps no text, writes nothing and
    gives the same answer for the same text. `stage` says whether it asks a registry or reads marks. `card` states
    its error rates for people to read. It must survive `pickle`: a corpus is audited by several processes.

    It may also have `alpha`, the chance that a text is recognised wrongly; `notes()`, what is to be told of the texts
    since it was asked last, with counts; and `version`, a text that changes with what it would answer.
    """

    name: str
    stage: Literal["registries", "marks"]
    card: Mapping[str, str]

    def verify(self, texts: Sequence[str]) -> Sequence[Sequence[Match]]:
        """For each text, what was recognised in it."""
        ...


def verifier(given: str) -> Verifier:
    """The verifier that NAME or NAME=ARGUMENT names; its entry point is called with the argument, or nothing.

    Raises UsageError for a name that nobody installed.
    """
    name, equals, argument = given.partition("=")
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none is installed"
        raise UsageError(f"no verifier is called {name[:60]!r}", hint=f"installed verifiers: {known}")
    made: Verifier = found[name].load()(argument) if equals else found[name].load()()
    return made

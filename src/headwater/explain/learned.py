"""What an operator's own casework has taught, on the card of each kind of evidence.

How the rates are learned is casework's business, above this room: here they are plain figures with a name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Protocol

from headwater.detect import Findings
from headwater.explain import words


class Learned(Protocol):
    """How often ended steps were taken back: `false` of `ended`, with an interval of 95%, by what `name` is of."""

    @property
    def by(self) -> str:
        """`evidence` where `name` is that of a card."""

    @property
    def name(self) -> str:
        """The name of a rule, a rung or a card."""

    @property
    def ended(self) -> int:
        """Steps that ended."""

    @property
    def false(self) -> int:
        """Those of them that were taken back."""

    @property
    def low(self) -> float:
        """Lower end of the share."""

    @property
    def high(self) -> float:
        """Upper end of the share."""


def with_outcomes(findings: Findings, learned: Iterable[Learned]) -> Findings:
    """`findings` whose cards say, beside the measured error, how often steps that rested on them were taken back."""
    rates = {rate.name: rate for rate in learned if rate.by == "evidence" and rate.ended}
    return dataclasses.replace(
        findings,
        coverage=tuple(
            dataclasses.replace(
                card, false_positive_rate=f"{card.false_positive_rate}; {_said(rates[card.evidence])}"
            )
            if card.evidence in rates
            else card
            for card in findings.coverage
        ),
    )


def _said(rate: Learned) -> str:
    steps = words.many(rate.ended, "ended step")
    return (
        f"in your own casework {rate.false:,} of {steps} that rested on it, among others, were taken back "
        f"({rate.low:.1%} to {rate.high:.1%} at 95%)"
    )

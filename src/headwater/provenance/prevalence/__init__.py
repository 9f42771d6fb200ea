"""How much of a corpus a model wrote, estimated from a random sample, with an interval that holds across domains.

A share of rows, never a verdict on one.
"""

from __future__ import annotations

from headwater.provenance.prevalence.card import CARD, Card
from headwater.provenance.prevalence.estimate import estimate
from headwater.provenance.prevalence.result import NotEstimated, Prevalence, Widths

__all__ = ["CARD", "Card", "NotEstimated", "Prevalence", "Widths", "estimate"]

"""What the bench's tests share: the fixture's model and tokenizer, and a plan that takes seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headwater.mark.bench import Material, Plan, spec

FIXTURES = Path(__file__).parents[1] / "fixtures"
MODEL, TOKENIZER = FIXTURES / "proxy.npz", FIXTURES / "tokenizer.json"
#: Laws of the fixture's own small model.
WRITTEN = Material(MODEL, TOKENIZER)


def plan(**changed: object) -> Plan:
    """Two schemes, made laws, two attacks."""
    small = Plan(
        (spec("headwater-gumbel:width=2"), spec("unigram")),
        (spec("none"), spec("substitution:share=0.5")),
        (1.0,),
        (30, 60),
        texts=6,
        wrong_keys=4,
        judged=3,
    )
    return replace(small, **changed)  # type: ignore[arg-type]

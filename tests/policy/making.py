"""Facts and packs for tests: a strong ring, facts at random, and packs written at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from hypothesis import strategies as st

from headwater.detect import Kind, Word
from headwater.policy import RUNGS, Customer, Facts

STRONG = Facts(
    "likely",
    0.9995,
    0.001,
    "extraction ring",
    1200,
    400_000,
    4,
    firm=1200,
    account_firm=True,
    account_share=0.9,
    terms_accepted_days=30,
)

PURPOSES = ("", "evaluation", "research", "gone")
REGIONS = ("", "DE", "FR", "US", "JP")

ANY_FACTS = st.builds(
    Facts,
    word=st.sampled_from(get_args(Word)),
    probability=st.floats(0, 1),
    chance=st.floats(0, 100),
    kind=st.sampled_from(get_args(Kind)),
    accounts=st.integers(1, 30_000),
    exchanges=st.integers(0, 10**9),
    groups=st.integers(0, 8),
    declared=st.sampled_from(["", "partner: a", "red team: ours"]),
    firm=st.integers(0, 30_000),
    tier=st.integers(0, 3),
    customer=st.sampled_from(get_args(Customer)),
    purpose=st.sampled_from(PURPOSES),
    region=st.sampled_from(REGIONS),
    terms_accepted_days=st.integers(-1, 900),
    notices=st.integers(0, 6),
    account_firm=st.booleans(),
    account_share=st.floats(0, 1),
    false_positive_rate=st.floats(0, 1),
    outcomes=st.integers(0, 100),
    reversals=st.integers(0, 5),
)

_RAISING = [
    "true",
    "false",
    "probability >= 0.5",
    "word in ['likely', 'confirmed']",
    "groups >= 2 && account_firm",
    "account_share > 0.3 || notices >= 2",
    "purpose == '' && tier < 2",
    "terms_accepted_days < 0",
    "reversals == 0 ? chance < 0.1 : chance < 0.001",
]
_PROTECTING = [
    *_RAISING,
    "declared != ''",
    "region in ['DE', 'FR']",
    "region == 'US' && customer == 'consumer'",
    "outcomes >= 20 && false_positive_rate > 0.2",
]
_LASTS = st.sampled_from(["1h", "24h", "3d", "2w", "365d"])
_WORDS = st.sampled_from(list(RUNGS))


@st.composite
def any_pack(draw: st.DrawFn) -> dict[str, Any]:
    """A pack that loads, as plain data."""
    rules = []
    without = draw(st.lists(st.sampled_from(["suspend", "ban"]), unique=True))
    for at in range(draw(st.integers(1, 6))):
        rung = draw(_WORDS)
        rule: dict[str, Any] = {
            "id": f"rule-{at}",
            "rung": rung,
            "when": draw(st.sampled_from(_RAISING)),
            "reason": f"Reason {at}.",
        }
        if (RUNGS[rung] < RUNGS["suspend"] or rung in without) and draw(st.booleans()):
            rule["person_required"] = False
        if draw(st.booleans()):
            rule["for"] = draw(_LASTS)
        if draw(st.booleans()):
            rule["reason_class"] = draw(st.sampled_from(["volume", "identity"]))
        rules.append(rule)
    limits = [
        {
            "id": f"limit-{at}",
            "at_most": draw(_WORDS),
            "when": draw(st.sampled_from(_PROTECTING)),
            "reason": f"Limit {at}.",
        }
        | ({"for": draw(_LASTS)} if draw(st.booleans()) else {})
        for at in range(draw(st.integers(0, 3)))
    ]
    overlays = [_overlay(draw, at) for at in range(draw(st.integers(0, 3)))]
    programmes: list[dict[str, Any]] = [
        {"name": name, "purpose": "A purpose on the list."}
        | ({"at_most": draw(_WORDS)} if draw(st.booleans()) else {})
        for name in draw(st.lists(st.sampled_from(["evaluation", "research"]), unique=True))
    ]
    return {
        "name": "any",
        "rules": rules,
        "limits": limits,
        "overlays": overlays,
        "programmes": programmes,
        "without_a_person": without,
    }


def _overlay(draw: st.DrawFn, at: int) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "id": f"overlay-{at}",
        "when": draw(st.sampled_from(_PROTECTING)),
        "statement": True,
    }
    may: Mapping[str, st.SearchStrategy[str]] = {
        "at_most": _WORDS,
        "person_from": _WORDS,
        "notice_before": _LASTS,
        "notify_shaping_after": _LASTS,
        "appeal_within": st.sampled_from(["1d", "30d", "184d"]),
        "answer_within": st.sampled_from(["1d", "14d"]),
        "retention": st.sampled_from(["1d", "90d", "365d"]),
    }
    return asked | {name: draw(value) for name, value in may.items() if draw(st.booleans())}

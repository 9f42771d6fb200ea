"""The dial: how hard every ring of a scenario tries to look like its surroundings.

Four parts, each of which hides another trace: `cover` dilutes, `paraphrase` removes templates, `jitter` blurs
the dispatcher, `personas` give accounts topics and voices. At 0 a scenario stays as it is; a part never takes
away what the scenario has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from headwater.errors import UsageError
from headwater.simulate.scenario import Campaign, Cover, Scenario

#: Each part's name and its highest value: a share of traffic, a share of prompts, a strength, and a share of
#: one persona for every five accounts.
PARTS: Final = {"cover": 0.6, "paraphrase": 1.0, "jitter": 1.0, "personas": 1.0}
#: Accounts that one persona has at least.
PER_PERSONA: Final = 5
_HINT = "one number from 0 to 1, or parts: cover=0.5,paraphrase=1,jitter=1,personas=0.5 (cover up to 0.6)"


def dialled(asked: float | str | Mapping[str, float]) -> dict[str, float]:
    """The value of every part. One number turns all of them by that share of their range.

    Raises `UsageError` for a part that does not exist and for a value outside its range.
    """
    if isinstance(asked, str):
        asked = _parsed(asked)
    if not isinstance(asked, Mapping):
        if not 0 <= asked <= 1:
            raise UsageError("the camouflage lies outside 0 to 1", hint=_HINT)
        return {name: most * asked for name, most in PARTS.items()}
    for name, value in asked.items():
        if name not in PARTS:
            raise UsageError(f"there is no camouflage named {name!r}", hint=_HINT)
        if not 0 <= value <= PARTS[name]:
            raise UsageError(f"the camouflage {name} lies outside 0 to {PARTS[name]:g}", hint=_HINT)
    return {name: float(asked.get(name, 0.0)) for name in PARTS}


def _parsed(text: str) -> float | dict[str, float]:
    try:
        if "=" not in text:
            return float(text)
        pairs = [part.partition("=") for part in text.split(",")]
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise UsageError("the camouflage is no number", hint=_HINT) from None


def disguised(scenario: Scenario, dial: Mapping[str, float], scale: float) -> Scenario:
    """`scenario` with every ring disguised as `dial` (of `dialled`) says; personas follow the scaled accounts."""
    if not any(dial.values()):
        return scenario
    rings = tuple(_disguised(scenario, ring, dial, scale) for ring in scenario.campaigns)
    return msgspec.structs.replace(scenario, campaigns=rings)


def _disguised(scenario: Scenario, ring: Campaign, dial: Mapping[str, float], scale: float) -> Campaign:
    personas = round(dial["personas"] * max(1, round(ring.accounts * scale)) / PER_PERSONA)
    personas = max(ring.personas, 1 if dial["personas"] and personas == 0 else personas)
    cover = max(ring.cover, dial["cover"])
    dispatcher = msgspec.structs.replace(ring.dispatcher, noise=max(ring.dispatcher.noise, dial["jitter"]))
    if personas > ring.personas:
        # A queue that goes corpus by corpus would wake one persona after another.
        dispatcher = msgspec.structs.replace(dispatcher, order="shuffled")
    level = sum(dial[name] / most for name, most in PARTS.items()) / len(PARTS)
    shared = msgspec.structs.replace(
        ring.infrastructure, contradicts=ring.infrastructure.contradicts * (1 - level)
    )
    return msgspec.structs.replace(
        ring,
        cover=cover,
        cover_groups=ring.cover_groups
        or (_ordinary(scenario, ring) if cover and not ring.cover_corpora else ()),
        paraphrase=max(ring.paraphrase, dial["paraphrase"]),
        personas=personas,
        dispatcher=dispatcher,
        infrastructure=shared,
    )


def _ordinary(scenario: Scenario, ring: Campaign) -> tuple[Cover, ...]:
    """Each account passes for one of the scenario's people; where there are none, cover asks as the harvest does."""
    people = [group for group in scenario.innocents if group.shape == "people"]
    if people:
        return tuple(Cover(share=group.accounts, corpora=group.corpora) for group in people)
    found: dict[str, float] = {}
    for task in ring.tasks:
        for name, weight in task.corpora.items():
            found[name] = found.get(name, 0.0) + weight / sum(task.corpora.values())
    return (Cover(share=1.0, corpora=found),)

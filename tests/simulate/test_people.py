"""Innocent accounts are persons: few topics, own habits, own hours, and never draws from one pool."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from headwater.simulate import Corpora, Scenario, World, simulate
from headwater.simulate.chance import Floats, stream
from headwater.simulate.library import Library
from headwater.simulate.likeness import author_effect
from headwater.simulate.people import Crowd, crowd_requests
from headwater.simulate.requests import Requests
from headwater.simulate.rhythm import DAY, rhythms
from headwater.simulate.scenario import Author, Weights

#: The band in which the innocents' correlation lies: above independent draws, below anything unreal.
BAND = (0.02, 0.30)


def texts_of(world: World, population: str) -> dict[str, list[str]]:
    """Prompts of the innocent accounts of one population, or of a ring's harvest."""
    accounts, harvest = world.truth.accounts, world.truth.exchanges["harvest"].to_pylist()
    who = {
        name
        for name, owner in zip(
            accounts["account"].to_pylist(), accounts["population"].to_pylist(), strict=True
        )
        if owner == population
    }
    found: dict[str, list[str]] = {}
    rows = zip(
        world.exchanges["account"].to_pylist(), world.exchanges["prompt"].to_pylist(), harvest, strict=True
    )
    for account, prompt, harvested in rows:
        if account in who and harvested == (population == "ring"):
            found.setdefault(account, []).append(prompt)
    return found


def correlation(world: World, population: str) -> float:
    return float(np.median(author_effect(texts_of(world, population), stream(1), 15, [(10, 5)])[10, 5].icc))


def test_innocents_have_an_author_effect_within_the_band(world: World) -> None:
    assert BAND[0] < correlation(world, "people") < BAND[1]


def test_a_rings_harvest_has_none(world: World) -> None:
    assert abs(correlation(world, "ring")) < BAND[0]


def test_the_effect_grows_with_its_settings(scenario: Scenario, corpora: Corpora) -> None:
    alone = msgspec.structs.replace(scenario, innocents=scenario.innocents[:1], campaigns=(), outages=())
    strengths = [Author(narrow=30.0, style=0.0), Author(), Author(narrow=0.1, style=0.9)]
    worlds = [simulate(msgspec.structs.replace(alone, author=a), corpora, scale=0.5) for a in strengths]
    weak, fitted, strong = (correlation(world, "people") for world in worlds)
    assert weak < fitted < strong


@pytest.fixture(scope="module")
def library(corpora: Corpora) -> Library:
    return Library(corpora, ["gsm8k", "multiwoz", "mgsm"])


def crowd(corpora: Corpora, library: Library, weights: Weights, people: int, last_s: Floats) -> Requests:
    size = Crowd(people, people * 12, weights, np.zeros(people), last_s, 0, even=True)
    return crowd_requests(stream(9), size, Author(), library, rhythms(corpora))


def test_a_dialogue_is_said_in_order_within_one_conversation(corpora: Corpora, library: Library) -> None:
    made = crowd(corpora, library, {"multiwoz": 1.0}, 60, np.full(60, 14.0 * DAY))
    assert len(made) > 300
    for talk in np.unique(made.conversation):
        rows = np.flatnonzero(made.conversation == talk)
        assert np.all(np.diff(made.content[rows]) == 1)
        assert made.turn[rows].tolist() == list(range(len(rows)))
        assert np.all(np.diff(made.at[rows]) > 0)
        assert len(np.unique(made.account[rows])) == 1


def test_nobody_repeats_a_text_before_the_topic_is_through(corpora: Corpora, library: Library) -> None:
    made = crowd(corpora, library, {"gsm8k": 1.0}, 50, np.full(50, 14.0 * DAY))
    pairs = made.account * 10_000 + made.content
    shelf = library.shelf(["gsm8k"])
    assert int(np.diff(shelf.offsets).min()) > 20
    assert len(np.unique(pairs)) == len(pairs)


def test_nobody_writes_in_two_foreign_languages(corpora: Corpora, library: Library) -> None:
    made = crowd(corpora, library, {"gsm8k": 1.0, "mgsm": 3.0}, 80, np.full(80, 14.0 * DAY))
    english = library.languages.index("en")
    for person in range(80):
        spoken = set(library.language[made.content[made.account == person]].tolist()) - {english}
        assert len(spoken) <= 1
    assert len(set(library.language[made.content].tolist())) == 3

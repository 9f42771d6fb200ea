"""Single settings by their path: checked as a file is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.simulate import Corpora, Scenario, settings, simulate
from headwater.simulate.override import changed


def test_a_path_leads_to_one_setting(scenario: Scenario) -> None:
    other = changed(
        scenario,
        {"campaigns.0.accounts": 12, "campaigns.0.dispatcher.workers": 3, "author.style": 0.2, "days": 14.5},
    )
    ring = other.campaigns[0]
    assert (ring.accounts, ring.dispatcher.workers, other.author.style, other.days) == (12, 3, 0.2, 14.5)
    assert other.innocents == scenario.innocents
    assert other.start == scenario.start
    assert changed(scenario, {}) is scenario


def test_a_whole_entry_may_be_put(scenario: Scenario) -> None:
    assert changed(scenario, {"campaigns.0.tasks.0.templates.0": "{task}!"}).campaigns[0].tasks[
        0
    ].templates == ("{task}!",)
    assert changed(scenario, {"campaigns": []}).campaigns == ()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("campaigns.0.acounts", 5, "there is no setting 'acounts'"),
        ("campaigns.3.accounts", 5, "there is no entry '3'"),
        ("campaigns.ring.accounts", 5, "there is no entry 'ring'"),
        ("campains.0.accounts", 5, "there is no such table"),
        ("campaigns.0.cover", 1.5, "expected `float` < 1.0"),
        ("campaigns.0.end_day", 30, "must begin before it ends"),
        ("innocents.0.corpora", {"mmlu": 1}, "stands on the score side"),
    ],
)
def test_what_cannot_stand_is_refused(scenario: Scenario, path: str, value: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as fault:
        changed(scenario, {path: value})
    assert said.replace("`", "") in str(fault.value)
    assert fault.value.hint


def test_the_command_lines_words_become_values() -> None:
    assert settings(("campaigns.0.accounts=50", "title=Small", 'name = "x"', "a.b={ gsm8k = 2 }")) == {
        "campaigns.0.accounts": 50,
        "title": "Small",
        "name": "x",
        "a.b": {"gsm8k": 2},
    }
    with pytest.raises(UsageError, match="PATH=VALUE"):
        settings(("campaigns.0.accounts",))


def test_a_world_is_made_of_the_changed_scenario_and_says_so(scenario: Scenario, corpora: Corpora) -> None:
    override: dict[str, object] = {"campaigns.0.accounts": 9, "campaigns.0.exchanges": 700}
    world = simulate(scenario, corpora, scale=0.5, override=override)
    assert world.card["accounts_by_role"]["ring"] == 4
    assert 330 < world.card["harvest_exchanges"] < 380
    assert world.card["override"] == override


def test_a_time_is_written_into_the_card_as_a_text(scenario: Scenario, corpora: Corpora) -> None:
    later = {"start": datetime(2027, 1, 4, tzinfo=UTC)}
    world = simulate(scenario, corpora, scale=0.1, override=later)
    assert world.card["override"] == {"start": "2027-01-04T00:00:00Z"}
    assert world.exchanges["at"].to_pylist()[0].year == 2027

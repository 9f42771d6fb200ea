"""What each innocent shape is, seen in the log: who shares what, when, and how many independent ones there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from headwater.simulate import Corpora, World, simulate
from simulate.swapping import on_invented
from simulate.test_scenarios import SHAPES
from simulate.test_world import SECOND, column

Worlds = Callable[[str], "Seen"]
#: Shapes of few accounts: a small world would lose some of the organisations.
KEYS = ("harness", "labelling", "red_team")
NAMES = (*SHAPES["tune"], *SHAPES["score"])


class Seen:
    """A world's log with the truth joined, as columns of Python values."""

    def __init__(self, world: World, shape: str) -> None:
        self.world = world
        truth = world.truth.accounts
        self.group = {
            row["account"]: row["group"]
            for row in truth.to_pylist()
            if row["shape"] == shape and row["role"] == "innocent"
        }
        self.account = column(world.exchanges, "account")
        self.mine = np.isin(self.account, list(self.group))
        self.owner = np.array([self.group.get(name, -1) for name in self.account.tolist()])
        self.at = world.exchanges["at"].to_numpy().astype("int64") / SECOND
        self.prompt = column(world.exchanges, "prompt")
        self.accounts = {row["account"]: row for row in world.accounts.to_pylist()}

    def of(self, name: str) -> np.ndarray:
        return column(self.world.exchanges, name)

    def rows(self, group: int) -> np.ndarray:
        return np.flatnonzero(self.owner == group)

    def members(self, group: int) -> list[dict[str, object]]:
        return [self.accounts[name] for name, own in self.group.items() if own == group]


@pytest.fixture(scope="module")
def worlds(corpora: Corpora) -> Worlds:
    @cache
    def made(name: str) -> Seen:
        return Seen(simulate(on_invented(name), corpora, scale=0.35 if name in KEYS else 0.15), name)

    return made


@pytest.mark.parametrize("name", NAMES)
def test_there_are_ten_of_each_and_single_persons_have_no_number(worlds: Worlds, name: str) -> None:
    seen = worlds(name)
    assert len(set(seen.group.values())) >= 10
    others = [row["group"] for row in seen.world.truth.accounts.to_pylist() if row["shape"] == "people"]
    assert set(others) == {None}
    assert 0.1 < seen.mine.mean() < 0.8
    assert set(column(seen.world.truth.accounts, "role")) == {"innocent"}


@pytest.mark.parametrize("name", SHAPES["score"])
def test_shapes_of_persons_name_no_organisation(worlds: Worlds, name: str) -> None:
    seen = worlds(name)
    named = {seen.accounts[account]["organisation"] for account in seen.group}
    assert (named == {None}) == (name != "red_team")


def test_companies_differ_in_size_and_share_address_and_card(worlds: Worlds) -> None:
    seen = worlds("seats")
    sizes = sorted(list(seen.group.values()).count(i) for i in set(seen.group.values()))
    assert sizes[-1] > 8 * sizes[0]
    assert sizes[-1] <= 75
    for group in range(10):
        assert len(set(seen.of("ip")[seen.rows(group)])) == 1
        assert len({row["payment"] for row in seen.members(group)}) == 1
        assert len({row["organisation"] for row in seen.members(group)}) == 1


def test_products_have_many_keys_and_software_and_words_of_their_own(worlds: Worlds) -> None:
    seen = worlds("product")
    agents = [set(seen.of("user_agent")[seen.rows(i)]) for i in range(10)]
    assert all(len(agent) == 1 for agent in agents)
    assert len(set().union(*agents)) > 4
    assert len({row["organisation"] for name in seen.group for row in [seen.accounts[name]]}) >= 10


def test_labelling_comes_in_batches(worlds: Worlds) -> None:
    seen = worlds("labelling")
    assert seen.of("batch")[seen.mine].all()
    assert not seen.of("batch")[~seen.mine].any()


def test_an_outage_repeats_prompts_with_growing_waits_until_it_is_over(worlds: Worlds) -> None:
    seen = worlds("retries")
    status = seen.of("status").astype(int)
    assert {429, 500, 502, 503, 529} <= set(status[seen.mine])
    failed = seen.mine & (status >= 429)
    assert 0.25 < np.mean(failed[seen.mine]) < 0.8
    assert np.mean(status[~seen.mine] != 200) < 0.03
    repeated: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for row in np.flatnonzero(seen.mine).tolist():
        repeated.setdefault((seen.account[row], seen.prompt[row]), []).append((seen.at[row], status[row]))
    chains = [chain for chain in repeated.values() if len(chain) > 4 and chain[0][1] >= 429]
    assert len(chains) > 30
    waits = [np.diff([at for at, _ in chain]) for chain in chains]
    assert np.mean([wait[-1] > wait[0] for wait in waits]) > 0.7
    assert np.mean([chain[-1][1] == 200 for chain in chains]) > 0.7
    # each outage has an hour of its own, and hits its own customers
    middle = [np.median(seen.at[failed & (seen.owner == i)]) for i in range(12)]
    assert np.diff(np.sort(middle)).min() > 3600


def test_a_class_has_one_opening_line_one_hour_and_personal_numbers(worlds: Worlds) -> None:
    seen = worlds("class_of_400")
    lines = set()
    for group in range(10):
        rows = seen.rows(group)
        first = np.array([text.partition("\n")[0] for text in seen.prompt[rows]])
        bare = np.array(["".join("0" if c.isdigit() else c for c in line) for line in first])
        values, counts = np.unique(bare, return_counts=True)
        shared = values[counts.argmax()]
        sent = rows[bare == shared]
        lines.add(shared)
        members = {name for name, own in seen.group.items() if own == group}
        assert set(seen.account[sent]) == members
        opened = np.array([seen.at[sent][seen.account[sent] == name].min() for name in members])
        assert np.ptp(opened) < 3600
        numbers = set(first[bare == shared].tolist())
        assert len(numbers) == len(members)
        domains = {row["email_domain"] for row in seen.members(group)}
        assert any(str(one).endswith(".edu.example") for one in domains) == (group % 2 == 0)
    assert len(lines) == 10


def test_a_router_mixes_languages_software_and_conversations_behind_shared_cards(worlds: Worlds) -> None:
    seen = worlds("honest_reseller")
    for group in range(3):
        rows, members = seen.rows(group), seen.members(group)
        assert len(set(seen.of("user_agent")[rows])) > 5
        paid = [row["payment"] for row in members if row["payment"]]
        assert len(set(paid)) < len(paid)
        assert len(set(seen.of("ip")[rows])) <= max(2, len(members) // 10)
        assert len({talk for talk in seen.of("conversation")[rows] if talk}) > 10


def test_a_hackathon_is_a_burst_at_one_address_for_two_days(worlds: Worlds) -> None:
    seen = worlds("hackathon")
    for group in range(10):
        rows, members = seen.rows(group), seen.members(group)
        assert np.ptp(seen.at[rows]) <= 2 * 86_400 + 5400
        ips = seen.of("ip")[rows].tolist()
        assert max(ips.count(ip) for ip in set(ips)) > 0.5 * len(ips)
        opened = np.array([row["created_at"].timestamp() for row in members])  # type: ignore[attr-defined]
        assert np.mean(np.abs(opened - np.median(opened)) < 3 * 3600) > 0.4
        programmes = [row["programme"] for row in members]
        assert max(programmes.count(one) for one in set(programmes)) > 0.6 * len(programmes)


def test_a_viral_prompt_is_nearly_the_same_within_a_day(worlds: Worlds) -> None:
    seen = worlds("viral_prompt")
    big = max(range(10), key=lambda i: len(seen.members(i)))
    rows = seen.rows(big)
    words = [frozenset(text.lower().split()) for text in seen.prompt[rows]]
    values = {}
    for word in words:
        values[word] = values.get(word, 0) + 1
    centre = max(values, key=values.get)
    near = np.array([len(word & centre) > 0.7 * len(word | centre) for word in words])
    assert len(set(seen.account[rows[near]])) > 0.9 * len(seen.members(big))
    assert len(set(seen.prompt[rows[near]])) > 20
    early, late = np.quantile(seen.at[rows[near]], [0.01, 0.99])
    assert late - early < 86_400


def test_people_share_a_public_template_and_nothing_else(worlds: Worlds) -> None:
    seen = worlds("popular_template")
    for group in range(5):
        rows = seen.rows(group)
        first = [text.partition("\n\n")[0] for text in seen.prompt[rows] if "\n\n" in text]
        shared = max(set(first), key=first.count)
        users = {seen.account[row] for row in rows if seen.prompt[row].startswith(shared)}
        assert len(users) == len(seen.members(group))
        assert 0.1 < np.mean([text.startswith(shared) for text in seen.prompt[rows]]) < 0.9


def test_a_red_team_asks_the_same_in_many_wordings(worlds: Worlds, corpora: Corpora) -> None:
    seen = worlds("red_team")
    rows = seen.rows(0)
    assert len(set(seen.prompt[rows])) > 0.85 * len(rows)
    corpus = seen.world.truth.exchanges["corpus"].to_pylist()
    texts = {name: corpora.load(name).texts for name in {corpus[row] for row in rows.tolist()}}
    found: dict[str, int] = {}
    for row in rows.tolist():
        for text in texts[corpus[row]]:
            if text in seen.prompt[row]:
                found[text] = found.get(text, 0) + 1
    assert max(found.values()) > 8

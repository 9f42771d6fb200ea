"""Each baseline finds what it is made for, and finds nothing where people share nothing."""

from __future__ import annotations

import numpy as np
import pytest
from baselines import BASELINES, Log, Scored, thresholded
from baselines.fraudar import fraudar, peeled
from baselines.isolation import isolation_forest
from baselines.near_duplicate import families, near_duplicates, resemblance
from baselines.prada import distances, normality, prada
from baselines.seat import seat
from baselines.synchrotrap import linkage, synchrotrap
from baselines.template_join import by_template

from benchmarks.planted import DAY_US, HOUR_US, Exchange, log, of, people, sentence

FORM = "Please think step by step about the request below and answer in JSON with reasons:"


@pytest.fixture(scope="module")
def quiet() -> Log:
    return log(people(60, 12))


def ring(accounts: int, exchanges: int, seed: int = 1) -> list[Exchange]:
    """Accounts that act together: at each time, all of them within minutes, in one form, on different texts."""
    rng = np.random.default_rng(seed)
    return [
        (f"ring-{i}", int(at + rng.integers(0, HOUR_US // 4)), f"{FORM} {sentence(rng)}")
        for at in rng.integers(0, 20 * DAY_US, exchanges)
        for i in range(accounts)
    ]


@pytest.fixture(scope="module")
def harvest() -> Log:
    return log(people(60, 12) + ring(12, 10))


def recall(found: Log, scored: Scored, allowed: int = 0) -> float:
    """Recall of the accounts named ring-… when at most `allowed` others may be flagged."""
    flagged = thresholded(scored.scores, ~of(found, "ring"), allowed)
    return float(flagged[of(found, "ring")].mean())


@pytest.mark.parametrize("name", ["shared opening", "SynchroTrap", "FRAUDAR"])
def test_ring_methods_find_the_ring_as_one_group(harvest: Log, name: str) -> None:
    scored = BASELINES[name](harvest)
    assert recall(harvest, scored) == 1.0
    bar = float(scored.scores[~of(harvest, "ring")].max())
    groups = scored.groups(bar, fewest=5)
    assert [sorted(harvest.names[i] for i in g) for g in groups] == [
        sorted(n for n in harvest.names if n.startswith("ring"))
    ]


@pytest.mark.parametrize("name", ["shared skeleton", "shared opening", "near-duplicates", "SynchroTrap"])
def test_joins_find_nothing_among_people_who_share_nothing(quiet: Log, name: str) -> None:
    scored = BASELINES[name](quiet)
    assert not scored.scores.any()
    assert scored.groups(0.0, fewest=5) == []


def test_all_baselines_score_every_account_and_say_the_same_twice(harvest: Log) -> None:
    for name, method in BASELINES.items():
        scored = method(harvest)
        assert scored.scores.shape == (harvest.accounts,), name
        assert np.isfinite(scored.scores).all(), name
        again = method(harvest)
        assert np.array_equal(again.scores, scored.scores), name
        assert np.array_equal(again.links, scored.links), name


def test_synchrony_needs_one_time_and_not_only_one_form() -> None:
    rng = np.random.default_rng(3)
    apart = [
        (f"ring-{i}", int(at), f"{FORM} {sentence(rng)}")
        for i in range(12)
        for at in rng.integers(0, 200 * DAY_US, 10)
    ]
    found = log(people(60, 12) + apart)
    assert recall(found, synchrotrap(found)) == 0.0
    assert recall(found, by_template(found, "opening")) == 1.0


def test_single_linkage_by_hand() -> None:
    links = np.array([[0, 1], [1, 2], [3, 4], [2, 3]])
    strength = np.array([0.9, 0.8, 0.7, 0.4])
    assert linkage(6, links, strength, 3).tolist() == [0.8, 0.8, 0.8, 0.4, 0.4, 0.0]
    assert linkage(6, links, strength, 2).tolist() == [0.9, 0.9, 0.8, 0.7, 0.7, 0.0]


def test_peeling_by_hand() -> None:
    # A triangle with a tail: the tail goes first, and the triangle has 3 edges on 3 vertices.
    order, density = peeled(np.array([0, 1, 0, 2, 3]), np.array([1, 2, 2, 3, 4]), np.ones(5))
    assert order[:2].tolist() == [4, 3]
    assert density.tolist() == pytest.approx([1.0, 1.0, 1.0, 0.5, 0.0])


def test_camouflage_does_not_hide_a_dense_block() -> None:
    """Every ring account also sends what many people send: FRAUDAR's weights make that count little."""
    rng = np.random.default_rng(5)
    popular = ["Summarise the following article for a busy reader in three sentences please"]
    common = [(f"person-{i}", int(rng.integers(0, DAY_US)), popular[0]) for i in range(60)]
    cover = [(f"ring-{i}", int(rng.integers(0, DAY_US)), popular[0]) for i in range(12)]
    found = log(people(60, 12) + common + ring(12, 10) + cover)
    assert recall(found, fraudar(found)) == 1.0


def test_resemblance_by_hand() -> None:
    none = 2**64 - 1
    left = np.array([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, none, none, none, none, none, none]], np.uint64)
    right = np.array([[1, 2, 3, 4, 9, 10, 11, 12], [2, 3, none, none, none, none, none, none]], np.uint64)
    assert resemblance(left, right).tolist() == [4 / 8, 1 / 3]
    assert resemblance(left, left).tolist() == [1.0, 1.0]


def test_near_duplicates_of_other_accounts_are_found_whoever_changed_a_word() -> None:
    rng = np.random.default_rng(7)
    said = sentence(rng, 30).split()
    copies = []
    for i in range(6):
        words = list(said)
        words[4 * i] = "changed"
        copies.append((f"ring-{i}", i * DAY_US, " ".join(words)))
    found = log(people(60, 12) + copies)
    scored = near_duplicates(found)
    assert len(set(families(found)[-6:].tolist())) == 1
    assert recall(found, scored) == 1.0
    assert np.floor(scored.scores[of(found, "ring")]).tolist() == [5.0] * 6


def probing(accounts: int, exchanges: int) -> list[Exchange]:
    """One question each, asked again and again with one word put in: what SEAT and PRADA are made for."""
    rng = np.random.default_rng(11)
    out = []
    for i in range(accounts):
        base = sentence(rng, 30).split()
        for n in range(exchanges):
            words = list(base)
            words[int(rng.integers(30))] = str(rng.choice(["one", "two", "three"]))
            out.append((f"ring-{i}", n * HOUR_US, " ".join(words)))
    return out


def test_seat_finds_probing_and_not_talk() -> None:
    found = log(people(60, 30) + probing(4, 30))
    assert recall(found, seat(found)) == 1.0


def test_seat_does_not_count_retries() -> None:
    found = log(
        people(60, 30) + [("ring-0", n * HOUR_US, "the very same question as ever") for n in range(30)]
    )
    assert seat(found).scores[of(found, "ring")].tolist() == [0.0]


def test_prada_finds_natural_queries_mixed_with_synthetic_ones() -> None:
    """Half talk, half small steps from earlier queries: distances have two humps, as Juuti et al. describe."""
    talk = people(1, 60, seed=13)
    mixed = [("ring-0", t, text) for _, t, text in talk]
    mixed += [("ring-0", t + 1, text + " changed") for _, t, text in talk]
    found = log(people(40, 120) + mixed)
    assert recall(found, prada(found), allowed=2) == 1.0
    assert recall(found, prada(found, "w"), allowed=2) == 1.0


def test_distances_by_hand() -> None:
    root = np.sqrt(0.5).astype(np.float32)
    content = np.array([[1, 0], [0, 1], [root, root], [1, 0]], np.float32)
    # The third is nearer than the growing set's threshold (one distance, so mean − 0) and doesn't join.
    assert distances(content).tolist() == pytest.approx([np.sqrt(2), np.sqrt(2 - 2 * root), 0.0], abs=1e-3)
    assert normality(np.ones(20)) == (1.0, 1.0)
    assert normality(np.random.default_rng(0).normal(size=200))[1] > 0.01


def test_isolation_forest_finds_a_machine_among_people() -> None:
    rng = np.random.default_rng(17)
    machine = [(f"ring-{i}", n * 60_000_000, sentence(rng, 12)) for i in range(3) for n in range(400)]
    found = log(people(200, 12) + machine)
    assert recall(found, isolation_forest(found)) == 1.0


def test_groups_are_held_together_by_strong_links_only() -> None:
    scored = Scored(np.ones(5), np.array([[0, 1], [1, 2], [3, 4]]), np.array([2.0, 1.0, 2.0]))
    assert [g.tolist() for g in scored.groups(0.5)] == [[0, 1, 2], [3, 4]]
    assert [g.tolist() for g in scored.groups(1.0)] == [[0, 1], [3, 4]]
    assert scored.groups(1.0, fewest=3) == []

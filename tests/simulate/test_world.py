"""A whole world: the same bytes again, honest labels, and a ring that has the traces a ring has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from headwater.errors import UsageError
from headwater.exchange import ACCOUNT_SCHEMA, EXCHANGE_SCHEMA, inspect
from headwater.simulate import Corpora, Scenario, World, simulate, write
from headwater.simulate.card import corpus_auc
from headwater.simulate.scenario import Reseller

SECOND = 1_000_000


def column(table: pa.Table, name: str) -> np.ndarray:
    return np.array(table[name].to_pylist(), dtype=object)


def test_the_same_seed_gives_the_same_bytes(
    world: World, scenario: Scenario, root: Path, tmp_path: Path
) -> None:
    again = simulate(scenario, Corpora.find(root))
    first, second = write(world, tmp_path / "a"), write(again, tmp_path / "b")
    assert [path.name for path in first] == [path.name for path in second]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_the_folder_is_a_log_as_it_is(world: World, tmp_path: Path) -> None:
    """Whoever names the folder reads the log and nothing else; the accounts beside it are pointed at."""
    write(world, tmp_path)
    found = inspect([tmp_path])
    assert (found.exchanges, found.set_aside) == (world.exchanges.num_rows, 0)
    assert found.accounts_unread == (str(tmp_path / "accounts.parquet"),)


def test_what_lies_in_the_folder_is_not_followed_and_not_removed(world: World, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.write_text("precious")
    folder.mkdir()
    (folder / "exchanges.parquet").write_text("precious")
    (folder / "accounts.parquet").symlink_to(victim)
    log = write(world, folder, "otel")[0]
    assert log == folder / "otel.jsonl.gz"
    assert inspect([log]).exchanges == world.exchanges.num_rows
    assert victim.read_text() == "precious"
    assert (folder / "exchanges.parquet").read_text() == "precious"
    assert not (folder / "accounts.parquet").is_symlink()


def test_a_folder_that_cannot_take_all_takes_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "_scenario.json").mkdir()
    with pytest.raises(UsageError, match="is a folder, where a file is to be written"):
        write(world, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["_scenario.json"]


def test_another_seed_gives_another_world(world: World, scenario: Scenario, corpora: Corpora) -> None:
    other = simulate(scenario, corpora, seed=8)
    assert other.card["seed"] == 8
    assert other.exchanges["prompt"].to_pylist() != world.exchanges["prompt"].to_pylist()


def test_tables_follow_the_schemas(world: World) -> None:
    for table, schema in ((world.exchanges, EXCHANGE_SCHEMA), (world.accounts, ACCOUNT_SCHEMA)):
        for field in table.schema:
            assert field == schema.field(field.name)
            if not field.nullable:
                assert table[field.name].null_count == 0
    assert len(set(world.exchanges["id"].to_pylist())) == world.exchanges.num_rows
    at = world.exchanges["at"].to_numpy()
    assert np.all(np.diff(at) >= np.timedelta64(0))
    assert set(world.exchanges["account"].to_pylist()) == set(world.accounts["account"].to_pylist())


def test_truth_names_every_account_and_every_exchange(world: World) -> None:
    truth = world.truth
    assert truth.exchanges["id"].to_pylist() == world.exchanges["id"].to_pylist()
    assert truth.accounts["account"].to_pylist() == world.accounts["account"].to_pylist()
    assert truth.accounts["organisation"].to_pylist() == world.accounts["organisation"].to_pylist()
    harvest = column(truth.exchanges, "harvest").astype(bool)
    ringed = column(truth.exchanges, "ring") == "ring"
    assert np.array_equal(harvest, ringed)
    of_ring = set(column(truth.accounts, "account")[column(truth.accounts, "role") == "ring"])
    assert set(column(world.exchanges, "account")[harvest]) == of_ring
    counted = dict(
        zip(
            *np.unique(column(world.exchanges, "account")[harvest].astype(str), return_counts=True),
            strict=True,
        )
    )
    told = zip(
        truth.accounts["account"].to_pylist(), truth.accounts["harvest_exchanges"].to_pylist(), strict=True
    )
    assert {name: count for name, count in told if count} == counted


def test_names_and_ids_tell_nothing(world: World) -> None:
    role = column(world.truth.accounts, "role") == "ring"
    # accounts are ordered by name: the ring is spread over all of them
    place = np.flatnonzero(role) / len(role)
    assert 0.3 < place.mean() < 0.7
    assert place.max() - place.min() > 0.8


def test_every_corpus_is_on_both_sides_and_tells_little(world: World) -> None:
    harvested = column(world.truth.exchanges, "harvest").astype(bool)
    corpus = column(world.truth.exchanges, "corpus")
    assert set(corpus[harvested]) <= set(corpus[~harvested])
    told = world.card["corpora"]
    assert {name: sides["harvest"] for name, sides in told.items()} == {
        name: int(np.sum(harvested & (corpus == name))) for name in told
    }


def test_corpus_auc_known_answers() -> None:
    both = np.array([0, 1, 0, 1])
    assert corpus_auc(both, np.array([True, True, False, False])) == 0.5
    assert corpus_auc(both, np.array([True, False, True, False])) == 1.0
    assert corpus_auc(both, np.zeros(4, dtype=bool)) is None


def ratio(at_s: np.ndarray, account: np.ndarray, window_s: float) -> float:
    """Var of the group's count per window over the sum of the accounts' variances, within blocks."""
    block, members = 20, np.unique(account, return_inverse=True)[1]
    together = apart = 0.0
    breaks = np.flatnonzero(np.diff(at_s) > 3 * window_s)
    for low, high in zip(np.r_[0, breaks + 1], np.r_[breaks + 1, len(at_s)], strict=True):
        cell = ((at_s[low:high] - at_s[low]) // window_s).astype(int)
        for first in range(0, cell[-1] + 1 - block, block):
            rows = (cell >= first) & (cell < first + block)
            counts = np.zeros((members.max() + 1, block))
            np.add.at(counts, (members[low:high][rows], cell[rows] - first), 1)
            together += counts.sum(axis=0).var()
            apart += counts.var(axis=1).sum()
    return together / apart


def test_a_rings_arrivals_are_steadier_together_than_apart(world: World) -> None:
    harvest = column(world.truth.exchanges, "harvest").astype(bool)
    at = world.exchanges["at"].to_numpy().astype("int64")[harvest] / SECOND
    account = column(world.exchanges, "account")[harvest]
    assert ratio(at, account, 100.0) < 0.5
    half = np.isin(account, np.unique(account)[::2])
    assert ratio(at[half], account[half], 100.0) < 0.85


def test_strangers_are_not(world: World) -> None:
    accounts = world.truth.accounts
    people = set(column(accounts, "account")[column(accounts, "population") == "people"])
    mine = np.isin(column(world.exchanges, "account"), list(people))
    at = world.exchanges["at"].to_numpy().astype("int64")[mine] / SECOND
    assert ratio(at, column(world.exchanges, "account")[mine], 1800.0) > 0.8


def test_a_new_model_is_taken_up_jointly_by_the_ring_and_by_others_one_by_one(world: World) -> None:
    harvest = column(world.truth.exchanges, "harvest").astype(bool)
    at = world.exchanges["at"].to_numpy().astype("int64")
    day = (at - at.min()) / SECOND / 86_400
    new = column(world.exchanges, "model") == "large-2"
    assert np.mean(new[harvest & (day > 9.2)]) == 1.0
    assert not new[day < 8.9].any()
    later = (day > 9.5) & ~harvest & np.isin(column(world.exchanges, "model"), ["large-1", "large-2"])
    assert 0.05 < np.mean(new[later]) < 0.8


def test_an_outage_hits_everybody_and_is_tried_again(world: World) -> None:
    status = column(world.exchanges, "status").astype(int)
    start = np.datetime64("2026-09-12T12:00:00")
    at = world.exchanges["at"].to_numpy().astype("datetime64[us]")
    inside = (at >= start) & (at < start + np.timedelta64(30, "m"))
    assert inside.any()
    assert np.mean(status[inside] == 503) > 0.8
    assert not (status[~inside] == 503).any()
    assert np.all(column(world.exchanges, "output_tokens")[status != 200] == 0)


def test_what_a_ring_shares_is_what_its_scenario_says(world: World) -> None:
    ring = column(world.truth.accounts, "role") == "ring"
    paid = column(world.accounts, "payment")
    used = [name for name in paid[ring] if name]
    assert len(set(used)) <= 8
    ordinary = [name for name in paid[column(world.truth.accounts, "shape") == "people"] if name]
    assert len(set(ordinary)) > 0.9 * len(ordinary)
    harvest = column(world.truth.exchanges, "harvest").astype(bool)
    assert len(set(column(world.exchanges, "ip")[harvest])) == 5


@pytest.mark.parametrize("scale", [0.25, 2.0])
def test_scale_shrinks_and_grows_accounts_and_exchanges(
    world: World, scenario: Scenario, corpora: Corpora, scale: float
) -> None:
    other = simulate(scenario, corpora, scale=scale)
    assert abs(other.exchanges.num_rows / world.exchanges.num_rows / scale - 1) < 0.15
    assert abs(other.accounts.num_rows / world.accounts.num_rows / scale - 1) < 0.15


def test_a_scale_of_nothing_is_refused(scenario: Scenario, corpora: Corpora) -> None:
    with pytest.raises(UsageError, match="scale must be above 0"):
        simulate(scenario, corpora, scale=0)


def test_a_resellers_accounts_carry_many_end_users(scenario: Scenario, corpora: Corpora) -> None:
    resale = Reseller(end_users=300, exchanges=2000, corpora={"halueval": 1.0, "multiwoz": 1.0})
    hydra = msgspec.structs.replace(scenario.campaigns[0], reseller=resale, cover=0.0, personas=0)
    world = simulate(msgspec.structs.replace(scenario, campaigns=(hydra,)), corpora)
    accounts = world.truth.accounts
    assert set(column(accounts, "role")) == {"innocent", "reseller"}
    sold = set(column(accounts, "account")[column(accounts, "role") == "reseller"])
    mine = np.isin(column(world.exchanges, "account"), list(sold))
    harvest = column(world.truth.exchanges, "harvest").astype(bool)
    assert abs(np.mean(harvest[mine]) - 0.6) < 0.05
    # end users bring their own software and system prompts
    assert len(set(column(world.exchanges, "user_agent")[mine & ~harvest])) > 8
    assert len(set(column(world.exchanges, "user_agent")[mine & harvest])) <= 2


def test_personas_shard_the_queue_by_topic(scenario: Scenario, corpora: Corpora) -> None:
    sharded = msgspec.structs.replace(scenario.campaigns[0], personas=5)
    world = simulate(msgspec.structs.replace(scenario, campaigns=(sharded,)), corpora)
    assert world.card["author_effect"]["ring"]["z"] > 5


def test_the_card_says_that_labels_are_constructed(world: World) -> None:
    assert "constructed" in world.card["constructed"]
    assert world.card["accounts_by_role"] == {"innocent": world.accounts.num_rows - 40, "ring": 40}
    assert world.card["author_effect"]["people"]["icc"] > 0.02


#: SHA-256 of the small world's first columns and truth, as the first version made them. New columns may come;
#: these stay, or every figure on a packaged scenario would have to be measured again.
FIRST = "690ef1eac439110cb2b44742b79576afe11c173cfdee312360a16d42e9e77857"
FIRST_COLUMNS = (
    *("id", "at", "account", "prompt", "system", "organisation", "conversation", "turn", "model", "endpoint"),
    *(
        "batch",
        "status",
        "latency_ms",
        "input_tokens",
        "output_tokens",
        "temperature",
        "max_tokens",
        "stream",
    ),
    *("ip", "user_agent", "tls"),
)


def fingerprint(world: World) -> str:
    """One hash over the first columns of all tables."""
    parts = (
        world.exchanges.select(FIRST_COLUMNS),
        world.accounts.select(
            ["account", "created_at", "tier", "email_domain", "payment", "device", "phone"]
        ),
        world.truth.accounts.select(["account", "role", "ring", "shape", "population", "harvest_exchanges"]),
        world.truth.exchanges.select(["id", "harvest", "ring", "corpus"]),
    )
    text = repr([[table[name].to_pylist() for name in table.column_names] for table in parts])
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_scenario_keeps_the_bytes_that_it_has(world: World) -> None:
    assert fingerprint(world) == FIRST

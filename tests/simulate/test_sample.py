"""The bundled sample: small, whole, labelled beside and not inside, and as its card says."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.exchange import inspect
from headwater.simulate import load

SAMPLE = Path(__file__).parents[2] / "examples/sample"
CARD = json.loads((SAMPLE / "_scenario.json").read_text(encoding="utf-8"))


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 4_000_000


def test_it_is_what_its_card_says() -> None:
    exchanges, accounts = (pq.read_table(SAMPLE / f"{name}.parquet") for name in ("exchanges", "accounts"))
    truth, roles = (pq.read_table(SAMPLE / f"_truth_{name}.parquet") for name in ("exchanges", "accounts"))
    assert exchanges.num_rows == truth.num_rows == CARD["exchanges"]
    assert accounts.num_rows == roles.num_rows == CARD["accounts"]
    assert pc.sum(truth["harvest"]).as_py() == CARD["harvest_exchanges"]
    assert not {"role", "ring", "harvest", "corpus", "shape"} & set(
        exchanges.column_names + accounts.column_names
    )
    assert "constructed" in CARD["constructed"]
    assert CARD["corpus_auc"] < 0.6


def test_its_folder_is_a_log_as_it_is() -> None:
    found = inspect([SAMPLE], accounts=[SAMPLE / "accounts.parquet"])
    assert (found.exchanges, found.set_aside, found.accounts_unread) == (CARD["exchanges"], 0, ())


def test_it_is_of_the_packaged_scenario() -> None:
    plan = load("sample")
    assert (CARD["seed"], CARD["title"], CARD["scale"]) == (plan.seed, plan.title, 1.0)
    assert CARD["author"]["style"] == plan.author.style
    roles = pq.read_table(SAMPLE / "_truth_accounts.parquet")
    assert set(roles["ring"].drop_null().to_pylist()) == {ring.name for ring in plan.campaigns}


def test_its_readme_gives_its_figures() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert f"{CARD['exchanges']:,} exchanges" in readme
    assert f"{CARD['accounts']} accounts" in readme
    assert f"AUC of {CARD['corpus_auc']:.2f}" in readme

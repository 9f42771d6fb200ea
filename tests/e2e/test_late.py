"""Accounts that join a ring after its verdict, on the bundled sample: counted once, not declared, told as they are."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.detect import Declaration
from headwater.engine import HALF
from headwater.explain import explain_account, load

SAMPLE = Path(__file__).parents[2] / "examples/sample"


@cache
def sample() -> tuple[pa.Table, pa.Table]:
    return pq.read_table(SAMPLE / "exchanges.parquet"), pq.read_table(SAMPLE / "accounts.parquet")


@cache
def plain() -> Any:
    return headwater.investigate(*sample())


def members(found: Any, name: str) -> dict[str, Any]:
    rings = {c.id: c for c in found.findings.campaigns}
    return {m.account: m for m in rings[name].members}


@cache
def split() -> Any:
    """The sample, in which three of the code ring's accounts send other people's prompts where ties are looked for.

    They share means with six of these people, so that another group holds them at first.
    """
    rnd = random.Random(1)
    table, accounts = sample()
    rows = table.to_pylist()
    half = [side for batch in plain()._log.batches([]) for side in batch.column(HALF).to_pylist()]
    sent: dict[str, int] = {}
    for row in rows:
        sent[row["account"]] = sent.get(row["account"], 0) + 1
    held = {m.account for c in (*plain().findings.campaigns, *plain().findings.considered) for m in c.members}
    people = [a for a, n in sent.items() if 25 <= n <= 60 and a not in held][:6]
    moved = [a for a, m in members(plain(), "vale-creek").items() if not m.late][3:6]
    pool = [row for row in rows if row["account"] in people]
    for at, row in enumerate(rows):
        if row["account"] in moved and half[at] == 0:
            row["prompt"] = rnd.choice(pool)["prompt"]
    known = accounts.to_pylist()
    for row in known:
        if row["account"] in (*people, *moved):
            row |= {part: f"shared {part}" for part in ("payment", "device", "phone")}
    tables = (
        pa.Table.from_pylist(rows, schema=table.schema),
        pa.Table.from_pylist(known, schema=accounts.schema),
    )
    return headwater.investigate(*tables), tuple(moved), tables


def test_an_account_that_joins_late_stands_in_one_group_and_can_be_told_of(tmp_path: Path) -> None:
    found, moved, _ = split()
    every = [m for c in (*found.findings.campaigns, *found.findings.considered) for m in c.members]
    assert len({m.account for m in every}) == len(every)
    assert all(m.exchanges > 0 and m.first_at_us <= m.last_at_us for m in every)
    late = {m.account for m in every if m.late}
    assert late & set(moved), "the scenario is one of late joins"
    path = tmp_path / "campaigns.json"
    path.write_bytes(found.json())
    again = load(path)
    for account in moved:
        assert explain_account(again, account).passages


def test_whoever_it_was_judged_with_is_not_said_to_be_late() -> None:
    for found in (plain(), split()[0]):
        world = found._detection.world
        for judged in found._detection.judged:
            tested = {world.accounts[m] for m in world.rings[judged.at].members.tolist()}
            assert not tested & {world.accounts[m] for m in judged.late.tolist()}


def test_a_declared_account_does_not_join() -> None:
    _, moved, tables = split()
    party = Declaration("Reds", "red team", frozenset(moved), frozenset(), date(2099, 1, 1), "")
    found = headwater.investigate(*tables, known=[party])
    assert not set(moved) & {m.account for c in found.findings.campaigns for m in c.members}


@pytest.mark.parametrize("day", [5, 6])
def test_a_log_of_one_day_has_an_answer(day: int) -> None:
    """Joint runs are looked for on every other day: one of these has none."""
    rows = [
        {
            "id": str(k),
            "at": datetime(2026, 10, day, 9, k, tzinfo=UTC),
            "account": f"a{k % 4}",
            "prompt": f"hello number {k}, what is the weather?",
        }
        for k in range(40)
    ]
    assert headwater.investigate(pa.Table.from_pylist(rows)).findings.campaigns == ()


def test_nobody_of_a_group_that_was_only_considered_is_accused() -> None:
    found = plain().findings
    ring = next(c for c in found.considered if not c.told)
    story = explain_account(found, ring.members[0].account)
    text = " ".join(s for passage in story.passages for s in passage.sentences)
    assert "isn't named as a member" in text
    for accusing in (
        "attributed to it was sent",
        "Only what it asks for ties it",
        "look at it before anything else",
    ):
        assert accusing not in text


def test_keys_of_one_organisation_neither_free_a_ring_nor_vanish() -> None:
    """Half of the reasoning ring's accounts are one organisation's; no account attribute is in the log."""
    table, _ = sample()
    ring = sorted(members(plain(), "iris-gate"))
    half = set(ring[: len(ring) * 51 // 100 + 1])
    rows = [row | {"organisation": "Org" if row["account"] in half else None} for row in table.to_pylist()]
    bare = pa.Table.from_pylist(rows, schema=table.schema).drop_columns(["ip", "user_agent", "tls"])
    found = headwater.investigate(bare).findings
    assert any(set(ring) - half <= {m.account for m in c.members} for c in found.campaigns)
    assert not any(half & {m.account for m in c.members} for c in found.campaigns)
    assert any("of the organisation “Org” would have dominated" in note for note in found.notes)

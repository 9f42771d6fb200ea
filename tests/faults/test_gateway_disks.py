"""A gateway whose disk is full, or whose stores are locked, damaged, replaced or gone: it goes on as it was."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from casework.books import SETTINGS, pack, report
from faults.gateways import Model, Served, chat, headwater, journalled, modelled, run
from headwater.casework import new_casebook, open_casebook
from headwater.cli.casebooks import now_us
from headwater.control.identity import IdentitySettings, open_identity
from headwater.exchange.journal import Accepted, Gap

pytestmark = pytest.mark.xdist_group("gateway-disks")


def long(number: int) -> bytes:
    """A chat that is longer than what a full disk takes."""
    return json.dumps({**json.loads(chat(number)), "metadata": {"padding": "x" * 20_000}}).encode()


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits of a process that runs")
@pytest.mark.parametrize("way", ["refuse", "serve-unrecorded"])
def test_a_disk_that_is_full_and_has_room_again(tmp_path: Path, way: str) -> None:
    """Refused with a native error, or served; either is counted in the journal, and nothing else is missing in it."""
    model, said = Model(), {}
    toml = f'[journal]\nwhen_full = "{way}"\nretry_us = 100_000\n'
    with modelled(model) as upstream, Served(
        tmp_path / "g", upstream, "--no-rotation", toml=toml
    ) as gateway:  # fmt: skip

        async def ask(number: int) -> int:
            said[number] = await gateway.ask("alice", long(number))
            return said[number][0]

        async def test() -> None:
            assert await ask(0) == 200
            resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
            number = 1
            if way == "refuse":
                async with asyncio.timeout(60):
                    while await ask(number) != 503:
                        number += 1
                status, fields, body = said[number]
                assert (status, body["error"]["type"]) == (503, "server_error")
                assert int(fields["retry-after"]) > 0
                assert "recorded" in body["error"]["message"]
            else:
                async with asyncio.timeout(60):
                    while "journal can't be written" not in gateway.log:
                        assert await ask(number) == 200
                        number += 1
            for more in range(number + 1, number + 40):
                assert await ask(more) == (503 if way == "refuse" else 200)
            resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            await asyncio.sleep(0.3)
            async with asyncio.timeout(60):
                while await ask(10_000 + len(said)) != 200:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            for more in range(20_000, 20_020):
                assert await ask(more) == 200

        run(test)
        assert gateway.stop() == 0
        assert gateway.log.count("the journal can't be written") == 1
        assert gateway.log.count("the journal is written again") == 1
    records = journalled(gateway.folder)
    accepted = [one for one in records if isinstance(one, Accepted)]
    served = [number for number, (status, _, _) in said.items() if status == 200]
    gaps = [one for one in records if isinstance(one, Gap)]
    assert len({one.id for one in accepted}) == len(accepted)
    assert len(accepted) == len(served) - sum(gap.served for gap in gaps)
    assert sum(gap.refused for gap in gaps) == len(said) - len(served)
    assert (sum(gap.served for gap in gaps) > 30) is (way == "serve-unrecorded")


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits of a process that runs")
def test_hard_budgets_stay_closed_while_their_disk_is_full(tmp_path: Path) -> None:
    toml = """
record = false
[[control.budgets]]
name = "day"
kind = "request-quota"
scope = "account"
limit = 1000
per = "day"
lease = 1
"""
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, toml=toml) as gateway:
        assert gateway.now("alice", chat(1))[0] == 200
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
        gateway.wait_for(lambda: gateway.now("alice", chat(2))[0] == 503)
        status, fields, body = gateway.now("alice", chat(2))
        assert (status, int(fields["retry-after"]) > 0) == (503, True)
        assert "can't be checked" in body["error"]["message"]
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        gateway.wait_for(lambda: gateway.now("alice", chat(3))[0] == 200)
        assert gateway.stop() == 0
        assert "budgets' store doesn't answer" in gateway.log


def test_an_identity_store_that_is_locked_gone_damaged_and_replaced(tmp_path: Path) -> None:
    """The last known stays in force, the log says so once, and what is put back is taken up."""
    store = tmp_path / "g" / "identity" / "identity.sqlite"
    kept = tmp_path / "kept.sqlite"
    words = "who may come can't be brought up to date"
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream) as gateway:
        with closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for number in range(20):
                assert gateway.now("alice", chat(number))[0] == 200
            other.execute("ROLLBACK")
            assert words not in gateway.log
            with closing(sqlite3.connect(kept)) as copy:
                other.backup(copy)
        kept.chmod(0o600)
        store.rename(store.with_suffix(".away"))
        gateway.wait_for(lambda: words in gateway.log)
        for number in range(20):
            assert gateway.now("alice", chat(number))[0] == 200
        (tmp_path / "noise").write_bytes(b"This is no database, whatever its name says." * 100)
        (tmp_path / "noise").chmod(0o600)
        (tmp_path / "noise").rename(store)
        for number in range(20):
            assert gateway.now("alice", chat(number))[0] == 200
        shutil.copy(kept, tmp_path / "again")
        (tmp_path / "again").rename(store)
        older = gateway.keys["alice"]
        for name in ("identity.sqlite-wal", "identity.sqlite-shm"):
            store.with_name(name).unlink(missing_ok=True)
        with open_identity(store.parent, IdentitySettings()) as identity:
            gateway.keys["alice"] = identity.new_key("alice", "bob", now_us()).text
        gateway.wait_for(lambda: gateway.now("alice", chat(1))[0] == 200)
        gateway.wait_for(lambda: "who may come is up to date again" in gateway.log)
        assert gateway.log.count(words) == 1
        # An older copy that is written back through SQLite, beside everybody who has the store open: known as it was.
        newer = gateway.keys["alice"]
        with closing(sqlite3.connect(kept)) as copy, closing(sqlite3.connect(store)) as live:
            copy.backup(live)
        gateway.wait_for(lambda: gateway.now("alice", chat(1))[0] == 401)
        gateway.keys["alice"] = older
        assert gateway.now("alice", chat(1))[0] == 200
        assert newer != older
        assert gateway.log.count(words) == 1
        assert gateway.stop() == 0


def test_a_casebook_that_is_gone_frees_nobody(tmp_path: Path) -> None:
    desk, away = tmp_path / "desk", tmp_path / "away"
    begun = now_us()
    new_casebook(desk, SETTINGS, pack("quarantine"), begun)
    with open_casebook(desk, SETTINGS) as book:
        book.propose(report(2), "alice", begun)
        book.confirm("birch-harvest", "bob", begun)
    words = "what stands against accounts can't be brought up to date"
    with modelled(Model()) as upstream, Served(
        tmp_path / "g", upstream, "--casebook", str(desk), accounts={"birch-00000": "contracted"}
    ) as gateway:  # fmt: skip
        assert gateway.now("birch-00000", chat(1))[0] == 403
        desk.rename(away)
        gateway.wait_for(lambda: words in gateway.log)
        assert gateway.now("birch-00000", chat(1))[0] == 403
        away.rename(desk)
        gateway.wait_for(lambda: "what stands against accounts is up to date again" in gateway.log)
        with open_casebook(desk, SETTINGS) as book:
            book.reverse("birch-harvest", "carol", now_us(), "A class.")
        gateway.wait_for(lambda: gateway.now("birch-00000", chat(1))[0] == 200)
        assert gateway.log.count(words) == 1
        # A copy that was put in its place is another file.
        shutil.copytree(desk, away)
        desk.rename(tmp_path / "old")
        away.rename(desk)
        with open_casebook(desk, SETTINGS) as book:
            book.undo("birch-harvest", "carol", now_us(), "It wasn't.")
        gateway.wait_for(lambda: gateway.now("birch-00000", chat(1))[0] == 403)
        assert gateway.stop() == 0


def test_a_gateway_without_a_casebook_it_was_told_of_does_not_start(tmp_path: Path) -> None:
    """Else nobody who was stopped would be."""
    with modelled(Model()) as upstream:
        gateway = Served(tmp_path / "g", upstream)
        done = headwater(
            "serve", "--folder", gateway.folder, "--casebook", tmp_path / "nowhere", "--port", "0"
        )
        assert (done.returncode, "nowhere" in done.stderr) == (2, True)
        assert "Traceback" not in done.stderr

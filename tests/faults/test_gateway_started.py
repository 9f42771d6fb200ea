"""A gateway's first start, and starts that can't be: what is made, what is told, and that nothing is left over."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from faults.gateways import Load, Model, Served, chat, modelled, run
from headwater.cli.app import run as command
from headwater.exchange.journal import Outcome, follow
from ports import free_port

pytestmark = pytest.mark.xdist_group("gateway-started")


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`headwater serve` in a folder of ours; what it printed first, once it serves."""
    command = [sys.executable, "-m", "headwater.cli", "serve", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(("serving ", "error:")):
            break
    try:
        yield process, "".join(said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def asked(port: int, key: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions", chat(1), {"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["choices"]
        return int(answer.status)


def test_two_lines_serve_a_model_and_the_key_is_shown_once(tmp_path: Path) -> None:
    folder, port = tmp_path / "gateway", str(free_port())
    with modelled(Model()) as upstream:
        words = ("--folder", str(folder), "--port", port)
        with started("--upstream", f"http://127.0.0.1:{upstream}", *words) as (process, said):
            assert process.stdout is not None
            key = process.stdout.readline().strip()
            assert key.startswith("hw_live_")
            assert key not in said
            assert asked(int(port), key) == 200
        assert process.returncode == 0
        with started(*words) as (process, said):
            assert "key" not in said
            assert asked(int(port), key) == 200
        assert process.stdout is not None
        assert process.stdout.closed
    assert [path.name for path in tmp_path.iterdir()] == ["gateway"]
    for path in [folder, *folder.rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    assert not folder.stat().st_mode & 0o077
    assert key not in "".join(path.read_text("latin-1") for path in folder.rglob("*") if path.is_file())


def test_four_workers_serve(tmp_path: Path) -> None:
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, "--workers", "4") as gateway:
        assert len(gateway.workers()) == 4

        async def test() -> None:
            load = Load(gateway, "alice", 16)
            while len(load.with_status(200)) < 400:
                assert not load.broken
                await asyncio.sleep(0.02)
            await load.stop()
            assert {status for status, _ in load.answered.values()} == {200}

        run(test)
        for worker in gateway.workers():
            assert worker.memory_info().rss < 80_000_000
            loaded = {each.path for each in worker.memory_maps()}
            assert [name for name in loaded if "arrow" in name or "numpy" in name or "duckdb" in name] == []
        journals = sorted(path.name for path in (gateway.folder / "journal").iterdir() if path.is_dir())
        assert journals == [f"relay-{number}" for number in range(4)]
        assert gateway.stop() == 0


@pytest.mark.parametrize(("size", "many"), [(12, 3_000), (300, 1_200)])
def test_what_clients_write_into_heads_takes_no_memory(tmp_path: Path, size: int, many: int) -> None:
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, "--no-rotation") as gateway:

        async def ask(number: int) -> None:
            client = await gateway.client()
            more = "".join(f"x-{at}-{number}: {'y' * size}\r\n" for at in range(90))
            assert (await client.ask(gateway.request("alice", chat(number), more=more)))[0] == 200
            client.close()

        async def test() -> None:
            for at in range(0, many, 30):
                await asyncio.gather(*(ask(number) for number in range(at, at + 30)))

        run(test)
        assert psutil.Process(gateway.pid).memory_info().rss < 80_000_000


def test_what_was_asked_just_now_is_rotated_where_that_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file that a gateway writes is closed after ten minutes; with --now at once, and it goes on in another."""
    words = ("journal", "rotate", "--folder", str(tmp_path / "g"))
    relay = tmp_path / "g" / "journal" / "relay-0"

    def answered() -> bool:
        return any(isinstance(record, Outcome) for _, record in follow(relay, None))

    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, "--no-rotation") as gateway:
        assert gateway.now("alice", chat(1))[0] == 200
        gateway.wait_for(answered)
        assert command([*words]) == 0
        told = capsys.readouterr().out
        assert told.startswith("0 exchanges of 0 files; 1 left for later: still written (closed 10 minutes ")
        assert command([*words, "--now"]) == 0
        assert capsys.readouterr().out == "1 exchanges of 1 files\n"
        assert gateway.now("alice", chat(2))[0] == 200
        gateway.wait_for(answered)
        assert command([*words, "--now", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"] == 1
        assert pq.read_table(tmp_path / "g" / "exchanges").num_rows == 2
        assert command([*words, "--now"]) == 0  # nothing is open: nothing is waited for
        assert capsys.readouterr().out == "0 exchanges of 0 files\n"
        assert command([*words, "--now", "--every", "5"]) == 2
        assert gateway.stop() == 0


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What a start says that can't be; it leaves no process."""
    capsys.readouterr()
    before = psutil.Process().children()
    assert command(["serve", *map(str, words)]) == 2
    assert psutil.Process().children() == before
    out, told = capsys.readouterr()
    assert out == ""
    assert told.count("error: ") == 1
    assert "fault in Headwater" not in told
    return told


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    """Also by another gateway, whose workers share theirs with each other."""
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, "--workers", workers) as gateway:
        other = Served(tmp_path / "h", upstream)
        for many in ("1", "2"):
            told = refused(capsys, "--folder", other.folder, "--port", str(gateway.port), "--workers", many)
            assert "field relay.port: can't listen (Address already in use)" in told
        assert gateway.now("alice", chat(1))[0] == 200
    with socket.create_server(("127.0.0.1", 0)) as held:
        told = refused(
            capsys, "--folder", other.folder, "--port", str(held.getsockname()[1]), "--workers", workers
        )
        assert "field relay.port" in told


def test_two_gateways_do_not_count_in_one_folder_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that counts rates by itself is alone; where all share a store, several may serve from a folder."""
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream) as gateway:
        for workers in ("1", "2"):
            told = refused(capsys, "--folder", gateway.folder, "--port", "0", "--workers", workers)
            assert "another gateway serves from it" in told
        assert gateway.stop() == 0
        gateway.options = ["--workers", "2"]
        gateway.start()
        told = refused(capsys, "--folder", gateway.folder, "--port", "0", "--workers", "1")
        assert "another gateway serves from it" in told
        with started("--folder", str(gateway.folder), "--port", str(free_port()), "--workers", "2") as (
            _,
            said,
        ):
            assert "serving" in said


def test_a_first_start_that_cant_be_leaves_nothing_and_shows_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (
        (),
        ("--upstream", "ftp://x"),
        ("--upstream", "127.0.0.1:8000"),
        ("--upstream", 'http://a"b'),
    ):
        assert "upstream" in refused(capsys, "--folder", tmp_path / "g", *words)
        assert list(tmp_path.iterdir()) == []
    server = ("--upstream", "http://127.0.0.1:1", "--folder", tmp_path / "g")
    with socket.create_server(("127.0.0.1", 0)) as held:
        assert "Address already in use" in refused(capsys, *server, "--port", str(held.getsockname()[1]))
    assert "names no store" in refused(capsys, *server, "--port", "0", "--budgets", "mysql://x")
    assert "one process" in refused(capsys, "--folder", tmp_path / "g", "--decide", "--workers", "2")
    assert "casebook" in refused(capsys, *server, "--port", "0", "--casebook", tmp_path / "nowhere")
    monkeypatch.setitem(sys.modules, "httptools", None)  # the extra isn't installed
    assert "pip install 'headwater[gateway]'" in refused(capsys, *server, "--port", "0")
    monkeypatch.delitem(sys.modules, "httptools")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "g"):
        told = refused(capsys, "--upstream", "http://127.0.0.1:1", "--folder", folder, "--port", "0")
        assert str(folder) in told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_only_imprints_are_kept_there_is_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the rotation would fail again and again, and prompts would lie in the journal for ever."""
    monkeypatch.delenv("HEADWATER_IMPRINT_KEY", raising=False)
    toml = 'imprint_key_file = "imprint.key"\nrotate_s = 1\n[rotation]\nkeep = "imprints"\n'
    toml += "[journal]\nfile_age_us = 1_000_000"
    with modelled(Model()) as upstream:
        gateway = Served(tmp_path / "g", upstream, toml=toml)
        told = refused(capsys, "--folder", gateway.folder, "--port", "0")
        assert f"{gateway.folder / 'imprint.key'}: cannot be read" in told
        assert command(["keys", "new", str(gateway.folder / "imprint.key")]) == 0
        with gateway:
            assert gateway.now("alice", chat(1))[0] == 200
            gateway.wait_for(lambda: list((gateway.folder / "exchanges").glob("day=*/*.parquet")))
            assert gateway.stop() == 0
    (path,) = (gateway.folder / "exchanges").glob("day=*/*.parquet")
    rows = pq.read_table(path, columns=["prompt", "imprint"], partitioning=None).to_pylist()
    assert [(row["prompt"], row["imprint"] is None) for row in rows] == [(None, False)]
    assert b"number 1 of many" not in path.read_bytes()


def test_a_folder_that_is_no_gateways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    told = refused(capsys, "--upstream", "http://127.0.0.1:1", "--folder", tmp_path / "mine")
    assert f"{tmp_path / 'mine'}: is no gateway's folder" in told
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


BUDGETS = """
[[control.budgets]]
name = "x"
kind = "requests"
scope = "account"
limit = 5
per = "minute"

[[control.budgets]]
name = "y"
kind = "token-quota"
scope = "account"
limit = {}
"""
DOCUMENTED = Path(__file__).parents[2] / "docs" / "how-to" / "serve-a-model.md"


def test_the_settings_that_are_documented_can_be_started_as_pasted(tmp_path: Path) -> None:
    text, _ = re.findall(r"```toml\n(.*?)```", DOCUMENTED.read_text("utf-8"), re.DOTALL)
    with modelled(Model()) as upstream:
        gateway = Served(tmp_path / "g", upstream, accounts={"bob": "verified-contact"})
        assert "127.0.0.1:8000" in text
        (gateway.folder / "gateway.toml").write_text(text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}"))
        with gateway:
            assert len(gateway.workers()) == 2
            assert gateway.now("bob", chat(1))[0] == 200
            assert gateway.now("bob", chat(2).replace(b'"m"', b'"large-1"'))[0] == 404
            assert gateway.stop() == 0


SETTINGS = [
    ('upstreem = "http://x"', "upstreem", "did you mean upstream?"),
    ("answer_bytes = -1", "answer_bytes", "out of range"),
    ("[relay]\nport = 99999", "relay.port", "from 0 to 65535"),
    ('[relay]\nport = "many"', "relay.port", "a whole number"),
    ('[relay]\nhost = "203.0.113.77"', "relay.host", "can't listen"),
    ('[relay]\ncertificate = "nofile"', "g/nofile", "can't be used for TLS"),
    ("[control]\nanswer_tokens = 0", "control.answer_tokens", "out of range"),
    ('[[control.models]]\nname = "m"\ntier = "gold"', "control.models.tier", "no such tier (model m)"),
    ("[journal]\nwindow_us = -5", "journal", "window"),
    ('[journal]\nwhen_full = "maybe"', "journal.when_full", "one of refuse, serve-unrecorded;"),
    ('budgets = "mysql://x"', "budgets", "names no store"),
    ('budgets = "redis://[bad"', "budgets", "names no store"),
    ('casebook = "nowhere"', "g/nowhere", "is no casebook"),
    ('upstream_key_file = "nokey"', "g/nokey", "does not exist"),
    ("this is no TOML", "gateway.toml", "is not TOML"),
    (BUDGETS.format("5"), "control.budgets[1].per", "can't be counted per none (budget y)"),
    (BUDGETS.format('0\nper = "day"'), "control.budgets[1].limit", "not a whole number"),
    (BUDGETS.format('5\nper = "day"\nburst = 3'), "control.budgets[1].burst", "leave it out"),
    (BUDGETS.format('5\nper = "day"\nlasts_s = 0'), "control.budgets[1].lasts_s", "(budget y)"),
    (BUDGETS.format('5\nper = "day"\nbursts = 3'), "control.budgets[1]", "known here: name, kind, scope"),
    (
        BUDGETS.format('5\nper = "day"').replace("token-quota", "tokens-a-day"),
        ".kind",
        "requests, tokens, spend",
    ),
    (
        BUDGETS.format('5\nper = "day"').replace('"y"', '"x"'),
        "control.budgets[1].name",
        "the name x is taken",
    ),
    (BUDGETS.format('5\nper = "day"').replace('"y"', '"step.x"'), "control.budgets[1].name", "one of ours"),
]


@pytest.mark.parametrize(
    ("line", "place", "words"), SETTINGS, ids=[f"{place}: {words[:20]}" for _, place, words in SETTINGS]
)
def test_a_wrong_setting_is_told_with_its_file_and_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, place: str, words: str
) -> None:
    gateway = Served(tmp_path / "g", 1, toml=line)
    told = refused(capsys, "--folder", gateway.folder, "--port", "0")
    assert place in told.splitlines()[0]
    assert words in told
    if not place.startswith(("relay.host", "budgets", "g/")):
        assert f"{gateway.folder / 'gateway.toml'}" in told


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        ("identity/identity.sqlite", 0o644, "others than its owner"),
        ("identity/pepper.key", 0o644, "others than its owner"),
        ("journal/relay-0", 0o755, "others than its owner"),
        ("budgets.sqlite", 0o644, "others than its owner"),
        ("journal", None, "cannot be written"),
        ("identity", None, "is no identity store"),
    ],
)
def test_what_others_may_read_or_cant_be_written_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, mode: int | None, words: str
) -> None:
    """With several workers: none of them serves then. `mode` None: a file lies where a folder should."""
    gateway = Served(tmp_path / "g", 1)
    (gateway.folder / "journal" / "relay-0").mkdir(parents=True, mode=0o700)
    (gateway.folder / "budgets.sqlite").touch(0o600)
    place = gateway.folder / name
    if mode is None:
        place.rename(tmp_path / "away")
        place.touch()
    else:
        place.chmod(mode)
    began = [sys.executable, "-m", "headwater.cli", "serve", "--folder", str(gateway.folder), "--port", "0"]
    done = subprocess.run([*began, "--workers", "2"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 1
    assert words in done.stderr
    assert str(place) in done.stderr
    assert gateway.all() == []

"""`headwater log`: from a casebook's log to a stranger's check, by commands, over folders and over HTTP."""

from __future__ import annotations

import functools
import gzip
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from casework.log_world import KEY, ORIGIN, VKEY, World
from headwater.casework.log import erase
from headwater.cli.log import command
from headwater.cli.web import ask, from_url
from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, UsageError
from headwater.keys import SigningKey, save_signing_key
from headwater.proof import VerifierKey


def run(*arguments: object) -> Result:
    """Run the command; errors on purpose are raised as they are."""
    ran = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
    if ran.exception is not None:
        raise ran.exception
    return ran


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World.new(tmp_path / "casebook")
    (made.folder / "log.vkey").write_text(VKEY.text() + "\n")
    save_signing_key(KEY, made.folder / "log.key")
    made.enter(300)
    return made


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(world: World) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=world.log.folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_publish_prove_and_check(world: World, tmp_path: Path) -> None:
    assert run("publish", "--casebook", world.folder).stdout == "300 entries, 300 of them new\n"
    assert run("publish", "--casebook", world.folder).stdout == "300 entries, 0 of them new\n"
    shown = tmp_path / "shown"
    run("prove", 7, "--casebook", world.folder, "-o", shown)
    ran = run("check", shown, "--key", VKEY.text())
    assert ran.return_value == 0
    assert ran.stdout.splitlines()[0] == f"proven: entry 7 of {ORIGIN}, which had 300 then"
    assert "  number: 7" in ran.stdout
    plain = json.loads(run("check", shown, "--key", VKEY.text(), "--json").stdout)
    assert plain["record"]["body"] == {"number": 7, "text": "said"}
    (shown / "record.json").write_bytes((shown / "record.json").read_bytes().replace(b"said", b"sayd"))
    ran = run("check", shown, "--key", VKEY.text())
    assert (ran.return_value, ran.stdout.startswith("refused: ")) == (1, True)


def test_what_a_record_says_acts_on_no_screen(world: World, tmp_path: Path) -> None:
    world.enter(1, said="a\x1b[31m\nproven: b", subject="c\x1b[2J")
    run("publish", "--casebook", world.folder)
    run("prove", 300, "--casebook", world.folder, "-o", tmp_path / "shown")
    out = run("check", tmp_path / "shown", "--key", VKEY.text()).stdout
    assert "\x1b" not in out
    assert out.count("\nproven") == 0


def test_an_erased_entry_says_so(world: World, tmp_path: Path) -> None:
    world.publish()
    with world.store.write() as tx:
        erase(tx, 0, "asked for", index=7)
    with pytest.raises(UsageError, match="was erased on 1970-01-01 00:00 UTC: asked for"):
        run("prove", 7, "--casebook", world.folder, "-o", tmp_path / "shown")
    assert not (tmp_path / "shown").exists()


def test_a_folder_and_an_address_verify_alike(world: World, served: str) -> None:
    world.publish()
    for place in (world.log.folder, served, served + "/"):
        ran = run("verify", place, "--key", world.folder / "log.vkey")
        assert ran.return_value == 0
        assert ran.stdout.startswith(f"{ORIGIN}, 300 entries, root ")
        assert ran.stdout.endswith("…: holds\n")
    (world.log.folder / "tile/0/000").write_bytes(bytes(8192))
    for place in (world.log.folder, served):
        ran = run("verify", place, "--key", VKEY.text(), "--json")
        assert ran.return_value == 1
        assert json.loads(ran.stdout)["findings"] == ["tile/0/000: is not what the entries make it"]
    assert run("mend", "--casebook", world.folder).stdout == "1 files made again\n"
    assert run("verify", served, "--key", VKEY.text()).return_value == 0


def test_another_key_is_refused(world: World) -> None:
    world.publish()
    other = VerifierKey(ORIGIN, SigningKey(b"\x07" * 32).public).text()
    ran = run("verify", world.log.folder, "--key", other)
    assert (ran.return_value, ran.stdout) == (
        1,
        "refused: checkpoint: the checkpoint is not trusted: the note is signed by no trusted key\n",
    )
    with pytest.raises(ConfigurationError):
        run("verify", world.log.folder, "--key", "example.com/x+00000000+AAAA")
    with pytest.raises(UnreadableInput):
        run("verify", world.log.folder, "--key", "no-such-file")
    with pytest.raises(Exception, match="one of --key and --trust"):
        run("verify", world.log.folder)
    with pytest.raises(UnreadableInput, match="no file `checkpoint`"):
        run("verify", world.folder, "--key", VKEY.text())


def test_witness_and_quorum_by_commands(world: World, served: str, tmp_path: Path) -> None:
    world.publish()
    witness = SigningKey(b"\x05" * 32, "witness")
    save_signing_key(witness, tmp_path / "witness.key")
    vkey = VerifierKey("example.com/w", witness.public, 4).text()
    options = [
        "--key",
        tmp_path / "witness.key",
        "--name",
        "example.com/w",
        "--state",
        tmp_path / "seen.json",
    ]
    with pytest.raises(UsageError) as raised:
        run("cosign", served, *options)
    assert raised.value.hint == "name its key with --log VKEY"
    ran = run("cosign", served, *options, "--log", VKEY.text(), "-o", tmp_path / "cosigned")
    assert vkey in ran.stderr
    run("publish", "--casebook", world.folder, "--cosigned", tmp_path / "cosigned", "--witness", vkey)
    (tmp_path / "trust").write_text(f"log {VKEY.text()}\nwitness w {vkey}\nquorum w\n")
    ran = run("verify", served, "--trust", tmp_path / "trust")
    assert ran.return_value == 0
    assert ran.stdout.startswith("cosigned by w: 20")
    other = World.new(tmp_path / "other")
    other.enter(301, said="to others")
    other.publish()
    ran = run("cosign", other.log.folder, *options)
    assert ran.return_value == 1
    assert "seen before:\nexample.com/casework\n300\n" in ran.stdout
    assert "shown now:\nexample.com/casework\n301\n" in ran.stdout


def test_recovery_by_command(world: World) -> None:
    world.publish()
    world.store.copy_to(world.folder / "copy")
    world.publish(5)
    world.store.close()
    for path in world.folder.glob("casebook.sqlite*"):
        path.unlink()
    shutil.move(world.folder / "copy", world.folder / "casebook.sqlite")
    with pytest.raises(HeadwaterError, match="older copy"):
        run("publish", "--casebook", world.folder)
    ran = run("recover", "--casebook", world.folder)
    assert ran.stdout == "5 entries taken from what is published\n"
    assert run("publish", "--casebook", world.folder).stdout == "305 entries, 0 of them new\n"


def test_a_time_stamp_is_published_and_verified(world: World, served: str, tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    from proof.authority import Authority
    from proof.authority import served as serving

    world.publish()
    (tmp_path / "tsa").mkdir()
    authority = Authority(tmp_path / "tsa")
    roots = tmp_path / "tsa" / "root.pem"
    with serving(authority) as url:
        ran = run("stamp", "--casebook", world.folder, "--tsa", url, "--tsa-roots", roots)
    assert ran.stdout.startswith("300 entries stamped: 20")
    world.publish(300)
    ran = run("verify", served, "--key", VKEY.text(), "--tsa-roots", roots)
    assert ran.return_value == 0, ran.stdout
    assert ran.stdout.startswith("stamped with 300 entries: 20")
    ran = run("verify", served, "--key", VKEY.text())
    assert "not checked: 1 time stamps: no authority's certificates were given" in ran.stdout
    sizes = world.log.folder / "stamps/sizes"
    sizes.write_text(sizes.read_text() * 50)  # the same, said often, is one
    ran = run("verify", served, "--key", VKEY.text(), "--tsa-roots", roots)
    assert ran.stdout.count("stamped with 300 entries") == 1
    for end in ("checkpoint", "tsr"):  # a stamp under the name of another checkpoint
        shutil.copy(world.log.folder / f"stamps/300.{end}", world.log.folder / f"stamps/600.{end}")
    shutil.copy(world.log.folder / "checkpoint", world.log.folder / "stamps/600.checkpoint")
    sizes.write_text("300\n600\n")
    ran = run("verify", served, "--key", VKEY.text(), "--tsa-roots", roots)
    assert (ran.return_value, ran.stdout.count("doesn't fit: time stamp of 600 entries")) == (1, 1)
    sizes.write_text("300\n")
    stamp = world.log.folder / "stamps/300.tsr"
    stamp.write_bytes(stamp.read_bytes()[:-1] + b"x")
    assert run("verify", served, "--key", VKEY.text(), "--tsa-roots", roots).return_value == 1


def test_mistakes_in_what_is_asked_are_no_findings_against_the_log(world: World, tmp_path: Path) -> None:
    world.publish()
    for name, text in (("empty.pem", ""), ("text.pem", "hello")):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigurationError, match="holds no certificate"):
            run("verify", world.log.folder, "--key", VKEY.text(), "--tsa-roots", tmp_path / name)
    with pytest.raises(UsageError, match="only http"):
        run("verify", "ftp://example.com/log", "--key", VKEY.text())
    (tmp_path / "root.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    ran = run("verify", world.log.folder, "--key", VKEY.text(), "--tsa-roots", tmp_path / "root.pem")
    assert ran.return_value == 0
    assert "not checked: time stamps: none are published" in ran.stdout


class Hostile(BaseHTTPRequestHandler):
    """A server that answers by the path."""

    def do_GET(self) -> None:
        if self.path == "/file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif self.path == "/bomb":
            body = gzip.compress(bytes(10_000_000))
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)
        elif self.path == "/long":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bytes(1_000_000))
        else:
            self.send_error(int(self.path[1:]))

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_that_means_harm() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    fetch = from_url(url)
    for path in ("404", "410"):
        assert fetch(path, 10) is None
    for path in ("file", "500"):
        with pytest.raises(UnreadableInput):
            fetch(path, 100_000)
    for path in ("bomb", "long"):
        data = fetch(path, 1000)
        assert data is not None
        assert len(data) <= 1001
    with pytest.raises(UnreadableInput, match="more than"):
        ask(url + "/long", b"", "text/plain", 1000)
    server.shutdown()
    server.server_close()
    with pytest.raises(UnreadableInput, match="refused"):
        fetch("404", 10)
    for bad in ("file:///etc", "ftp://x/", "http://", "http://u:p@x/", "http://x/?a"):
        with pytest.raises(UsageError):
            from_url(bad)


def test_what_is_no_casebook_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="no casebook"):
        run("publish", "--casebook", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_told_and_mended_by_commands(world: World) -> None:
    world.publish()
    with world.store.write() as tx:
        tx.run("UPDATE log_commitments SET entry = x'00' WHERE idx = 299")
    world.enter(1)
    with pytest.raises(HeadwaterError, match="entry 299 ") as raised:
        run("publish", "--casebook", world.folder)
    assert "headwater log recover" in str(raised.value.hint)
    ran = run("recover", "--casebook", world.folder)
    assert ran.stdout == "0 entries taken from what is published, 1 that were damaged made whole\n"
    assert run("publish", "--casebook", world.folder).stdout == "301 entries, 1 of them new\n"
    assert run("verify", world.log.folder, "--key", VKEY.text()).return_value == 0

"""`headwater mark`: what its users type, and what a hostile text or keyring is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from headwater.cli.app import run
from headwater.mark import MarkKey, scheme

KEY = 8242424242424242
VLLM = scheme("vllm-gumbel", {})
LETTERS = np.frombuffer(b"etaoinshrdlu cmfwypvbgkqjxz", np.uint8)
LOGITS = np.full(256, -50.0, np.float32)
LOGITS[LETTERS] = np.linspace(1.0, -1.0, len(LETTERS))
#: For texts that share no context with those of small letters.
CAPITALS = np.full(256, -50.0, np.float32)
CAPITALS[LETTERS & 0xDF] = LOGITS[LETTERS]
CAPITALS[0] = -50.0


def marked(size: int, first: bytes = b"the ", logits: np.ndarray = LOGITS) -> str:
    tokens = list(first)
    while len(tokens) < size:
        tokens.append(VLLM.choose(MarkKey("k", (KEY,)), tokens[-4:], logits))  # type: ignore[attr-defined]
    return bytes(tokens).decode()


MARKED = marked(300)


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(f'[[mark]]\nname = "prod"\nscheme = "vllm-gumbel"\nkey = {KEY}\ntokenizer = "bytes"\n')
    path.chmod(0o600)
    return path


def said(capfd: pytest.CaptureFixture[str]) -> str:
    read = capfd.readouterr()
    assert str(KEY) not in read.out + read.err
    return read.out + read.err


def test_texts_files_and_folders(ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "a.txt").write_text(MARKED)
    (folder / "b.txt").write_text(" ".join(map(str, range(1000, 1200))))
    (folder / "c.bin").write_bytes(b"\x00\x01\x02")
    assert run(["mark", "detect", str(folder), "two words", "--keyring", str(ring)]) == 0
    told = said(capfd)
    assert "1 marked · 1 not shown · 1 not enough evidence" in told
    assert "c.bin: is binary" in told
    asked = ["mark", "detect", str(folder), "--keyring", str(ring)]
    assert run([*asked, "--fail-on", "marked"]) == 1
    assert run([*asked, "--max-bad", "0"]) == 3
    capfd.readouterr()
    assert run([*asked, "--json"]) == 0
    (aside,) = json.loads(capfd.readouterr().out)["set_aside"]
    assert aside["document"].endswith("c.bin")
    assert "binary" in aside["what"]


def test_json_holds_what_the_table_says(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(MARKED)
    assert run(["mark", "detect", str(path), "--keyring", str(ring), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    (one,) = told["results"]
    assert (told["format"], told["texts"], told["set_aside"]) == ("headwater.marks", 1, [])
    assert (one["verdict"], one["marks"], one["tests"]) == ("marked", ["prod"], 1)
    assert one["log10_p"] < -6
    assert one["readings"][0]["stands"]
    assert one["readings"][0]["decoys"]["agrees"]


def test_show_writes_a_page_with_the_passage(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, page = tmp_path / "a.txt", tmp_path / "page.html"
    plain = "It was a bright cold day in April, and <b>the clocks</b> were striking thirteen in the hall. "
    path.write_text(plain * 12 + MARKED + plain * 12)
    assert run(["mark", "show", str(path), "--keyring", str(ring), "-o", str(page)]) == 0
    assert "carries the mark prod" in said(capfd)
    html = page.read_text()
    begin = html.index('<mark class="gap')
    assert MARKED[60:100] in html[begin : html.index("</mark>", begin)]
    assert "<b>the clocks" not in html
    assert str(KEY) not in html


def test_a_text_from_standard_input(
    ring: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MARKED.encode())))
    assert run(["mark", "detect", "-", "--keyring", str(ring)]) == 0
    assert "1 marked" in said(capfd)


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", 0, "not enough evidence"),
        (b"x", 0, "not enough evidence"),
        (b"a" * 1_000_000, 0, "not enough evidence"),
        (b"the same words again and again. " * 30_000, 0, "not enough evidence"),
        (b"\x00\x01" * 100, 2, "is binary"),
        (b"\xff\xfe" + "hello".encode("utf-16-le"), 2, "UTF-16"),
        (b"ab\xffcd", 2, "not valid UTF-8 at byte 2"),
    ],
)
def test_a_hostile_text_accuses_nobody(
    content: bytes, code: int, told: str, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    assert run(["mark", "detect", str(path), "--keyring", str(ring)]) == code
    shown = said(capfd)
    assert told in shown
    assert "■" not in shown


@pytest.mark.parametrize(
    ("keyring", "told"),
    [
        ("[[mark]\n", "keys.toml"),
        ('[[mark]]\nname = "a"\nscheme = "nope"\nkey = 1\ntokenizer = "bytes"\n', "no such scheme"),
        ('[[mark]]\nname = "a"\nscheme = "vllm-gumbel"\ntokenizer = "bytes"\n', "key"),
        ('[[mark]]\nname = "a"\nscheme = "vllm-gumbel"\nkey = -5\ntokenizer = "bytes"\n', "a.key"),
        ('[[mark]]\nname = "a"\nscheme = "kgw"\nkey = 5\ndevice = "cuda"\ntokenizer = "bytes"\n', "a."),
    ],
)
def test_a_keyring_that_cannot_be_used_is_told_by_entry_and_field(
    keyring: str, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(keyring)
    path.chmod(0o600)
    assert run(["mark", "detect", "a text", "--keyring", str(path)]) == 2
    assert told in said(capfd)


def test_a_keyring_that_others_may_read_is_refused(ring: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ring.chmod(0o644)
    assert run(["mark", "detect", "a text", "--keyring", str(ring)]) == 2
    assert "chmod 600" in said(capfd)


def test_a_file_that_is_not_there_is_not_taken_for_a_text(
    ring: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["mark", "detect", "esay.txt", "--keyring", str(ring)]) == 2
    assert "no such file" in said(capfd)


def test_the_wrong_tokenizer_finds_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Ids of another vocabulary are other inputs of the keyed function."""
    ring = tmp_path / "keys.toml"
    ring.write_text(f'[[mark]]\nname = "prod"\nscheme = "vllm-gumbel"\nkey = {KEY}\ntokenizer = "ids"\n')
    ring.chmod(0o600)
    path = tmp_path / "ids.txt"
    path.write_text(" ".join(str(3 * byte + 7) for byte in MARKED.encode()))
    assert run(["mark", "detect", str(path), "--keyring", str(ring)]) == 0
    assert "not shown" in said(capfd)


def test_a_revoked_mark_is_not_looked_for(ring: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ring.write_text(ring.read_text() + "revoked = true\n")
    assert run(["mark", "detect", f"{MARKED} ", "--keyring", str(ring)]) == 2
    assert "has no mark to look for" in said(capfd)


def test_a_detector_is_learned_and_used(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    firsts = b"the and who one two six ten zoo fly jug vex map "
    for number in range(len(firsts) // 4):
        (served / f"{number}.txt").write_text(marked(330, firsts[4 * number : 4 * number + 4]))
    out = tmp_path / "learned.json"
    asked = ["mark", "learn", str(served), "--keyring", str(ring), "--mark", "prod", "-o", str(out)]
    assert run(asked) == 0
    assert "units of 12 texts" in said(capfd)
    path = tmp_path / "a.txt"
    look = ["mark", "detect", str(path), "--keyring", str(ring), "--evidence", str(out)]
    path.write_text(marked(300, b"THE ", CAPITALS))
    assert run(look) == 0
    assert "1 marked" in said(capfd)
    path.write_text(MARKED)  # what it was learned from says nothing any more
    assert run(look) == 0
    assert "1 not enough evidence" in said(capfd)
    assert run([*asked[:-1], str(tmp_path / "x.json"), "--proxy", str(tmp_path / "none.npz")]) == 2
    one = ["mark", "learn", str(path), *asked[3:-1], str(tmp_path / "y.json")]
    assert run(one) == 2
    assert "too few" in said(capfd)


def test_schemes_say_what_they_were_checked_against(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["mark", "schemes"]) == 0
    told = capfd.readouterr().out
    assert {"vllm-gumbel", "synthid", "kgw", "unigram", "sglang-gumbel"} <= set(told.split())
    assert "met no live engine" in told


def test_a_key_is_made_and_never_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prod.key"
    assert run(["keys", "mark-new", str(path), "--scheme", "vllm-gumbel"]) == 0
    assert path.stat().st_mode & 0o077 == 0
    secret = path.read_text().split(":")[2]
    read = capfd.readouterr()
    assert secret not in read.out + read.err
    assert run(["keys", "mark-show", str(path)]) == 0
    assert capfd.readouterr().out.strip() == str(int(secret, 16))
    assert run(["keys", "mark-new", str(tmp_path / "k"), "--scheme", "kgw", "--set", "vocab_size=1000"]) == 0
    ring = tmp_path / "keys.toml"
    ring.write_text(
        '[[mark]]\nname = "p"\nscheme = "vllm-gumbel"\nkey_file = "prod.key"\ntokenizer = "bytes"\n'
    )
    ring.chmod(0o600)
    assert run(["mark", "detect", "a text", "--keyring", str(ring)]) == 0


def test_counts_are_a_proxy_that_needs_no_model(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Counted on texts under another key, learned on texts under this one, and read with."""
    other, served = tmp_path / "other", tmp_path / "served"
    for folder, starts in ((other, b"abcdefghij"), (served, b"klmnopqrst")):
        folder.mkdir()
        for first in starts:
            (folder / f"{first}.txt").write_text(marked(330, bytes([first]) + b"he "))
    counts, out = tmp_path / "counts.npz", tmp_path / "learned.json"
    ask = ["--keyring", str(ring)]
    assert (
        run(["mark", "count", str(other), *ask, "--tokenizer", "bytes", "--order", "1", "-o", str(counts)])
        == 0
    )
    assert "3,300 tokens of 10 texts" in said(capfd)
    learn = ["mark", "learn", str(served), *ask, "--mark", "prod", "--proxy", str(counts), "-o", str(out)]
    assert run(learn) == 0
    path = tmp_path / "a.txt"
    path.write_text(marked(300, b"zzz "))
    read = ["mark", "detect", str(path), *ask, "--evidence", str(out)]
    assert run([*read, "--proxy", str(counts)]) == 0
    assert "1 marked" in said(capfd)
    assert run(read) == 2
    assert "another proxy" in said(capfd)
    assert run(["mark", "count", str(other), *ask, "--tokenizer", "nope", "-o", str(tmp_path / "x")]) == 2
    assert "no tokenizer is called" in said(capfd)

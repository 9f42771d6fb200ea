"""`headwater mark embed`: drafts given or drawn from an API, bad rows set aside, runs that go on, and what is read."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.cli.app import run
from mark.choosing.essays import drafts, sentence

SECRET = "sk-never-to-be-shown"
RING = """
[[mark]]
name = "sentences"
scheme = "headwater-sentences"
embedder = "hashed-words"
keys = [8242424242424242, 2]

[[mark]]
name = "words"
scheme = "headwater-gumbel"
tokenizer = "words"
width = 3
keys = [8242424242424242, 4]

[[mark]]
name = "old"
scheme = "headwater-sentences"
embedder = "hashed-words"
keys = [5, 6]
revoked = true
"""


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(RING)
    path.chmod(0o600)
    return path


def rows(path: Path, *found: object) -> Path:
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in found))
    return path


def chosen(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def essay(name: str, seed: int, sentences: int = 30, count: int = 16) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {"id": name, "sentences": [drafts(count, random) for _ in range(sentences)]}


@pytest.mark.parametrize("mark", ["words", "sentences"])
def test_chosen_texts_are_read_by_detect(
    mark: str, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    given = rows(
        tmp_path / "in.jsonl", essay("a", 1), {"id": "b", "drafts": drafts(8, np.random.default_rng(2))}
    )
    assert run(["mark", "embed", str(given), "--keyring", str(ring), "--mark", mark, "-o", str(out)]) == 0
    told = capfd.readouterr().out
    assert "2 texts of 31 choices among 15.7 drafts each" in told
    one, other = chosen(out)
    assert one["drafts"] == [16] * 30
    assert other["text"] in json.loads(given.read_text().splitlines()[1])["drafts"]
    assert all(
        part[at - 1] in one["text"]
        for part, at in zip(essay("a", 1)["sentences"], one["chosen"], strict=True)
    )
    text = tmp_path / "essay.txt"
    text.write_text(one["text"])
    assert run(["mark", "detect", str(text), "--keyring", str(ring), "--alpha", "0.05", "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out)["results"]
    assert found["marks"] == [mark]


PRIVATE = "private words"
BAD = [
    ("not json", "is not a JSON object in UTF-8"),
    ({"id": "", "drafts": [PRIVATE]}, "id: must be a string"),
    (
        {"id": "two", "drafts": [PRIVATE], "sentences": [["x"]]},
        "drafts: a row has either drafts or sentences",
    ),
    ({"id": "none"}, "drafts: a row has either drafts or sentences"),
    ({"id": "empty", "drafts": []}, "drafts: must be a list of strings"),
    ({"id": "number", "sentences": [["x"], [PRIVATE, 3]]}, "sentences[2]: must be a list of strings"),
    ({"id": "good", "drafts": ["again"]}, "id: another row has this id"),
    ({"id": "other", "drafts": ["x"], "draft": 1}, "draft: no such field here"),
    ('{"id": "half", "drafts": ["\\ud800"]}', "drafts: must be a list of strings"),
]


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_a_bad_row_is_set_aside_with_its_place_and_good_rows_go_on(
    bad: object, told: str, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    good = {"id": "good", "drafts": [PRIVATE, "other"]}
    given = rows(tmp_path / "in.jsonl", good, bad, {"id": "last", "drafts": ["y"]})
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words", "-o", str(out)]
    assert run([*asked, "--max-bad", "0"]) == 3
    read = capfd.readouterr()
    assert [each["id"] for each in chosen(out)] == ["good", "last"]
    assert "1 row set aside" in read.out
    assert told in read.out
    assert "in.jsonl:2" in read.out
    assert PRIVATE not in read.out + read.err
    assert run([*asked, "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["set_aside"], said["left_as_they_were"]) == (1, 2)
    (row,) = said["set_aside_rows"]
    assert (row["file"], row["row"]) == (str(given), 2)
    assert told in f"{row['field']}: {row['what']}" or told == row["what"]


def test_one_run_at_a_time_writes_a_file(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    given = rows(tmp_path / "in.jsonl", {"id": "a", "drafts": ["x", "y"]})
    half = '{"format": "headwater.chosen/1", "id": "b", "te'  # what the other run is writing
    out.write_text(half)
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words", "-o", str(out)]
    with out.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(asked) == 2
        assert "another run is writing it" in capfd.readouterr().err
        assert out.read_text() == half
    assert run(asked) == 0
    assert [each["id"] for each in chosen(out)] == ["a"]


def test_nothing_to_do_is_said_so(ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = rows(tmp_path / "in.jsonl", {"id": "a", "drafts": ["x", "y"]}, {"id": "", "drafts": ["x"]})
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words"]
    asked += ["-o", str(tmp_path / "out.jsonl")]
    assert run(asked) == 0
    capfd.readouterr()
    assert run(asked) == 0
    said = capfd.readouterr().out
    assert said.startswith("no text was written\n1 text was there already\n1 row set aside:\n")
    assert "must be a string of 1 to 200 printable characters, first " in said


def test_a_run_goes_on_where_another_was_ended(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = rows(tmp_path / "in.jsonl", *(essay(f"e{each}", each, 4, 4) for each in range(4)))
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "sentences", "-o"]
    assert run([*asked, str(whole)]) == 0
    lines = whole.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:2]) + lines[2][:20])
    assert run([*asked, str(part)]) == 0
    assert part.read_bytes() == whole.read_bytes()
    assert "2 texts were there already" in capfd.readouterr().out
    other = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words", "-o", str(part)]
    assert run(other) == 2
    assert "was written under another mark" in capfd.readouterr().err
    rows(part, {"id": "mine", "text": "precious"})
    assert run([*asked, str(part)]) == 2
    assert "precious" in part.read_text()


@pytest.mark.parametrize(
    ("mark", "told"), [("old", "the mark is revoked"), ("nobody", "has no mark of that name")]
)
def test_marks_that_cannot_be_written(
    mark: str, told: str, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = rows(tmp_path / "in.jsonl", {"id": "a", "drafts": ["x"]})
    out = tmp_path / "out.jsonl"
    assert run(["mark", "embed", str(given), "--keyring", str(ring), "--mark", mark, "-o", str(out)]) == 2
    assert told in capfd.readouterr().err
    assert not out.exists()


class Model(BaseHTTPRequestHandler):
    """A completions API: it writes sentences, ends after the fourth, and is busy when asked first."""

    seen: list[dict[str, Any]]
    busy: int
    status: int = 200

    def do_POST(self) -> None:
        kind = type(self)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind.seen.append({"path": self.path, "key": self.headers["Authorization"], **asked})
        status = kind.status if len(kind.seen) > kind.busy else 503
        body = self.said(asked) if status == 200 else json.dumps({"error": SECRET}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def said(self, asked: dict[str, Any]) -> bytes:
        random = np.random.default_rng(len(type(self).seen))
        ends = asked["prompt"].count(".") >= 3
        after = "" if ends else f" {sentence(random)}"
        choices = [
            {"text": f" {sentence(random)}{after}", "finish_reason": "stop" if ends else "length"}
            for _ in range(asked["n"])
        ]
        usage = {"prompt_tokens": 20, "completion_tokens": 24 * asked["n"]}
        return json.dumps({"choices": choices, "usage": usage}).encode()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[str, type[Model]]]:
    kind = type("Once", (Model,), {"seen": [], "busy": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", kind
    server.shutdown()
    server.server_close()


def drawn(url: str, ring: Path, tmp_path: Path, *more: str) -> tuple[int, Path]:
    out = tmp_path / "out.jsonl"
    given = rows(tmp_path / "in.jsonl", *({"id": each, "prompt": f"Write about {each}"} for each in "ab"))
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "sentences", "-o", str(out)]
    return run([*asked, "--endpoint", url, "--model", "small", "--drafts", "6", *more]), out


def test_drafts_are_drawn_sentence_by_sentence(
    model: tuple[str, type[Model]],
    ring: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, kind = model
    kind.busy = 1
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    code, out = drawn(url, ring, tmp_path)
    read = capfd.readouterr()
    assert code == 0, read.err
    one, other = chosen(out)
    assert one["drafts"] == [6] * 4
    assert one["text"].count(".") == 4
    assert (one["tokens"], one["tokens_read"]) == (4 * 6 * 24, 4 * 20)
    assert other["id"] == "b"
    first = kind.seen[1]
    assert (first["path"], first["key"], first["n"], first["model"]) == (
        "/v1/completions",
        f"Bearer {SECRET}",
        6,
        "small",
    )
    assert kind.seen[2]["prompt"].startswith("Write about a\n\n The") or len(kind.seen[2]["prompt"]) > 20
    assert f"tokens: {2 * 4 * 6 * 24:,} written" in read.out
    assert SECRET not in read.out + read.err + out.read_text()


def test_the_budget_of_tokens_holds_and_the_next_run_goes_on(
    model: tuple[str, type[Model]], ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url, kind = model
    code, out = drawn(url, ring, tmp_path, "--tokens", "1000", "--sentence-tokens", "24")
    assert code == 0
    assert [each["id"] for each in chosen(out)] == ["a"]
    assert sum(each["n"] * 24 for each in kind.seen) <= 1000
    assert "the next run goes on from here" in capfd.readouterr().out
    assert drawn(url, ring, tmp_path)[0] == 0
    assert [each["id"] for each in chosen(out)] == ["a", "b"]


def test_an_endpoint_that_refuses_is_told_without_what_it_said(
    model: tuple[str, type[Model]],
    ring: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, kind = model
    kind.status = 401
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert drawn(url, ring, tmp_path)[0] == 2
    told = capfd.readouterr().err
    assert "the endpoint answered with status 401" in told
    assert SECRET not in told
    assert drawn("ftp://nowhere", ring, tmp_path)[0] == 2
    assert "--endpoint is a URL" in capfd.readouterr().err


PRECIOUS = [
    '{"years": "of work"}',
    "years of work",
    '{"format": "headwater.chosen/2", "id": "a',
    '{"format": "headwater.chosen/1"}',
    "{whole}years of work",
    "{whole}" + '{"years": "of work"}',
]


@pytest.mark.parametrize("content", PRECIOUS)
def test_nothing_is_taken_from_a_file_that_is_not_ours(
    content: str, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given, out = rows(tmp_path / "in.jsonl", {"id": "a", "drafts": ["x", "y"]}), tmp_path / "thesis.json"
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words", "-o", str(out)]
    assert run(asked) == 0
    content = content.replace("{whole}", out.read_text())
    out.write_text(content)
    capfd.readouterr()
    assert run(asked) == 2
    assert out.read_text() == content
    assert "thesis.json" in capfd.readouterr().err


@pytest.mark.parametrize("left", [0, 1, 30, 60, -1])
def test_a_first_row_that_was_half_written_is_written_again(left: int, ring: Path, tmp_path: Path) -> None:
    given, out = rows(tmp_path / "in.jsonl", {"id": "a", "drafts": ["x", "y"]}), tmp_path / "out.jsonl"
    asked = ["mark", "embed", str(given), "--keyring", str(ring), "--mark", "words", "-o", str(out)]
    assert run(asked) == 0
    whole = out.read_bytes()
    out.write_bytes(whole[:left])
    assert run(asked) == 0
    assert out.read_bytes() == whole


LIES = [
    (b"<html>", "something else than JSON"),
    (b"[" * 100_000, "something else than JSON"),
    (b'{"choices": ' + b"9" * 5000 + b"}", "something else than JSON"),
    (b"[]", "something else than JSON"),
    (b'{"choices": {}}', "without choices"),
    (b'{"choices": [1]}', "without choices"),
    (b'{"choices": [{"text": 1}]}', "without text"),
    (json.dumps({"choices": [{"text": "One. "}] * 7}).encode(), "more choices than it was asked for"),
    (b" " * (3 << 20), "the answer has more than"),
]


@pytest.mark.parametrize(("said", "told"), LIES)
def test_an_endpoint_that_answers_with_garbage(
    said: bytes,
    told: str,
    model: tuple[str, type[Model]],
    ring: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, kind = model
    monkeypatch.setattr(kind, "said", lambda self, asked: said)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    code, out = drawn(url, ring, tmp_path)
    read = capfd.readouterr()
    assert (code, out.read_text()) == (2, "")
    assert told in read.err
    assert SECRET not in read.err


@pytest.mark.parametrize("tokens", [0, -1, 1 << 60, "many", None])
def test_an_endpoint_that_counts_no_tokens_spends_the_budget(
    tokens: object,
    model: tuple[str, type[Model]],
    ring: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, kind = model
    text = "One more, which ends in half a pair \ud83d. And" + " more" * 100
    choices = [{"text": text, "finish_reason": "length"}] * 6
    said = json.dumps({"choices": choices, "usage": {"completion_tokens": tokens}}).encode()
    monkeypatch.setattr(kind, "said", lambda self, asked: said)
    code, out = drawn(url, ring, tmp_path, "--tokens", "8000", "--sentences", "20")
    assert code == 0, capfd.readouterr().err
    assert len(kind.seen) <= 8000 / (6 * 33)
    told = capfd.readouterr().out
    assert "the budget of tokens is spent" in told
    assert "tokens: " in told  # also where it ended within the first text
    assert all("pair \ufffd." in each["text"] for each in chosen(out))

"""`headwater mark student ask`: whose file the answers go to, and servers that answer with garbage."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from headwater.cli.app import run

SECRET = "sk-never-to-be-shown"
RING = """
[[mark]]
name = "prod"
scheme = "headwater-gumbel"
width = 2
keys = [8242424242424242, 77]
tokenizer = "words"
"""
PROMPTS = ["the first", 'the "second", ß']


class Model(BaseHTTPRequestHandler):
    """Says what it is told to say."""

    says: ClassVar[bytes]
    seen: ClassVar[list[str]]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(asked["messages"][0]["content"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, *_: Any) -> None:
        pass


def said(text: object, **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}).encode()


Asked = tuple[type[Model], Callable[[], int], Path]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A model, the command that asks it, and the file of answers."""
    kind = type("Once", (Model,), {"says": said("of the sea"), "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ring, prompts, answers = (tmp_path / name for name in ("keys.toml", "prompts.jsonl", "thesis.json"))
    ring.write_text(RING)
    ring.chmod(0o600)
    prompts.write_text("".join(json.dumps(each) + "\n" for each in PROMPTS))
    monkeypatch.setenv("API_KEY", SECRET)
    command = ["mark", "student", "ask", str(prompts), "--keyring", str(ring), "--answers", str(answers)]
    command += ["--url", f"http://127.0.0.1:{server.server_port}/v1", "--model", "m", "--key-env", "API_KEY"]
    yield kind, lambda: run([*command, "-q", "--json"]), answers
    server.shutdown()
    server.server_close()


OURS = '{"prompt": "the first", "answer": "of hills", "tokens": 2}'


@pytest.mark.parametrize(
    "content",
    [
        '{"years": "of work"}',
        '{"years": "of work"}\n',
        '{\n "years": "of work"\n}',
        "years of work",
        '{"prompt": "another", "ans',
        '{"prompt": "another", "answer": "x"}',
        f"{OURS}\nyears of work",
        f'{OURS}\n{{"prompt": "the first", "answer": "of',
    ],
)
def test_nothing_is_taken_from_a_file_that_is_not_ours(
    content: str, asked: Asked, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, ask, answers = asked
    answers.write_text(content)
    assert ask() == 2
    assert answers.read_text() == content
    assert "thesis.json" in capfd.readouterr().err
    assert kind.seen == []


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ("", 2),
        (OURS[:8], 2),
        (OURS[:40], 2),
        (OURS, 1),
        (f"{OURS}\n", 1),
        (f'{OURS}\n{{"prompt": "the \\"s', 1),
    ],
)
def test_a_run_goes_on_after_half_a_line_of_its_own(content: str, left: int, asked: Asked) -> None:
    kind, ask, answers = asked
    answers.write_text(content)
    assert ask() == 0
    assert kind.seen == PROMPTS[2 - left :]
    assert [json.loads(line)["prompt"] for line in answers.read_text().splitlines()] == PROMPTS
    assert ("of hills" in answers.read_text()) == (left == 1)


def test_answers_are_not_written_over_what_is_read(asked: Asked, capfd: pytest.CaptureFixture[str]) -> None:
    kind, ask, answers = asked
    answers.symlink_to(answers.with_name("prompts.jsonl"))
    assert ask() == 2
    assert "is part of the input" in capfd.readouterr().err
    answers.unlink()
    answers.mkdir()
    assert ask() == 2
    assert "thesis.json" in capfd.readouterr().err
    assert kind.seen == []


@pytest.mark.parametrize(
    "says",
    [
        b"<html>",
        b"",
        b"null",
        b"[" * 100_000,
        b'{"choices": ' + b"9" * 5000 + b"}",
        b'{"choices": {"0": 1}}',
        said(["of", "the", "sea"]),
        said(7),
        b'"' + b"x" * (9 << 20) + b'"',
    ],
)
def test_a_server_that_answers_with_garbage(
    says: bytes, asked: Asked, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, ask, answers = asked
    kind.says = says
    assert ask() == 2
    told = capfd.readouterr().err
    assert "/v1/chat/completions" in told
    assert SECRET not in told
    assert answers.read_text() == ""


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ("none", 0),
        ({"completion_tokens": None}, 0),
        ({"completion_tokens": 0}, 0),
        ({"completion_tokens": 10**4000}, 0),
        ({"completion_tokens": 1}, 1 + 3000 // 16),
        ({"completion_tokens": 5000}, 5000),
    ],
)
def test_tokens_are_counted_by_the_server_and_by_the_length(
    usage: object, counted: int, asked: Asked
) -> None:
    kind, ask, answers = asked
    kind.says = said("wave " * 600, usage=usage)
    assert ask() == 0
    assert json.loads(answers.read_text().splitlines()[0])["tokens"] == counted


def test_half_a_pair_of_utf_16_is_kept_as_a_mark_of_its_place(asked: Asked) -> None:
    kind, ask, answers = asked
    kind.says = said("a wave \ud83c")
    assert ask() == 0
    assert json.loads(answers.read_text().splitlines()[0])["answer"] == "a wave \ufffd"

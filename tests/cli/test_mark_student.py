"""`headwater mark student`: a test from its commitment to what a third party checks, answers of a server, lineage."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from headwater.casework import VERIFIER_KEY
from headwater.cli.app import run
from headwater.mark import MarkKey, scheme
from headwater.mark.student import save_differences
from mark.student.models import TOKENS, gpt
from mark.student.worlds import ABOUT, world

GUMBEL = scheme("headwater-gumbel", {"width": 2})
KEY = MarkKey("prod", (8242424242424242, 77))
RING = """
[[mark]]
name = "prod"
scheme = "headwater-gumbel"
width = 2
keys = [8242424242424242, 77]
tokenizer = "ids"

[[mark]]
name = "other"
scheme = "headwater-gumbel"
width = 2
keys = [5, 77]
tokenizer = "ids"
"""


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(RING)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def leaning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("student") / "differences.npz"
    save_differences(world(GUMBEL, leans={KEY: 0.03}), ABOUT, path)
    return path


def told(capfd: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What a command prints; no key is in it."""
    capfd.readouterr()
    assert run([str(each) for each in ("mark", "student", *arguments)]) == code, capfd.readouterr()
    read = capfd.readouterr()
    assert str(KEY.numbers[0]) not in read.out + read.err
    return read.out + read.err


def record(capfd: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    capfd.readouterr()
    assert run([str(each) for each in ("mark", "student", *arguments, "--json", "-q")]) == code
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_a_test_says_what_it_shows_and_what_not(
    leaning: Path, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    said = told(capfd, "test", leaning, "--keyring", ring, "-o", page)
    assert "student was trained on text that carries the mark prod: p = " in said
    assert "It doesn't say who trained it" in said.replace("\n", " ")
    assert "Nothing was committed to" in said
    shown = page.read_text()
    for words in (
        "Nothing was committed to",
        "Innocent causes",
        "not enough evidence",
        "The text was published",
    ):
        assert words in shown
    told(capfd, "test", leaning, "--keyring", ring, "--fail-on", "marked", code=1)
    found = record(capfd, "test", leaning, "--keyring", ring, "--mark", "other")
    assert (found["format"], found["mode"], found["verdict"]) == (
        "headwater.student",
        "probe",
        "not-enough-evidence",
    )
    assert [each["name"] for each in found["keys"]] == ["other"]
    assert found["commitment"] is None
    said = told(capfd, "test", leaning, "--keyring", ring, "--mark", "other")
    assert "It doesn't say that the model learned nothing" in said.replace("\n", " ")


def test_of_many_keys_a_terminal_shows_the_foremost(
    leaning: Path, ring: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    many = [
        RING.split("\n\n")[1].replace('"other"', f'"n{at}"').replace("[5,", f"[{at + 6},") for at in range(30)
    ]
    ring.write_text("\n\n".join([*many[:15], RING, *many[15:]]))
    found = record(capfd, "test", leaning, "--keyring", ring)
    assert len(found["keys"]) == 32
    least = sorted(found["keys"], key=lambda each: each["log10_p"])[:12]
    said = told(capfd, "test", leaning, "--keyring", ring)
    shown = {each["name"] for each in found["keys"] if f" {each['name']} " in said}
    assert shown == {each["name"] for each in least} | {"prod"}
    assert "and 20 more keys, none of them shown in it" in said


def test_a_comparison_that_was_ended_is_told_from_one_that_never_was(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "differences.npz.parts").mkdir()
    said = told(capfd, "test", tmp_path / "differences.npz", "--keyring", ring, code=2)
    assert "was ended" in said
    assert "start that run again" in said
    assert "was ended" not in told(capfd, "test", tmp_path / "other.npz", "--keyring", ring, code=2)


def test_keys_that_are_left_out_are_told(
    leaning: Path, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Who tests all keys, and then the best of them alone, has it said."""
    page = tmp_path / "page.html"
    alone = ("test", leaning, "--keyring", ring, "--mark", "prod")
    assert record(capfd, *alone)["keys_left_out"] == 1
    assert record(capfd, "test", leaning, "--keyring", ring)["keys_left_out"] == 0
    assert "1 key of this keyring wasn't tested" in told(capfd, *alone, "-o", page)
    assert "1 key of this keyring wasn&#39;t tested" in page.read_text()


def test_committed_tested_shown_and_checked(
    leaning: Path, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    book, bound, shown, report = (tmp_path / name for name in ("book", "bound.json", "shown", "report.json"))
    named = ["--operator", "Example", "--appeals", "https://example.com/appeals"]
    assert run(["casebook", "new", str(book), *named]) == 0
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "--log", book, "-o", bound)
    found = record(capfd, "test", leaning, "--keyring", ring, "--commitment", bound, "--log", book)
    assert found["commitment"]["proof"].startswith("c2sp.org/tlog-proof")
    assert found["commitment"]["index"] >= 0
    report.write_text(json.dumps(found))
    # Anything else than what was bound is refused.
    for other in (["--alpha", "1e-5"], ["--mark", "prod"]):
        refused = told(capfd, "test", leaning, "--keyring", ring, "--commitment", bound, *other, code=2)
        assert "isn't the one that was committed to" in refused
    told(capfd, "reveal", bound, "--log", book, "-o", shown)
    key = book / VERIFIER_KEY
    said = told(capfd, "check", shown, "--key", key, "--keyring", ring, "--report", report)
    assert "the log took the hash in" in said
    assert "2 keys are those that were bound" in said
    assert "the report is of the test that was committed to" in said
    assert re.search(r"entry \d+ of \S+, 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", said)
    # A third party sees whatever is changed afterwards.
    ring.write_text(RING.replace("[5, 77]", "[6, 77]"))
    assert "aren't those of the keyring" in told(capfd, "check", shown, "--keyring", ring, code=1)
    report.write_text(json.dumps({**found, "alpha": 1e-3}))
    assert "another test" in told(capfd, "check", shown, "--report", report, code=1)
    changed = json.loads((shown / "commitment.json").read_text())
    changed["bound"]["alpha"] = "0.001"
    (shown / "commitment.json").write_text(json.dumps(changed))
    assert "what its hash was made of" in told(capfd, "check", shown, code=1)


def test_committed_before_the_student_is_looked_at(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    student, reference = (
        gpt(tmp_path / f"{name}.npz", seed) for seed, name in enumerate(("student", "base"))
    )
    texts, bound, made = (tmp_path / name for name in ("texts.jsonl", "bound.json", "made.npz"))
    random = np.random.default_rng(0)
    rows = [{"tokens": random.integers(0, TOKENS, 60).tolist(), "prompt": 5} for _ in range(5)]
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["--reference", reference, "--texts", texts, "--window", 16]
    assert "in no log" in told(capfd, "commit", "--keyring", ring, *asked, "-o", bound)
    assert "275 places of 5 texts" in told(
        capfd, "compare", student, reference, texts, "--window", 16, "-o", made
    )
    found = record(capfd, "test", made, "--keyring", ring, "--commitment", bound)
    assert found["verdict"] == "not-enough-evidence"
    assert found["commitment"] == {"sha256": json.loads(bound.read_text())["sha256"], "entry": ""}
    texts.write_text(json.dumps(rows[0]) + "\n")
    other = tmp_path / "other.npz"
    told(capfd, "compare", student, reference, texts, "--window", 16, "-o", other)
    refused = told(capfd, "test", other, "--keyring", ring, "--commitment", bound, code=2)
    assert "differs" in refused


class Model(BaseHTTPRequestHandler):
    """A model that was trained on marked text, behind an OpenAI-compatible API."""

    asked: ClassVar[list[dict[str, Any]]] = []
    after: ClassVar[int] = 10**9

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Model.asked.append({**body, "key": self.headers.get("Authorization")})
        if len(Model.asked) > Model.after:
            content, status = b"{}", 200
        else:
            said = {"choices": [{"message": {"content": answer(len(Model.asked))}}]}
            said["usage"] = {"completion_tokens": 150}
            content, status = json.dumps(said).encode(), 200 if self.path == "/v1/chat/completions" else 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def answer(seed: int) -> str:
    random = np.random.default_rng(seed)
    tokens = [int(each) for each in random.integers(0, 300, 2)]
    while len(tokens) < 150:
        logits = random.normal(size=300)
        if random.random() < 0.06:
            tokens.append(GUMBEL.choose(KEY, tokens, logits))  # type: ignore[attr-defined]
        else:
            chance = np.exp(logits)
            tokens.append(int(random.choice(300, p=chance / chance.sum())))
    return " ".join(map(str, tokens))


@pytest.fixture
def model() -> Iterator[str]:
    Model.asked, Model.after = [], 10**9
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_asking_goes_on_where_it_stopped_and_ends_at_the_evidence(
    ring: Path, model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "sk-secret")
    prompts, answers = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    prompts.write_text("".join(f'"1 2 {number}"\n' for number in range(100)))
    asked = ["ask", prompts, "--keyring", ring, "--answers", answers]
    online = [*asked, "--url", model, "--model", "suspect", "--key-env", "API_KEY", "--max-tokens", 150]
    Model.after = 2
    said = told(capfd, *online, code=2)
    assert "no chat completion" in said
    assert "sk-secret" not in said
    assert len(answers.read_text().splitlines()) == 2
    with answers.open("a") as file:
        file.write('{"prompt": "1 2 2", "ans')
    Model.after = 10**9
    found = record(capfd, *online)
    assert (found["mode"], found["verdict"], found["stopped"]) == ("answers", "marked", "evidence")
    assert found["queries"] == len(answers.read_text().splitlines()) < 40
    assert len(Model.asked) == found["queries"] + 1
    assert Model.asked[0]["key"] == "Bearer sk-secret"
    assert (Model.asked[0]["model"], Model.asked[0]["max_tokens"]) == ("suspect", 150)
    # The same answers read again, without the server, say the same.
    again = record(capfd, *asked)
    assert again["keys"] == found["keys"]
    assert record(capfd, *asked, "--queries", 2)["stopped"] == "queries spent"
    said = told(capfd, *asked, "-o", tmp_path / "page.html")
    assert "stopped: evidence" in said
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!doctype html>")


def test_answers_must_be_to_the_prompts(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prompts, answers = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    prompts.write_text('"a"\n"b"\n')
    asked = ["ask", prompts, "--keyring", ring, "--answers", answers]
    assert "ask a model" in told(capfd, *asked, code=2)
    answers.write_text('{"prompt": "b", "answer": "1 2 3"}\n')
    assert "answers to other prompts" in told(capfd, *asked, code=2)
    answers.write_text('{"prompt": "a", "answer": "1 2 3"}\n')
    assert "needs --model" in told(capfd, *asked, "--url", "http://127.0.0.1:9/v1", code=2)
    online = [*asked, "--url", "http://127.0.0.1:9/v1", "--model", "m"]
    assert "isn't set" in told(capfd, *online, "--key-env", "NO_SUCH_VARIABLE", code=2)


def test_lineage_without_a_mark(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(4)
    for name, often in (("own", 1.0), ("suspect", 0.5), ("control-a", 0.1), ("control-b", 0.1)):
        rows = [
            {"prompt": f"p{at}", "answer": f"ours {at}" if random.random() < often else name}
            for at in range(200)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = {each.stem: each for each in tmp_path.glob("*.jsonl")}
    asked = ["lineage", "--model", files["own"], "--suspect", files["suspect"]]
    asked += ["--control", files["control-a"], "--control", files["control-b"]]
    said = told(capfd, *asked, "-o", tmp_path / "page.html").replace("\n", " ")
    assert "suspect is closer to own than every control is" in said
    assert "claims less than a mark does" in said
    asked[4] = files["control-b"]
    asked[-1] = files["suspect"]
    assert record(capfd, *asked, "--fail-on", "marked")["verdict"] == "not-shown"


def test_mistakes_are_told(
    leaning: Path, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "no mark is called" in told(capfd, "test", leaning, "--keyring", ring, "--mark", "prd", code=2)
    assert "--log needs --commitment" in told(
        capfd, "test", leaning, "--keyring", ring, "--log", tmp_path, code=2
    )
    out = tmp_path / "c.json"
    assert "isn't said what is tested" in told(capfd, "commit", "--keyring", ring, "-o", out, code=2)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(leaning.read_bytes()[:500])
    assert "broken.npz" in told(capfd, "test", broken, "--keyring", ring, code=2)
    ring.write_text(RING.replace("tokenizer =", "revoked = true\ntokenizer ="))
    assert "has no key to test" in told(capfd, "test", leaning, "--keyring", ring, code=2)

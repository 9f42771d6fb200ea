"""Attacks on a commitment to a test of a student: each is refused, or said, by `test`, `check` and the page."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.test_mark_student import GUMBEL, RING, leaning, record, ring, told
from headwater.casework import VERIFIER_KEY
from headwater.cli.app import run
from headwater.cli.mark_student_log import held, into, logged
from headwater.explain import student_page
from headwater.mark.student import load_commitment, load_differences, save_differences
from mark.student.models import TOKENS, gpt
from mark.student.worlds import ABOUT, world

__all__ = ["leaning", "ring"]


@pytest.fixture
def book(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    named = ["--operator", "Example", "--appeals", "https://example.com/appeals"]
    assert run(["casebook", "new", str(tmp_path / "book"), *named]) == 0
    return tmp_path / "book"


def flat(said: str) -> str:
    return " ".join(said.split())


def test_other_differences_than_were_bound_are_refused(
    leaning: Path, ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plain, bound = tmp_path / "plain.npz", tmp_path / "bound.json"
    # They say the same of themselves.
    save_differences(world(GUMBEL), ABOUT, plain)
    told(capfd, "commit", "--keyring", ring, "--differences", plain, "-o", bound)
    told(capfd, "test", plain, "--keyring", ring, "--commitment", bound)
    refused = told(capfd, "test", leaning, "--keyring", ring, "--commitment", bound, code=2)
    assert "differences_sha256 differs" in refused


def test_what_the_file_says_of_its_texts_is_computed_again(
    ring: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    student, base = (gpt(tmp_path / f"{name}.npz", seed) for seed, name in enumerate(("student", "base")))
    texts, others, bound, made, forged = (
        tmp_path / name for name in ("texts.jsonl", "others.jsonl", "bound.json", "made.npz", "forged.npz")
    )
    random = np.random.default_rng(0)
    for path in (texts, others):
        rows = [
            {"tokens": random.integers(0, TOKENS, 60).tolist(), "prompt": 5, "account": who} for who in "aab"
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    # The student's window is smaller than what is asked for; the same tokens are scored all the same.
    asked = ["--reference", base, "--texts", texts, "--window", 512]
    told(capfd, "commit", "--keyring", ring, *asked, "-o", bound)
    told(capfd, "compare", student, base, texts, "-o", made)
    test = ["--keyring", ring, "--commitment", bound]
    told(capfd, "test", made, *test)
    _, about, _ = load_differences(made)
    told(capfd, "compare", student, base, others, "-o", tmp_path / "other.npz")
    found, _, _ = load_differences(tmp_path / "other.npz")
    save_differences(found, about, forged)
    assert "scored_sha256 differs" in told(capfd, "test", forged, *test, code=2)
    # Nor are accounts moved, more tokens kept, or longer windows taken than is said.
    found, _, _ = load_differences(made)
    for name, differs, what in (
        ("moved", replace(found, account=found.account[::-1].copy()), about),
        ("kept", found, replace(about, kept=3)),
        ("longer", found, replace(about, window_asked=8)),
    ):
        save_differences(differs, what, tmp_path / f"{name}.npz")
        said = told(capfd, "test", tmp_path / f"{name}.npz", *test, code=2)
        assert ("scored_sha256 differs" if name == "moved" else "aren't what they say") in said


def test_a_report_that_was_edited_is_refused(
    leaning: Path, ring: Path, book: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bound, shown, report = (tmp_path / name for name in ("bound.json", "shown", "report.json"))
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "--log", book, "-o", bound)
    found = record(capfd, "test", leaning, "--keyring", ring, "--commitment", bound, "--log", book)
    told(capfd, "reveal", bound, "--log", book, "-o", shown)
    check = ["check", shown, "--key", book / VERIFIER_KEY, "--report", report]

    def checked(said: object, code: int = 1) -> str:
        report.write_text(json.dumps(said))
        return flat(told(capfd, *check, code=code))

    assert "is the one of which the log holds a digest" in checked(found, 0)
    assert record(capfd, *check)["figures_checked"] is True
    keys = found["keys"]
    for change in (
        {"verdict": "not-shown"},
        {"student": {"name": "somebody else", "sha256": "0" * 64}},
        {"keys": [{**each, "log10_p": -999.0} for each in keys]},
        {"keys": [{**each, "log10_p_adjusted": -999.0} for each in keys]},
        {"commitment": {**found["commitment"], "before": 0, "before_not_shown": 0, "reports": 9}},
    ):
        assert "isn't the one of which the log holds a digest" in checked({**found, **change})
    # Without a digest schemes, settings and what was bound are compared, and figures are said not to be checked.
    bare = {name: each for name, each in found.items() if name != "logged"}
    candidates = found["candidates"]
    for change, what in (
        ({"keys": [{**each, "scheme": "kgw"} for each in keys]}, "schemes or settings"),
        ({"candidates": [{**each, "settings": {}} for each in candidates]}, "schemes or settings"),
        ({"candidates": [{**each, "scheme": "kgw"} for each in candidates]}, "schemes or settings"),
        ({"differences_sha256": "1" * 64}, "differences_sha256"),
        ({"kept": 3}, "kept"),
    ):
        said = checked({**bare, **change})
        assert "another test than was committed to" in said
        assert what in said
    assert "figures aren't checked: no digest of it was logged" in checked(
        {**bare, "verdict": "not-shown"}, 0
    )
    assert record(capfd, *check)["figures_checked"] is False
    # A digest is worth what the log's key shows of it.
    report.write_text(json.dumps(found))
    assert "figures aren't checked: give the log's key" in flat(
        told(capfd, "check", shown, "--report", report)
    )
    logged = found["logged"]
    own = json.loads(logged["record"])
    own["body"]["sha256"] = hashlib.sha256(b"another").hexdigest()
    forged = json.dumps(own, sort_keys=True, separators=(",", ":"))
    assert "is not proven" in checked({**found, "logged": {**logged, "record": forged}})
    for broken in ([], {**logged, "proof": "none"}, {"record": 3}):
        checked({**found, "logged": broken})


def test_before_is_said_only_where_the_log_says_so(
    leaning: Path, ring: Path, book: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page, unlogged, bound = (tmp_path / name for name in ("page.html", "unlogged.json", "bound.json"))
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "-o", unlogged)
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "--log", book, "-o", bound)
    test = ["test", leaning, "--keyring", ring, "-o", page, "--commitment"]
    for arguments, line in (([unlogged], "in no log"), ([bound], "of a log that isn't shown")):
        said = flat(told(capfd, *test, *arguments))
        assert line in said
        assert "before the report" not in said
        assert "Committed to</" in page.read_text()
        assert "Committed to before" not in page.read_text()
        page.unlink()
    assert "before the report's entry" in flat(told(capfd, *test, bound, "--log", book))
    assert "Committed to before the report" in page.read_text()


def test_a_commitment_that_the_log_took_in_after_the_report_is_refused(
    leaning: Path, ring: Path, book: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    unlogged, late, shown, report = (
        tmp_path / name for name in ("bound.json", "late.json", "shown", "r.json")
    )
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "-o", unlogged)
    found = logged(record(capfd, "test", leaning, "--keyring", ring, "--commitment", unlogged), book)
    load_commitment(unlogged).published(into(book)).save(late)
    told(capfd, "reveal", late, "--log", book, "-o", shown)
    report.write_text(json.dumps(found))
    check = ["check", shown, "--key", book / VERIFIER_KEY, "--report", report]
    assert "doesn't hold the commitment before the report" in flat(told(capfd, *check, code=1))
    _, said = held(late, book, [])
    titles = [note.title for note in student_page({**found, "commitment": said}).notes]
    assert "Committed to" in titles


def test_other_commitments_of_the_log_are_counted(
    leaning: Path, ring: Path, book: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    made = []
    for number in range(4):
        other = tmp_path / f"keys-{number}.toml"
        other.write_text(RING.replace("[5, 77]", f"[{number}, 99]"))
        other.chmod(0o600)
        made.append(tmp_path / f"bound-{number}.json")
        asked = ["--keyring", other, "--differences", leaning, "--log", book, "-o", made[-1]]
        told(capfd, "commit", *asked)
    # The third is shown; the others were bound in the same log.
    keyring = tmp_path / "keys-2.toml"
    test = ["test", leaning, "--keyring", keyring, "--commitment", made[2], "--log", book]
    said = flat(told(capfd, *test, "-o", page))
    line = "the log holds 2 commitments before this one, 2 of them not shown and 1 commitment after this one"
    assert line in said
    assert line in page.read_text()
    found = record(capfd, *test, "--shown", made[0])
    held = found["commitment"]
    assert (held["before"], held["before_not_shown"], held["after"], held["reports"]) == (2, 1, 1, 1)
    assert [each["sha256"] for each in held["shown"]] == [json.loads(made[0].read_text())["sha256"]]
    # A third party reads it from the commitment's own entry in the log.
    report.write_text(json.dumps(found))
    for number in (0, 2):
        told(capfd, "reveal", made[number], "--log", book, "-o", tmp_path / f"shown-{number}")
    check = ["check", tmp_path / "shown-2", "--key", book / VERIFIER_KEY]
    said = flat(told(capfd, *check, "--report", report))
    assert "the log holds 2 commitments before this one, 2 of them not shown" in said
    assert "and 1 after it, before the report" in said
    again = record(capfd, *check, "--shown", tmp_path / "shown-0")
    assert (again["before"], again["before_not_shown"]) == (2, 1)
    # One that is in no log, or in another, isn't counted as shown.
    loose = tmp_path / "loose.json"
    told(capfd, "commit", "--keyring", ring, "--differences", leaning, "-o", loose)
    assert "isn't in that log" in told(capfd, *test, "--shown", loose, code=2)
    assert "--shown needs --log" in told(capfd, *test[:-2], "--shown", loose, code=2)
    assert "--shown needs the log's key" in told(capfd, "check", check[1], "--shown", check[1], code=2)


def test_by_answers_tokenizers_and_length_are_bound_and_answers_named(
    ring: Path, book: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prompts, answers, bound = (tmp_path / name for name in ("prompts.jsonl", "answers.jsonl", "bound.json"))
    prompts.write_text('"1 2"\n"3 4"\n')
    rows = [{"prompt": asked, "answer": "5 6 7 é", "tokens": 3} for asked in ("1 2", "3 4")]
    answers.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    asked = ["--keyring", ring, "--prompts", prompts, "--max-tokens", 100]
    told(capfd, "commit", *asked, "--log", book, "-o", bound)
    ask = ["ask", prompts, "--keyring", ring, "--answers", answers, "--commitment", bound]
    assert "max_tokens differs" in told(capfd, *ask, code=2)
    ask += ["--max-tokens", 100]
    found = record(capfd, *ask, "--log", book)
    assert found["answers_sha256"] == hashlib.sha256(answers.read_bytes()).hexdigest()
    assert (found["max_tokens"], [each["tokenizer"] for each in found["tokenizers"]]) == (100, ["ids", "ids"])
    report, shown = tmp_path / "report.json", tmp_path / "shown"
    told(capfd, "reveal", bound, "--log", book, "-o", shown)
    check = ["check", shown, "--key", book / VERIFIER_KEY, "--report", report]
    report.write_text(json.dumps(found))
    assert "after the commitment" in flat(told(capfd, *check))
    bare = {name: each for name, each in found.items() if name != "logged"}
    report.write_text(json.dumps({**bare, "tokenizers": []}))
    assert "another test than was committed to: tokenizers" in flat(told(capfd, *check, code=1))
    # Only the answers that were read are meant.
    one = record(capfd, *ask, "--queries", 1)
    assert one["answers_sha256"] == hashlib.sha256(answers.read_bytes().splitlines(True)[0]).hexdigest()
    ring.write_text(RING.replace('tokenizer = "ids"', 'tokenizer = "bytes"'))
    assert "tokenizers differs" in told(capfd, *ask, code=2)

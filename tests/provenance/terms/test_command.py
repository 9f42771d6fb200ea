"""`headwater terms` as somebody types it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headwater.cli.terms import command
from headwater.errors import HeadwaterError
from provenance.terms.written import raw, save


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), standalone_mode=False)


def test_check_says_verdict_chain_and_caution() -> None:
    result = run(
        "check",
        "--model",
        "gpt-4-0613",
        "--at",
        "2023-07-01",
        "--use",
        "train-competing",
        "--holder",
        "third-party",
    )
    assert result.return_value == 0
    out = result.stdout
    assert out.startswith("prohibited-by-contract: train-competing\n")
    assert "use output from the Services to develop models that compete with OpenAI" in " ".join(out.split())
    assert "who is bound:" in out
    assert "not legal advice" in out


def test_check_as_json() -> None:
    result = run(
        "check",
        "--model",
        "meta-llama/Llama-3.1-8B",
        "--use",
        "train-competing",
        "--model-name",
        "Mine",
        "--json",
    )
    told = json.loads(result.stdout)
    assert told["answer"]["verdict"] == "restricted-to"
    assert told["origin"]["model"] == "meta-llama/Llama-3.1-8B"
    assert told["use"]["model_name"] == "Mine"


@pytest.mark.parametrize(
    ("fail_on", "model", "code"),
    [
        ("duties", "mixtral-8x7b", 0),
        ("duties", "llama-3.1-8b", 1),
        ("unknown", "llama-3.1-8b", 0),
        ("unknown", "never-heard-of", 1),
        ("restricted", "never-heard-of", 0),
        ("restricted", "gpt-4", 1),
        ("prohibited", "gpt-4", 1),
    ],
)
def test_the_exit_code_for_a_pipeline(fail_on: str, model: str, code: int) -> None:
    result = run("check", "--model", model, "--use", "train-competing", "--fail-on", fail_on, "-q")
    assert result.return_value == code


def test_options_say_what_the_named_use_leaves_open() -> None:
    arguments = (
        "check",
        "--model",
        "gpt-4",
        "--account-type",
        "api",
        "--product",
        "openai-api",
        "--at",
        "2026-01-01",
    )
    assert "restricted-to" in run(*arguments).stdout
    assert run(*arguments, "--not-competing").stdout.startswith("allowed:")
    assert run(*arguments, "--competing", "--distributed").stdout.startswith("restricted-to:")


def test_signals_from_files(tmp_path: Path) -> None:
    robots = tmp_path / "robots.txt"
    robots.write_text("User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n", encoding="utf-8")
    tdmrep = tmp_path / "tdmrep.json"
    tdmrep.write_text('[{"location": "/", "tdm-reservation": 0}]', encoding="utf-8")
    rsl = tmp_path / "rsl.xml"
    rsl.write_text('<rsl><content url="/"><license/></content></rsl>', encoding="utf-8")
    files = ("--robots", str(robots), "--tdmrep", str(tdmrep), "--rsl", str(rsl))
    told = json.loads(run("check", "--human", "--licence", "cc0-1.0", *files, "--json").stdout)["answer"]
    assert told["verdict"] == "restricted-to"
    assert [link["verdict"] for link in told["links"] if link["kind"] == "signal"].count("allowed") == 2
    told = json.loads(run("check", "--human", "--content-usage", "train-ai=y", "--json").stdout)["answer"]
    assert told["verdict"] == "allowed"


def test_own_terms(tmp_path: Path) -> None:
    save(tmp_path, raw("acme", prohibition=["trainAny"]))
    result = run("check", "--provider", "acme", "--terms", str(tmp_path))
    assert result.stdout.startswith("prohibited-by-contract: train\n")
    assert "acme/terms" in run("list", "acme", "--terms", str(tmp_path)).stdout


def test_show_on_a_day() -> None:
    out = " ".join(run("show", "openai/terms-of-use", "--at", "2023-07-01").stdout.split())
    assert out.startswith(
        "openai/terms-of-use 2023-03-14: Terms of Use, 2023-03-14 (stated) until 2024-01-30"
    )
    assert "confidence high" in out
    early = run("show", "xai", "--at", "2020-01-01")
    assert "no version is known for that day" in early.stdout
    assert "begins later" in early.stderr


def test_show_as_json() -> None:
    (version,) = json.loads(run("show", "openai/business-terms", "--at", "2026-01-01", "--json").stdout)
    assert [clause["rule"] for clause in version["clauses"]]
    assert version["clauses"][0]["quote"]


def test_diff_says_what_came_and_went() -> None:
    changes = json.loads(run("diff", "mistral/terms-of-service", "--json").stdout)
    first = changes[0]
    assert (first["from"], first["to"]) == ("2024-02-08", "2024-02-27")
    assert len(first["went"]) == 2
    out = run("diff", "mistral/terms-of-service", "--from", "2024-02-20", "--to", "2024-03-01").stdout
    assert out.count("→") == 1
    assert "  - Outputs may not be used to develop models that compete with Mistral AI." in out
    assert "no version began" in run("diff", "mistral", "--from", "2000-01-01", "--to", "2000-02-01").stdout


def test_list_as_json() -> None:
    documents = json.loads(run("list", "openai", "--json").stdout)
    assert {entry["document"] for entry in documents} >= {"openai/terms-of-use", "openai/business-terms"}
    assert (
        "openai-api/api" in next(e for e in documents if e["document"] == "openai/business-terms")["covers"]
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "opnai"),
        ("check",),
        ("check", "--provider", "opnai"),
        ("check", "--robots", "/does/not/exist"),
        ("list", "--terms", "/does/not/exist"),
        ("diff", "openai", "--from", "2025-01-01", "--to", "2024-01-01"),
    ],
)
def test_faults_are_worded_with_a_hint(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, HeadwaterError)
    assert result.exception.exit_code == 2
    assert result.exception.hint


def test_a_near_name_is_named() -> None:
    error = run("show", "opnai").exception
    assert isinstance(error, HeadwaterError)
    assert error.hint == "did you mean openai?"


def test_it_answers_at_once() -> None:
    """300 ms are asked for; the bound leaves room for a busy machine."""
    program = "from headwater.cli.terms import command; command(['show', 'openai'], standalone_mode=False)"
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    assert min(times) < 1.0

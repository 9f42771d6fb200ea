"""From a step against an account to its name in a data set: gateway, tickets, an engine's processor, and the trace.

The engine is vLLM's published interface around laws in place of a model; everything else is what operators run.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from casework.books import SETTINGS, pack, report
from gateway.doors import run
from gateway.gates import gate
from gateway.stub import Request, plain
from headwater.casework import new_casebook, open_casebook
from headwater.cli.app import run as headwater
from headwater.gateway.marking.settings import MarksSettings

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from integrations.marked import First  # noqa: E402

FLAGGED, CHATS = "birch-00000", "/v1/chat/completions"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def _casebook(folder: Path) -> str:
    """A step stands against the flagged account: its requests are shaped."""
    begun = time.time_ns() // 1000 - 1_000_000
    new_casebook(folder / "desk", SETTINGS, pack("shape"), begun)
    with open_casebook(folder / "desk", SETTINGS) as book:
        book.propose(report(1), "alice", begun)
        book.confirm("birch-harvest", "bob", begun)
    return str(folder / "desk")


def test_a_flagged_accounts_outputs_are_traced_to_it_and_no_others(
    keyring: Path, held: dict[str, ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = [FLAGGED, *(f"acct-{at:05}" for at in range(60))]
    (keyring.parent / "accounts.txt").write_text("\n".join(accounts))
    batch = First(held)

    async def engine(request: Request) -> bool:
        """vLLM: a request is let in or refused by the processor's class, and gets a row."""
        body = json.loads(request.body)
        try:
            type(batch.processor).validate_params(batch.params(extra_args=body.get("vllm_xargs")))
        except ValueError as error:
            await request.send(plain(json.dumps({"error": str(error)}).encode(), b"400 Bad Request"))
            return True
        batch.add([len(batch.rows), 7], body["vllm_xargs"]["headwater_mark"])
        await request.send(plain())
        return True

    asked = [*accounts[:3]] * 2

    async def test() -> None:
        marks = MarksSettings(upstream="vllm", key_file=str(keyring.parent / "tickets.key"))
        given: dict[str, Any] = {"casebook": _casebook(tmp_path), "marks": marks}
        async with gate(tmp_path / "g", engine, accounts=dict.fromkeys(asked, "contracted"), **given) as door:
            for account in asked:
                # Each tries to pass as another: nothing of it arrives.
                body = {**CHAT, "vllm_xargs": {"headwater_mark": "HWT2.3.x"}}
                status, _, told = await door.ask(account, CHATS, json.dumps(body).encode())
                assert status == 200, told

    run(test)
    for _ in range(150):
        batch.step()
    answers: dict[str, list[str]] = {account: [] for account in asked}
    for account, row in zip(asked, batch.rows, strict=True):
        answers[account].append(" ".join(map(str, row.output)))
    data = tmp_path / "data.jsonl"
    data.write_text(
        "".join(json.dumps({"answer": text}) + "\n" for texts in answers.values() for text in texts)
    )
    assert (
        headwater(["mark", "trace", str(data), "--keyring", str(keyring), "--text", "answer", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)["found"]
    assert [one["account"] for one in found] == [FLAGGED]
    assert found[0]["log10_p_adjusted"] < -6
    for account, texts in answers.items():
        file = tmp_path / f"{account}.txt"
        file.write_text(texts[0])
        assert headwater(["mark", "detect", str(file), "--keyring", str(keyring), "--json"]) == 0
        verdicts = json.loads(capsys.readouterr().out)
        assert ("marked" in json.dumps(verdicts)) == (account != FLAGGED)

"""What the documentation says of the relay is what the code says."""

from __future__ import annotations

from pathlib import Path

from gateway.vectors import cases
from headwater.gateway.wire.states import TABLE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "relay.md"


def test_the_table_of_states_is_the_codes() -> None:
    text = PAGE.read_text("utf-8").split("<!-- states:")[1]
    told = [line for line in text.split("\n\n")[0].splitlines() if line.startswith("| ")][1:]
    assert told == [
        f"| {state.name} | {step.name} | {after.name} |"
        for state, row in TABLE.items()
        for step, after in row.items()
    ]


def test_the_size_of_the_corpus_is_as_told() -> None:
    told = f"{len(cases('requests'))} requests and {len(cases('responses'))} responses"
    assert told in " ".join(PAGE.read_text("utf-8").split())

"""A pack with any fault does not load, and the error says in which file, rule and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UnreadableInput
from headwater.policy import Facts, decide, default_pack, load_pack, parse_pack

GOOD = """name: mine
rules:
  - id: ask
    rung: notice
    when: probability > 0.5
    reason: Ask first.
"""

FAULTS = [
    # what changes in GOOD, to what, where the error points, what it says, what it suggests
    ("rung: notice", "rung: notce", "rules.ask.rung", "there is no such rung", "did you mean notice?"),
    ("probability > 0.5", "probabilty > 0.5", "rules.ask.when", "no fact called probabilty", "probability?"),
    ("probability > 0.5", "probability >", "rules.ask.when", "cannot be parsed", ""),
    ("probability > 0.5", "accounts", "rules.ask.when", "answers with int", ""),
    ("probability > 0.5", "word > 3", "rules.ask.when", "cannot be evaluated", "CEL does not mix types"),
    ("probability > 0.5", "accounts / 0 > 1", "rules.ask.when", "cannot be evaluated", ""),
    (
        "probability > 0.5",
        "region == 'XX'",
        "rules.ask.when",
        "no fact called region",
        "known here: accounts",
    ),
    ("probability > 0.5", "[1]", "rules.ask.when", "str is expected here, not list", ""),
    ("    reason: Ask first.\n", "", "rules.ask.reason", "this field is missing", ""),
    ("reason:", "reasn:", "rules.ask.reasn", "there is no such field", "did you mean reason?"),
    ("  - id: ask\n    rung", "  - rung", "rules.1.id", "this field is missing", ""),
    (
        "rung: notice",
        "rung: ban\n    person_required: false",
        "rules.ask.person_required",
        "never",
        "step-up",
    ),
    ("rung: notice", "rung: notice\n    rung: ban", "rung", "the same key stands twice", ""),
    ("rules:", "ruels:", "ruels", "there is no such field", "did you mean rules?"),
    ("name: mine\n", "", "name", "this field is missing", ""),
    ("name: mine", "name: [", None, "this is not YAML", ""),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[2]}: {fault[3]}")
def test_a_fault_names_file_rule_and_field(fault: tuple[str, str, str | None, str, str]) -> None:
    old, new, at, what, hint = fault
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(GOOD.replace(old, new).encode(), "mine.yaml")
    assert caught.value.where.file == "mine.yaml"
    assert caught.value.where.field == at
    assert what in caught.value.what
    assert hint in (caught.value.hint or "")


def test_an_empty_pack_and_two_rules_of_one_name_are_refused() -> None:
    for text in (b"", b"name: x\nrules: []", b"[1, 2]", (GOOD + GOOD.partition("rules:\n")[2]).encode()):
        with pytest.raises(ConfigurationError):
            parse_pack(text, "mine.yaml")


def test_a_pack_cannot_run_python() -> None:
    hostile = GOOD.replace("name: mine", "name: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigurationError):
        parse_pack(hostile.encode(), "mine.yaml")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    pack = load_pack(path)
    assert pack.sha256 == parse_pack(GOOD.encode(), "elsewhere.yaml").sha256
    assert pack.sha256 != parse_pack((GOOD + "# a comment\n").encode(), "mine.yaml").sha256
    facts = Facts("possible", 0.7, 1.0, "undetermined", 3, 30, 1)
    assert decide(facts, pack).pack_sha256 == pack.sha256


def test_a_missing_pack_is_unreadable_input(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="cannot be read"):
        load_pack(tmp_path / "nowhere.yaml")


def test_the_default_pack_is_compiled_once() -> None:
    assert default_pack() is default_pack()

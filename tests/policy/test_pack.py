"""A pack with any fault does not load, and the error says in which file, rule and field."""

from __future__ import annotations

import tracemalloc
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
        "language == 'de'",
        "rules.ask.when",
        "no fact called language",
        "known here: account_firm",
    ),
    ("probability > 0.5", "[1]", "rules.ask.when", "a text is expected here, not a list", "put it in quotes"),
    ("    reason: Ask first.\n", "", "rules.ask.reason", "this field is missing", ""),
    ("reason:", "reasn:", "rules.ask.reasn", "there is no such field", "did you mean reason?"),
    ("  - id: ask\n    rung", "  - rung", "rules.1.id", "this field is missing", ""),
    (
        "rung: notice",
        "rung: ban\n    person_required: false",
        "rules.ask.person_required",
        "never",
        "without_a_person",
    ),
    ("rung: notice", "rung: notice\n    rung: ban", "rung", "the same key stands twice", ""),
    ("rules:", "ruels:", "ruels", "there is no such field", "did you mean rules?"),
    ("name: mine\n", "", "name", "this field is missing", ""),
    ("name: mine", "name: [", None, "this is not YAML", "put a text in quotes"),
    ("name: mine", "name: ' '", "name", "this field is empty", "fill it in"),
    ("name: mine", "name:", "name", "a text is expected here, not nothing", ""),
    ("name: mine", "name: yes", "name", "a text is expected here, not true or false", ""),
    ("rung: notice", "rung: 3", "rules.ask.rung", "there is no such rung", "known here: ban"),
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
    assert caught.value.hint
    assert hint in caught.value.hint


def test_an_empty_pack_and_two_rules_of_one_name_are_refused() -> None:
    for text in (b"", b"name: x\nrules: []", b"[1, 2]", (GOOD + GOOD.partition("rules:\n")[2]).encode()):
        with pytest.raises(ConfigurationError):
            parse_pack(text, "mine.yaml")


LAUGHS = "\n".join(
    [
        "a0: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)),
        "name: *a9",
    ]
)

BOMBS = {
    # what is written, and what is said of it
    "holds itself": ("name: &a [*a]\nrules: *a\n", "anchors and aliases"),
    "unfolds to gigabytes": (LAUGHS, "anchors and aliases"),
    "merges": ("a: &a {b: 1}\n<<: *a\n", "anchors and aliases"),
    "undefined alias": ("name: *nobody\n", "anchors and aliases"),
    "deep flow": ("[" * 60_000, "too many lists and mappings inside one another"),
    "deep mappings": ("{a: " * 15_000, "too many lists and mappings inside one another"),
    "deep block": ("- " * 30_000, "too many lists and mappings inside one another"),
    "deep keys": ("? " * 30_000, "too many lists and mappings inside one another"),
    "large": ("#" * 70_000, "more than 64 KiB"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(3_000)), "there is no such field"),
    "a tag": ("name: !!timestamp x\n", "tags (!) are not read"),
    "a number that never ends": (f"name: {'9' * 60_000}\n", "this field is missing"),
    "a day that isn't": ("name: 2026-99-99\n", "this field is missing"),
    "half a character": (GOOD.replace("name: mine", 'name: "\\ud800"'), "half a character"),
    "a list as a key": ("? [a]\n: b\n", "this is not YAML"),
    "two documents": (f"{GOOD}---\n{GOOD}", "more than one document"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_take_memory_time_or_the_stack(bomb: str) -> None:
    text, says = BOMBS[bomb]
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError) as caught:
            parse_pack(text.encode(), "mine.yaml")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert says in caught.value.what
    assert caught.value.where.file == "mine.yaml"
    assert caught.value.hint
    assert most < 50_000_000


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigurationError, match="more than 64 KiB"):
        load_pack("/dev/zero")


def test_a_pack_cannot_run_python() -> None:
    hostile = GOOD.replace("name: mine", "name: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigurationError):
        parse_pack(hostile.encode(), "mine.yaml")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    pack = load_pack(path)
    assert pack.sha256 == load_pack(str(path)).sha256
    assert pack.sha256 == parse_pack(GOOD.encode(), "elsewhere.yaml").sha256
    assert pack.sha256 != parse_pack((GOOD + "# a comment\n").encode(), "mine.yaml").sha256
    facts = Facts("possible", 0.7, 1.0, "undetermined", 3, 30, 1)
    assert decide(facts, pack).pack_sha256 == pack.sha256


def test_a_missing_pack_is_unreadable_input(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    with pytest.raises(UnreadableInput, match=r"mien.yaml: does not exist") as caught:
        load_pack(tmp_path / "mien.yaml")
    assert "did you mean" in (caught.value.hint or "")
    with pytest.raises(UnreadableInput, match="cannot be read"):
        load_pack(str(tmp_path))


def test_the_default_pack_is_compiled_once() -> None:
    assert default_pack() is default_pack()


@pytest.mark.parametrize("unseen", ["\\u202e", "\\u2066", "\\0", "\\e[2J", "\\u2028", "\\x85", "\\r"])
@pytest.mark.parametrize("field", ["name: mine", "id: ask", "reason: Ask first."])
def test_what_a_reader_does_not_see_is_refused_in_texts(field: str, unseen: str) -> None:
    name, _, value = field.partition(": ")
    with pytest.raises(ConfigurationError, match="a character that nobody sees") as raised:
        parse_pack(GOOD.replace(field, f'{name}: "{value}{unseen}"').encode(), "p.yaml")
    assert raised.value.where.row is not None


@pytest.mark.parametrize("unseen", ["\u202e", "\u2067", "\0", "\x1b[2J", "\u2029"])
def test_what_a_reader_does_not_see_is_refused_in_comments_too(unseen: str) -> None:
    with pytest.raises(ConfigurationError, match="a character that nobody sees") as raised:
        parse_pack(GOOD.replace("rules:", f"# all is{unseen} well\nrules:").encode(), "p.yaml")
    assert raised.value.where.row == 2


def test_every_script_and_every_end_of_a_line_is_read() -> None:
    text = GOOD.replace("Ask first.", "اسأل أولا\u200f، שאל\u200e תחילה, 先问 ʘ")
    for data in (text.encode(), text.replace("\n", "\r\n").encode(), text.encode("utf-16")):
        assert parse_pack(data, "p.yaml").rules[0].reason.endswith("先问 ʘ")

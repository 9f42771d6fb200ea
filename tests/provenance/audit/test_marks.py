"""The stage of marks: exactly the marked rows are found, in one process or several, and nothing is named by less."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pytest

from headwater.cli.app import run as headwater
from headwater.errors import ConfigurationError, HeadwaterError, UsageError
from headwater.exchange import SetAside
from headwater.explain.audited import row_lines
from headwater.mark import Mark, MarkKey, detect, load_keyring, scheme
from headwater.mark.tokenizer import Ids
from headwater.provenance.audit import Report, explain_row, split
from headwater.provenance.audit import marks as stage
from headwater.provenance.audit import run as running
from headwater.provenance.audit.annotations import annotated
from headwater.provenance.audit.scan import Question, Scanner
from headwater.provenance.audit.verifiers import Match
from headwater.provenance.terms import USES, load_registry
from provenance.audit import marked as made
from provenance.audit.corpora import audited, lines

MARKED = {4, 5, 17, 18, 33}


@cache
def texts() -> tuple[str, ...]:
    random = np.random.default_rng(3)
    told = [made.unmarked(int(random.integers(1, 300)), random) for _ in range(40)]
    for number in MARKED:
        told[number - 1] = (
            f"{made.unmarked(40, random)} {made.marked(60, random)} {made.unmarked(50, random)}"
        )
    return tuple(told)


def corpus(path: Path, **claims: str) -> Path:
    return lines(path, [{"text": text, **claims} for text in texts()])


def found(out: Path) -> dict[int, list[dict[str, Any]]]:
    """Findings of the stage by row, as the annotations have them."""
    rows = {}
    for batch in annotated(out):
        for row in batch.to_pylist():
            told = [one for one in row["findings"] if one["stage"] == "marks"]
            if told:
                rows[row["row"]] = told
    return rows


def marks_of(report: Report) -> Any:
    return next(one for one in report.stages if one.name == "marks")


def test_exactly_the_marked_rows(tmp_path: Path) -> None:
    ring = made.keyring(tmp_path / "keys.toml", made.TOKENIZER, made.MARK, made.OTHER)
    source = corpus(tmp_path / "rows.jsonl")
    report = audited(source, tmp_path / "out", verifiers=(f"marks={ring}",))
    rows = found(tmp_path / "out")
    assert set(rows) == MARKED
    for number, told in rows.items():
        assert {one["kind"] for one in told} == {"mark chat"}
        before, after = texts()[number - 1][: told[0]["start"]], texts()[number - 1][told[0]["end"] :]
        assert 30 <= len(before.split()) <= 50
        assert 40 <= len(after.split()) <= 60
    (finding,) = [one for one in report.findings if one.stage == "marks"]
    assert (finding.kind, finding.rows, finding.examples[0].row) == ("mark chat", 5, 4)
    assert marks_of(report).ran
    assert marks_of(report).rows == 5
    assert any("at most once in 1,000,000,000 texts" in told for told in marks_of(report).told)
    assert any("of 40 texts, at most 4e-08" in told for told in marks_of(report).told)
    row = explain_row(tmp_path / "out", "rows.jsonl:17")
    assert [one.kind for one in row.findings] == ["mark chat"]
    assert "5eed" not in (tmp_path / "out/audit.json").read_text().lower()


def test_a_mark_takes_peoples_claim_its_standing_and_leaves_a_models(tmp_path: Path) -> None:
    ring = made.keyring(tmp_path / "keys.toml")
    people = corpus(tmp_path / "people.jsonl", human="true", license="cc0-1.0", source="gutenberg")
    report = audited(people, tmp_path / "out", verifiers=(f"marks={ring}",), constants={"human": "true"})
    assert report.contradicted == 5
    assert report.verdicts == {"clean": 35, "bound": 0, "unknown": 5}
    counts = split(tmp_path / "out", tmp_path / "parts")
    assert (counts["clean"], counts["unknown"]) == (35, 5)
    kept = (tmp_path / "parts/unknown/people.jsonl").read_text().splitlines()
    assert kept == [people.read_text().splitlines()[number - 1] for number in sorted(MARKED)]
    model = corpus(tmp_path / "model.jsonl", generator="gpt-4-0613")
    without = audited(model, tmp_path / "without")
    report = audited(model, tmp_path / "with", verifiers=(f"marks={ring}",))
    assert report.verdicts == without.verdicts
    assert report.contradicted == 0
    (group,) = report.groups
    assert group.origin.model == "gpt-4-0613"


def test_a_mark_is_the_source_of_no_claim_but_its_own(tmp_path: Path) -> None:
    """Told row by row: what another row of the same claim shows is no source of this row's."""
    random = np.random.default_rng(1)
    text = made.marked(60, random)
    rows: list[dict[str, object]] = [
        {"text": text, "generator": "human"},
        {"text": "1 2 3", "generator": "human"},
        {"text": text, "generator": "gpt-4-0613"},
        {"text": text, "generator": "ai"},
        {"text": "4 5 6", "source": ["gpt-4-0613"], "human": "yes"},
    ]
    ring = made.keyring(tmp_path / "keys.toml")
    out = tmp_path / "out"
    report = audited(
        lines(tmp_path / "a.jsonl", rows), out, verifiers=(f"marks={ring}",), roles={"human": "human"}
    )
    told = [
        {(one.origin.model, one.origin.human): one.basis for one in explain_row(out, f"a.jsonl:{row}").groups}
        for row in range(1, 6)
    ]
    people, model, named = (None, True), (None, False), ("gpt-4-0613", None)
    assert told == [
        {people: ("column generator",), model: ("mark chat",)},
        {people: ("column generator",)},
        {named: ("column generator",)},
        {model: ("column generator", "mark chat")},
        {named: ("column source",), people: ("column human",)},
    ]
    whole = {(one.origin.model, one.origin.human): set(one.basis) for one in report.groups}
    assert whole == {
        people: {"column generator", "column human"},
        model: {"column generator", "mark chat"},
        named: {"column generator", "column source"},
    }
    lines_told = row_lines(explain_row(out, "a.jsonl:1"))
    assert "claimed: people [column generator]" in lines_told
    assert "claimed: a model, not named [mark chat]" in lines_told


def test_receipts_of_many_rows_are_one_basis_of_their_claim(tmp_path: Path) -> None:
    class Registry:
        """Finds every text, each under a receipt of its own."""

        name = "registry"
        stage: Literal["registries", "marks"] = "registries"
        card: Mapping[str, str] = MappingProxyType({})

        def verify(self, texts: Sequence[str]) -> Sequence[Sequence[Match]]:
            return [[Match("receipt", model="gpt-4-0613", proof=text)] for text in texts]

    scanner = Scanner(Question(USES["train"], verifiers=(Registry(),)), load_registry())
    given = iter([(number, {"text": f"number {number}"}) for number in (1, 2, 3)])
    ((part, rows, _),) = scanner.scan("a", 0, given, SetAside())
    assert [row.basis[-1] for row in rows] == [
        ("receipt number 1",),
        ("receipt number 2",),
        ("receipt number 3",),
    ]
    assert [group.basis for group in part.groups.values() if group.origin.model] == [("receipt",)]


def test_a_mark_that_was_revoked_names_nobody(tmp_path: Path) -> None:
    ring = made.keyring(tmp_path / "keys.toml", made.TOKENIZER, made.MARK + "revoked = true\n", made.OTHER)
    audited(corpus(tmp_path / "rows.jsonl"), tmp_path / "out", verifiers=(f"marks={ring}",))
    assert found(tmp_path / "out") == {}


def test_several_processes_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_SMALL", 0)
    ring = made.keyring(tmp_path / "keys.toml")
    for number in range(3):
        corpus(tmp_path / f"data/{number}.jsonl")
    one = audited(tmp_path / "data", tmp_path / "one", verifiers=(f"marks={ring}",))
    two = audited(tmp_path / "data", tmp_path / "two", verifiers=(f"marks={ring}",), processes=2)
    assert one == two
    assert marks_of(two).rows == 15


def test_a_run_that_ended_goes_on_and_another_keyring_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = made.keyring(tmp_path / "keys.toml")
    source = corpus(tmp_path / "rows.jsonl")
    whole = audited(source, tmp_path / "whole", verifiers=(f"marks={ring}",))
    read: list[int] = []
    verify = stage.Marks.verify

    def counted(self: stage.Marks, texts: list[str]) -> Any:
        read.append(len(texts))
        return verify(self, texts)

    def ends(*_: object) -> None:
        raise HeadwaterError("ended")

    monkeypatch.setattr(stage.Marks, "verify", counted)
    with monkeypatch.context() as broken:
        broken.setattr(running, "_report", ends)
        with pytest.raises(HeadwaterError):
            audited(source, tmp_path / "out", verifiers=(f"marks={ring}",))
    assert read == [40]
    assert audited(source, tmp_path / "out", verifiers=(f"marks={ring}",)) == whole
    assert read == [40]
    with monkeypatch.context() as broken:
        broken.setattr(running, "_report", ends)
        with pytest.raises(HeadwaterError):
            audited(source, tmp_path / "out", verifiers=(f"marks={ring}",))
    made.keyring(ring, made.TOKENIZER, made.OTHER)
    os.utime(ring, ns=(1, 1))
    report = audited(source, tmp_path / "out", verifiers=(f"marks={ring}",))
    assert read == [40, 40, 40]
    assert marks_of(report).rows == 0


def test_what_could_not_be_looked_at_is_told(tmp_path: Path) -> None:
    ring = made.keyring(tmp_path / "keys.toml")
    rows = [
        {"text": "a sentence of words"},
        {"text": "1 2 3"},
        {"text": ""},
        {"text": "4 5 499"},
        {"text": "500"},
    ]
    report = audited(lines(tmp_path / "rows.jsonl", rows), tmp_path / "out", verifiers=(f"marks={ring}",))
    notices = dict(report.set_aside.notices)
    assert notices["a text can't be read by a tokenizer of the keyring (marks)"] == 2
    assert notices["a text is too short for a mark of the keyring to show (marks)"] == 3


def test_a_text_with_a_mark_was_not_too_short(tmp_path: Path) -> None:
    """Far fewer tokens than a mark mostly needs may show one that is strong."""
    ring = made.keyring(tmp_path / "keys.toml")
    random = np.random.default_rng(6)
    rows = [{"text": made.marked(40, random)}, {"text": made.unmarked(40, random)}]
    report = audited(lines(tmp_path / "rows.jsonl", rows), tmp_path / "out", verifiers=(f"marks={ring}",))
    assert set(found(tmp_path / "out")) == {1}
    short = {count for what, count in report.set_aside.notices if "too short for a mark" in what}
    assert short == {1}


def test_a_long_text_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stage, "_PIECE", 3000)
    random = np.random.default_rng(5)
    begin = made.unmarked(2000, random)
    (matches,) = stage.verifier(str(made.keyring(tmp_path / "keys.toml"))).verify(
        [f"{begin} {made.marked(100, random)} {made.unmarked(1500, random)}"]
    )
    assert {match.proof for match in matches} == {"chat"}
    assert abs(min(match.start for match in matches) - len(begin)) < 40
    assert all(match.p_value is not None and 0 < match.p_value <= 1e-9 for match in matches)


@pytest.mark.parametrize(
    ("name", "config", "key", "spread"),
    [
        ("vllm-gumbel", {"width": 2}, (7,), 2.0),
        ("headwater-gumbel", {"width": 3}, (7, 8), 2.5),
        ("headwater-tilt", {"width": 1, "delta": 2.0}, (7, 8), 1.0),
    ],
)
def test_the_quick_look_passes_over_nothing_that_is_named(
    name: str, config: dict[str, Any], key: tuple[int, ...], spread: float
) -> None:
    """Rows at the edge of what can be shown: what `detect` names, the stage names, and nothing else."""
    family, secret = scheme(name, config), MarkKey("k", key)
    mark = Mark("k", family, secret, (Ids("list", made.VOCABULARY),))
    random = np.random.default_rng(8)
    within = [made.marked(length, random, secret, family, spread) for length in range(8, 104, 8)]
    rows = [f"{made.unmarked(60, random)} {passage} {made.unmarked(9, random)}" for passage in within]
    reader = pickle.loads(pickle.dumps(stage.Marks([mark])))
    by_stage = [bool(matches) for matches in reader.verify(rows)]
    by_detect = [bool(detect(text, [mark], alpha=stage.ALPHA).found) for text in rows]
    assert by_stage == by_detect
    assert {True, False} <= set(by_stage)


def test_a_p_value_counts_every_key(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    text = made.marked(40, random)
    alone = stage.verifier(str(made.keyring(tmp_path / "one.toml"))).verify([text])[0][0].p_value
    both = made.keyring(tmp_path / "two.toml", made.TOKENIZER, made.MARK, made.OTHER)
    beside = stage.Marks(load_keyring(both).current()).verify([text])[0][0].p_value
    assert alone is not None
    assert beside is not None
    assert math.isclose(beside, 2 * alone, rel_tol=1e-6)


def test_faults_of_a_keyring_are_told_before_anything_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = lines(tmp_path / "rows.jsonl", [{"text": "1 2 3"}])
    out = tmp_path / "out"
    bad = made.keyring(tmp_path / "bad.toml", made.TOKENIZER, made.MARK.replace('"list"', '"lits"'))
    for given, told in ((tmp_path / "none.toml", "none.toml"), (bad, "no such tokenizer")):
        assert headwater(["audit", str(source), "-o", str(out), "--keyring", str(given)]) == 2
        said = capfd.readouterr().err
        assert told in said
        assert "5eed" not in said.lower()
    assert not out.exists()
    with pytest.raises(UsageError, match="needs a keyring"):
        stage.verifier()
    with pytest.raises(UsageError, match="no mark"):
        stage.verifier(str(made.keyring(tmp_path / "empty.toml", made.TOKENIZER)))
    with pytest.raises(ConfigurationError):
        stage.verifier(str(bad))


def test_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ring = made.keyring(tmp_path / "keys.toml")
    source = corpus(tmp_path / "rows.jsonl")
    words = ["audit", str(source), "-o", str(tmp_path / "out"), "--sample", "0", "--fail-on", "never"]
    assert headwater([*words, "--keyring", str(ring)]) == 0
    said = capfd.readouterr().out
    assert "5 rows: mark chat, first rows.jsonl:4" in said
    assert "not run: detectors of marks" not in said
    assert headwater(words) == 0
    assert "not run: detectors of marks: no keyring was given (--keyring)" in capfd.readouterr().out

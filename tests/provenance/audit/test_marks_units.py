"""Texts of a corpus as tracing takes them: the audit's own columns, and a fair part of what is too much to hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.exchange import SetAside
from headwater.mark import Evidence, Mark, load_keyring, plain
from headwater.mark.evidence import fingerprints
from headwater.mark.tokenizer import Ids
from headwater.provenance.audit import RowTexts, corpus_texts, trace_corpus
from headwater.provenance.audit.screen import Screen
from headwater.provenance.audit.units import Gathered
from provenance.audit import marked as made
from provenance.audit.corpora import audited, lines


def test_the_audits_own_texts(tmp_path: Path) -> None:
    rows: list[dict[str, object] | str] = [
        {"id": "a", "generator": "gpt-4", "text": "one", "tags": ["two", "three"]},
        "torn{",
        '"a bare text"',
        {"messages": [{"role": "user", "content": "four"}, {"role": "assistant", "content": "five"}]},
        {"score": 3},
    ]
    path = lines(tmp_path / "rows.jsonl", rows)
    with SetAside() as aside:
        found = list(corpus_texts(path, aside=aside))
    assert found == [
        RowTexts("rows.jsonl", 1, ("one", "two", "three")),
        RowTexts("rows.jsonl", 3, ("a bare text",)),
        RowTexts("rows.jsonl", 4, ("user", "four", "assistant", "five")),
        RowTexts("rows.jsonl", 5, ()),
    ]
    assert aside.total == 1
    report = audited(path, tmp_path / "out")
    assert report.rows == len(found)
    assert report.characters == sum(len(text) for row in found for text in row.texts)
    chosen = list(corpus_texts(path, text=frozenset(["text"])))
    assert [row.texts for row in chosen] == [("one",), ("a bare text",), (), ()]
    with pytest.raises(UsageError, match="no row has a column called 'txet'"):
        list(corpus_texts(path, text=frozenset(["txet"])))


def test_what_is_too_much_is_thinned_by_rows() -> None:
    random = np.random.default_rng(1)
    gathered = Gathered(made.GUMBEL, plain(made.GUMBEL), Ids("words", made.VOCABULARY), most=40_000)
    texts = [made.unmarked(50, random) for _ in range(4200)]
    for row, text in enumerate(texts):
        gathered.add(row, text)
    whole = gathered.whole()
    assert whole is not None
    units, rows, classes = whole
    assert len(units) == len(rows) == len(classes)
    assert len(units) <= 40_000
    kept, counts = np.unique(rows, return_counts=True)
    assert 0.7 < len(kept) * 2**gathered.halvings / 4200 < 1.3
    assert gathered.halvings >= 2
    for row, count in zip(kept.tolist(), counts.tolist(), strict=True):
        assert count == len(made.GUMBEL.units(Ids("words").encode(texts[row]).ids))
    assert abs(float(kept.mean()) - 2100) < 400


def test_a_part_of_the_rows_still_names_whose_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.provenance.audit import units

    monkeypatch.setattr(units, "_BATCH", 200)
    random = np.random.default_rng(2)
    ring = made.keyring(tmp_path / "keys.toml", made.TOKENIZER, made.MARK + 'account = "one"\n')
    rows = [{"text": made.marked(30, random) if at % 2 else made.unmarked(30, random)} for at in range(40)]
    found = trace_corpus(lines(tmp_path / "rows.jsonl", rows), load_keyring(ring), most=500)
    assert found.tested[0].part < 1
    assert [one.account for one in found.found] == ["one"]
    assert found.tested[0].trace.units <= 500
    assert all(row % 2 == 0 for _, row in found.found[0].places)


def test_what_a_detector_was_learned_from_is_neither_gathered_nor_looked_at() -> None:
    random = np.random.default_rng(2)
    words = Ids("words", made.VOCABULARY)
    known, new = made.unmarked(50, random), made.unmarked(50, random)
    units = made.GUMBEL.units(words.encode(known).ids)
    scorer = plain(made.GUMBEL).scorer
    evidence = Evidence(made.GUMBEL.name, scorer, learned=np.unique(fingerprints(units)))
    gathered = Gathered(made.GUMBEL, evidence, words)
    for row, text in enumerate((known, new, f"{known} {new}")):
        gathered.add(row, text)
    whole = gathered.whole()
    assert whole is not None
    size = len(made.GUMBEL.units(words.encode(new).ids))
    assert np.bincount(whole[1]).tolist() == [0, size, len(words.encode(new).ids)]
    mark = Mark("m", made.GUMBEL, made.GUMBEL.random_key(random), (words,))
    _, counts = Screen(mark, evidence).look([words.encode(text).ids for text in (known, new)], -10.0)
    assert counts.tolist() == [0, size]

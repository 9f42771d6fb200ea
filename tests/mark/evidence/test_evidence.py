"""Learned evidence as a file: it comes back as it was, with its proxy, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import ConfigurationError, UnreadableInput, UsageError
from headwater.mark.evidence import (
    Evidence,
    by_class_of_chances,
    engine_sum,
    evidence,
    fingerprints,
    grid,
    load,
    save,
    scheme_of,
)
from headwater.mark.proxy import counted
from headwater.mark.scheme import Null, Units
from mark.evidence.synthetic import NULL

TEXT = np.random.default_rng(1).integers(0, 50, 500)


def _evidence() -> Evidence:
    proxy = counted([TEXT], 50)
    cells = grid(np.stack([proxy.read(TEXT).log_chance, proxy.read(TEXT).entropy], 1), [4, 1])
    classes = cells.classes(proxy.read(TEXT).rows(np.arange(500)))
    scorer = by_class_of_chances(NULL, np.exp(proxy.read(TEXT).log_chance), classes, cells.count)
    return Evidence("vllm-gumbel", scorer, cells, proxy)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = _evidence()
    save(kept, tmp_path / "e.json")
    found = load(tmp_path / "e.json", NULL, proxy=kept.proxy)
    places = np.arange(0, 500, 7)
    units = Units(places[:, None], TEXT[places], places, np.ones_like(places), 500)
    values = np.random.default_rng(2).integers(0, 2**24, (len(places), 1), np.uint32)
    classes = kept.classes(TEXT, units)
    again = found.classes(TEXT, units)
    assert classes is not None
    assert again is not None
    assert (classes == again).all()
    assert len(np.unique(classes)) > 1
    assert (kept.scorer.scores(values, classes) == found.scorer.scores(values, again)).all()
    assert found.scheme == "vllm-gumbel"


def test_without_classes_no_proxy_is_asked_for(tmp_path: Path) -> None:
    save(Evidence("vllm-gumbel", engine_sum(NULL)), tmp_path / "e.json")
    found = load(tmp_path / "e.json", NULL)
    assert found.classes(TEXT, Units(TEXT[:, None], TEXT, TEXT, TEXT, 500)) is None


def test_another_proxy_is_refused(tmp_path: Path) -> None:
    save(_evidence(), tmp_path / "e.json")
    with pytest.raises(ConfigurationError, match="another proxy"):
        load(tmp_path / "e.json", NULL)
    with pytest.raises(ConfigurationError, match="another proxy"):
        load(tmp_path / "e.json", NULL, proxy=counted([TEXT], 50, order=2))


def test_tables_for_other_values_are_refused(tmp_path: Path) -> None:
    save(Evidence("vllm-gumbel", engine_sum(NULL)), tmp_path / "e.json")
    with pytest.raises(ConfigurationError, match="cover"):
        load(tmp_path / "e.json", Null(2))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"grain": 0},
        {"tables": []},
        {"tables": [[[[0, 5, 5], [1, 2]]]]},
        {"tables": [[["x", "y"]]]},
        {"cuts": [[0.5]]},
        {"grain": "x"},
        {"grain": "0.015625"},
        {"grain": True},
        {"grain": float("nan")},
        {"scheme": 3},
        {"name": ["x"]},
        {"learned": None},
        {"learned": "no base64!"},
        {"learned": "AAAA"},
        {"learned": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"tables": [[]]},
        {"tables": [[[[0, 1 << 24], [1]]]]},
        {"tables": [[[[0, 1 << 24], []]]]},
        {"tables": [[[[0, 1.5, 1 << 24], [0, 1]]]]},
        {"cuts": [[0.5], []], "tables": 2 * [[[[0, 5, 1 << 24], [0, 1]]]]},
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save(Evidence("vllm-gumbel", engine_sum(NULL)), tmp_path / "e.json")
    kept = json.loads((tmp_path / "e.json").read_text()) | change
    (tmp_path / "e.json").write_text(json.dumps(kept))
    with pytest.raises(ConfigurationError):
        load(tmp_path / "e.json", NULL)


@pytest.mark.parametrize("text", ["", "no json", '"a"', "[1]", "null"])
def test_what_is_no_such_file_is_told_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.json").write_text(text)
    with pytest.raises((UnreadableInput, ConfigurationError)):
        load(tmp_path / "e.json", NULL)
    with pytest.raises(UnreadableInput):
        load(tmp_path / "missing.json", NULL)


def test_classes_that_no_proxy_tells_apart_are_never_all_added_up(tmp_path: Path) -> None:
    save(_evidence(), tmp_path / "e.json")
    kept = json.loads((tmp_path / "e.json").read_text())
    (tmp_path / "e.json").write_text(json.dumps(kept | {"proxy": None}))
    with pytest.raises(ConfigurationError, match="given together"):
        load(tmp_path / "e.json", NULL)
    scorer, units = _evidence().scorer, Units(TEXT[:, None], TEXT, TEXT, np.ones_like(TEXT), 500)
    with pytest.raises(UsageError, match="class"):
        scorer.scores(np.zeros((500, 1), np.uint32))
    with pytest.raises(UsageError, match="class"):
        scorer.parts(NULL, units)
    with pytest.raises(UsageError, match="proxy"):
        Evidence("vllm-gumbel", scorer).classes(TEXT, units)


@pytest.mark.parametrize("cuts", [[[0.5, 0.1], []], [[float("nan")], []], [[0.5]], [[0.5], [], []]])
def test_classes_are_cut_by_ascending_numbers_of_two_features(tmp_path: Path, cuts: list[object]) -> None:
    kept = _evidence()
    save(kept, tmp_path / "e.json")
    told = json.loads((tmp_path / "e.json").read_text())
    told |= {"cuts": cuts, "tables": told["tables"][:1] * (1 + len(cuts[0]))}  # type: ignore[arg-type]
    (tmp_path / "e.json").write_text(json.dumps(told))
    with pytest.raises(ConfigurationError, match="ascending"):
        load(tmp_path / "e.json", NULL, proxy=kept.proxy)


def test_another_count_of_streams_is_refused(tmp_path: Path) -> None:
    save(Evidence("vllm-dual-key", engine_sum(NULL, streams=2)), tmp_path / "e.json")
    assert len(load(tmp_path / "e.json", NULL, streams=2).scorer.tables[0]) == 2
    with pytest.raises(ConfigurationError, match="2 streams, where the scheme's units have 1"):
        load(tmp_path / "e.json", NULL)
    with pytest.raises(UsageError, match="streams"):
        engine_sum(NULL, streams=2).scores(np.zeros((3, 1), np.uint32))


def test_what_it_was_learned_from_comes_back_and_is_not_fresh(tmp_path: Path) -> None:
    places = np.arange(2, 500)
    units = Units(
        np.stack([TEXT[places - 2], TEXT[places - 1]], 1), TEXT[places], places, np.ones_like(places), 500
    )
    known = np.unique(fingerprints(units.part(units.position < 250)))
    save(Evidence("vllm-gumbel", engine_sum(NULL), learned=known), tmp_path / "e.json")
    found = load(tmp_path / "e.json", NULL)
    pairs = {tuple(row) for row in np.column_stack([units.context, units.token])[:248].tolist()}
    rows = np.column_stack([units.context, units.token]).tolist()
    expected = np.array([tuple(row) not in pairs for row in rows])
    assert (found.fresh(units) == expected).all()
    assert len(found.unlearned(units)) == expected.sum() > 200
    assert Evidence("vllm-gumbel", engine_sum(NULL)).fresh(units).all()


def test_fingerprints_tell_neighbours_and_orders_apart() -> None:
    rows = np.stack(np.meshgrid(*[np.arange(40)] * 3), -1).reshape(-1, 3)
    found = fingerprints(Units(rows[:, :2], rows[:, 2], rows[:, 0], rows[:, 0], 1))
    assert len(np.unique(found)) == len(rows)
    share = ((found[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)).mean(axis=0)
    assert (np.abs(share - 0.5) < 0.01).all()


def test_only_regular_files_of_a_bounded_size_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UnreadableInput):
            load(path, NULL)
        with pytest.raises(UnreadableInput):
            scheme_of(path)
    save(Evidence("vllm-gumbel", engine_sum(NULL)), tmp_path / "e.json")
    monkeypatch.setattr(evidence, "LARGEST", 100)
    with pytest.raises(UnreadableInput, match="larger than 100"):
        load(tmp_path / "e.json", NULL)

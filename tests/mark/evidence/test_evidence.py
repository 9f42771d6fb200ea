"""Learned evidence as a file: it comes back as it was, with its proxy, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import ConfigurationError, UnreadableInput
from headwater.mark.evidence import Evidence, by_class_of_chances, engine_sum, grid, load, save
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

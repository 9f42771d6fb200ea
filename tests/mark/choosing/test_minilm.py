"""The sentence model in NumPy says what its published weights say, and none but those are read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headwater.errors import UnreadableInput
from headwater.mark.choosing import minilm

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "A fast fox of brown colour leaps over a dog that is lazy.",
    "Stocks fell sharply on Monday, said the bank.",
    "",
    "日本語の文章です。",
    "word " * 600,
]
#: The first three entries of each, from sentence-transformers 6.2.0 with torch 2.13.0 and the same weights.
WANTED = [
    [0.0439336, 0.0589344, 0.0481784],
    [0.0285772, 0.0068544, 0.0547475],
    [0.0398042, -0.0243546, 0.0595979],
    [-0.1188384, 0.0482987, -0.0025481],
    [0.0177573, 0.0886391, 0.0155758],
    [-0.0081237, -0.095586, -0.0386732],
]


@pytest.fixture(scope="module")
def model() -> minilm.MiniLM:
    pytest.importorskip(minilm.PACKAGE)
    minilm.load.cache_clear()
    return minilm.load()


def test_it_says_what_sentence_transformers_says(model: minilm.MiniLM) -> None:
    found = model.raw(SENTENCES)
    assert found[:, :3] == pytest.approx(np.array(WANTED), abs=2e-6)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert found[0] @ found[1] > 0.85
    assert found[0] @ found[2] < 0.3


def test_a_sentence_is_embedded_alike_in_any_company(model: minilm.MiniLM) -> None:
    together = model.raw(SENTENCES)
    assert np.abs(together[2] - model.raw([SENTENCES[2]])[0]).max() < 1e-6


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}")
    place = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: place)
    minilm.load.cache_clear()
    with pytest.raises(UnreadableInput, match="is not the file that was published"):
        minilm.load()
    minilm.load.cache_clear()

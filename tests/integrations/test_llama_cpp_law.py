"""The processor for llama-cpp-python without it: one row of scores in, the same law out, marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.integrations.llama_cpp import MarkProcessor, law
from headwater.mark.embed import Asked, load_embedding

RING = """
[[mark]]
name = "plain"
scheme = "headwater-gumbel"
width = 2
tokenizer = "ids"
keys = [1234567, 7654321]

[embed]
default = "plain"
"""


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(RING)
    file.chmod(0o600)
    return file


def test_the_law_of_the_call() -> None:
    scores = np.log(np.array([[0.05, 0.4, 0.3, 0.2, 0.05]], np.float32))
    assert np.isfinite(law(scores, 1, 0, 1.0, 0.0)).all()
    assert np.isfinite(law(scores, 1, 2, 1.0, 0.0)).tolist() == [[False, True, True, False, False]]
    assert np.isfinite(law(scores, 1, 0, 0.75, 0.0)).tolist() == [[False, True, True, True, False]]
    assert np.isfinite(law(scores, 1, 0, 1.0, 0.45)).tolist() == [[False, True, True, True, False]]
    assert law(scores, 0.5, 1, 1.0, 0.0)[0, 1] == pytest.approx(2 * np.log(0.4))


def test_averaged_over_contexts_the_law_is_the_calls(ring: Path) -> None:
    """Each context is keyed anew, so over many of them the answer falls as without a mark."""
    scores = np.log(np.array([0.05, 0.4, 0.3, 0.2, 0.05], np.float32))
    processor = MarkProcessor(ring, temperature=1, top_k=0, top_p=1, min_p=0, seed=1)
    random, counts = np.random.default_rng(2), np.zeros(5)
    for _ in range(3000):
        counts[np.argmax(processor(random.integers(0, 30_000, 6, np.intc), scores.copy()))] += 1
    expected = 3000 * np.exp(scores)
    assert (((counts - expected) ** 2) / expected).sum() < 4 + 5 * np.sqrt(8)


def test_a_context_that_came_before_is_left_alone(ring: Path) -> None:
    processor, scores = MarkProcessor(ring), np.zeros(50, np.float32)
    ids = [1, 2]
    changed = [processor(np.array(ids + more, np.intc), scores) for more in ([], [1], [1, 2], [1, 2, 9])]
    assert [int(np.isfinite(each).sum()) for each in changed] == [1, 1, 50, 1]


def test_scores_in_strides_and_what_is_left_unmarked(ring: Path) -> None:
    strided = np.zeros(150, np.float32)[::3]
    assert np.isfinite(MarkProcessor(ring)(np.array([1, 2], np.intc), strided)).sum() == 1
    assert np.isfinite(MarkProcessor(ring)(np.array([1], np.intc), strided)).all()
    assert np.isfinite(MarkProcessor(ring, temperature=0)(np.array([1, 2], np.intc), strided)).all()
    unmarked = MarkProcessor(load_embedding(ring), Asked("a", "none"))
    assert unmarked(np.array([1, 2], np.intc), strided) is strided
    with pytest.raises(UsageError):
        MarkProcessor(ring, temperature=-1)
    with pytest.raises(UsageError):
        MarkProcessor(ring, "HWT2.1.ab")

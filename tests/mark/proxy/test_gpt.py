"""The forward pass in NumPy: the same as torch's, causal, and clear about files that hold no model."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UnreadableInput
from headwater.mark.proxy import GPT, arrays, fitted, load

FIXTURES = Path(__file__).parents[1] / "fixtures"
TEXT = (
    "It was the best of times, it was the worst of times, and the old gentleman said that he would not go to town. "
    "She looked at him for a moment, and then she said: 'I am sure that you are quite right, my dear.' "
)


@pytest.fixture(scope="module")
def model() -> GPT:
    return load(FIXTURES / "proxy.npz")


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    from tokenizers import Tokenizer

    return np.array(Tokenizer.from_file(str(FIXTURES / "tokenizer.json")).encode(TEXT * 12).ids, np.int64)


def test_it_says_what_torch_says(model: GPT) -> None:
    told = json.loads((FIXTURES / "proxy_logs.json").read_text())
    found = model.read(np.array(told["tokens"], np.int64))
    assert np.allclose(found.log_chance[1:], told["log_chance"][1:], atol=2e-4)
    assert np.allclose(found.entropy[1:], told["entropy"][1:], atol=2e-4)


def test_it_knows_english(model: GPT, tokens: np.ndarray) -> None:
    once = tokens[:60]
    shuffled = np.random.default_rng(1).permutation(once)
    assert model.read(once).log_chance[1:].mean() > model.read(shuffled).log_chance[1:].mean() + 1
    assert model.read(once).log_chance[1:].mean() > -6.5


def test_what_comes_later_changes_nothing(model: GPT, tokens: np.ndarray) -> None:
    other = tokens.copy()
    other[200:] = 7
    for length in (200, 130):
        assert np.allclose(
            model.read(tokens).log_chance[:length], model.read(other).log_chance[:length], atol=1e-4
        )


def test_windows_join_without_a_gap(model: GPT, tokens: np.ndarray) -> None:
    text = np.tile(tokens, 2)[: 3 * model.window + 17]
    found = model.read(text)
    start = len(text) - model.window
    alone = model.read(text[start:])
    half = model.window // 2 + 17
    assert len(found.log_chance) == len(text)
    # The last tokens have nearly the same window before them either way.
    assert np.abs(found.log_chance[start + half :] - alone.log_chance[half:]).mean() < 0.5


def test_a_temperature_is_fitted_to_sharp_traffic() -> None:
    random = np.random.default_rng(3)
    weights = {
        "embedding.weight": random.normal(size=(8, 4)).astype(np.float32),
        "norm.weight": np.ones(4, np.float32),
    }
    tiny = GPT("tiny", 8, 1, 0, 64, weights)
    for served in (0.4, 1.0):
        text = [0]
        for _ in range(300):
            logs = [tiny.at(served).read(np.array([text[-1], each])).log_chance[1] for each in range(8)]
            assert sum(np.exp(logs)) == pytest.approx(1, abs=1e-5)
            text.append(int(random.choice(8, p=np.exp(logs) / sum(np.exp(logs)))))
        assert fitted(tiny, np.array(text), (0.4, 1.0)).temperature == served


@pytest.mark.parametrize("ids", [[], [5], [-1, 10**15, 4096, 3], [9] * 3000])
def test_any_ids_can_be_read(model: GPT, ids: list[int]) -> None:
    found = model.read(np.array(ids, np.int64))
    assert len(found.log_chance) == len(found.entropy) == len(ids)
    assert np.isfinite(found.log_chance).all()
    assert (found.entropy >= -1e-9).all()


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 broken"])
def test_a_file_that_holds_no_model_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(UnreadableInput):
        load(path)
    with pytest.raises(UnreadableInput):
        load(tmp_path / "missing.npz")


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", Path("/dev/zero"), tmp_path):
        with pytest.raises(UnreadableInput):
            load(path)


def _archive(path: Path, members: dict[str, bytes], *, compressed: bool = False) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)


def _header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": kind, "fortran_order": False, "shape": shape})
    return held.getvalue()


def test_a_header_that_promises_more_than_is_there_sets_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    for shape in ((1 << 40,), (1 << 62, 4), (-1,), (0, 1 << 63)):
        _archive(path, {"shape.npy": _header((5,), "<i8") + bytes(40), "norm.weight.npy": _header(shape)})
        tracemalloc.start()
        with pytest.raises(UnreadableInput):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_an_archive_that_unpacks_to_more_than_a_gibibyte_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "_UNPACKED", 1 << 16)
    path = tmp_path / "model.npz"
    _archive(path, {"norm.weight.npy": _header((1 << 15,)) + bytes(1 << 17)}, compressed=True)
    with pytest.raises(UnreadableInput, match="more than"):
        load(path)


@pytest.mark.parametrize(
    "shape", [[10, 8, 2, 1 << 40, 4], [10, 8, 2, 1, 1 << 40], [10, 8, 2, -1, 4], list(range(2000)), 7]
)
def test_absurd_shapes_are_refused_at_once(tmp_path: Path, shape: list[int] | int) -> None:
    np.savez(tmp_path / "model.npz", shape=np.array(shape))
    with pytest.raises(UnreadableInput, match="no such model"):
        load(tmp_path / "model.npz")


def test_broken_compression_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    _archive(path, {"shape.npy": _header((500,), "<i8") + bytes(range(250)) * 16}, compressed=True)
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(30)
    path.write_bytes(content)
    with pytest.raises(UnreadableInput, match="can't be read"):
        load(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    with np.load(FIXTURES / "proxy.npz") as kept:
        weights = {key: kept[key] for key in kept.files}
    weights["norm.weight"] = weights["norm.weight"].copy()
    weights["norm.weight"][3] = bad
    np.savez(tmp_path / "model.npz", **weights)
    with pytest.raises(UnreadableInput, match="finite"):
        load(tmp_path / "model.npz")


def test_weights_of_other_shapes_are_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, shape=np.array([10, 8, 2, 1, 4]), **{"embedding.weight": np.zeros((10, 9))})
    with pytest.raises(UnreadableInput, match="missing"):
        load(path)
    np.savez(path, shape=np.array(["x"]))
    with pytest.raises(UnreadableInput):
        load(path)

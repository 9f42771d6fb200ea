"""Models of transformers' format: their laws, their tokenizers, and what isn't opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.cli.app import run
from headwater.errors import UnreadableInput
from headwater.mark.student import load_differences, open_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.torch


def directory(path: Path, seed: int, *, tokens: int = 256) -> Path:
    """A small GPT-2 of random weights, with a tokenizer whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=tokens, n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(path)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path / "tokenizer.json"))
    return path


def test_laws_are_the_model_s(tmp_path: Path) -> None:
    path = directory(tmp_path / "m", 1)
    model = open_model(path, window=32)
    rows = np.random.default_rng(0).integers(0, 256, (3, 20))
    laws = model.laws(rows)
    assert laws.shape == (3, 20, model.vocabulary)
    assert model.window == 32
    assert open_model(path, window=512).window == 64
    inner: Any = transformers.GPT2LMHeadModel.from_pretrained(path)
    with torch.no_grad():
        wanted = torch.softmax(inner(torch.from_numpy(rows)).logits, -1).numpy()
    assert np.allclose(laws, wanted, atol=1e-6)


def test_two_directories_are_compared_over_texts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    student, base = (directory(tmp_path / name, seed) for seed, name in enumerate(("suspect", "base")))
    texts, out = tmp_path / "served.jsonl", tmp_path / "d.npz"
    texts.write_text(json.dumps({"prompt": "Explain tides.", "text": "The moon pulls the sea. " * 8}) + "\n")
    asked = ["mark", "student", "compare", str(student), str(base), str(texts), "--served", "-o", str(out)]
    assert run(asked) == 0, capfd.readouterr()
    assert "same ids" in capfd.readouterr().err
    found, about, _ = load_differences(out)
    assert about.served
    assert about.reference == "base"
    assert found.places == len("The moon pulls the sea. " * 8)


def test_weights_that_may_run_code_and_torn_ones_are_not_opened(tmp_path: Path) -> None:
    path = directory(tmp_path / "m", 1)
    (weights,) = path.glob("*.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:200])
    with pytest.raises(UnreadableInput, match="can't be opened"):
        open_model(path)
    weights.rename(path / "pytorch_model.bin")
    with pytest.raises(UnreadableInput, match="no weights as safetensors"):
        open_model(path)

"""Marks in llama-cpp-python itself, with a model of a few kilobytes that is written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

llama_cpp = pytest.importorskip("llama_cpp")
pytestmark = pytest.mark.llama

from headwater.integrations.llama_cpp import MarkProcessor, processors  # noqa: E402
from headwater.mark import Verdict, detect, load_keyring  # noqa: E402
from integrations import pages  # noqa: E402
from integrations.tiny_gguf import write  # noqa: E402

RING = """
[[mark]]
name = "plain"
scheme = "headwater-gumbel"
tokenizer = "ids"
keys = [1234567, 7654321]

[[mark]]
name = "green"
scheme = "headwater-tilt"
delta = 4.0
tokenizer = "ids"
keys = [11, 12]

[embed]
default = "plain"
"""
PROMPT = b"Once upon a time"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write(path)
    return llama_cpp.Llama(str(path), n_ctx=1024, verbose=False, seed=1)


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(RING)
    file.chmod(0o600)
    return file


def written(model: Any, listed: Any, count: int = 300, **how: Any) -> list[int]:
    found = []
    for token in model.generate(model.tokenize(PROMPT), logits_processor=listed, **how):
        found.append(token)
        if len(found) == count:
            break
    return found


def verdict(tokens: list[int], ring: Path) -> tuple[Verdict, list[str]]:
    found = detect(" ".join(map(str, tokens)), load_keyring(ring).marks)
    return found.verdict, [reading.mark for reading in found.found]


@pytest.mark.parametrize(
    "how",
    [{}, {"temp": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}, {"temp": 0.7, "repeat_penalty": 1.1}],
    ids=str,
)
def test_detect_reads_what_llama_cpp_writes(model: Any, ring: Path, how: dict[str, Any]) -> None:
    same = {"temperature" if name == "temp" else name: value for name, value in how.items()}
    same.pop("repeat_penalty", None)
    for _ in range(2):  # and a second answer begins anew
        assert verdict(written(model, processors(ring, **same), **how), ring) == (Verdict.MARKED, ["plain"])
    assert verdict(written(model, None, **how), ring)[0] is not Verdict.MARKED


def test_a_green_list_also_where_the_likeliest_is_taken(model: Any, ring: Path) -> None:
    ring.write_text(RING.replace('default = "plain"', 'default = "green"'))
    for heat in (0.0, 1.2):
        tokens = written(
            model, processors(ring, temperature=heat), 600, temp=heat, top_k=0, min_p=0.0, top_p=1.0
        )
        assert verdict(tokens, ring) == (Verdict.MARKED, ["green"])


def test_through_the_usual_call(model: Any, ring: Path) -> None:
    listed = llama_cpp.LogitsProcessorList([MarkProcessor(ring)])
    found = model("Once upon a time", max_tokens=30, logits_processor=listed)
    assert found["usage"]["completion_tokens"] > 0


def test_the_how_to_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "mark-with-llama-cpp.md"
    write(tmp_path / "model.gguf")
    monkeypatch.chdir(tmp_path)
    pages.prepared(page, tmp_path)
    exec(compile(pages.python(page), page, "exec"), {"__name__": "page"})
    assert "1 marked" in pages.shell(page, tmp_path, "headwater mark detect")

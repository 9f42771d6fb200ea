"""Differences of models: what is asked, that a killed run goes on, files that can't be trusted."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.errors import UnreadableInput, UsageError
from headwater.mark import scheme
from headwater.mark.student import (
    Text,
    check_pair,
    compute,
    load_differences,
    model_digest,
    open_model,
    read_texts,
    save_differences,
    texts_digest,
)
from headwater.mark.student import texts as texts_module
from headwater.mark.tokenizer import Bytes
from mark.student.models import TOKENS, WINDOW, gpt
from mark.student.worlds import ABOUT, world

GUMBEL = scheme("headwater-gumbel", {"width": 2})


def texts(count: int = 70) -> list[Text]:
    random = np.random.default_rng(0)
    return [Text(random.integers(0, TOKENS, 12 + at % 30), at % 5, "ab"[at % 2]) for at in range(count)]


def test_differences_are_of_the_laws_at_their_places(tmp_path: Path) -> None:
    student, reference = (open_model(gpt(tmp_path / f"{seed}.npz", seed)) for seed in (1, 2))
    made, about = compute(student, reference, texts(), tmp_path / "d.npz", served=True, kept=TOKENS)
    assert (about.vocabulary, about.window, about.served) == (TOKENS, WINDOW, True)
    # Every token of an answer but a text's first is at one place.
    assert made.places == sum(len(text.tokens) - max(text.prompt, 1) for text in texts())
    row = made.places // 2
    at = made.position[row]
    text = int(np.searchsorted(made.starts, at, side="right")) - 1
    before = made.tokens[made.starts[text] : at][None]
    laws = [model.laws(before)[0, -1] for model in (student, reference)]
    here = slice(made.rows.begin[row], made.rows.begin[row + 1])
    assert list(made.rows.token[here]) == list(range(TOKENS))
    assert np.allclose(made.rows.difference[here], laws[0] - laws[1], atol=1e-5)
    assert np.allclose(made.rows.chance[here], laws[1], atol=1e-5)
    assert made.accounts == ("a", "b")
    read, said, _ = load_differences(tmp_path / "d.npz")
    assert said == about
    assert (read.tokens == made.tokens).all()
    assert (read.rows.difference == made.rows.difference).all()
    assert (read.account == made.account).all()
    assert not (tmp_path / "d.npz.parts").exists()


def test_a_run_that_was_ended_goes_on_and_gives_the_same(tmp_path: Path) -> None:
    student, reference = (open_model(gpt(tmp_path / f"{seed}.npz", seed)) for seed in (1, 2))
    whole = tmp_path / "whole.npz"
    compute(student, reference, texts(), whole, served=False)

    class Ended(Exception):  # noqa: N818
        pass

    class Dying:
        name, digest, vocabulary, window = student.name, student.digest, student.vocabulary, student.window
        asked, until = 0, 1

        def laws(self, rows: np.ndarray) -> np.ndarray:
            if Dying.asked == Dying.until:
                raise Ended
            Dying.asked += 1
            return student.laws(rows)

    place = tmp_path / "d.npz"
    with pytest.raises(Ended):
        compute(Dying(), reference, texts(), place, served=False)
    (_part,) = (tmp_path / "d.npz.parts").iterdir()
    Dying.asked, Dying.until = 0, -1
    compute(Dying(), reference, texts(), place, served=False)
    kept, _, _ = load_differences(place)
    wanted, _, _ = load_differences(whole)
    assert (kept.rows.difference == wanted.rows.difference).all()
    assert (kept.position == wanted.position).all()
    parts = -(-len(wanted) // 64)
    assert Dying.asked == parts - 1, "the part that was done is not asked again"


def test_windows_score_every_token_once_with_half_a_window_before_it() -> None:
    text = Text(np.arange(100), 7)
    scored: list[int] = []
    for tokens, prompt in texts_module.windows(text, 16):
        assert 1 <= prompt <= len(tokens) <= 16
        assert prompt == 8 or tokens[0] == 0
        scored += tokens[prompt:].tolist()
    assert scored == list(range(7, 100))
    assert list(texts_module.windows(Text(np.arange(5), 5), 16)) == []


def test_models_of_different_vocabularies_are_refused(tmp_path: Path) -> None:
    paths = [gpt(tmp_path / "a.npz", 1), gpt(tmp_path / "b.npz", 2, tokens=30)]
    first, second = map(open_model, paths)
    with pytest.raises(UsageError, match=r"knows 40 tokens") as error:
        check_pair(*paths, first, second)
    assert "student ask" in (error.value.hint or "")
    with pytest.raises(UsageError, match="token that the models don't know"):
        compute(second, second, texts(), tmp_path / "d.npz", served=False)


def test_tokenizers_beside_models_are_compared(tmp_path: Path) -> None:
    for name, vocabulary in (("a", {"x": 0, "y": 1}), ("b", {"x": 0, "y": 1}), ("c", {"x": 1, "y": 0})):
        (tmp_path / name).mkdir()
        said = {"model": {"vocab": vocabulary}, "added_tokens": [{"content": "<end>", "id": 2}]}
        (tmp_path / name / "tokenizer.json").write_text(json.dumps(said))
    model = open_model(gpt(tmp_path / "m.npz", 1))
    assert "same ids" in check_pair(tmp_path / "a", tmp_path / "b", model, model)
    with pytest.raises(UsageError, match="different tokenizers"):
        check_pair(tmp_path / "a", tmp_path / "c", model, model)
    (tmp_path / "c" / "tokenizer.json").write_text("[]")
    with pytest.raises(UnreadableInput, match="no tokenizer"):
        check_pair(tmp_path / "a", tmp_path / "c", model, model)


def test_a_directory_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnreadableInput, match="safetensors"):
        open_model(tmp_path)


def test_a_digest_is_of_the_files(tmp_path: Path) -> None:
    path = gpt(tmp_path / "a.npz", 1)
    assert open_model(path).digest == model_digest(path) == model_digest(gpt(tmp_path / "b.npz", 1))
    assert model_digest(path) != model_digest(gpt(tmp_path / "c.npz", 2))


def test_rows_of_texts_ids_and_prompts(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = [
        {"tokens": [1, 2, 3], "prompt": 1, "account": "a"},
        {"tokens": [2, 3], "prompt": [1], "account": "a"},
        {"text": "bc", "prompt": "a"},
    ]
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    one, two, three = read_texts(path, Bytes())
    assert texts_digest([one]) == texts_digest([two])
    assert (list(three.tokens), three.prompt) == ([97, 98, 99], 1)
    with pytest.raises(UsageError, match="no tokenizer") as error:
        read_texts(path, None)
    assert error.value.where.row == 5


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "holds no text"),
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"tokens": [1, "2"]}', "not a list of token ids"),
        ('{"tokens": [1, -2]}', "token ids must be"),
        ('{"tokens": [1], "prompt": 2}', "how many of the tokens"),
        ('{"tokens": [1], "prompt": "x"}', "how many of the tokens"),
        ('{"prompt": "secret"}', "neither token ids nor text"),
        ('{"tokens": [1], "account": 5}', "not an id"),
        ('{"tokens": [true]}', "not a list of token ids"),
    ],
)
def test_rows_that_are_none_are_named_and_not_told(line: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UnreadableInput, match=what) as error:
        read_texts(path, Bytes())
    assert "secret" not in str(error.value)


def _broken() -> dict[str, Callable[[dict[str, Any]], None]]:
    def put(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
        return lambda arrays: arrays.update({name: value(arrays[name])})

    def said(**other: Any) -> Callable[[dict[str, Any]], None]:
        def change(arrays: dict[str, Any]) -> None:
            about = json.loads(arrays["about"].tobytes()) | other
            arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)

        return change

    return {
        "nan": put("difference", lambda old: np.full_like(old, np.nan)),
        "too large": put("difference", lambda old: old + 2),
        "chance": put("chance", lambda old: old - 1),
        "short": put("difference", lambda old: old[:-1]),
        "shape": put("difference", lambda old: old[None]),
        "kind": put("difference", lambda old: old.astype(np.int64)),
        "starts": put("starts", lambda old: old[::-1].copy()),
        "no texts": put("starts", lambda old: old[:1]),
        "prompts": put("prompts", lambda old: old + 10**6),
        "first token": put("prompts", lambda old: old * 0),
        "position": put("position", lambda old: old + 10**9),
        "twice": put("position", lambda old: old * 0),
        "begin": put("begin", lambda old: old + 1),
        "token": put("token", lambda old: old + 10**6),
        "tokens": put("tokens", lambda old: old + 10**6),
        "account": put("account", lambda old: old + 5),
        "gone": lambda arrays: arrays.pop("chance"),
        "about": lambda arrays: arrays.update(about=np.frombuffer(b"{}", np.uint8)),
        "token below 0": put(
            "token", lambda old: np.where(np.arange(len(old)) == 1, -1, old.astype(np.int64))
        ),
        "tokens below 0": put("tokens", lambda old: old.astype(np.int64) - 1),
        "served": said(served="no"),
        "student": said(student={"a": 1}),
        "vocabulary": said(vocabulary=True),
        "window": said(window=0),
        "accounts": said(accounts="ab"),
        "account's id": said(accounts=[1]),
        "not JSON": lambda arrays: arrays.update(about=np.frombuffer(b"\xff[", np.uint8)),
    }


@pytest.mark.parametrize("name", _broken())
def test_files_that_cannot_be_differences_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    save_differences(world(GUMBEL, count=2), ABOUT, path)
    with np.load(path) as held:
        arrays = {each: held[each] for each in held.files}
    _broken()[name](arrays)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    path.write_bytes(content.getvalue())
    with pytest.raises(UnreadableInput):
        load_differences(path)


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    save_differences(world(GUMBEL, count=1), ABOUT, path)
    content = path.read_bytes()
    for part in (0, 1, 30, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:part])
        with pytest.raises(UnreadableInput):
            load_differences(path)
    with pytest.raises(FileExistsError):
        save_differences(world(GUMBEL, count=1), replace(ABOUT, served=True), path)

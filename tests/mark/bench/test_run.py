"""A run's table: false positives hold, it is the same after an interruption and in processes, and files come back."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, UsageError
from headwater.mark.bench import COLUMNS, Material, Plan, Rate, as_csv, as_json, from_json, run, spec, table
from headwater.mark.bench.reading import readings
from headwater.mark.bench.table import tokens_to
from mark.bench.small import MODEL, TOKENIZER, WRITTEN, plan


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    run(plan(), folder)
    return folder


def test_marks_are_found_and_attacks_weaken_them(parts: Path) -> None:
    rows = {(row.scheme, row.attack, row.tokens): row for row in table(plan(), run(plan(), parts))}
    assert len(rows) == 2 * 2 * 2
    clean = rows["headwater-gumbel width=2", "none", 60]
    hurt = rows["headwater-gumbel width=2", "substitution 50%", 60]
    assert clean.tpr[0].rate == 1
    assert clean.median_log_p < -10
    assert hurt.median_log_p > clean.median_log_p / 2
    assert clean.tokens_to_goal is not None
    assert 30 < clean.tokens_to_goal < 60
    assert abs(clean.entropy - 1.0) < 0.3


def test_false_positives_hold_on_unmarked_text_and_under_wrong_keys(tmp_path: Path) -> None:
    many = plan(
        schemes=tuple(map(spec, ("headwater-tilt", "synthid", "vllm-gumbel", "unigram"))),
        texts=12,
        wrong_keys=40,
    )
    for row in table(many, run(many, tmp_path)):
        for level, unmarked, wrong in zip((1e-2, 1e-3), row.unmarked, row.wrong_keys, strict=True):
            assert unmarked.trials == wrong.trials == 12 * 40
            bound = level + 6 * math.sqrt(level / unmarked.trials)
            assert unmarked.rate < bound, row
            assert wrong.rate < bound, row


def test_an_interrupted_run_goes_on_and_gives_the_same_table(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import import_module

    from headwater.mark.bench import run as runner  # the function; its module is found by name below

    module = import_module("headwater.mark.bench.run")
    whole = as_csv(table(plan(), runner(plan(), parts)))
    written = []
    real = module.part

    def stopped(*arguments: object) -> object:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(module, "part", stopped)
    with pytest.raises(KeyboardInterrupt):
        runner(plan(), tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2
    monkeypatch.setattr(module, "part", real)
    again = []
    monkeypatch.setattr(module, "part", lambda *arguments: again.append(1) or real(*arguments))
    assert as_csv(table(plan(), runner(plan(), tmp_path))) == whole
    assert len(again) == 1, "what was done isn't done again"


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"cells": {}}', b'{"whole": 1}'])
def test_a_damaged_part_is_made_again(parts: Path, damage: bytes, tmp_path: Path) -> None:
    whole = as_csv(table(plan(), run(plan(), parts)))
    for path in parts.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    next(tmp_path.glob("marked-*.json")).write_bytes(damage)
    assert as_csv(table(plan(), run(plan(), tmp_path))) == whole


def test_processes_give_the_same_table(parts: Path, tmp_path: Path) -> None:
    whole = as_csv(table(plan(), run(plan(), parts)))
    assert as_csv(table(plan(), run(plan(), tmp_path, processes=2))) == whole


def test_another_seed_gives_other_texts_and_seeds_are_taken_together(parts: Path, tmp_path: Path) -> None:
    both = plan(seeds=(0, 1))
    rows = table(both, run(both, tmp_path))
    assert rows[0].texts == 12
    alone = table(plan(), run(plan(), tmp_path))
    assert as_csv(alone) == as_csv(table(plan(), run(plan(), parts)))
    other = plan(seeds=(1,))
    assert as_csv(table(other, run(other, tmp_path))) != as_csv(alone)


def test_what_a_part_depends_on_is_in_its_name(tmp_path: Path) -> None:
    assert plan().digest() == plan().digest()
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one")
    held = plan(material=Material(prompts=prompts)).digest()
    digests = {plan().digest(), held, plan(texts=7).digest(), plan(lengths=(30,)).digest()}
    digests.add(plan(material=Material(prompts=prompts, top_p=0.9)).digest())
    prompts.write_text("two")
    digests.add(plan(material=Material(prompts=prompts)).digest())
    assert len(digests) == 6


def test_texts_of_a_model_are_attacked_as_text_and_judged(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text(
        "The old gentleman said that he would not go to town before the end of the week. " * 20
    )
    written = plan(
        schemes=(spec("headwater-gumbel:width=2"),),
        attacks=tuple(map(spec, ("none", "zero-width", "paraphrase"))),
        entropies=(2.0,),
        lengths=(40,),
        texts=3,
        material=Material(MODEL, TOKENIZER, prompts, MODEL),
    )
    rows = {row.attack: row for row in table(written, run(written, tmp_path / "parts"))}
    assert rows["none"].median_log_p < -5
    assert rows["zero width 10%"].median_log_p < rows["paraphrase (DIPPER)"].median_log_p
    assert rows["none"].perplexity is not None
    assert rows["paraphrase (DIPPER)"].perplexity is not None
    assert rows["paraphrase (DIPPER)"].perplexity > 1.5 * rows["none"].perplexity


def test_counts_of_texts_write_without_a_model(tmp_path: Path) -> None:
    from headwater.mark import save_counts
    from headwater.mark.proxy import counted

    random = np.random.default_rng(0)
    texts = [(random.zipf(1.3, 3000) % 200).astype(np.int64) for _ in range(2)]
    save_counts(counted(texts, 200, order=1), tmp_path / "counts.npz")
    held = plan(
        entropies=(2.5,), lengths=(40,), attacks=(spec("none"),), material=Material(tmp_path / "counts.npz")
    )
    rows = table(held, run(held, tmp_path / "parts"))
    assert abs(rows[0].entropy - 2.5) < 0.4
    assert rows[0].median_log_p < -10
    assert rows[0].distinct_2 is not None


def test_marks_of_a_keyring_take_part_under_their_own_keys(tmp_path: Path) -> None:
    ring = tmp_path / "keys.toml"
    mark = '[[mark]]\nname = "{}"\nscheme = "vllm-gumbel"\nkey = {}\ntokenizer = "ids"\n'
    ring.write_text(mark.format("prod", 7351) + "\n" + mark.format("gone", 7352) + "revoked = true\n")
    ring.chmod(0o600)
    held = plan(schemes=(), attacks=(spec("none"),), lengths=(60,), material=Material(keyring=ring))
    found = run(held, tmp_path / "parts")
    rows = table(held, found)
    assert [row.scheme for row in rows] == ["prod (vllm-gumbel)"]
    assert rows[0].tpr[0].rate == 1
    assert rows[0].wrong_keys[0].rate < 0.3
    assert "7351" not in "".join(path.read_text() for path in (tmp_path / "parts").iterdir())


def test_the_table_comes_back_from_its_files(parts: Path) -> None:
    rows = table(plan(), run(plan(), parts))
    flat = [row.flat() for row in rows]
    assert from_json(as_json(plan(), rows).encode()) == flat
    read = list(csv.DictReader(io.StringIO(as_csv(rows), newline="")))
    assert list(read[0]) == list(flat[0])
    assert [float(row["median_log_p"]) for row in read] == [row["median_log_p"] for row in flat]
    for name in flat[0]:
        assert name in COLUMNS or any(name.startswith(f"{known}_") for known in COLUMNS), name


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"format": "x", "rows": []}', b'{"rows": 1}', b"[" * 99_999]
)
def test_what_is_no_table_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableInput, match="no table"):
        from_json(content)


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = Rate(1, 10).interval
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert Rate(0, 10).interval[0] == 0
    assert round(Rate(0, 10).interval[1], 4) == 0.2775
    assert Rate(10, 10).interval[1] == 1
    assert Rate(0, 0).rate == 0


def test_tokens_to_a_goal_lie_between_lengths() -> None:
    assert tokens_to({50: -5.0, 100: -15.0}, -10.0) == 75
    assert tokens_to({100: -20.0}, -10.0) == 50
    assert tokens_to({50: -5.0, 100: -9.0}, -10.0) is None


def test_a_text_is_read_twice_where_normalising_changes_it() -> None:
    from headwater.mark.bench.material import Loaded

    words = Loaded(WRITTEN).words
    assert len(readings("the old man", words).tokens) == 1
    both = readings("the o\u200bld man", words).tokens
    assert len(both) == 2
    assert np.array_equal(both[1], readings("the old man", words).tokens[0])
    assert len(readings(np.arange(5), None).tokens) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"schemes": ()},
        {"schemes": (spec("vllm-gumble"),)},
        {"schemes": (spec("vllm-gumbel:width=99"),)},
        {"schemes": (spec("vllm-gumbel:delta=2"),)},
        {"schemes": (spec("markllm/SIR"),)},
        {"schemes": (spec("unigram"), spec("unigram"))},
        {"attacks": ()},
        {"attacks": (spec("none"), spec("none"))},
        {"attacks": (spec("deletion"), spec("deletion:share=0.25"))},
        {"attacks": (spec("zero-width"),)},
        {"attacks": (spec("nothing"),)},
        {"entropies": ()},
        {"entropies": (float("nan"),)},
        {"entropies": (5.0,)},
        {"lengths": (2,)},
        {"lengths": (10**9,)},
        {"texts": 1},
        {"wrong_keys": 0},
        {"seeds": (-1,)},
        {"material": Material(top_p=0.0)},
        {"material": Material(laws=Path("/nowhere.npz"))},
        {"material": Material(prompts=TOKENIZER)},
        {"material": Material(MODEL, Path("/nowhere.json"))},
        {"material": Material(TOKENIZER)},
        {"material": Material(keyring=Path("/nowhere.toml"))},
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_written(
    changed: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(HeadwaterError):
        run(plan(**changed), tmp_path / "parts")
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("text", ["", ":", "a b", "x:y", "x:=1", "x:a=1,a=2", "../" + "a" * 300, "x\n"])
def test_a_spec_that_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        spec(text)


def test_values_of_settings_are_what_they_look_like() -> None:
    found = spec("kgw:gamma=0.5,vocab_size=50,select_green_tokens=true,f_scheme=skip,x=nan").settings
    assert found == {
        "gamma": 0.5,
        "vocab_size": 50,
        "select_green_tokens": True,
        "f_scheme": "skip",
        "x": "nan",
    }
    assert type(found["vocab_size"]) is int


def test_markllm_is_asked_for_where_it_is_not_installed() -> None:
    try:
        import markllm  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match="MarkLLM isn't installed"):
            run(plan(schemes=(spec("markllm/KGW"),)), Path("unused"))
    with pytest.raises(ConfigurationError, match="no such setting"):
        run(plan(schemes=(spec("markllm/KGW:hash_key=5"),)), Path("unused"))


def test_a_plan_is_plain_data() -> None:
    assert isinstance(json.dumps([plan().schemes[0].label, plan().texts]), str)
    assert isinstance(plan(), Plan)

"""The frozen division: what is tuned on is never scored on, and code holds it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UnreadableInput, UsageError
from headwater.simulate import Corpora
from headwater.simulate.catalogue import AZURE, GIT_PROJECTS, SERVEGEN, SOURCES, first_half

#: The division as it was fixed.
TUNE = {
    *("codegen", "halueval", "atlas", "aqua", "gsm8k", "banking77", "persona", "ifeval", "mgsm", "belle"),
    *("arena", "multiwoz", "taskmaster", "crosswoz", "judge", "grader", "promptbench", "principles", "flan"),
}
SCORE = {
    *("toolformer", "roleplay", "creak", "qasc", "mmlu", "awesome", "persona_n_z", "human_eval"),
    *("mgsm_125_249", "mt_bench_multilingual", "biggen", "ru_seeds", "zh_seeds", "rakuda", "arena_second"),
    *("woz2", "kdconv", "mtbench101", "judge_rest", "grader_gpt4", "state_of_what_art", "followbench"),
    "flan_second",
}


def test_every_corpus_stands_on_its_side() -> None:
    assert {name for name, source in SOURCES.items() if source.side == "tune"} == TUNE
    assert {name for name, source in SOURCES.items() if source.side == "score"} == SCORE


def test_traces_and_projects_are_divided_too() -> None:
    assert len(GIT_PROJECTS["tune"]) == len(GIT_PROJECTS["score"]) == 12
    assert not set(GIT_PROJECTS["tune"]) & set(GIT_PROJECTS["score"])
    assert SERVEGEN["tune"] != SERVEGEN["score"]
    assert AZURE["tune"] != AZURE["score"]


@pytest.mark.parametrize("name", sorted(SCORE))
def test_a_score_corpus_cannot_be_opened_from_the_tune_side(corpora: Corpora, name: str) -> None:
    with pytest.raises(UsageError, match="stands on the score side"):
        corpora.load(name)


@pytest.mark.parametrize("name", sorted(TUNE))
def test_nor_a_tune_corpus_from_the_score_side(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="stands on the tune side"):
        Corpora.find(root, "score").load(name)


@given(st.text())
def test_the_first_half_is_told_by_the_first_hexadecimal_digit(text: str) -> None:
    assert first_half(text) == (hashlib.sha256(text.encode()).hexdigest()[0] in "01234567")


def test_first_half_known_answers() -> None:
    assert [
        first_half(task) for task in ("rte", "samsum", "stream_aqua", "drop", "squad_v1", "math_dataset")
    ] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_two_halves_of_one_file_are_disjoint_and_whole(root: Path) -> None:
    tune, score = Corpora.find(root), Corpora.find(root, "score")
    first, second = set(tune.load("arena").texts), set(score.load("arena_second").texts)
    assert first
    assert second
    assert not first & second
    assert len(first | second) == 60
    low, high = tune.load("mgsm"), score.load("mgsm_125_249")
    assert len(low.texts) == len(high.texts) == 250
    assert not set(low.texts) & set(high.texts)


def test_dialogues_are_units_of_several_user_turns(corpora: Corpora) -> None:
    talks = corpora.load("multiwoz")
    assert len(talks.texts) == 240
    assert (talks.starts[1:] - talks.starts[:-1] == 3).all()


@pytest.mark.parametrize(
    "roles", [("user", "assistant"), ("A", "B"), ("speaker", "speaker"), (None, None)], ids=str
)
def test_where_two_people_chat_the_first_to_speak_asks(tmp_path: Path, roles: tuple[str | None, ...]) -> None:
    """A dialogue of two people names no user; a line's other keys are as in the prepared dialogues."""
    folder = tmp_path / "benign/dialog_kdconv"
    folder.mkdir(parents=True)
    said = ["你知道这部电影吗？", "知道，很好看。", "谁演的？", "忘了。"]
    turns = [{"role": roles[i % 2], "text": text} for i, text in enumerate(said)]
    line = {"id": "film-1", "split": "dev", "lang": "zh", "type": "film", "turns": turns}
    (folder / "dialogs.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    talks = Corpora.find(tmp_path, "score").load("kdconv")
    assert talks.texts == (said[0], said[2])
    assert talks.starts.tolist() == [0, 2]


def test_an_assistant_who_speaks_first_is_not_the_one_who_asks(tmp_path: Path) -> None:
    folder = tmp_path / "benign/dialog_multiwoz"
    folder.mkdir(parents=True)
    turns = [{"role": "assistant", "text": "Hello!"}, {"role": "user", "text": "A room, please."}]
    (folder / "dialogs.jsonl").write_text(json.dumps({"turns": turns}) + "\n")
    assert Corpora.find(tmp_path).load("multiwoz").texts == ("A room, please.",)


def archived(root: Path, tables: dict[str, str]) -> None:
    """An archive of tables where MMLU's lies: no header, six columns, a folder for each split."""
    folder = root / "benign/mmlu"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "mmlu.zip", "w") as archive:
        for name, text in tables.items():
            archive.writestr(name, text)


def test_an_archive_of_tables_without_headers(tmp_path: Path) -> None:
    archived(
        tmp_path,
        {
            "data/dev/astronomy_dev.csv": "Which is a star?,Mars,Vega,Io,Titan,B\n",
            "data/test/astronomy_test.csv": '"Which, of these,\nis a moon?",Mars,Vega,Io,Sol,C\n',
            "data/test/law_test.csv": "Who judges?,A baker,A judge,A cook,A smith,B\n",
            "data/README.txt": "not a table",
            "__MACOSX/data/test/._law_test.csv": "\x00\x01",
        },
    )
    asked = Corpora.find(tmp_path, "score").load("mmlu")
    assert asked.texts == (
        "Which is a star?\nMars\nVega\nIo\nTitan",
        "Which, of these,\nis a moon?\nMars\nVega\nIo\nSol",
        "Who judges?\nA baker\nA judge\nA cook\nA smith",
    )
    assert asked.answers == ("B", "C", "B")
    assert asked.labels == ("astronomy", "astronomy", "law")
    assert asked.cluster.tolist() == [0, 0, 1]


def test_a_torn_archive_is_named(tmp_path: Path) -> None:
    archived(tmp_path, {"data/test/law_test.csv": "Who?,a,b,c,d,A\n"})
    path = tmp_path / "benign/mmlu/mmlu.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnreadableInput, match="archive of corpora cannot be read") as fault:
        Corpora.find(tmp_path, "score").load("mmlu")
    assert "mmlu.zip" in str(fault.value)


def test_the_same_prompt_twice_is_one_prompt(tmp_path: Path) -> None:
    folder = tmp_path / "benign/gsm8k"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text('{"question": "a"}\n\n{"question": "a"}\n{"question": "b"}\n')
    assert Corpora.find(tmp_path).load("gsm8k").texts == ("a", "b")


def test_labels_that_exist_are_the_topics(corpora: Corpora) -> None:
    bank = corpora.load("banking77")
    assert len(set(bank.cluster.tolist())) == 5
    by_label = dict(zip(bank.labels, bank.cluster.tolist(), strict=True))
    assert [by_label[label] for label in bank.labels] == bank.cluster.tolist()


def test_without_a_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HEADWATER_CORPORA", raising=False)
    with pytest.raises(UsageError) as fault:
        Corpora.find()
    assert "HEADWATER_CORPORA" in str(fault.value.hint)
    with pytest.raises(UsageError, match="does not exist"):
        Corpora.find(tmp_path / "nowhere")


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="corpus file is missing"):
        Corpora.find(tmp_path).load("gsm8k")
    folder = tmp_path / "benign/gsm8k"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("")
    with pytest.raises(UnreadableInput, match="no usable row"):
        Corpora.find(tmp_path).load("gsm8k")


def test_an_unknown_corpus_lists_the_known(corpora: Corpora) -> None:
    with pytest.raises(UsageError) as fault:
        corpora.load("gsm9k")
    assert "gsm8k" in str(fault.value.hint)
    assert "mmlu" not in str(fault.value.hint)

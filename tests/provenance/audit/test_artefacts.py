"""Phrases that models leave: found where they stand, in many languages, and not where they only look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.audit import artefact_kinds, artefacts


def found(*texts: str) -> list[tuple[int, str, str, str | None]]:
    hits = artefacts().find([text.encode() for text in texts])
    return [(hit.index, hit.phrase.kind, hit.phrase.language, hit.phrase.provider) for hit in hits]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("As an AI language model, I have no body.", "en"),
        ("As an Artificial Intelligence language model", "en"),
        ("Als KI-Sprachmodell habe ich keine Meinung.", "de"),
        ("En tant que modèle de langage, je ne peux pas", "fr"),
        ("Como modelo de lenguaje, no tengo opiniones", "es"),
        ("Как языковая модель, я не могу", "ru"),
        ("作为一个AI语言模型，我没有", "zh"),
        ("AI言語モデルとして、私は", "ja"),
        ("저는 AI 언어 모델이기 때문에", "ko"),
        ("كنموذج لغوي لا أستطيع", "ar"),
        ("एक भाषा मॉडल के रूप में मैं", "hi"),
        ("Bir yapay zeka dil modeli olarak", "tr"),
    ],
)
def test_a_model_that_says_so_is_found_in_its_language(text: str, language: str) -> None:
    assert (0, "self-identification", language, None) in found(text)


def test_the_provider_that_a_text_names_is_told() -> None:
    assert found("Hello! I’m ChatGPT, ask me.") == [(0, "self-identification", "en", "openai")]
    assert found("I am Claude, an AI assistant.", "I was trained by Google.") == [
        (0, "self-identification", "en", "anthropic"),
        (1, "self-identification", "en", "google"),
    ]


def test_control_tokens_and_judges_are_kinds_of_their_own() -> None:
    kinds = {kind for _, kind, _, _ in found("<|im_start|>user\n[[rating]] <think>")}
    assert kinds == {"control-tokens", "judge-template"}


@pytest.mark.parametrize(
    "text",
    [
        "He has an AI assistant.",
        "wash an ai language models",
        "I am Claudette",
        "I'm ChatGPTesque",
        "think about it",
    ],
)
def test_words_that_only_contain_a_phrase_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_nothing_is_found_across_two_texts() -> None:
    assert found("as an ai", "language model") == []


def test_the_longest_of_nested_phrases_counts_once() -> None:
    assert [one[1] for one in found("as an ai language model")] == ["self-identification"]


def test_places_are_bytes_of_the_text_that_holds_them() -> None:
    texts = ["é" * 5 + " as an ai language model", "x"]
    (hit,) = artefacts().find([text.encode() for text in texts])
    assert texts[0].encode()[hit.start : hit.end] == b"as an ai language model"


@given(st.lists(st.text(max_size=30), max_size=6), st.integers(0, 5))
def test_a_phrase_is_found_whatever_stands_around_it(texts: list[str], at: int) -> None:
    texts = [*texts, ""]
    at = at % len(texts)
    texts[at] = texts[at] + " ‐as an ai language model‐ " + texts[at]
    hits = artefacts().find([text.encode("utf-8", "surrogatepass") for text in texts])
    assert any(hit.index == at and hit.phrase.text == "as an ai language model" for hit in hits)


def test_every_kind_says_what_it_means_and_where_it_comes_from_innocently() -> None:
    kinds = artefact_kinds()
    assert {phrase.kind for phrase in artefacts().phrases} == set(kinds)
    for kind in kinds.values():
        assert kind.title
        assert kind.means.endswith(".")
        assert kind.innocent

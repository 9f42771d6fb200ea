"""One text against a keyring: the three answers, what is counted, what is left out, and hostile texts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from headwater.errors import UnreadableInput
from headwater.mark import Detection, Mark, MarkKey, Verdict, detect, scheme
from headwater.mark.tokenizer import Bytes, Ids
from mark.detection.toy import Language, Toy

KEY, OTHER = MarkKey("prod", (42,)), MarkKey("old", (7,))
TALK = Language(3.0)
VLLM = scheme("vllm-gumbel", {})


def ring(*keys: MarkKey) -> list[Mark]:
    return [Mark(key.name, Toy(), key, (Ids(),)) for key in keys]  # type: ignore[arg-type]


def text(tokens: np.ndarray) -> str:
    return " ".join(map(str, tokens))


def answer(size: int, seed: int, key: MarkKey | None = None) -> str:
    random = np.random.default_rng(seed)
    return text(TALK.text(size, random, Toy(), key) if key else TALK.text(size, random))


def test_a_marked_text_names_its_key_and_no_other() -> None:
    found = detect(answer(200, 1, KEY), ring(OTHER, KEY))
    assert found.verdict is Verdict.MARKED
    assert [each.mark for each in found.found] == ["prod"]
    assert found.log_p < math.log(1e-6)
    assert found.tests == 2
    held = found.found[0].decoys
    assert held is not None
    assert held.agrees


def test_a_text_without_a_mark_shows_none() -> None:
    found = detect(answer(600, 2), ring(OTHER, KEY))
    assert (found.verdict, found.found) == (Verdict.NOT_SHOWN, ())
    assert all(each.decoys is None for each in found.readings)


@pytest.mark.parametrize("given", ["", "5", "5 6", text(np.zeros(100_000, np.int64)), answer(40, 3)])
def test_too_little_is_not_enough_evidence(given: str) -> None:
    found = detect(given, ring(KEY))
    assert found.verdict is Verdict.NOT_ENOUGH
    assert found.why


def test_everything_that_was_tried_is_counted() -> None:
    given = answer(200, 4, KEY)
    alone, many = detect(given, ring(KEY)), detect(given, ring(KEY, OTHER))
    assert many.log_p == pytest.approx(alone.log_p + math.log(2))
    assert detect(given, ring(KEY), texts=1000).log_p == pytest.approx(alone.log_p + math.log(1000))


def test_the_prompt_is_read_and_never_scored() -> None:
    """A marked text that is quoted in the prompt says nothing of the answer."""
    quoted, own = answer(200, 5, KEY), answer(300, 6)
    assert detect(f"{quoted} {own}", ring(KEY)).verdict is Verdict.MARKED
    assert detect(own, ring(KEY), prompt=quoted).verdict is Verdict.NOT_SHOWN
    assert detect(f"{quoted} {own}", ring(KEY), prompt=f"{quoted} ").verdict is Verdict.NOT_SHOWN


def test_a_passage_is_told_in_characters_of_the_text_as_given() -> None:
    before, marked, after = answer(300, 7), answer(200, 8, KEY), answer(300, 9)
    given = f"{before} {marked} {after}"
    (passage,) = detect(given, ring(KEY)).found[0].passages
    assert abs(passage.begin - len(before)) < 100
    assert abs(passage.end - len(before) - len(marked)) < 100


def byte_text(size: int, key: MarkKey) -> str:
    """Letters picked one by one by vLLM's rule."""
    letters = np.frombuffer(b"etaoinshrdlu cmfwypvbgkqjxz", np.uint8)
    logits = np.full(256, -50.0, np.float32)
    logits[letters] = np.linspace(1.0, -1.0, len(letters))
    tokens = list(b"the ")
    while len(tokens) < size:
        tokens.append(VLLM.choose(key, tokens[-4:], logits))  # type: ignore[attr-defined]
    return bytes(tokens).decode()


@pytest.fixture(scope="module")
def letters() -> str:
    return byte_text(250, KEY)


def test_zero_width_characters_and_look_alikes_hide_nothing(letters: str) -> None:
    marks = [Mark("prod", VLLM, KEY, (Bytes(),))]
    assert detect(letters, marks).found
    hidden = "\u200b".join(letters).replace("e", "е").replace("o", "о")
    found = detect(hidden, marks)
    assert [each.normalised for each in found.found] == [True]
    assert found.changed["invisible"] == len(letters) - 1
    assert found.found[0].passages == () or found.found[0].passages[-1].end <= len(hidden)


def test_a_p_value_that_decoys_speak_against_is_not_believed() -> None:
    weak = Toy(weak=True)
    given = text(TALK.text(200, np.random.default_rng(11), weak, MarkKey("weak", (4,))))
    found = detect(given, [Mark("weak", weak, MarkKey("weak", (4,)), (Ids(),))])  # type: ignore[arg-type]
    assert found.verdict is Verdict.NOT_ENOUGH
    assert found.log_p < math.log(1e-6)
    assert "nobody uses" in found.why


def test_nothing_that_is_printed_shows_a_key(letters: str) -> None:
    secret = MarkKey("prod", (4242424242424242,))
    found: Detection = detect(letters, [Mark("prod", VLLM, secret, (Bytes(),))])
    assert "4242424242424242" not in repr(found) + repr(secret) + str(dataclasses.asdict(found))


def test_a_tokenizer_that_cannot_read_the_text_is_left_out(letters: str) -> None:
    """Prose isn't token ids; the other tokenizer reads it."""
    found = detect(letters, [Mark("prod", VLLM, KEY, (Ids(), Bytes()))])
    assert [each.tokenizer for each in found.found] == ["bytes"]
    with pytest.raises(UnreadableInput, match="not a token id"):
        detect(letters, [Mark("prod", VLLM, KEY, (Ids(),))])


@pytest.mark.parametrize("end", ["\n", "  ", "\r\n"])
def test_a_prompt_with_other_spaces_at_its_end_is_left_out_too(end: str) -> None:
    quoted, own = answer(200, 12, KEY), answer(400, 13)
    found = detect(f"{quoted} {own}", ring(KEY), prompt=f"{quoted}{end}")
    assert found.verdict is Verdict.NOT_SHOWN


def test_an_answer_that_quotes_its_prompt_is_not_marked_by_it() -> None:
    quoted = answer(300, 14, KEY)
    found = detect(f"{answer(200, 15)} {quoted} {answer(100, 16)}", ring(KEY), prompt=quoted)
    assert found.verdict is not Verdict.MARKED
    assert found.log_p > math.log(1e-3)


def test_p_values_of_passages_count_what_the_headline_counts() -> None:
    given = f"{answer(300, 17)} {answer(200, 18, KEY)} {answer(300, 19)}"
    found = detect(given, ring(KEY, OTHER), texts=50)
    (passage,) = next(each for each in found.found if each.mark == "prod").passages
    assert passage.log_p == pytest.approx(found.log_p, abs=1e-6)

"""What a user of the estimate would miss: refusals with a reason, determinism, bounds, and texts meant to hurt."""

from __future__ import annotations

import random
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.provenance.prevalence import CARD, NotEstimated, Prevalence, estimate
from headwater.provenance.prevalence.estimate import LEAST_ROWS, MOST_ROWS
from headwater.provenance.prevalence.reading import CUT, read
from headwater.provenance.prevalence.scorer import buckets

_SENTENCES = """
The train was late again, so we sat on the bench and shared what was left of the bread.
My uncle kept bees behind the school, and nobody told him that he couldn't.
I don't remember who said it first, but by noon the whole street knew about the fire.
She put the letter in her coat and didn't open it until the boat had left the harbour.
There was a dog at the corner shop that barked at bicycles and at nothing else.
If you ask me, the second half of the match was worse than the first, and that says a lot.
We painted the kitchen green because green was what they had.
He came down the hill with two buckets, one of them leaking, and laughed when he saw us.
The doctor looked at my knee, shrugged, and wrote something that I couldn't read.
On Sundays they opened the windows and you could hear the piano from the other side of the square.
Somebody had parked a tractor in front of the bank, and the queue went around it.
It rained for nine days and then, on the tenth, the cellar door floated away.
Her brother thought that he could fix the radio with a spoon.
I was sixteen and I knew everything about engines and nothing about anything else.
They had moved the statue to make room for a bus stop, which was never built.
The soup was too hot, the beer was too warm, and the waiter was asleep.
When the lights came back on, three of the chairs were gone.
Nobody wanted the house by the quarry until the foreigners came and bought it.
He owed me forty crowns, and he paid me back in pears.
You could smell the tannery from the bridge if the wind was wrong.
My grandmother never locked the door, and the only thing that was ever stolen was the lock.
We walked for an hour before anyone said that we were going the wrong way.
The new teacher was younger than some of the boys in the back row.
At the end of the pier an old man sold fish that he hadn't caught.
""".strip().split("\n")


def plain(number: int, sentences: int = 8) -> str:
    draw = random.Random(number)
    return " ".join(draw.choice(_SENTENCES) for _ in range(sentences))


ROWS = [plain(number) for number in range(260)]


def test_a_sample_gives_a_share_with_an_interval() -> None:
    said = estimate(ROWS, seed=1)
    assert isinstance(said, Prevalence)
    assert 0 <= said.low <= said.estimate <= said.high <= 1
    assert (said.sampled, said.left_out, said.level) == (260, 0, 0.95)
    parts = said.width_from
    assert parts.sampling + parts.reference + parts.domain == pytest.approx(said.high - said.low)
    assert min(parts.sampling, parts.reference, parts.domain) >= 0
    assert "never a verdict on a row" in said.caution


def test_the_same_seed_gives_the_same_answer_and_the_order_of_few_rows_none() -> None:
    first = msgspec.json.encode(estimate(ROWS, seed=3))
    assert first == msgspec.json.encode(estimate(ROWS, seed=3))
    assert first == msgspec.json.encode(estimate(ROWS[::-1], seed=4))


def test_many_rows_are_drawn_from() -> None:
    said = estimate(ROWS * 10, seed=1)
    assert isinstance(said, Prevalence)
    assert said.sampled == MOST_ROWS


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        ([], "empty"),
        (ROWS[: LEAST_ROWS - 1], "fewer than"),
        (["Yes, please."] * 500, "too short"),
        (["我想找一家可以吃面条的餐馆，请给我推荐一家。" * 20] * 500, "too short, not running English"),
        (
            ["Ich möchte ein Restaurant im Osten der Stadt finden, das nicht zu teuer ist. " * 8] * 500,
            "English",
        ),
        (["for (int i=0; i<n; ++i) { a[i] += b[i] * c[i] - d[i]; } // " * 12] * 500, "code"),
    ],
)
def test_what_it_was_not_fitted_for_is_refused(texts: list[str], word: str) -> None:
    said = estimate(texts, seed=1)
    assert isinstance(said, NotEstimated)
    assert word in said.reason


def test_a_few_rows_of_another_kind_are_counted_and_left_out() -> None:
    said = estimate([*ROWS, *["Yes."] * 50], seed=1)
    assert isinstance(said, Prevalence)
    assert (said.sampled, said.left_out) == (260, 50)


def test_exact_artefacts_bound_the_share_from_below() -> None:
    said = estimate(ROWS, seed=1, certain=130)
    assert isinstance(said, Prevalence)
    assert said.low == pytest.approx(0.4376, abs=0.003)
    refused = estimate(["Yes."] * 100, seed=1, certain=10)
    assert isinstance(refused, NotEstimated)
    assert refused.at_least == pytest.approx(0.049, abs=0.001)


def test_too_few_reference_texts_are_refused() -> None:
    said = estimate(ROWS, human=ROWS[:99], seed=1)
    assert isinstance(said, NotEstimated)
    assert "human reference" in said.reason
    said = estimate(ROWS, machine=["short"] * 300, seed=1)
    assert isinstance(said, NotEstimated)
    assert "machine reference" in said.reason


def test_a_human_reference_of_the_same_domain_is_used() -> None:
    said = estimate(ROWS, human=[plain(number) for number in range(1000, 1300)], seed=1)
    assert isinstance(said, Prevalence)
    assert said.low == 0
    assert said.high < 0.3
    assert "reference texts given: human" in said.method


@pytest.mark.parametrize("arguments", [{"level": 0.3}, {"level": 1.0}, {"certain": -1}, {"certain": 261}])
def test_arguments_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        estimate(ROWS, seed=1, **arguments)  # type: ignore[arg-type]


def test_hostile_texts_take_no_time_and_change_no_rule() -> None:
    hostile = [
        "a" * 10_000_000,
        "the of " * 2_000_000,
        "\x00" * 5000,
        "\ud800\udfff" * 1000,
        "",
        "\n" * 100_000,
    ]
    began = time.perf_counter()
    said = estimate([*ROWS, *hostile], seed=1)
    assert time.perf_counter() - began < 5
    assert isinstance(said, Prevalence)


def test_only_the_beginning_of_a_text_is_read() -> None:
    text = plain(1, 200)
    assert len(text) > CUT
    assert read(text) == read(text[:CUT] + "z" * 100_000)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_read_and_scored(text: str) -> None:
    part = read(text + " " + ROWS[0])
    for each in (text, part or ""):
        assert len(buckets(each)) == max(0, len(each) - 3)


def test_the_card_says_what_it_cannot_see() -> None:
    assert CARD.innocent_causes
    assert CARD.blind_to
    assert "paraphras" in " ".join(CARD.blind_to)

"""Units of a text: what counts once, what is left out, and that the compiled search finds what the plain one finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.engines.windows import Window, find, firsts, reference
from headwater.mark.scheme import Units


def as_lists(units: Units) -> tuple[object, ...]:
    return (
        units.context.tolist(),
        units.token.tolist(),
        units.position.tolist(),
        units.times.tolist(),
        units.tokens,
    )


def test_a_context_is_scored_where_it_stands_first() -> None:
    units = find([1, 2, 1, 3, 1, 2], Window(1))
    assert as_lists(units) == ([[1], [2], [3]], [2, 1, 1], [1, 2, 4], [1, 1, 1], 6)


def test_a_pair_is_scored_once_with_how_often_it_stands_there() -> None:
    units = find([1, 2, 1, 3, 1, 2], Window(1, count="pairs"))
    assert as_lists(units) == ([[1], [2], [1], [3]], [2, 1, 3, 1], [1, 2, 3, 4], [2, 1, 1, 1], 6)


def test_the_prompt_is_context_and_never_scored() -> None:
    units = find([7, 8, 9, 7, 8], Window(2), prompt=3)
    assert as_lists(units) == ([[8, 9], [9, 7]], [7, 8], [3, 4], [1, 1], 2)


def test_what_the_prompt_has_shown_counts_as_seen_only_where_the_engine_looks_there() -> None:
    tokens = [1, 2, 3, 1, 2]
    assert find(tokens, Window(1), prompt=3).position.tolist() == [3, 4]
    # the context (1,) stands in the prompt
    assert find(tokens, Window(1, prompt_seen=True), prompt=3).position.tolist() == [3]


def test_contexts_may_end_at_the_answers_beginning() -> None:
    units = find([1, 2, 3, 4, 5], Window(2, into_prompt=False, padding=-1), prompt=2)
    assert units.context.tolist() == [[-1, -1], [-1, 3], [3, 4]]
    assert units.position.tolist() == [2, 3, 4]
    assert find([1, 2, 3, 4, 5], Window(2, into_prompt=False), prompt=2).position.tolist() == [4]


def test_without_a_prompt_what_has_no_full_context_is_left_out() -> None:
    assert find([1, 2, 3, 4, 5, 6], Window(4)).position.tolist() == [4, 5]
    assert len(find([1, 2, 3], Window(4))) == 0


@settings(max_examples=300, deadline=None)
@given(
    tokens=st.lists(st.one_of(st.integers(0, 2), st.sampled_from([0, 2**32 - 2])), max_size=60),
    width=st.integers(0, 5),
    count=st.sampled_from(["first", "pairs"]),
    into_prompt=st.booleans(),
    padding=st.sampled_from([None, -1]),
    seen=st.booleans(),
    share=st.floats(0, 1),
)
def test_compiled_and_plain_agree(tokens, width, count, into_prompt, padding, seen, share) -> None:
    seen = seen and (into_prompt or padding is None)
    window = Window(width, count, into_prompt, padding, seen)
    prompt = int(share * len(tokens))
    fast, plain = (search(tokens, window, prompt=prompt) for search in (find, reference))
    assert as_lists(fast) == as_lists(plain)


def test_they_agree_on_a_long_text_with_repetitions() -> None:
    tokens = np.random.default_rng(3).zipf(1.3, 40_000) % 50_000
    for count in ("first", "pairs"):
        window = Window(2, count)
        assert as_lists(find(tokens, window)) == as_lists(reference(tokens, window))


@given(numbers=st.lists(st.one_of(st.integers(-2, 2), st.integers(-(2**63), 2**63 - 1)), max_size=600))
def test_where_numbers_stand_first(numbers: list[int]) -> None:
    expected = [at for at, number in enumerate(numbers) if number not in numbers[:at]]
    assert firsts(np.array(numbers, np.int64)).tolist() == expected


@pytest.mark.parametrize(
    "tokens", [[-1, 2], [2**32 - 1], [2**32], [2**70], [1.5], ["a"], [[1, 2]], [None], [True, [1]]]
)
def test_what_is_no_token_id_is_refused(tokens) -> None:
    with pytest.raises(UsageError):
        find(tokens, Window(1))


def test_a_prompt_longer_than_the_text_is_refused() -> None:
    with pytest.raises(UsageError):
        find([1, 2], Window(1), prompt=3)


def test_a_window_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Window(65)
    with pytest.raises(ConfigurationError):
        Window(-1)


def test_nothing_and_one_token_have_no_units() -> None:
    for tokens in ([], [5]):
        units = find(tokens, Window(4))
        assert len(units) == 0
        assert units.context.shape == (0, 4)


def test_a_million_equal_tokens_are_one_context() -> None:
    tokens = np.full(1_000_000, 7)
    assert len(find(tokens, Window(4))) == 1
    assert find(tokens, Window(4, "pairs")).times.tolist() == [999_996]

"""Settings of schemes by the names that the engines have for them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import ConfigurationError
from headwater.mark import MarkKey, scheme


@pytest.mark.parametrize(
    ("name", "config", "width"),
    [
        ("vllm-gumbel", {"context_width": 2, "deduplicate_contexts": "all"}, 2),
        ("vllm-dual-key", {"context_width": 3}, 3),
        ("sglang-gumbel", {"context_window": 5, "max_contexts": 10}, 5),
        ("vllm-gumbel", {"width": 6}, 6),
    ],
)
def test_an_engines_own_names_are_taken(name: str, config: dict[str, Any], width: int) -> None:
    assert scheme(name, config).width == width


def test_one_setting_under_two_names_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        scheme("vllm-gumbel", {"width": 2, "context_width": 4})


def test_a_setting_that_is_not_known_is_answered_with_the_engines_names_too() -> None:
    with pytest.raises(ConfigurationError) as refused:
        scheme("vllm-gumbel", {"widht": 4})
    assert refused.value.hint == "known are width (context_width), dedup (deduplicate_contexts), whole"


@pytest.mark.parametrize(
    ("name", "config", "number", "refused"),
    [
        ("unigram", {"vocab_size": 9}, 2**63 - 1, False),
        ("unigram", {"vocab_size": 9}, 2**63, True),
        ("kgw", {"vocab_size": 9}, 0, True),
        ("kgw", {"vocab_size": 9}, 3 * 2**31, True),
        ("kgw", {"vocab_size": 9}, 2**32 + 1, False),
        ("kgw", {"vocab_size": 9, "seeding_scheme": "selfhash"}, 2**32, True),
        ("kgw", {"vocab_size": 9, "seeding_scheme": "selfhash"}, 2**63 + 1, True),
        ("kgw", {"vocab_size": 9, "engine": "markllm"}, 18, True),
        ("kgw", {"vocab_size": 9, "engine": "markllm"}, 15485863, False),
    ],
)
def test_keys_that_an_engine_does_not_take_or_that_change_nothing(
    name: str, config: dict[str, Any], number: int, refused: bool
) -> None:
    made: Any = scheme(name, config)
    if refused:
        with pytest.raises(ConfigurationError):
            made.check_key(MarkKey("k", (number,)))
    else:
        made.check_key(MarkKey("k", (number,)))

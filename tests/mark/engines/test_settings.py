"""Settings of schemes by the names that the engines have for them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import ConfigurationError
from headwater.mark import scheme


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

"""Schemes by name: ours are there, another package's is found, and what is wrong with a setting is said by its name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.mark import registry
from headwater.mark.registry import names, scheme

NEEDED: dict[str, dict[str, Any]] = {
    "kgw": {"vocab_size": 500},
    "unigram": {"vocab_size": 500},
    "headwater-layered": {"coin": [1, 2]},
    "headwater-layered-tilt": {"coin": [1, 2]},
}


@pytest.mark.parametrize("name", names())
def test_a_scheme_that_is_installed_reads_tokens_under_a_key(name: str) -> None:
    made = scheme(name, NEEDED.get(name))
    assert made.name == name
    assert made.card
    units = made.units(np.arange(1, 200, dtype=np.int64))
    values = made.values(made.random_key(np.random.default_rng(0)), units)
    assert len(units) > 50
    assert values.shape == (len(units), made.streams)
    assert int(values.max()) < made.null.size


def test_the_marks_of_the_engines_and_ours_are_there() -> None:
    assert set(names()) >= {
        "headwater-gumbel",
        "headwater-tilt",
        "kgw",
        "sglang-gumbel",
        "synthid",
        "unigram",
        "vllm-dual-key",
        "vllm-gumbel",
    }


@pytest.mark.parametrize(
    ("name", "config", "field"),
    [
        ("vllm-gumbel", {"kye": 987654321}, "kye"),
        ("vllm-gumbel", {"width": "4"}, "width"),
        ("vllm-gumbel", {"width": True}, "width"),
        ("vllm-gumbel", {"width": 10**30}, "width"),
        ("headwater-tilt", {"gamma": float("nan")}, "gamma"),
        ("unigram", {}, "vocab_size"),
        ("kgw", {"vocab_size": -1}, "vocab_size"),
        ("synthid", {"layers": [1, 2]}, "layers"),
    ],
)
def test_a_wrong_setting_is_named_and_not_quoted(name: str, config: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        scheme(name, config)
    assert error.value.where.field == field
    assert "987654321" not in str(error.value)


def test_an_unknown_name_is_told_what_is_near_or_there() -> None:
    with pytest.raises(ConfigurationError, match="no such scheme") as error:
        scheme("vllm-gumble")
    assert error.value.hint == "did you mean vllm-gumbel?"
    with pytest.raises(ConfigurationError) as error:
        scheme("\x1b[31m" * 9)
    assert error.value.hint is not None
    assert "synthid" in error.value.hint
    assert "\x1b" not in str(error.value)


class _Other:
    """Another package's: what its entry point names."""

    def half(self, config: Mapping[str, Any]) -> object:
        return object()

    def failing(self, config: Mapping[str, Any]) -> object:
        raise ValueError(f"no good: {config}")


OTHER = _Other()


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        EntryPoint("half", f"{__name__}:OTHER.half", registry.GROUP),
        EntryPoint("failing", f"{__name__}:OTHER.failing", registry.GROUP),
        EntryPoint("gone", "no_such_package:scheme", registry.GROUP),
        EntryPoint("twice", "one:scheme", registry.GROUP),
        EntryPoint("twice", "two:scheme", registry.GROUP),
    )

    monkeypatch.setattr(registry, "installed", lambda: found)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("half", "makes no scheme: it lacks name, width"),
        ("failing", r"can't be made of these settings \(ValueError\)"),
        ("gone", r"can't be loaded \(ModuleNotFoundError\)"),
        ("twice", "two schemes are called twice: of one and of two"),
    ],
)
def test_another_packages_fault_is_said_to_be_its_own(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        scheme(name, {"secret": 4711})
    assert "4711" not in str(error.value)

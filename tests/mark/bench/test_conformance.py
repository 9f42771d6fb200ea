"""The conformance check passes ours, and finds what a stranger's scheme breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headwater.mark import MarkKey, Units, names
from headwater.mark.bench import conformance, entrant
from headwater.mark.own import Gumbel


@pytest.mark.parametrize("name", names())
def test_every_scheme_that_is_installed_keeps_its_promises(name: str) -> None:
    found = conformance(entrant(name, {}, 4096).scheme)
    assert len(found) > 10
    assert [each for each in found if not each.kept] == []


class Broken:
    """A Gumbel scheme with one method of its own."""

    def __init__(self, **changed: Any) -> None:
        self.inner, self.changed = Gumbel(width=2), changed

    def __getattr__(self, name: str) -> Any:
        return self.changed[name] if name in self.changed else getattr(self.inner, name)


def prompt_scored(tokens: np.ndarray, *, prompt: int = 0) -> Units:
    return Gumbel(width=2).units(tokens)


def unfair(key: MarkKey, units: Units) -> np.ndarray:
    found = Gumbel(width=2).values(key, units).astype(np.float64)
    return (found**0.8 * 2 ** (32 * 0.2)).clip(0, 2**32 - 1).astype(np.uint32)


def keyless(key: MarkKey, units: Units) -> np.ndarray:
    return Gumbel(width=2).values(MarkKey("x", (1, 2)), units)


def different_each_time() -> Any:
    random = np.random.default_rng(0)
    return lambda key, units: random.integers(0, 2**32, (len(units), 1)).astype(np.uint32)


def raises(key: MarkKey, units: Units) -> np.ndarray:
    raise RuntimeError(f"key {key.numbers}")


def twice(tokens: np.ndarray, *, prompt: int = 0) -> Units:
    found = Gumbel(width=2).units(tokens, prompt=prompt)
    return replace(found, position=found.position[::-1].copy())


@pytest.mark.parametrize(
    ("changed", "promise"),
    [
        ({"units": prompt_scored}, "the prompt isn't scored"),
        ({"values": unfair}, "values have the null's mean"),
        ({"values": unfair}, "p-values under keys that nobody used hold"),
        ({"values": keyless}, "keys that differ give other values"),
        ({"values": different_each_time()}, "values are the same each time"),
        ({"values": raises}, "its methods take any text and key"),
        ({"units": twice}, "positions ascend"),
        ({"width": 3}, "contexts have the scheme's width"),
        ({"streams": 2}, "a unit has one value a stream"),
        ({"card": {}}, "its card says what it was checked against"),
    ],
)
def test_a_broken_promise_is_found(changed: dict[str, Any], promise: str) -> None:
    broken: Any = Broken(**changed)
    found = conformance(broken)
    assert promise in [each.promise for each in found if not each.kept]
    assert not any("key (" in each.seen for each in found), "no key is told"

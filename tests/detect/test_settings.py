"""Settings that can't be meant are refused by name, and declarations that say nothing too."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from headwater.detect import DetectSettings, load_known
from headwater.engine import Resources
from headwater.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", math.nan),
        ("threshold", 1.0),
        ("threshold", -1.0),
        ("prior", 0.0),
        ("prior", 1e-320),
        ("prior", math.nan),
        ("seed", -1),
        ("seed", 10**23),
        ("fewest_accounts", 0),
        ("most_rings", 0),
    ],
)
def test_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DetectSettings(**{name: value})  # type: ignore[arg-type]
    assert caught.value.where.field == f"detect.{name}"


@pytest.mark.parametrize(
    ("name", "value"), [("threads", -4), ("threads", 10**8), ("memory_mb", 0), ("memory_mb", 10**14)]
)
def test_out_of_range_for_the_machine(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Resources(**{name: value})
    assert caught.value.where.field == f"engine.{name}"


@pytest.mark.parametrize(
    "row", ['kind = "partner"\norganisations = [""]', 'kind = "partner"\naccounts = ["a"]\nname = ["x"]']
)
def test_a_declaration_that_would_cover_everybody(tmp_path: Path, row: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(f"[[known]]\n{row}\n")
    with pytest.raises(ConfigurationError):
        load_known(path)

"""The evidence file on the how-to page works as it stands there."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from detect.evidence import conformance
from detect.worlds import dealt_log, folded, judged
from headwater.cli.app import run
from headwater.detect import installed, pipeline
from headwater.detect.fold import Fold, Group, missing

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/how-to/add-an-evidence-file.md"


def blocks(kind: str) -> list[str]:
    """The page's blocks of one language, as they would stand in files."""
    text = PAGE.read_text(encoding="utf-8")
    return [
        textwrap.dedent(block)
        for block in re.findall(rf"^( *```{kind}\n.*?)\n *```", text, flags=re.S | re.M)
    ]


@cache
def shown() -> Any:
    """The object that the page's own file exposes."""
    space: dict[str, Any] = {"__name__": "shown"}
    exec(compile(bare(blocks("python")[0]), str(PAGE), "exec"), space)
    return space["test"]


def bare(block: str) -> str:
    """A block without its fence."""
    return block.partition("\n")[2]


def asked(who: range) -> dict[str, pa.Array]:
    account = np.repeat(np.arange(60), 24)
    return {"logprobs": pa.array([a in who for a in account.tolist()], pa.bool_())}


@pytest.mark.parametrize("check", conformance.EVERY, ids=lambda check: check.__name__)
def test_it_holds_what_every_kind_must_hold(check: Callable[[Fold], None]) -> None:
    check(shown())


def test_it_is_a_fold_that_knows_what_it_needs() -> None:
    assert isinstance(shown(), Fold)
    assert missing(shown().card, frozenset({"imprint"})) == ("logprobs",)


@pytest.mark.parametrize(("who", "low", "high"), [(range(12), 1, 2), (range(60), -1, 0), (range(0), -1, 0)])
def test_it_speaks_for_a_ring_only_where_others_do_not_ask(who: range, low: float, high: float) -> None:
    assert low < judged(shown(), dealt_log(1, more=asked(who)), range(12))[0].raw < high


def test_what_the_log_does_not_say_is_no_answer() -> None:
    nothing = {"logprobs": pa.nulls(60 * 24, pa.bool_())}
    assert judged(shown(), dealt_log(1, more=nothing), range(12)) == {}


def test_an_empty_log_and_a_missing_column_are_no_error() -> None:
    for made in (dealt_log(1), dealt_log(1, more=asked(range(12)))):
        world = made.world(range(12))
        assert folded(shown(), world, [made.batch(world, np.empty(0, np.int64))]) == {}
        assert folded(shown(), made.world(), [made.batch(world)]) == {}


def test_accounts_of_one_organisation_are_one() -> None:
    """Forty keys of one customer that asks for probabilities are one customer that does."""
    made = dealt_log(1, more=asked(range(52)))
    alone, together = made.world(range(12)), made.world(range(12))
    together.customer[12:52] = together.customer[12]
    batch = made.batch(alone)
    many, one = (folded(shown(), world, [batch])[0] for world in (alone, together))
    assert one.p_value < many.p_value


def test_every_group_has_its_line() -> None:
    told = re.findall(
        r"^ *\| `(\w+)` \|", PAGE.read_text(encoding="utf-8").split("3. **Choose")[1], flags=re.M
    )
    assert sorted(told) == sorted(get_args(Group))
    assert "of these fourteen" in PAGE.read_text(encoding="utf-8")
    assert len(told) == 14


def test_every_field_of_a_batch_that_is_told_is_one() -> None:
    told = re.findall(
        r"^ *\| (`[^|]+) \|", PAGE.read_text(encoding="utf-8").split("3. **Choose")[0], flags=re.M
    )
    names = {name for cell in told for name in re.findall(r"`(\w+)[`(]", cell)}
    assert names >= {
        "row",
        "account",
        "at_us",
        "session",
        "half",
        "model",
        "ring",
        "key",
        "attributed",
        "column",
    }
    made = dealt_log(1)
    assert all(hasattr(made.batch(made.world()), name) for name in names)


def test_its_package_declares_the_object_and_is_built_by_what_is_there() -> None:
    (block,) = blocks("toml")
    told = tomllib.loads(bare(block))
    assert told["project"]["entry-points"][installed.GROUP] == {
        "probabilities": "my_package.probabilities:test"
    }
    built = (ROOT / "requirements/build.in").read_text(encoding="utf-8")
    assert all(name in built for name in told["build-system"]["requires"])


def test_it_is_seen_in_the_sample_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(compile(bare(blocks("python")[1]), "see.py", "exec"), {})
    monkeypatch.setattr(pipeline, "load", lambda: (*installed.load(), shown()))
    assert run(["investigate", "seen.parquet", "--accounts", "examples/sample/accounts.parquet"]) == 0
    assert run(["explain", "iris-gate"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "100% of its requests ask for token probabilities" in said
    assert "This is not counted: another piece of its group says more" in said

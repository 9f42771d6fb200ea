"""Other packages' evidence: what is wrong with it is said of it, never of Headwater, and never with a log's content."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from detect.worlds import dealt_log
from headwater.cli.faults import worded
from headwater.detect import installed, passes
from headwater.detect.evidence.between import queue
from headwater.detect.fold import Card
from headwater.errors import HeadwaterError, UsageError

CARD = Card(
    name="strange",
    title="Strange",
    group="content",
    sees="something",
    null="nothing",
    false_positive="not measured yet",
    innocent_causes=(),
    evasion_cost="nothing",
    cap_nats=1.0,
)


class Strange:
    """Evidence of another package that fails where it is told to."""

    card, stage, columns = CARD, "confirm", ()

    def __init__(self, fails: str = "") -> None:
        self.fails = fails

    def _at(self, step: str) -> None:
        if step == self.fails:
            raise ValueError("a prompt of the log")

    def init(self, world: Any) -> int:
        self._at("init")
        return 0

    def update(self, state: int, batch: Any) -> int:
        self._at("update")
        return state + len(batch)

    def merge(self, left: int, right: int) -> int:
        self._at("merge")
        return left + right

    def finish(self, state: int, world: Any) -> dict[int, Any]:
        self._at("finish")
        return {}


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Declares entry points of a made-up package beside those that are installed."""

    def declared(**named: Any) -> None:
        module = ModuleType("strange_package")
        vars(module).update(named)
        monkeypatch.setitem(sys.modules, "strange_package", module)
        points = [EntryPoint(name, f"strange_package:{name}", installed.GROUP) for name in named]
        points.append(
            EntryPoint("missing", "strange_package:typo", installed.GROUP) if not named else points[0]
        )
        monkeypatch.setattr(installed, "entry_points", lambda group: points)

    return declared


def test_it_is_loaded_beside_headwaters_own(declare: Any) -> None:
    declare(one=Strange(), two=(queue.test,))
    assert [e.card.name for e in installed.load()] == ["queue", "strange"]


def test_an_entry_point_that_names_nothing_is_its_packages_fault(declare: Any) -> None:
    declare()
    with pytest.raises(
        UsageError, match=r"missing of strange_package \(strange_package:typo\) can't be loaded"
    ):
        installed.load()


def test_what_is_no_evidence_is_refused(declare: Any) -> None:
    declare(one=SimpleNamespace(card=CARD))
    with pytest.raises(UsageError, match=r"the entry point one of strange_package .* names no evidence"):
        installed.load()


def test_a_name_is_taken_once(declare: Any) -> None:
    declare(one=Strange(), two=Strange())
    with pytest.raises(UsageError, match="two kinds of evidence are called strange"):
        installed.load()


@pytest.mark.parametrize("step", ["init", "update", "merge", "finish"])
def test_one_that_fails_is_named_and_quotes_nothing(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dealt_log(1, size=20, each=6)
    world = made.world(range(12))
    half = made.table.num_rows // 2
    parts = [made.table.slice(0, half), made.table.slice(half)]
    monkeypatch.setattr(passes, "ALONE_BELOW", 0)
    spool = SimpleNamespace(batches=lambda columns: iter(parts))
    with pytest.raises(HeadwaterError) as caught:
        passes.run([Strange(step)], spool, made.index, world, workers=2)  # type: ignore[arg-type]
    text, code = worded(caught.value)
    assert "the evidence strange of" in text
    assert "ValueError in test_installed.py" in text
    assert "a prompt" not in text
    assert "Headwater itself" not in text
    assert code == 2
    monkeypatch.setenv("HEADWATER_DEBUG", "1")
    assert "a prompt of the log" in worded(caught.value)[0]


def test_headwaters_own_fault_stays_its_own() -> None:
    with pytest.raises(ZeroDivisionError), installed.blaming(queue.test):
        raise ZeroDivisionError

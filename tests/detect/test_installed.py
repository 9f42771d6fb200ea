"""Other packages' evidence: what is wrong with it is said of it, never of Headwater, and never with a log's content."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detect.worlds import dealt_log
from headwater.cli.faults import worded
from headwater.detect import installed, passes
from headwater.detect.evidence.between import queue
from headwater.detect.fold import Card, Finding, Links, Reading
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


def changed(**given: Any) -> Strange:
    """It with something else on it, or on its card."""
    out = Strange()
    for name, value in given.items():
        if hasattr(out, name):
            setattr(out, name, value)  # a class's own stays as it is
        else:
            out.card = replace(out.card, **{name: value})
    return out


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (SimpleNamespace(card=CARD), "it lacks stage, columns, init, update, merge, finish"),
        (Strange, "Strange is a class, not an object"),
        (changed(card="strange"), "its card is no Card"),
        (changed(stage="confrim"), "its stage is none of propose, confirm, trait"),
        (changed(group="contents"), "its card's group is no dependence group"),
        (changed(columns="logprobs"), "columns is a string, not a tuple"),
        (changed(needs="logprobs"), "card.needs is a string, not a tuple"),
    ],
)
def test_what_is_no_evidence_is_refused_with_the_reason(declare: Any, named: Any, why: str) -> None:
    declare(one=named)
    start = r"the entry point one of strange_package \(strange_package:one\) names no evidence: "
    with pytest.raises(UsageError, match=f"^{start}{why}$"):
        installed.load()


def test_a_name_is_taken_once(declare: Any) -> None:
    declare(one=Strange(), two=Strange())
    with pytest.raises(UsageError, match="two kinds of evidence are called strange"):
        installed.load()


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("step", ["init", "update", "merge", "finish"])
def test_one_that_fails_is_named_and_quotes_nothing(
    step: str, near: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dealt_log(1, size=20, each=6)
    world = made.world(range(12))
    rows = made.table.num_rows
    parts = [np.arange(rows // 2), np.arange(rows // 2, rows)]

    def fold(columns: Any, work: Any, merge: Any, finish: Any, progress: Any) -> Any:
        return finish(merge(*(work(iter([made.indexed(part)])) for part in parts)))

    log = SimpleNamespace(fold=fold, workers=2, state_bytes=1 << 30, near=near)
    with pytest.raises(HeadwaterError) as caught:
        passes.run([Strange(step)], log, world)  # type: ignore[arg-type]
    text, code = worded(caught.value)
    assert "the evidence strange of" in text
    assert "ValueError in test_installed.py" in text
    assert "a prompt" not in text
    assert "Headwater itself" not in text
    assert code == 2
    monkeypatch.setenv("HEADWATER_DEBUG", "1")
    assert "a prompt of the log" in worded(caught.value)[0]


@pytest.mark.parametrize(
    ("stage", "answer", "what"),
    [
        ("confirm", [], "no mapping of rings to Findings"),
        ("confirm", {0: 1.0}, "no mapping of rings to Findings"),
        ("confirm", {7: Finding(1.0, "So.")}, "findings of rings that aren't there"),
        ("confirm", {0: Finding(float("nan"), "So.")}, "a finding with a figure that isn't a finite number"),
        ("propose", {}, "no Links"),
        (
            "propose",
            Links("strange", np.array([3]), np.array([3]), np.ones(1)),
            "links of accounts that aren't there",
        ),
        (
            "propose",
            Links("strange", np.array([3]), np.array([4]), np.ones(2)),
            "links that aren't three columns",
        ),
        ("trait", Reading(np.ones(3), 1.0, "ask"), "no Reading with a value for each account"),
    ],
)
def test_an_answer_that_is_none_is_its_packages_fault(stage: str, answer: Any, what: str) -> None:
    world = dealt_log(1, size=20, each=6).world(range(12))
    with pytest.raises(HeadwaterError, match=rf"^the evidence strange of \w+ answered {what}"):
        installed.checked(changed(stage=stage), answer, world)


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("propose", Links.none("strange")),
        ("trait", Reading(np.full(20, np.nan), 1.0, "ask")),
    ],
)
def test_what_its_stage_answers_goes_on_as_it_is(stage: str, answer: Any) -> None:
    world = dealt_log(1, size=20, each=6).world(range(12))
    assert installed.checked(changed(stage=stage), answer, world) is answer


def test_findings_go_on_in_numbers_that_documents_can_hold() -> None:
    world = dealt_log(1, size=20, each=6).world(range(12))
    answer = {np.int64(0): Finding(np.float64(1), "So.", np.float64(0.5), {"n": np.int64(3)})}  # type: ignore[arg-type]
    ((at, found),) = installed.checked(changed(stage="confirm"), answer, world).items()
    kinds = [type(value) for value in (at, found.raw, found.p_value, found.figures["n"])]
    assert kinds == [int, float, float, float]


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (Finding(1.0, None), "a finding without a sentence"),  # type: ignore[arg-type]
        (Finding("1", "So."), "a finding with a figure"),  # type: ignore[arg-type]
        (Finding(1.0, "So.", float("nan")), "a finding with a p-value"),
        (Finding(1.0, "So.", 2.0), "a finding with a p-value"),
        (Finding(1.0, "So.", None, {"a": "b"}), "a finding with a figure"),  # type: ignore[dict-item]
    ],
)
def test_a_finding_that_documents_could_not_hold_is_refused(found: Finding, what: str) -> None:
    world = dealt_log(1, size=20, each=6).world(range(12))
    with pytest.raises(HeadwaterError, match=what):
        installed.checked(changed(stage="confirm"), {0: found}, world)


def test_it_is_named_with_the_distribution_that_declares_it(declare: Any) -> None:
    declare(one=Strange())
    point = EntryPoint("one", f"{__name__}:Strange", installed.GROUP)
    assert installed.package(Strange()) == __name__.partition(".")[0], "that no distribution declares"
    of_one = point._for(SimpleNamespace(name="strange-distribution"))  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installed, "entry_points", lambda group: [of_one])
        assert installed.package(Strange()) == "strange-distribution"


def test_memory_that_is_used_up_is_nobodys_fault() -> None:
    with pytest.raises(MemoryError), installed.blaming(Strange()):
        raise MemoryError


def test_headwaters_own_fault_stays_its_own() -> None:
    with pytest.raises(ZeroDivisionError), installed.blaming(queue.test):
        raise ZeroDivisionError

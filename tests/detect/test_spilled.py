"""States that wait on disk: the same answer as without, no room said in words, nothing left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detect.evidence.busy import busy
from detect.evidence.conformance import comparable
from headwater.detect import passes
from headwater.detect.installed import load
from headwater.detect.spilled import Spilled, held
from headwater.errors import UsageError


def found(state_bytes: int, parts: int, *, near: bool = True) -> list[Any]:
    """What all tests and traits find in a busy log that is read in parts, each in batches."""
    made, world = busy()
    world = replace(world, context=dict(world.context))
    rows = np.array_split(np.random.default_rng(3).permutation(made.table.num_rows), parts)

    def fold(_: Any, work: Any, merge: Any, finish: Any, progress: Any) -> Any:
        half = len(rows) // 2
        states = [work(iter([made.indexed(np.sort(r)) for r in some])) for some in (rows[:half], rows[half:])]
        return finish(merge(*states))

    folds = [e for e in load() if e.stage != "propose"]
    log = SimpleNamespace(fold=fold, workers=1, state_bytes=state_bytes, near=near)
    return [comparable(outcome) for outcome in passes.run(folds, log, world)]  # type: ignore[arg-type]


def test_what_waited_on_disk_changes_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(passes, "LOOK", 1)
    monkeypatch.setattr(passes, "LEAST", 1)
    written = []
    write = Spilled.write

    def counted(self: Spilled, state: Any) -> bool:
        written.append(write(self, state))
        return written[-1]

    monkeypatch.setattr(Spilled, "write", counted)
    whole = found(1 << 40, 8)
    assert not written
    assert found(0, 8) == whole
    assert found(0, 8, near=False) == whole
    assert len(written) > 50
    assert all(written)
    assert not list(tmp_path.glob("headwater-*/*.state"))


def test_where_there_is_no_room_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _, world = busy()
    full = Spilled(world)
    opened = Path.open

    def no_room(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.suffix == ".state":
            raise OSError(28, "No space left on device")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", no_room)
    with pytest.raises(UsageError, match="no room"):
        full.write(np.zeros(10))


def test_what_belongs_to_the_log_is_neither_counted_nor_written() -> None:
    _, world = busy()
    world = replace(world, context={"large": np.zeros(1_000_000)})
    state = [world.context["large"], world.volume, np.arange(10)]
    assert held(state, world) < 1_000
    kept = Spilled(world)
    assert kept.write(state)
    assert kept.pieces[0].stat().st_size < 2_000
    again = kept.read(0)
    assert again[0] is world.context["large"]
    assert again[1] is world.volume
    assert (again[2] == np.arange(10)).all()


@pytest.mark.parametrize("state", [lambda: None, (x for x in ())], ids=["function", "generator"])
def test_a_state_that_cannot_be_written_stays(state: Callable[[], None]) -> None:
    _, world = busy()
    kept = Spilled(world)
    assert not kept.write([state])
    assert not kept.pieces

"""States of folds that outgrow memory wait on disk: written down as they are, begun anew, merged when all is read.

A fold need know nothing of it: that two states can be merged is all that is asked. What the states share with the log
as a whole (`World`) stands in a file by its name only.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.detect.fold import World
from headwater.errors import UsageError, Where
from headwater.places import Scratch

#: A state of fewer bytes isn't worth a file.
LEAST = 1 << 20


@dataclass
class Spilled:
    """One fold's states on disk, in the order in which they were written."""

    world: World
    pieces: list[Path] = field(default_factory=list)
    scratch: list[Scratch] = field(default_factory=list)

    def write(self, state: Any) -> bool:
        """Write a state down; False where it can't be written (it then stays where it is).

        Raises `UsageError` where there is no room.
        """
        if not self.scratch:
            self.scratch.append(Scratch())
        path = self.scratch[0].path / f"{len(self.pieces):06d}.state"
        try:
            with path.open("wb") as file:
                _Pickler(file, self.world).dump(state)
        except OSError as error:
            hint = "give more memory (--memory), or name a folder with more room in TMPDIR"
            what = "there is no room for what is left out of memory"
            raise UsageError(what, where=Where(str(path.parent)), hint=hint) from error
        except (pickle.PicklingError, TypeError, AttributeError):
            path.unlink(missing_ok=True)
            return False
        self.pieces.append(path)
        return True

    def joined(self, other: Spilled) -> Spilled:
        """The pieces of both."""
        return Spilled(self.world, self.pieces + other.pieces, self.scratch + other.scratch)

    def read(self, at: int) -> Any:
        """A state as it was; its file goes."""
        with self.pieces[at].open("rb") as file:
            state = _Unpickler(file, self.world).load()
        self.pieces[at].unlink()
        return state

    def __getstate__(self) -> dict[str, Any]:
        """To travel, states come back from disk first: only a part that has none may."""
        if self.pieces:
            raise pickle.PicklingError("states that wait on disk can't travel")
        return {"world": None, "pieces": [], "scratch": []}


def held(state: Any, world: World) -> int:
    """Bytes of the arrays that a state holds for itself, nearly."""
    return _held(state, set(_shared(world)))


def _held(value: Any, seen: set[int]) -> int:
    if isinstance(value, (int, float, str, bytes, bool, np.generic)) or value is None or id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, (pa.Array, pa.ChunkedArray, pa.RecordBatch, pa.Table)):
        return int(value.nbytes)
    if isinstance(value, Mapping):
        return 64 * len(value) + sum(_held(one, seen) for one in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return 8 * len(value) + sum(_held(one, seen) for one in value)
    return sum(_held(one, seen) for one in getattr(value, "__dict__", {}).values())


def _shared(world: World) -> dict[int, tuple[str, str]]:
    """What belongs to the world, by identity, with the name that stands for it."""
    out = {id(value): ("world", name) for name, value in vars(world).items() if _large(value)}
    out |= {id(value): ("context", name) for name, value in world.context.items() if _large(value)}
    return out


def _large(value: Any) -> bool:
    return isinstance(value, (np.ndarray, pa.Table, dict, tuple)) or hasattr(value, "__dict__")


class _Pickler(pickle.Pickler):
    def __init__(self, file: Any, world: World) -> None:
        super().__init__(file, protocol=5)
        self._known = _shared(world)

    def persistent_id(self, obj: Any) -> tuple[str, str] | None:
        return self._known.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, world: World) -> None:
        super().__init__(file)
        self._world = world

    def persistent_load(self, pid: Any) -> Any:
        where, name = pid
        return vars(self._world)[name] if where == "world" else self._world.context[name]

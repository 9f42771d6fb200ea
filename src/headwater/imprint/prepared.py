"""The automaton of the built-in phrases, built once for each state of the table and kept beside the byte code.

Building takes a second, reading back some milliseconds. What is kept names the table and the code that it was made
from, so that it never stands for another; where it can't be read or written the automaton is built anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from headwater.imprint.automaton import Automaton, automaton
from headwater.imprint.intents import phrase_groups
from headwater.imprint.patterns import skipped


@cache
def phrase_automaton(folder: Path = Path(__file__).parent / "__pycache__") -> Automaton:
    """The automaton of the built-in phrase table."""
    kept = folder / f"phrases-{_fingerprint()}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return _read(kept)
    built = automaton(phrase_groups(), skipped())
    with contextlib.suppress(OSError):
        _keep(built, kept)
    return built


def _fingerprint() -> str:
    """Of everything that decides the automaton: the table, and the code of this room."""
    digest = hashlib.sha256()
    room = resources.files(__package__)
    files = [*room.iterdir(), *room.joinpath("phrases").iterdir(), *room.joinpath("kernel").iterdir()]
    for file in sorted((f for f in files if f.name.endswith((".py", ".toml", ".tsv"))), key=lambda f: f.name):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _read(kept: Path) -> Automaton:
    with np.load(kept, allow_pickle=False) as parts:
        words = parts["words"].tobytes().decode().split("\n")
        steps = np.full(int(parts["size"]), parts["free"], np.uint64)
        steps[parts["cells"]] = parts["steps"]
        return Automaton(dict(zip(words, parts["numbers"].tolist(), strict=True)), steps)


def _keep(built: Automaton, kept: Path) -> None:
    """Whole or not at all: another process may be reading."""
    free = built.steps[-1]
    cells = np.flatnonzero(built.steps != free)
    kept.parent.mkdir(exist_ok=True)
    handle, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                words=np.frombuffer("\n".join(built.words).encode(), np.uint8),
                numbers=np.array(list(built.words.values()), np.uint16),
                size=len(built.steps),
                free=free,
                cells=cells.astype(np.uint32),
                steps=built.steps[cells],
            )
        Path(part).chmod(0o644)
        Path(part).replace(kept)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise

"""How the tests of traffic make small logs and read a trait of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import DAY, Made, folded, log
from headwater.detect.fold import Reading

SIZE, EACH = 30, 40
#: Account of every row, and the row's place within its account.
ACCOUNT = np.repeat(np.arange(SIZE), EACH)
PLACE = np.tile(np.arange(EACH), SIZE)
#: The first accounts show what a test looks for.
SHOWN = ACCOUNT < 5


def people(seed: int = 3) -> np.ndarray:
    """Random times over two weeks, ascending within each account."""
    return np.sort(np.random.default_rng(seed).integers(0, 14 * DAY, (SIZE, EACH)), axis=1).reshape(-1)


def made(at_us: np.ndarray | None = None, **more: Any) -> Made:
    """A log of SIZE accounts with EACH exchanges; further columns are named as in the exchange schema."""
    known = ("vector", "form", "filling", "model", "latency_ms", "known", "words")
    given = {name: more.pop(name) for name in known if name in more}
    columns = {
        name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in more.items()
    }
    # Everybody has a subject, or prompts would come from everywhere.
    rng = np.random.default_rng(1)
    subject = rng.normal(size=(SIZE, 128))[ACCOUNT] + 0.5 * rng.normal(size=(len(ACCOUNT), 128))
    given.setdefault("vector", subject)
    return log(ACCOUNT, people() if at_us is None else at_us, more=columns, **given)


def read(trait: Any, log: Made) -> Reading:
    """What a trait says of every account of a log."""
    world = log.world()
    return folded(trait, world, [log.batch(world)])


def shows(trait: Any, log: Made) -> list[int]:
    """The accounts that show the trait."""
    reading = read(trait, log)
    return np.flatnonzero(np.nan_to_num(reading.value, nan=-np.inf) >= reading.notable).tolist()

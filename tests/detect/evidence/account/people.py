"""Accounts of which a test says only what it is about: sign-up, clients, addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import DAY, Made, folded, log
from headwater.detect.fold import Reading, Ring, World
from headwater.detect.networks import Networks, load_networks
from headwater.detect.world import build
from headwater.engine.arranged import census

SIZE, EACH, DAYS = 60, 40, 28
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def after(days: float) -> datetime:
    """A moment so many days after the log begins."""
    return EPOCH + timedelta(days=days)


def people(
    size: int = SIZE,
    each: int = EACH,
    *,
    known: dict[str, list[Any]] | None = None,
    at_us: np.ndarray | None = None,
    ip: Sequence[str | None] | None = None,
    **more: Sequence[Any],
) -> Made:
    """`size` accounts with `each` exchanges over DAYS days, in order of account and time; `more` are columns."""
    account = np.repeat(np.arange(size), each)
    times = np.tile(np.linspace(0, DAYS * DAY, each, endpoint=False).astype(np.int64), size)
    return log(
        account,
        times if at_us is None else at_us,
        ip=ip,
        more={name: pa.array(list(column), pa.string()) for name, column in more.items()},
        known=known,
    )


def read(fold: Any, made: Made, **context: Any) -> Reading:
    """What a trait says of the log, whole and in parts that come in another order."""
    world = _world(made, (), context)
    whole = folded(fold, world, [made.batch(world)])
    rows = np.random.default_rng(1).permutation(made.table.num_rows)
    parts = folded(fold, world, [made.batch(world, part) for part in np.array_split(rows, 5)])
    assert np.array_equal(whole.value, parts.value, equal_nan=True)
    return whole


def found(fold: Any, made: Made, *rings: Sequence[int], **context: Any) -> Any:
    """What a test finds about rings, whole and in parts."""
    world = _world(made, rings, context)
    rows = np.random.default_rng(1).permutation(made.table.num_rows)
    whole = folded(fold, world, [made.batch(world)])
    assert whole == folded(fold, world, [made.batch(world, part) for part in np.array_split(rows, 5)])
    return whole


def _world(made: Made, rings: Sequence[Sequence[int]], context: dict[str, Any]) -> World:
    """A world in which nothing was learned of content: this evidence doesn't ask for it."""
    world = build(census(made.index), made.accounts, made.columns, 7)
    world.context.update(context)
    under = tuple(Ring(np.array(r, np.int32), ("queue",), 3.0) for r in rings)
    return replace(world, rings=under)


def shown(reading: Reading) -> list[int]:
    """Accounts that show the trait."""
    return np.flatnonzero(np.nan_to_num(reading.value, nan=-np.inf) >= reading.notable).tolist()


def by_account(values: Sequence[Any], each: int = EACH) -> list[Any]:
    """A value an account, for every one of its rows."""
    return [value for value in values for _ in range(each)]


def networks(*rows: str) -> Networks:
    """A table of networks: cidr,kind,asn."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "networks.csv"
        path.write_text("\n".join(["cidr,kind,asn", *rows]))
        return load_networks(path)

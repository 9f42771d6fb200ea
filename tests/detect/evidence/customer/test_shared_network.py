"""A shared network: addresses in common that a carrier, a campus or a crowd explains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import Made, dealt_log, folded
from headwater.detect.evidence.customer import shared_network
from headwater.detect.networks import load_networks

SIZE, EACH = 60, 24
ACCOUNT = np.repeat(np.arange(SIZE), EACH)


def made(of: dict[int, str | None]) -> Made:
    """A log in which accounts have these addresses, all others one of their own."""
    return dealt_log(1, ip=[of.get(a, f"10.1.0.{a}") for a in ACCOUNT.tolist()])


def found(log: Made, table: str = "", folder: Path | None = None, members: int = 12) -> Any:
    world = log.world(range(members))
    if folder is not None:
        path = folder / "networks.csv"
        path.write_text(f"cidr,kind\n{table}\n")
        world.context["networks"] = load_networks(path)
    return folded(shared_network.test, world, [log.batch(world)])


def test_an_address_that_a_crowd_uses() -> None:
    assert found(made(dict.fromkeys(range(12), "198.51.100.1"))) == {}
    crowd = found(made(dict.fromkeys(range(40), "198.51.100.1")))[0]
    assert crowd.raw == -1.5
    assert found(made(dict.fromkeys(range(36), "198.51.100.1"))) == {}


@pytest.mark.parametrize(
    ("kind", "raw"), [("campus", -1.5), ("carrier", -0.75), ("hosting", None), ("vpn", None)]
)
def test_the_operators_table_says_what_a_range_is(tmp_path: Path, kind: str, raw: float | None) -> None:
    finding = found(made(dict.fromkeys(range(12), "198.51.100.1")), f"198.51.100.0/24,{kind}", tmp_path)
    assert (finding[0].raw if finding else None) == raw


def test_an_address_of_their_own_as_well_is_not_explained(tmp_path: Path) -> None:
    ip = ["198.51.100.1" if i % 2 else "10.9.9.9" for i in range(len(ACCOUNT))]
    both = [one if a < 12 else f"10.1.0.{a}" for one, a in zip(ip, ACCOUNT.tolist(), strict=True)]
    assert found(dealt_log(1, ip=both), "198.51.100.0/24,campus", tmp_path) == {}


def test_what_a_few_share_excuses_nobody(tmp_path: Path) -> None:
    assert found(made(dict.fromkeys(range(5), "198.51.100.1")), "198.51.100.0/24,campus", tmp_path) == {}
    part = found(made(dict.fromkeys(range(6), "198.51.100.1")), "198.51.100.0/24,campus", tmp_path)[0]
    assert part.raw == -0.75


def test_hashed_and_missing_addresses_say_nothing(tmp_path: Path) -> None:
    hashed = made(dict.fromkeys(range(12), "9f86d081884c7d65"))
    assert found(hashed, "0.0.0.0/0,campus", tmp_path) == {}
    assert found(made(dict.fromkeys(range(SIZE)))) == {}
    assert found(made(dict.fromkeys(range(12), "198.51.100.1")), "198.51.100.0/24,campus", tmp_path, 4) == {}
    log = dealt_log(1, columns=frozenset({"account", "at", "imprint"}))
    assert found(log) == {}
    assert pa.types.is_string(made({}).table.column("ip").type)

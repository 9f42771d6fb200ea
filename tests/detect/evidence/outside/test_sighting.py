"""Answers found elsewhere: whose they were, against how many others' were found."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import dealt_log, folded
from headwater.detect.evidence.outside import sighting
from headwater.detect.indicators import Sighting

N = 60 * 24
IDS = pa.array([f"e{i}" for i in range(N)])


def seen(*, account: str | None = None, exchange: str | None = None, where: str = "a data set") -> Sighting:
    return Sighting(account, exchange, where, date(2026, 12, 1), "a canary")


def found(*sightings: Sighting, ids: pa.Array | None = IDS) -> Any:
    log = dealt_log(1, more={"id": ids} if ids is not None else {})
    world = log.world(range(12))
    world.context["sightings"] = sightings
    return folded(sighting.test, world, [log.batch(world, np.arange(N)[i::3]) for i in range(3)])


def test_members_answers_that_were_found() -> None:
    finding = found(*(seen(exchange=f"e{24 * a}") for a in range(4)), seen(account="a00005"))[0]
    assert finding.figures["found"] == 5
    assert finding.raw > 2
    assert "a data set on 2026-12-01, by a canary" in finding.sentence
    assert "and 2 more" in finding.sentence


def test_one_members_many_answers_are_one_customers() -> None:
    assert found(*(seen(exchange=f"e{i}") for i in range(20)))[0].figures["found"] == 1


def test_what_others_publish_as_well_is_no_evidence() -> None:
    assert found(*(seen(account=f"a{a:05d}") for a in range(60)))[0].raw == 0


def test_what_nobody_here_was_answered_says_nothing() -> None:
    assert found(seen(exchange="elsewhere"), seen(account="nobody"), seen(account="a00020")) == {}
    assert found(seen(exchange="e0"), ids=None) == {}
    assert found(seen(exchange="e0"), ids=pa.nulls(N, pa.string())) == {}
    assert found() == {}


def test_long_names_are_cut() -> None:
    assert len(found(seen(account="a00001", where="x" * 10_000))[0].sentence) < 500

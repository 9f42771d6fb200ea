"""Fingerprints against user agents, as the log itself tells what goes with what."""

from __future__ import annotations

import numpy as np
import pytest

from detect.evidence.account.people import SIZE, by_account, people, read, shown
from headwater.detect.evidence.account import contradiction

TRUE = ["go" if i < 25 else "python" for i in range(SIZE)]
AGENT = [f"{name}/1.{i % 4}" for i, name in enumerate(TRUE)]


def lying(*who: int) -> list[str]:
    return ["python/1.0" if i in who else agent for i, agent in enumerate(AGENT)]


@pytest.mark.parametrize("kind", ["tls", "http2"])
def test_one_program_named_and_another_shown(kind: str) -> None:
    reading = read(
        contradiction.trait, people(user_agent=by_account(lying(1, 2)), **{kind: by_account(TRUE)})
    )
    assert shown(reading) == [1, 2]
    assert (reading.value[3:] == 0).all()


def test_the_protocol_of_a_ja4h() -> None:
    prints = [f"po{'11nn' if name == 'go' else '20cn'}05enus_x{i}_y_z" for i, name in enumerate(TRUE)]
    reading = read(contradiction.trait, people(user_agent=by_account(lying(1)), ja4h=by_account(prints)))
    assert shown(reading) == [1]
    assert contradiction.protocol("odd") is None


def test_a_log_without_contradiction() -> None:
    assert shown(read(contradiction.trait, people(user_agent=by_account(AGENT), tls=by_account(TRUE)))) == []


def test_a_new_version_or_one_stack_under_many_programs_is_no_contradiction() -> None:
    fresh = ["python-new" if i > 57 else name for i, name in enumerate(TRUE)]
    assert shown(read(contradiction.trait, people(user_agent=by_account(AGENT), tls=by_account(fresh)))) == []
    same = ["openssl"] * SIZE
    assert shown(read(contradiction.trait, people(user_agent=by_account(AGENT), tls=by_account(same)))) == []


def test_families_of_few_customers_show_nothing_usual() -> None:
    few = people(12, user_agent=by_account(["a/1"] * 6 + ["b/1"] * 6), tls=by_account(["x"] * 7 + ["y"] * 5))
    assert shown(read(contradiction.trait, few)) == []


def test_one_organisation_is_one_customer() -> None:
    # Sixteen accounts of one organisation don't make a family of their own.
    known = {"organisation": ["org"] * 25 + [None] * 35}
    reading = read(
        contradiction.trait, people(known=known, user_agent=by_account(lying(30)), tls=by_account(TRUE))
    )
    assert shown(reading) == []


def test_nulls_and_too_few_exchanges_are_unknown() -> None:
    every = SIZE * 40
    for columns in ({"user_agent": [None] * every, "tls": ["x"] * every}, {"user_agent": ["x/1"] * every}):
        assert np.isnan(read(contradiction.trait, people(**columns)).value).all()
    short = people(each=4, user_agent=by_account(lying(1), 4), tls=by_account(TRUE, 4))
    assert np.isnan(read(contradiction.trait, short).value).all()
    odd = people(1, user_agent=["\U0001f600" * 400, "(", "", " "] * 10, tls=["x" * 5000] * 40)
    assert shown(read(contradiction.trait, odd)) == []

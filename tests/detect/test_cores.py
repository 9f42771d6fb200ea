"""Groups that hang on one form or one author are proposed whole, whatever their members do beside it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.cores import FEWEST, cores
from headwater.detect.objects import Sharing

SIZE = 1_000
CUSTOMER = np.arange(SIZE, dtype=np.int32)


def sharing(*objects: tuple[range, int]) -> Sharing:
    """Objects, each given as (who is committed to it, how many touched it)."""
    members = [np.array(who, np.int32) for who, _ in objects]
    return Sharing(
        np.arange(len(objects), dtype=np.uint64),
        np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64),
        np.concatenate(members) if members else np.empty(0, np.int32),
        np.array([touched for _, touched in objects], np.int64),
    )


def found(
    templates: Sharing | None, clusters: Sharing | None = None, customer: np.ndarray = CUSTOMER
) -> list:
    return [(c.evidence, c.members.tolist()) for c in cores(templates, clusters, customer)]


def test_overlapping_forms_are_one_group_though_no_form_is_everybodys() -> None:
    forms = sharing((range(60), 60), (range(20, 80), 61), (range(40, 100), 62))
    assert found(forms) == [("template", list(range(100)))]


def test_a_form_that_everybody_touches_binds_nobody() -> None:
    assert found(sharing((range(60), 700))) == []


def test_a_rare_topic_of_a_group_takes_no_stranger_in() -> None:
    """Six of eight accounts that share some words are the group's: too few of it to bind the other two."""
    forms = sharing((range(100), 100), (range(94, 102), 8))
    assert found(forms) == [("template", list(range(100)))]


def test_one_customers_keys_are_no_group() -> None:
    customer = np.where(CUSTOMER < 50, 0, CUSTOMER)
    assert found(sharing((range(50), 50)), customer=customer) == []
    assert found(None, sharing((range(50), 50)), customer=customer) == []


def test_shards_of_a_group_that_shares_its_forms_are_no_groups_of_their_own() -> None:
    forms, shards = (
        sharing((range(100), 100)),
        sharing((range(20), 20), (range(20, 45), 25), (range(300, 380), 80)),
    )
    assert found(forms, shards) == [("template", list(range(100))), ("nearness", list(range(300, 380)))]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(2, 90), st.integers(0, 40)), max_size=12))
def test_no_account_stands_in_two_groups(drawn: list[tuple[int, int, int]]) -> None:
    objects = [(range(low, min(low + size, SIZE)), min(size, SIZE - low) + more) for low, size, more in drawn]
    half = len(objects) // 2
    groups = cores(sharing(*objects[:half]), sharing(*objects[half:]), CUSTOMER)
    everybody = np.concatenate([g.members for g in groups]) if groups else np.empty(0)
    assert len(np.unique(everybody)) == len(everybody)
    assert all(len(g.members) >= FEWEST and (np.diff(g.members) > 0).all() for g in groups)


def test_one_form_that_two_groups_share_does_not_make_them_one() -> None:
    own = [(range(50), 50), (range(2, 50), 48), (range(48), 48), (range(50, 90), 40), (range(51, 90), 39)]
    forms = sharing((range(90), 90), *own)
    assert found(forms) == [("template", list(range(50))), ("template", list(range(50, 90)))]


def test_a_group_with_forms_of_its_own_is_not_swallowed_by_one_that_it_shares_a_form_with() -> None:
    """Most of the small group fill one form of the large one, and all of them four that nobody else does."""
    large = [(range(200), 200)] * 6
    shared = (range(60, 240), 180)
    own = [(range(200, 242), 42)] * 4
    both = [("template", list(range(200))), ("template", list(range(200, 242)))]
    assert found(sharing(*large, shared, *own)) == both
    assert found(sharing(*own, shared, *large)) == both


def test_accounts_that_fill_two_forms_of_a_group_are_its_own() -> None:
    large = [(range(200), 200)] * 6
    shared = [(range(60, 240), 180), (range(59, 240), 181)]
    own = [(range(200, 242), 42)] * 4
    (first, *_) = found(sharing(*large, *shared, *own))
    assert set(range(240)) <= set(first[1])

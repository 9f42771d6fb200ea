"""The two-covariance model of authors: its densities against the textbook's, and what it learns from a log."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from headwater.detect import authors, companions
from headwater.detect.authors import Accounts, Sessions, apart, author, described, learn, summed
from headwater.detect.companions import NEIGHBOURS, nearest
from headwater.detect.nearness import clusters

WIDTH = 12


def learned(sessions: Sessions, covariance: np.ndarray, size: int) -> Accounts | None:
    """The model of a log's sessions, and its accounts of three exchanges and more in it."""
    model = learn(sessions, covariance)
    if model is None:
        return None
    sent = np.bincount(sessions.account, sessions.count, size)
    squares = np.bincount(sessions.account, sessions.count**2, size)
    code = np.flatnonzero(sent >= 3).astype(np.int32)
    mean = summed(sessions.total, sessions.account, size)[code] / sent[code, None]
    return described(model, code, mean, model.effective(sent[code], squares[code]))


def some(seed: int = 0, size: int = 9) -> Accounts:
    rng = np.random.default_rng(seed)
    step = np.sort(rng.integers(0, 30, size))
    mean = rng.normal(size=(size, WIDTH)).astype(np.float32)
    return Accounts(np.arange(size, dtype=np.int32), mean, step, rng.uniform(0.02, 2, WIDTH))


def constant(made: Accounts) -> float:
    return -0.5 * made.mean.shape[1] * np.log(2 * np.pi)


def test_an_author_of_its_own_is_a_normal_law() -> None:
    made = some()
    want = norm.logpdf(made.mean, 0, np.sqrt(made.between + 1 / made.count[:, None])).sum(axis=1)
    assert apart(made) + constant(made) == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize("members", [[2], [0, 3], [0, 1, 4, 8]])
def test_one_author_is_what_is_left_of_the_joint_law(members: list[int]) -> None:
    """Density of an account given its companions = joint density of all over that of the companions."""
    made = some()
    rows = np.array(members)
    sees, without = (
        author(made, rows).sees(made),
        author(made, np.sort(np.append(rows, 5))).without(made, np.array([5])),
    )

    def joint(chosen: list[int]) -> float:
        total = 0.0
        for d in range(WIDTH):
            cov = np.full((len(chosen), len(chosen)), made.between[d])
            cov += np.diag(1 / made.count[chosen] + made.drift[d])
            total += multivariate_normal.logpdf(made.mean[chosen, d], np.zeros(len(chosen)), cov)
        return total

    want = joint([*members, 5]) - joint(members)
    assert sees[5] + constant(made) == pytest.approx(want, rel=1e-4)
    assert without[0] + constant(made) == pytest.approx(want, rel=1e-4)


def test_companions_are_ranked_by_the_ratio_of_one_author_to_two() -> None:
    made = some(1, 30)
    found, score = nearest(made, 0)
    assert found.shape == score.shape == (30, NEIGHBOURS)
    rows, best = np.arange(30), found[:, 0]
    one = np.empty(30)
    for i, j in zip(rows, best, strict=True):
        n = made.count[[i, j]]
        one[i] = sum(
            multivariate_normal.logpdf(
                made.mean[[i, j], d].astype(float), [0, 0], np.diag(1 / n) + made.between[d]
            )
            for d in range(WIDTH)
        )
    two = apart(made) + constant(made)
    assert score[:, 0] == pytest.approx(one - two[rows] - two[best], rel=1e-3, abs=1e-3)
    assert (np.diff(score, axis=1) <= 0).all()
    assert (found != rows[:, None]).all()


def a_log(
    seed: int,
    accounts: int,
    share: float,
    sessions: int,
    each: int,
    *,
    one_author: int = 0,
    width: int = WIDTH,
) -> tuple[Sessions, np.ndarray]:
    """Session sums of accounts whose means hold `share` of the variance; the first ones have one author."""
    rng = np.random.default_rng(seed)
    mine = rng.normal(size=(accounts, width)) * np.sqrt(share)
    mine[:one_author] = mine[:1]
    account = np.repeat(np.arange(accounts, dtype=np.int32), sessions)
    total = each * mine[account] + rng.normal(size=(len(account), width)) * np.sqrt((1 - share) * each)
    return Sessions(total, np.full(len(account), float(each)), account), (1 - share) * np.eye(width) + np.cov(
        mine.T
    )


@pytest.mark.parametrize("share", [0.06, 0.3])
def test_the_model_finds_how_much_authors_differ(share: float) -> None:
    sessions, covariance = a_log(2, 800, share, 6, 3)
    made = learned(sessions, covariance, 800)
    assert made is not None
    assert made.between.mean() == pytest.approx(share / (1 - share), rel=0.15)
    assert made.count == pytest.approx(18, rel=0.1)


def test_turns_of_one_session_count_less() -> None:
    sessions, covariance = a_log(3, 300, 0.1, 5, 8)
    talk = np.random.default_rng(3).normal(size=sessions.total.shape)
    repeated = Sessions(0.5 * sessions.total + np.sqrt(0.75) * 8 * talk, sessions.count, sessions.account)
    made = learned(repeated, covariance, 300)
    assert made is not None
    assert made.count.mean() < 10


def test_a_ring_that_is_most_of_a_log_does_not_define_how_alike_people_are() -> None:
    sessions, covariance = a_log(4, 500, 0.06, 6, 3, one_author=480)
    made = learned(sessions, covariance, 500)
    assert made is not None
    assert made.between.sum() / WIDTH > authors.USUAL * 0.9


def test_nothing_is_learned_from_single_sessions() -> None:
    sessions, covariance = a_log(5, 50, 0.1, 1, 5)
    assert learned(sessions, covariance, 50) is None


def test_sums_do_not_depend_on_the_order() -> None:
    rng = np.random.default_rng(6)
    values, group = rng.integers(-9, 9, (200, 5), dtype=np.int32), rng.integers(0, 40, 200)
    order = rng.permutation(200)
    want = np.zeros((41, 5), np.int64)
    np.add.at(want, group, values)
    assert (summed(values, group, 41) == want).all()
    assert (summed(values[order], group[order], 41) == want).all()


@pytest.mark.parametrize("seed", range(3))
def test_one_queue_is_found_among_many_accounts_of_few_exchanges(seed: int) -> None:
    """Accounts of which little is known fit any author; they must not be drawn into a ring."""
    much, covariance = a_log(seed, 260, 0.06, 8, 2, one_author=60, width=96)
    little, other = a_log(seed + 10, 2000, 0.06, 2, 2, width=96)
    covariance = (covariance * much.count.sum() + other * little.count.sum()) / (
        much.count.sum() + little.count.sum()
    )
    both = Sessions(
        np.concatenate([much.total, little.total]),
        np.concatenate([much.count, little.count]),
        np.concatenate([much.account, little.account + 260]),
    )
    made = learned(both, covariance, 2260)
    assert made is not None
    found = clusters(made, *nearest(made, 0))
    assert found
    codes = made.code[found[0].members]
    assert (codes < 60).sum() >= 55
    assert (codes >= 60).sum() <= 6
    assert len(found) <= 3


def test_among_many_accounts_the_few_of_one_queue_still_find_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(7)
    size, ring = 3_000, 12
    between = np.full(WIDTH, 1.0)
    mean = rng.normal(size=(size, WIDTH)) * np.sqrt(between)
    mean[:ring] = mean[0]
    step = np.full(size, 30)
    made = Accounts(
        np.arange(size, dtype=np.int32),
        (mean + rng.normal(size=mean.shape) / 8).astype(np.float32),
        step,
        between,
    )
    _, score = nearest(made, 0)
    for name, value in {"MOST_COMPARED": 1_000, "SAMPLE": 150, "BUCKET": 100, "FULL": 200}.items():
        monkeypatch.setattr(companions, name, value)
    found, near = nearest(made, 0)
    assert np.mean([len(set(found[at]) & set(range(ring))) for at in range(ring)]) > 9
    assert (near <= score + 1e-3).all()
    assert near[:ring].mean() == pytest.approx(score[:ring].mean(), rel=0.05)
    assert all(len(set(row)) == NEIGHBOURS and at not in row for at, row in enumerate(found.tolist()))
    assert (np.diff(near, axis=1) <= 0).all()
    again = nearest(made, 0)
    assert (again[0] == found).all()
    assert (again[1] == near).all()

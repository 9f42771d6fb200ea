"""Many keys held against one student: all are counted, decoys are beside, accounts have their shares."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark import MarkKey, Verdict, scheme
from headwater.mark.student import Candidate, examine, parts
from mark.student.worlds import VOCABULARY, world

GUMBEL = scheme("headwater-gumbel", {"width": 2})


def keys(count: int) -> list[MarkKey]:
    random = np.random.default_rng(77)
    return [GUMBEL.random_key(random) for _ in range(count)]


def test_the_key_with_a_part_stands_and_all_are_counted() -> None:
    every = keys(20)
    made = world(GUMBEL, leans={every[7]: 0.02})
    found = examine(made, [Candidate(f"k{at}", GUMBEL, key) for at, key in enumerate(every)], served=False)
    assert [each.name for each in found.found] == ["k7"]
    (one,) = found.found
    assert one.log_adjusted == pytest.approx(one.log_p + math.log(20))
    assert one.decoys is not None
    assert one.decoys.agrees
    assert one.decoys.keys >= 100
    assert all(each.decoys is None for each in found.tested if each is not one)
    # So few places say nothing of the others.
    assert {each.verdict for each in found.tested} == {Verdict.MARKED, Verdict.NOT_ENOUGH}
    assert found.verdict is Verdict.MARKED


def test_without_a_part_nothing_stands() -> None:
    found = examine(world(GUMBEL), [Candidate("a", GUMBEL, keys(1)[0])], served=True)
    assert found.verdict is Verdict.NOT_ENOUGH
    assert found.tested[0].log_p >= found.tested[0].log_p_fixed


def test_shares_of_accounts_on_common_texts_are_those_of_their_leans() -> None:
    every = keys(4)
    leans = dict(zip(every, (0.06, 0.03, 0.03, 0.0), strict=True))
    candidates = [Candidate(f"a{at}", GUMBEL, key, f"a{at}") for at, key in enumerate(every)]
    found = examine(world(GUMBEL, count=30, leans=leans), candidates, served=False)
    shares = {each.account: each for each in found.shares}
    assert set(shares) == {"a0", "a1", "a2"}
    for account, share in (("a0", 0.5), ("a1", 0.25), ("a2", 0.25)):
        assert shares[account].share == pytest.approx(share, abs=0.04)
        assert shares[account].low < shares[account].share < shares[account].high


@pytest.mark.parametrize("learned", ["together", "each for itself"])
def test_shares_by_own_texts_hold_however_text_was_learned(learned: str) -> None:
    """Of accounts with such shares and logs as large: leans go as the shares, or are alike."""
    true = np.array([0.5, 0.3, 0.15, 0.05])
    lean = true.copy() if learned == "together" else np.full(4, 0.25)
    share, low, high = parts(lean, np.full(4, 0.001), weight=1000 * true)
    assert (low <= true).all()
    assert (true <= high).all()
    assert (low <= share).all()
    assert (share <= high).all()
    alone, least, most = parts(true, np.full(4, 0.001))
    assert alone == pytest.approx(true)
    assert (most - least < 0.01).all()


def test_an_account_s_key_is_tested_on_its_own_texts() -> None:
    every = keys(3)
    owner = np.repeat([0, 1, 2], 20)
    made = world(
        GUMBEL,
        count=60,
        leans=dict.fromkeys(every[:2], 0.04),
        account=owner,
        accounts=("a0", "a1", "a2"),
        only_own=True,
    )
    found = examine(
        made, [Candidate(f"a{at}", GUMBEL, key, f"a{at}") for at, key in enumerate(every)], served=True
    )
    assert [each.account for each in found.found] == ["a0", "a1"]
    assert all(each.places <= 20 * 110 for each in found.tested)


def test_keys_are_not_believed_where_decoys_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    (key,) = keys(1)
    made = world(GUMBEL, count=8, leans={key: 0.06})
    fair = examine(made, [Candidate("a", GUMBEL, key)], served=False).tested[0]
    assert fair.verdict is Verdict.MARKED
    # A scheme whose function is weaker than its null says: its decoys score high, too.
    from headwater.mark.student.statistic import Coefficients

    monkeypatch.setattr(Coefficients, "log_p", lambda self, totals: np.full(len(totals), -60.0))
    unfair = examine(made, [Candidate("a", GUMBEL, key)], served=False).tested[0]
    assert unfair.verdict is Verdict.NOT_ENOUGH
    assert "keys that nobody uses" in unfair.refused


def test_a_scheme_that_cannot_be_tested_so_is_told_and_still_counted() -> None:
    unigram = scheme("unigram", {"vocab_size": VOCABULARY})
    candidates = [Candidate("a", GUMBEL, keys(1)[0]), Candidate("u", unigram, MarkKey("u", (5,)))]
    found = examine(world(GUMBEL, leans={candidates[0].key: 0.03}), candidates, served=True)
    assert [name for name, _ in found.skipped] == ["u"]
    (one,) = found.tested
    assert one.log_adjusted == pytest.approx(one.log_p + math.log(2))


def test_lists_that_contexts_share_are_not_tested() -> None:
    markllm = scheme("kgw", {"engine": "markllm", "vocab_size": VOCABULARY, "prefix_length": 2})
    found = examine(world(GUMBEL, count=1), [Candidate("m", markllm, MarkKey("m", (7,)))], served=False)
    assert found.tested == ()
    assert "share MarkLLM's lists" in found.skipped[0][1]
    assert found.verdict is Verdict.NOT_ENOUGH


def test_many_accounts_are_tested_at_once() -> None:
    every = keys(3000)
    made = world(GUMBEL, count=8, leans={every[1234]: 0.08})
    candidates = [Candidate(f"a{at}", GUMBEL, key, f"a{at}") for at, key in enumerate(every)]
    found = examine(made, candidates, served=False)
    assert [each.account for each in found.found] == ["a1234"]
    assert len(found.tested) == 3000


def test_what_cannot_be_examined_is_refused() -> None:
    made, one = world(GUMBEL, count=1), Candidate("a", GUMBEL, keys(1)[0])
    with pytest.raises(UsageError, match="no key"):
        examine(made, [], served=False)
    with pytest.raises(UsageError, match="are the same"):
        examine(made, [one, Candidate("b", GUMBEL, one.key)], served=False)
    with pytest.raises(UsageError, match="level"):
        examine(made, [one], served=False, alpha=0.0)

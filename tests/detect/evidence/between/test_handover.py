"""Hand-over: answers and conversations that go on under another customer, at the rate of everybody else or beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import Made, dealt_log, judged
from headwater.detect.evidence.between import handover

SIZE, EACH = 60, 24
N, ACCOUNT = SIZE * EACH, np.repeat(np.arange(SIZE), EACH)
ANSWER = np.random.default_rng(1).integers(1, 2**63, N).astype(np.uint64)


def made(previous: np.ndarray, response: np.ndarray = ANSWER, **more: Any) -> Made:
    """A log in which requests carry these answers (0: none); rows stand by account, then time."""
    columns = {
        "previous": pa.array(previous.astype(np.uint64), mask=previous == 0),
        "response": pa.array(response.astype(np.uint64), mask=response == 0),
    }
    return dealt_log(1, more=columns | more)


def talking() -> np.ndarray:
    """Everybody goes on with their own talks."""
    before = np.roll(ANSWER, 1)
    before[::EACH] = 0
    return before


def moved(who: np.ndarray) -> np.ndarray:
    """The same, but what these accounts go on with was given to the account before them (members in a circle)."""
    before = talking()
    late = (np.arange(N) % EACH >= EACH - 4) & who
    # Their last requests carry what the neighbour was answered first, which is earlier nearly always.
    source = ((ACCOUNT + 1) % 12 if who[:1].any() else ACCOUNT + 1) * EACH + np.arange(N) % EACH - (EACH - 4)
    before[late] = ANSWER[source[late] % N]
    return before


def test_members_that_go_on_where_another_left_off() -> None:
    finding = judged(handover.test, made(moved(ACCOUNT < 12)), range(12))[0]
    assert finding.figures["took_over"] == 12
    assert finding.raw > 3
    assert "12 of its 12 customers" in finding.sentence


def test_own_talks_are_no_hand_over() -> None:
    assert judged(handover.test, made(talking()), range(12)) == {}


def test_where_everybody_hands_over_it_is_no_evidence() -> None:
    before = moved(ACCOUNT < 12)
    others = moved((ACCOUNT >= 12) & (ACCOUNT < SIZE - 1))
    before = np.where(ACCOUNT < 12, before, others)
    assert judged(handover.test, made(before), range(12))[0].raw < 1


def test_an_answer_that_many_were_given_comes_from_nobody() -> None:
    greeting = np.where(np.arange(N) % EACH == 0, np.uint64(99), ANSWER)
    before = np.where(np.arange(N) % EACH == 1, np.uint64(99), 0)
    assert judged(handover.test, made(before, greeting), range(12)) == {}


def test_what_is_carried_before_it_was_answered_was_not_handed_over() -> None:
    before = np.zeros(N, np.uint64)
    first = (np.arange(N) % EACH == 0) & (ACCOUNT < 12)
    before[first] = ANSWER[((ACCOUNT[first] + 1) % 12) * EACH + EACH - 1]
    assert judged(handover.test, made(before), range(12)) == {}


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_conversation_held_by_two_members(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    monkeypatch.setattr(handover, "KEPT", int(N * share))
    talk = [
        f"c{a % 12}-{i % 6}" if a < 12 and i % 2 else f"own {a} {i}" for i, a in enumerate(ACCOUNT.tolist())
    ]
    # Members hold their own talks; two of three of them also one of the next member's.
    for a in range(8):
        talk[a * EACH] = f"c{a + 1}-1"
    finding = judged(handover.test, dealt_log(1, more={"conversation": pa.array(talk)}), range(12))[0]
    assert finding.raw > 2
    assert "hold a conversation" in finding.sentence


def test_names_that_many_use_are_words() -> None:
    talk = pa.array(["default"] * N)
    assert judged(handover.test, dealt_log(1, more={"conversation": talk}), range(12)) == {}
    counted = pa.array([str(i % EACH) for i in range(N)])
    assert judged(handover.test, dealt_log(1, more={"conversation": counted}), range(12)) == {}


def test_no_name_is_nobodys_conversation() -> None:
    """Everybody's empty name would be held by all members, and by few of the customers outside that are looked at."""
    name = pa.array(np.where(np.arange(N) % 3 == 0, "", np.char.add("c", np.arange(N).astype(str))))
    log = dealt_log(1, more={"conversation": name})
    assert judged(handover.test, log, range(12)) == {}


def test_one_customer_hands_nothing_to_itself() -> None:
    log = made(moved(ACCOUNT < 12))
    world = log.world(range(12))
    world.customer[:12] = 0
    from detect.worlds import folded

    assert folded(handover.test, world, [log.batch(world)]) == {}


def test_nulls_and_no_columns_say_nothing() -> None:
    nothing = np.zeros(N, np.uint64)
    assert (
        judged(handover.test, made(nothing, nothing, conversation=pa.nulls(N, pa.string())), range(12)) == {}
    )
    assert judged(handover.test, dealt_log(1), range(12)) == {}
    assert judged(handover.test, made(np.full(N, 2**64 - 1, np.uint64), nothing), range(12)) == {}

"""A log on which every kind of evidence has something to say: twelve accounts of a ring among fifty."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import DAY, HOUR, Made, log
from headwater.detect.fold import World

SIZE, EACH, RING = 50, 60, 12


@cache
def busy() -> tuple[Made, World]:
    """The log, and a world with the ring and twelve others under test."""
    rng = np.random.default_rng(5)
    account = np.repeat(np.arange(SIZE), EACH)
    at_us = rng.integers(0, 14 * DAY, len(account))
    member = account < RING
    at_us = np.where(member & (at_us // DAY == 4), at_us + 5 * DAY, at_us)
    at_us = _driven(at_us, account)
    later = at_us > 8 * DAY + rng.integers(0, HOUR, SIZE)[account]
    topic = rng.normal(size=(SIZE, 128)) * 0.5
    topic[:RING] = topic[0]
    made = log(
        account,
        at_us,
        vector=rng.normal(size=(len(account), 128)) * np.where(account == 1, 0.1, 0.8)[:, None]
        + topic[account],
        form=np.where(member, 5, 0),
        intents=np.where(member, 1, 0),
        model=np.where(member & later, 1, 0),
        ip=[f"10.0.0.{a // 2}" if a < RING else None for a in account.tolist()],
        more=_asked(rng, member, account),
        known=_known(),
    )
    return made, made.world(range(RING), range(20, 32))


def _driven(at_us: np.ndarray, account: np.ndarray) -> np.ndarray:
    """Times of the ring's machines: the first account at even gaps, three more in full minutes of twelve requests."""
    turn = np.arange(len(account)) % EACH
    even = turn * (14 * DAY // EACH)
    full = (
        np.array([1, 6, 9, 11, 12])[turn // 12] * DAY
        + 10 * HOUR
        + account * HOUR // 4
        + turn % 12 * 4_000_000
    )
    return np.where(account == 0, even, np.where((account >= 1) & (account <= 3), full, at_us))


def _asked(rng: np.random.Generator, member: np.ndarray, account: np.ndarray) -> dict[str, pa.Array]:
    """Columns of exchanges: the ring asks for what training needs, others talk."""
    n = len(account)
    turn = np.where(member, 0, np.arange(n) % 3)
    answer = rng.integers(1, 2**62, n).astype(np.uint64)
    before = np.concatenate([[0], answer[:-1]]).astype(np.uint64)

    def text(ours: str, theirs: str) -> pa.Array:
        return pa.array([ours if m else theirs for m in member])

    return {
        "system": pa.array(np.where(member, 77, account + 1000).astype(np.uint64)),
        "response": pa.array(answer),
        "previous": pa.array(before, mask=turn == 0),
        "conversation": pa.array([None if m else f"c{i // 3}" for i, m in enumerate(member)]),
        "turn": pa.array(turn.astype(np.int32)),
        "endpoint": text("completions", "chat"),
        "batch": pa.array(member),
        "status": pa.array(np.where(rng.random(n) < 0.05, 429, 200).astype(np.int16)),
        "finish_reason": pa.array(
            [
                "content_filter" if a == 1 else None if m else "stop"
                for a, m in zip(account, member, strict=True)
            ]
        ),
        "input_tokens": pa.array(np.full(n, 40)),
        "output_tokens": pa.array(np.where(member, 4000, 200)),
        "temperature": pa.array(np.where(member, rng.choice([0.1, 0.5, 1.0], n), 0.7).astype(np.float32)),
        "max_tokens": pa.array(np.where(member, 4096, 512)),
        "n": pa.array(np.where(member, 4, 1).astype(np.int32)),
        "seed": pa.array(np.full(n, 7), mask=~member),
        "logprobs": pa.array(member),
        "logit_bias": pa.array(member),
        "cancelled": pa.array(~member & (rng.random(n) < 0.2)),
        "tools": pa.array(np.where(member, 3, 0).astype(np.int32)),
        "response_format": pa.array(["json_schema" if m else None for m in member]),
        "user_agent": text("openai-python/1.40", "Mozilla/5.0"),
        "tls": text("t13d1516h2_go", "t13d1516h2_firefox"),
        "ja4h": text("po11nn_go", "ge20nr_firefox"),
        "http2": text("1:65536;4:4194304", "1:65536;4:131072"),
        "header_order": text("host,accept", "host,user-agent,accept"),
    }


def _known() -> dict[str, list[Any]]:
    """The table of accounts: the ring signed up in one burst, by one means."""
    from datetime import UTC, datetime, timedelta

    base = datetime(1970, 1, 1, tzinfo=UTC)
    return {
        "payment": [f"card {a // 3}" if a < RING else None for a in range(SIZE)],
        "created_at": [
            base + timedelta(minutes=a) if a < RING else base - timedelta(days=30 * a) for a in range(SIZE)
        ],
        "email_domain": ["mailinator.com" if a < RING else "gmail.com" for a in range(SIZE)],
        "name_pattern": ["aaaaa0000" if a < RING else f"{'a' * (a % 7 + 3)}.aaa" for a in range(SIZE)],
        "programme": ["education" if a < RING else None for a in range(SIZE)],
    }

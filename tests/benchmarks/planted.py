"""Logs made by hand for the baselines: accounts with texts of their own, and whatever structure a test plants."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from baselines import Log

from headwater.imprint import imprint
from headwater.keys import DEMO_KEY

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
START_US = 1_770_000_000_000_000
WORDS = [
    f"{a}{b}{c}" for a in ("ba", "co", "di", "fu", "ge", "hi", "ko") for b in "lmnrst" for c in ("a", "en", "ot")
]  # fmt: skip

#: One exchange: account, microseconds from the start, prompt.
Exchange = tuple[str, int, str]


def sentence(rng: np.random.Generator, length: int = 12, topic: int | None = None) -> str:
    """Words at random, or mostly of one topic: every person has words that they like."""
    words = rng.choice(WORDS, length)
    if topic is not None:
        liked = np.random.default_rng(topic).choice(WORDS, 12)
        words = np.where(rng.random(length) < 0.7, rng.choice(liked, length), words)
    return " ".join(words)


def people(accounts: int, exchanges: int, seed: int = 0, days: int = 20) -> list[Exchange]:
    """Accounts that each have a topic, send at times of their own, and share nothing."""
    rng = np.random.default_rng(seed)
    return [
        (f"person-{i}", int(at), sentence(rng, int(rng.integers(6, 20)), topic=1000 + i))
        for i in range(accounts)
        for at in rng.integers(0, days * DAY_US, exchanges)
    ]


def log(exchanges: list[Exchange]) -> Log:
    """The exchanges as a log, with the imprints that Headwater would make of them."""
    accounts, at, prompts = zip(*exchanges, strict=True)
    times = pa.array([START_US + t for t in at], pa.int64()).cast(pa.timestamp("us", "UTC"))
    return Log.of(pa.table({"account": accounts, "at": times, "imprint": imprint(prompts, DEMO_KEY)}))


def of(found: Log, prefix: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which accounts have names that begin so."""
    return np.array([name.startswith(prefix) for name in found.names])

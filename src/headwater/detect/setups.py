"""How a client is set up (system prompt, parameters, endpoint): whose requests pass through an account.

A person's or a product's client asks in one way. An account through which many customers' requests pass asks in many.
What is harvested through such accounts still comes from one client, or a few, while honest customers' requests come
from as many as they are. So setups tell a relay from a ring, and inside a relay one customer's requests from the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.coded import by_row, dictionary
from headwater.detect.ordering import by_code

COLUMNS = (
    "system",
    "temperature",
    "max_tokens",
    "endpoint",
    "stream",
    "response_format",
    "tools",
    "n",
    "logprobs",
)
#: What `end_users` leaves behind for the ledger: the rings through whose accounts many clients' requests pass.
RELAYS = "relays"
#: Others' requests pass through a group whose median account has so many setups (effective number, inverse Simpson) and
#: which has so many beside its commonest: one hand that comes in by several ways uses the same few everywhere.
MANY, BESIDE = 3.0, 8.0
#: Exchanges below which an account shows too few setups to tell.
LEAST = 5
#: A setup is the harvest's where so much of what it sends is attributed, in so many exchanges.
MOSTLY, SEEN = 0.5, 20
_MIX = np.uint64(0x9E3779B97F4A7C15)


def setups(columns: Iterable[pa.Array[Any]], rows: int) -> npt.NDArray[np.uint64]:
    """A hash of each row's setup (n), from those of COLUMNS that the log has; one that it lacks is the same for all."""
    out = np.zeros(rows, np.uint64)
    for column in columns:
        out = (out ^ _values(column)) * _MIX
        out ^= out >> np.uint64(29)
    return out


def _values(column: pa.Array[Any]) -> npt.NDArray[np.uint64]:
    coded = dictionary(column)
    words = [hashlib.blake2b(str(v).encode(), digest_size=8).digest() for v in coded.dictionary.to_pylist()]
    return by_row(np.frombuffer(b"".join(words), np.uint64), coded, 0)


def effective(values: npt.NDArray[Any]) -> float:
    """Effective number of different values (inverse Simpson); 0 of none."""
    if not len(values):
        return 0.0
    _, count = np.unique(values, return_counts=True)
    return float(len(values) ** 2 / np.square(count, dtype=np.float64).sum())


def an_account(account: npt.NDArray[np.int32], setup: npt.NDArray[np.uint64]) -> float:
    """The median effective number of setups of accounts with LEAST exchanges or more; 0 where there is none."""
    if not len(account):
        return 0.0
    order = by_code(account, setup)
    account, setup = account[order], setup[order]
    change = account[1:] != account[:-1]
    starts = np.flatnonzero(np.concatenate([[True], change | (setup[1:] != setup[:-1])]))
    times = np.diff(np.append(starts, len(account))).astype(np.float64)
    first = np.flatnonzero(np.concatenate([[True], np.diff(account[starts]) != 0]))
    sent, squares = np.add.reduceat(times, first), np.add.reduceat(times**2, first)
    enough = sent >= LEAST
    return float(np.median(sent[enough] ** 2 / squares[enough])) if enough.any() else 0.0


def relayed(account: npt.NDArray[np.int32], setup: npt.NDArray[np.uint64]) -> float:
    """Setups of the median account of a group, from its rows, where others' requests pass through it; or else 0."""
    each = an_account(account, setup)
    if each < MANY:
        return 0.0
    values, place, times = np.unique(setup, return_inverse=True, return_counts=True)
    rest = values[place] != values[times.argmax()]
    return each if effective(setup[rest]) >= BESIDE else 0.0


def of_one_client(setup: npt.NDArray[np.uint64], attributed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows (n) of a relay that come from the setups which send mostly what is attributed: the harvest's clients.

    As given where there is no such setup.
    """
    _, place, times = np.unique(setup, return_inverse=True, return_counts=True)
    hits = np.bincount(place, attributed, len(times))
    its = (times >= SEEN) & (hits >= MOSTLY * times)
    return its[place] if its.any() else attributed

"""The one input of all baselines: a log of imprints as NumPy columns, and what they say of each account.

What a method sees is here and nowhere else, so that all see the same. Which accounts belong to a ring is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.engine import Spool

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Vectors = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

#: What a log may leave out: a code of no value, a number of tokens that nobody counted.
NONE = -1
#: Exchanges of one account that enter the covariance, at most; as in `headwater.detect.population`, so is the ridge.
A_ACCOUNT = 20
RIDGE = 0.3
#: Parts of an imprint that are one hash, 0 where a text has none.
HASHES = ("exact", "skeleton", "opening", "closing")


@dataclass(frozen=True)
class Log:
    """Exchanges in the order of the log; every array has one entry an exchange (n), accounts are codes into `names`.

    `sketches` is n × 128 int8, `minimisers` n × 8 uint64 (ascending, 2⁶⁴ − 1 for none), the four hashes are 0 for none.
    `model`, `endpoint` and `ip` are codes, `tokens` counts request and answer; each -1 where the log holds nothing.
    """

    names: tuple[str, ...]
    account: Ints
    at_us: Ints
    sketches: npt.NDArray[np.int8]
    minimisers: Hashes
    exact: Hashes
    skeleton: Hashes
    opening: Hashes
    closing: Hashes
    model: Ints
    endpoint: Ints
    ip: Ints
    tokens: Ints

    @classmethod
    def read(cls, spool: Spool) -> Log:
        """All exchanges of a spool that have an imprint."""
        wanted = ["account", "at", "model", "endpoint", "ip", "input_tokens", "output_tokens", "imprint"]
        names = [name for name in wanted if name in spool.schema.names]
        return cls.of(pa.Table.from_batches(list(spool.batches(names))))

    @classmethod
    def of(cls, table: pa.Table) -> Log:
        """A table with `account`, `at` and `imprint`, and whatever else of `Log` it has."""
        table = table.filter(pc.is_valid(table.column("imprint")))
        imprint: Any = table.column("imprint").combine_chunks()
        exact, skeleton, opening, closing = (
            np.asarray(imprint.field(part).to_numpy(zero_copy_only=False), np.uint64) for part in HASHES
        )
        names, account = _coded(table, "account")
        return cls(
            names=tuple(names),
            account=account,
            at_us=table.column("at").cast(pa.int64()).to_numpy(),
            sketches=_lists(imprint.field("sketch")),
            minimisers=_lists(imprint.field("minimisers")),
            exact=exact,
            skeleton=skeleton,
            opening=opening,
            closing=closing,
            **{name: _coded(table, name)[1] for name in ("model", "endpoint", "ip")},
            tokens=_tokens(table),
        )

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return len(self.names)

    @cached_property
    def volume(self) -> Ints:
        """Exchanges of each account (accounts)."""
        return np.bincount(self.account, minlength=self.accounts)

    @cached_property
    def order(self) -> Ints:
        """Row numbers by account, then time, then place in the log (n)."""
        return np.asarray(np.lexsort((self.at_us, self.account)), np.int64)

    @cached_property
    def bounds(self) -> Ints:
        """Account i has `order[bounds[i] : bounds[i + 1]]` (accounts + 1)."""
        return np.asarray(np.r_[0, np.cumsum(self.volume)], np.int64)

    def rows_of(self, account: int, most: int | None = None) -> Ints:
        """Rows of an account in time, the first `most` of them."""
        start, end = self.bounds[account : account + 2].tolist()
        return self.order[start : end if most is None else min(end, start + most)]

    @cached_property
    def content(self) -> Vectors:
        """Whitened sketches of unit length (n × 128), zero where nothing is left: as Headwater compares contents.

        Mean and covariance are the log's own, with at most `A_ACCOUNT` exchanges of each account.
        """
        rank = np.empty(len(self.account), np.int64)
        rank[self.order] = np.arange(len(self.order)) - np.repeat(self.bounds[:-1], self.volume)
        return whitened(self.sketches, self.sketches[rank < A_ACCOUNT])


def whitened(sketches: npt.NDArray[np.int8], learned_from: npt.NDArray[np.int8]) -> Vectors:
    """Sketches (n × 128 int8) less the mean, times the ridged inverse root of the covariance, at unit length."""
    sample = learned_from.astype(np.float64)
    mean = sample.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(sample.T, bias=True))
    values = np.maximum(values, 0)
    root = vectors / np.sqrt(values + RIDGE * max(float(values.mean()), 1e-9))
    out = (sketches.astype(np.float32) - mean.astype(np.float32)) @ (root @ vectors.T).astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", out, out))
    length[length == 0] = 1
    out /= length[:, None]
    return np.asarray(out, np.float32)


@dataclass(frozen=True)
class Scored:
    """What a method says: a score for each account (higher is more suspicious), and what holds its groups together.

    `links` (m × 2 account codes) with `strength` (m), on the scale of the scores; none for methods that judge accounts
    one by one.
    """

    scores: Floats
    links: Ints
    strength: Floats

    @classmethod
    def alone(cls, scores: npt.NDArray[Any]) -> Scored:
        """Scores of single accounts, without groups."""
        return cls(scores.astype(np.float64), np.zeros((0, 2), np.int64), np.zeros(0))

    def groups(self, threshold: float, fewest: int = 2) -> list[Ints]:
        """Accounts that links stronger than `threshold` hold together, largest group first."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        strong = self.links[self.strength > threshold]
        size = len(self.scores)
        graph = coo_array((np.ones(len(strong), np.int8), (strong[:, 0], strong[:, 1])), (size, size))
        _, label = connected_components(graph, directed=False)
        order = np.argsort(label, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
        return sorted((p for p in parts if len(p) >= fewest), key=lambda p: (-len(p), int(p[0])))


#: A baseline: what it says about a log.
Method = Callable[[Log], Scored]


def lowest(scores: npt.NDArray[Any], innocent: Bools, allowed: int) -> float:
    """The lowest threshold above which at most `allowed` innocents score; minus infinity if all of them may."""
    ranked = np.sort(scores[innocent])[::-1]
    return float(ranked[allowed]) if allowed < len(ranked) else -np.inf


def thresholded(scores: npt.NDArray[Any], innocent: Bools, allowed: int) -> Bools:
    """Accounts strictly above the lowest threshold that flags at most `allowed` innocents.

    The threshold is set on the truth of the very world that is scored: better than anyone could do in earnest.
    """
    return np.asarray(scores > lowest(scores, innocent, allowed))


def objects(log: Log, parts: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows and the object that each names, as a code from 0: for each part (`opening`, `ip`, …) the rows that have one.

    `minimisers` are eight objects a row. Objects of different parts are different objects.
    """
    rows: list[Ints] = []
    codes: list[Ints] = []
    count = 0
    for part in parts:
        values = getattr(log, part)
        wide = values.reshape(len(log.account), -1)
        absent = NONE if values.dtype == np.int64 else (2**64 - 1 if part == "minimisers" else 0)
        row, column = np.nonzero(wide != absent)
        _, code = np.unique(wide[row, column], return_inverse=True)
        rows.append(row)
        codes.append(code.astype(np.int64) + count)
        count += int(code.max(initial=-1)) + 1
    return np.concatenate(rows), np.concatenate(codes)


def shared(account: Ints, code: Ints, fewest: int = 2) -> tuple[Ints, Ints, Ints]:
    """Distinct pairs of account and object of `fewest` accounts or more: account, object (from 0), objects' sizes."""
    key = np.unique(code * (int(account.max(initial=0)) + 1) + account)
    code, account = np.divmod(key, int(account.max(initial=0)) + 1)
    size = np.bincount(code)
    keep = size[code] >= fewest
    kept, code = np.unique(code[keep], return_inverse=True)
    return account[keep], code.astype(np.int64), size[kept]


def _coded(table: pa.Table, name: str) -> tuple[list[str], Ints]:
    if name not in table.schema.names:
        return [], np.full(table.num_rows, NONE, np.int64)
    coded: Any = table.column(name).combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.fill_null(NONE).to_numpy().astype(np.int64)


def _lists(column: Any) -> Any:
    return column.flatten().to_numpy().reshape(len(column), -1)


def _tokens(table: pa.Table) -> Ints:
    total = np.full(table.num_rows, NONE, np.int64)
    for name in ("input_tokens", "output_tokens"):
        if name in table.schema.names:
            counted = table.column(name).cast(pa.float64()).to_numpy()
            counted = np.where(np.isnan(counted), NONE, counted).astype(np.int64)
            total = np.where(counted < 0, total, np.maximum(total, 0) + counted)
    return total

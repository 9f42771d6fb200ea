"""What a piece of evidence is: a fold over exchanges, a card that says how far to trust it.

Every kind of evidence is one file in `evidence/` that exposes objects of the three protocols below, found through
the entry-point group `headwater.evidence`. A `Proposer` sees the first half of every account's sessions and
answers with links; a `Test` is handed the proposed rings, judges them on the second half (or on something that
proposing didn't look at) and answers with one `Finding` a ring; a `Trait` gives every account a value, which `traits`
turns into evidence about accounts and about rings. All are folds (init, update, merge, finish), so
that one definition serves a file, a stream and a cluster. Sums are kept in integers, or in an order that the rows'
content fixes, so that neither the order of rows nor the number of threads can change a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.coded import dictionary
from headwater.detect.setups import COLUMNS as SETUP
from headwater.detect.setups import setups

Group = Literal[
    "content",
    "dispatch",
    "time",
    "purse",
    "infrastructure",
    "intent",
    "behaviour",
    "declaration",
    "account",
    "client",
    "continuity",
    "outside",
    "customer",
    "together",
]
#: The versions that `Card.atlas` and `Card.aisvs` refer to.
ATLAS_VERSION = "MITRE ATLAS 5.6.0"
AISVS_VERSION = "OWASP AISVS 1.01-dev (94fbad5)"

Made = TypeVar("Made")

PROPOSE, CONFIRM = 0, 1
NO_KEY = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class Card:
    """What a user must know before believing a detector.

    `needs` are exchange columns (`account.payment` for an account column); evidence whose need is missing is
    ruled out and the report says so. `null` is the law under which an innocent group is judged. `false_positive`
    states the measured rate with corpus and interval, or that it was not measured. `cap_nats` bounds its weight.
    """

    name: str
    title: str
    group: Group
    sees: str
    null: str
    false_positive: str
    innocent_causes: tuple[str, ...]
    evasion_cost: str
    cap_nats: float
    cap_against_nats: float = 3.0
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    source: str = ""
    #: Ids of techniques in ATLAS_VERSION, and of requirements in AISVS_VERSION, that it bears on.
    atlas: tuple[str, ...] = ()
    aisvs: tuple[str, ...] = ()
    #: A trait of content speaks of single accounts only: groups are found by content, and by it show what found them.
    alone: bool = False


@dataclass(frozen=True)
class Batch:
    """Some rows of the log, duplicates left out, as parallel arrays of length n.

    `account` int32 code, `at_us` int64, `session` int32, `half` uint8, `model` int32 (−1: none), `row` int64,
    `ring` int32 (−1: none; proposers always see −1). `has`, `arrow` and `column` give the columns that evidence asked
    for.
    """

    row: npt.NDArray[np.int64]
    account: npt.NDArray[np.int32]
    at_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    half: npt.NDArray[np.uint8]
    model: npt.NDArray[np.int32]
    ring: npt.NDArray[np.int32]
    #: what was read, and which of its rows these are (None: all)
    source: pa.RecordBatch
    chosen: npt.NDArray[np.int64] | None = None
    #: uint64: the object by which a row is attributed to its account's own ring (NO_KEY: it isn't); None before rings
    key: npt.NDArray[np.uint64] | None = None
    #: rows that a ring without templates has in common by their content; None before rings
    ours: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.account)

    @property
    def filled(self) -> npt.NDArray[np.bool_]:
        """Rows that fill a template of their own account's ring."""
        return np.zeros(len(self), bool) if self.key is None else self.key != NO_KEY

    @property
    def attributed(self) -> npt.NDArray[np.bool_]:
        """Rows that are their own account's ring's, by a template or (in a ring that has none) by content."""
        return self.filled if self.ours is None else self.filled | self.ours

    @cached_property
    def members(self) -> Batch:
        """The rows of accounts under test, filtered once for all folds that want them."""
        return self.where(self.ring >= 0)

    @cached_property
    def setup(self) -> npt.NDArray[np.uint64]:
        """How the client of each row was set up (uint64), hashed once for all folds."""
        return setups([self.coded(name) for name in SETUP if self.has(name)], len(self))

    def has(self, name: str) -> bool:
        """Whether the log has this column."""
        return name in self.source.schema.names

    def arrow(self, name: str) -> pa.Array[Any]:
        """A column as Arrow array of length n."""
        return self.once(("arrow", name), lambda: self._values(name))

    def coded(self, name: str) -> Any:
        """A column as dictionary array of length n: each text once, and which of them each row has."""
        return self.once(("coded", name), lambda: dictionary(self._taken(name)))

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of this batch, made once for all folds that ask for `what`."""
        if what not in self._made:
            self._made[what] = make()
        return cast(Made, self._made[what])

    def _values(self, name: str) -> Any:
        column = self._taken(name)
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    def _taken(self, name: str) -> Any:
        column: Any = self.source.column(name)
        chosen = self.chosen
        return column if chosen is None else self.once(("taken", name), lambda: column.take(pa.array(chosen)))

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column as NumPy, `imprint.exact` and the like from the struct; lists as 2-D arrays."""
        return self.once(("column", name), lambda: self._numbers(name))

    def _numbers(self, name: str) -> npt.NDArray[Any]:
        if not name.startswith("imprint."):
            return np.asarray(self.arrow(name).to_numpy(zero_copy_only=False))
        part = cast(pa.StructArray, self.source.column("imprint")).field(name.removeprefix("imprint."))
        if pa.types.is_fixed_size_list(part.type):
            flat = cast("pa.FixedSizeListArray[Any, Any]", part).flatten()
            values = flat.to_numpy(zero_copy_only=False).reshape(-1, part.type.list_size)
        else:
            values = part.to_numpy(zero_copy_only=False)
        return np.asarray(values if self.chosen is None else values.take(self.chosen, axis=0))

    def where(self, keep: npt.NDArray[np.bool_]) -> Batch:
        """The rows where `keep` is true."""
        at = np.flatnonzero(keep)
        return Batch(
            self.row[at],
            self.account[at],
            self.at_us[at],
            self.session[at],
            self.half[at],
            self.model[at],
            self.ring[at],
            self.source,
            at if self.chosen is None else self.chosen[at],
            None if self.key is None else self.key[at],
            None if self.ours is None else self.ours[at],
        )


@dataclass(frozen=True)
class Ring:
    """A group of accounts under test: `members` (int32 codes, ascending) and what proposed it."""

    members: npt.NDArray[np.int32]
    proposed_by: tuple[str, ...]
    strength: float


@dataclass(frozen=True)
class World:
    """What every fold may know of the log as a whole.

    Sizes are by account code. `volume` counts exchanges of each account (int64), `half_volume` (accounts × 2) by
    half. `tenant` is an int32 code of the organisation (−1: unknown). `accounts_table` has one row an account in
    code order (ACCOUNT_SCHEMA without `account`; null where nothing is known).
    """

    accounts: tuple[str, ...]
    organisations: tuple[str | None, ...]
    tenant: npt.NDArray[np.int32]
    #: int32 code of the customer: accounts of one organisation are one, any other account is its own
    customer: npt.NDArray[np.int32]
    volume: npt.NDArray[np.int64]
    half_volume: npt.NDArray[np.int64]
    models: tuple[str, ...]
    span_us: tuple[int, int]
    accounts_table: pa.Table
    columns: frozenset[str]
    seed: int
    #: activity of everybody in bins of `bin_us` from span_us[0]
    activity: npt.NDArray[np.int64]
    bin_us: int
    #: the rings under test (empty while links are proposed)
    rings: tuple[Ring, ...] = ()
    #: what earlier folds learned for later ones, by name
    context: dict[str, Any] = field(default_factory=dict)
    #: threads that one fold may use
    workers: int = 1

    @property
    def size(self) -> int:
        """Number of accounts."""
        return len(self.accounts)

    def customers(self, accounts: npt.NDArray[np.integer[Any]]) -> int:
        """How many customers stand behind some accounts (codes)."""
        return len(np.unique(self.customer[accounts]))


@dataclass(frozen=True)
class Links:
    """Ties between accounts: parallel arrays `a` < `b` (int32 codes) and `weight` (nats), from one evidence.

    A clique of many accounts is given as a sparse, well-mixing graph of the same accounts.
    """

    evidence: str
    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]

    @classmethod
    def none(cls, evidence: str) -> Links:
        """No ties."""
        return cls(evidence, np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float64))


@dataclass(frozen=True)
class Finding:
    """One evidence about one ring: `raw` log-likelihood ratio in nats before cap, a sentence, the figures."""

    raw: float
    sentence: str
    p_value: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What a trait says of each account.

    `value` (accounts, float64): greater is more telling, NaN where there is too little to say. An account of at least
    `notable` shows the trait. `phrase` goes on after "N of M accounts …", in the plural ("never carry an answer back").
    """

    value: npt.NDArray[np.float64]
    notable: float
    phrase: str


@runtime_checkable
class Fold(Protocol):
    """The shape shared by all kinds of evidence: a card, the stage, the spool's columns that it reads."""

    @property
    def card(self) -> Card: ...
    @property
    def stage(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...

    def init(self, world: World) -> Any:
        """An empty state."""

    def update(self, state: Any, batch: Batch) -> Any:
        """The state after some more rows, in any order."""

    def merge(self, left: Any, right: Any) -> Any:
        """The state of both parts of the rows."""


class NoRows:
    """What evidence shares that needs no exchange: what it reads was counted before, or stands in a table."""

    columns: tuple[str, ...] = ()

    @property
    def glance(self) -> Any:
        """What a first look at every proposed group takes of it (`first_look`): the whole, where that is cheap."""
        return self

    def init(self, world: World) -> None:
        """Nothing to keep."""

    def update(self, state: None, batch: Batch) -> None:
        """Nothing to add."""

    def merge(self, left: None, right: None) -> None:
        """Nothing to merge."""


@runtime_checkable
class Proposer(Fold, Protocol):
    """Evidence that proposes links from the first half (`stage = "propose"`)."""

    def finish(self, state: Any, world: World) -> Links:
        """The links found."""


@runtime_checkable
class Test(Fold, Protocol):
    """Evidence that judges proposed rings (`stage = "confirm"`)."""

    def finish(self, state: Any, world: World) -> Mapping[int, Finding]:
        """A finding for each of `world.rings` (by its index) about which there is something to say."""


@runtime_checkable
class Trait(Fold, Protocol):
    """Evidence about single accounts (`stage = "trait"`), from all rows: nothing is proposed by it."""

    def finish(self, state: Any, world: World) -> Reading:
        """The value of every account."""


def usable(evidence: Iterable[Fold], columns: frozenset[str]) -> tuple[Fold, ...]:
    """Those whose needs the log fills."""
    return tuple(e for e in evidence if not missing(e.card, columns))


def missing(card: Card, columns: frozenset[str]) -> tuple[str, ...]:
    """The columns without which this evidence is ruled out (empty: it can be used)."""
    lost = tuple(name for name in card.needs if name not in columns)
    if card.any_of and not columns.intersection(card.any_of):
        lost += (" or ".join(card.any_of),)
    return lost

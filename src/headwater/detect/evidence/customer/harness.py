"""A public harness: every member runs through the same list, and so do customers outside.

Evaluators, courses and tests send the same items, each of them all. A dispatcher deals a list out and asks nothing
twice. So exact prompts in common excuse only where members repeat each other *and* customers outside send them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.objects import LEAST_WORDS, Counts
from headwater.detect.spans import spans

#: Rows that are looked at, in expectation: a hash of the text decides which.
KEPT = 500_000
#: Texts, members and customers outside that a list takes at least.
LEAST, LEAST_MEMBERS, OUTSIDE = 20, 5, 2
#: A customer outside runs the same list if it sends this share of it.
SAME_LIST = 0.1
#: From this share of texts in common on it counts, and in full from the second.
FROM, FULL = 0.5, 0.9
MOST = 2.0

CARD = Card(
    name="harness",
    title="A public list of items",
    group="customer",
    sees="groups whose members each send the same exact prompts, which customers outside send too",
    null="not applicable: by the share of texts that members repeat after each other and that customers outside send",
    false_positive="not applicable: it speaks for the customer. How many rings it would excuse isn't measured yet",
    innocent_causes=(),
    evasion_cost="harvest nothing but lists that strangers run as well, and send every item from two accounts: the "
    "harvest costs twice as much and yields what is public",
    cap_nats=0.0,
    cap_against_nats=MOST,
    atlas=("AML.T0024.002",),
)


@dataclass
class _Sent:
    share: float
    counts: Counts


class Harness:
    """Compares exact prompts inside each ring with those outside."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Sent:
        """Nothing sent."""
        return _Sent(min(1.0, KEPT / max(int(world.volume.sum()), 1)), Counts())

    def update(self, state: _Sent, batch: Batch) -> _Sent:
        """Count long texts by account, thinned by the text itself."""
        exact = batch.column("imprint.exact")
        keep = batch.column("imprint.words") >= LEAST_WORDS
        if state.share < 1:
            keep = keep & (exact.astype(np.float64) < state.share * 2.0**64)
        rows = np.flatnonzero(keep)
        state.counts.add(exact[rows], batch.account[rows])
        return state

    def merge(self, left: _Sent, right: _Sent) -> _Sent:
        """Texts of both."""
        left.counts.absorb(right.counts)
        return left

    def finish(self, state: _Sent, world: World) -> Mapping[int, Finding]:
        """A finding for each ring whose list is everybody's."""
        state.counts.compact()
        if not len(state.counts.objects):
            return {}
        text = np.cumsum(np.concatenate([[0], state.counts.objects[1:] != state.counts.objects[:-1]]))
        size = int(world.customer.max()) + 1
        pairs = np.unique(text * size + world.customer[state.counts.accounts])
        sent = _Pairs.of(*np.divmod(pairs.astype(np.int64), size), size)
        out = {}
        for at, ring in enumerate(world.rings):
            finding = _finding(sent, ring, world)
            if finding is not None:
                out[at] = finding
        return out


@dataclass(frozen=True)
class _Pairs:
    """Who sent which text, each once: `customer` in order of text, `text` in order of customer, with their bounds."""

    customer: npt.NDArray[np.int64]
    by_text: npt.NDArray[np.int64]
    text: npt.NDArray[np.int64]
    by_customer: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: npt.NDArray[np.int64], customer: npt.NDArray[np.int64], size: int) -> _Pairs:
        """From pairs that are sorted by text."""
        order = np.argsort(customer, kind="stable")
        bounds = (
            np.searchsorted(text, np.arange(text[-1] + 2)),
            np.searchsorted(customer[order], np.arange(size + 1)),
        )
        return cls(customer, bounds[0], text[order], bounds[1])


def _finding(sent: _Pairs, ring: Ring, world: World) -> Finding | None:
    members = np.unique(world.customer[ring.members])
    texts, uses = np.unique(
        sent.text[spans(sent.by_customer[members], sent.by_customer[members + 1])], return_counts=True
    )
    if len(members) < LEAST_MEMBERS or len(texts) < LEAST:
        return None
    begin, end = sent.by_text[texts], sent.by_text[texts + 1]
    rows, place = spans(begin, end), np.repeat(np.arange(len(texts)), end - begin)
    outer = ~np.isin(sent.customer[rows], members)
    customer, place = sent.customer[rows][outer], place[outer]
    # One text in common with many others is a coincidence; a customer that runs the list sends much of it.
    others, times = np.unique(customer, return_counts=True)
    runs = others[times >= SAME_LIST * len(texts)]
    outside = np.bincount(place[np.isin(customer, runs)], minlength=len(texts))
    in_common = float((outside >= OUTSIDE).mean())
    repeated = float((uses >= 2).mean())
    raw = -MOST * float(np.clip((min(in_common, repeated) - FROM) / (FULL - FROM), 0.0, 1.0))
    if raw == 0:
        return None
    sentence = (
        f"{repeated:.0%} of its exact prompts were sent by several of its customers and {in_common:.0%} by customers "
        f"outside, of whom {len(runs):,} run much of the same list: no list was dealt out."
    )
    figures = {
        "in_common": in_common,
        "repeated": repeated,
        "outside": float(len(runs)),
        "texts": float(len(texts)),
    }
    return Finding(raw, sentence, None, figures)


test = Harness()

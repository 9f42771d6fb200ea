"""The stage that grants: the body goes on with what is granted, and what was used is settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from headwater.control import Admitted, Control, Denied
from headwater.control.budget import Refill, Reservation
from headwater.exchange import write_request
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Does
from headwater.gateway.stage import (
    PASS,
    Cut,
    Exchange,
    Forward,
    OnBytes,
    OnRequest,
    Outcome,
    Passing,
    Refuse,
    Shape,
    Wait,
)
from headwater.gateway.stages.leases import Leases, steady_us, tokens_of
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.refusing import problem_of, refuse
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

#: Slices are asked for when so many of the tokens paid for are left.
_MARGIN: Final = 32
_WAITS_UNTIL: Final = "waits until"
_NAP_S: Final = 1.0
_LOST: Final = Problem(Kind.UNAVAILABLE, "The request was ended: its place was needed.", retry_after_s=5)


class Grant(Passing):
    """Asks `Control` about each request, and does what it says."""

    def __init__(
        self,
        control: Control,
        leases: Leases,
        still: Callable[[Exchange], Denied | None],
        lines: RateLines,
        marking: Marking | None = None,
    ) -> None:
        """`still`: why a request that runs is served no longer; see `recheck`. `marking`: as of `Reading`."""
        self._control, self._leases = control, leases
        self._still, self._lines, self._marking = still, lines, marking
        self._running: dict[Reservation, Exchange] = {}
        leases.lapsed = self._lapsed

    def on_start(self) -> None:
        """Looks after the budgets."""
        self._leases.start()

    def counted(self) -> Mapping[str, int]:
        """Tokens that were settled, and how the store of budgets does."""
        return {**tokens_of(self._control), **self._leases.counted()}

    async def on_stop(self) -> None:
        """Gives back what was leased."""
        await self._leases.stop()

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Grants, refuses, or waits for a lease."""
        passage: Passage = exchange.kept[PASSAGE]
        if passage.admitted is not None:
            left = exchange.kept.get(_WAITS_UNTIL, 0.0) - time.monotonic()
            if left > 0:  # as long as a step says, which may be longer than a stage is waited for
                return Wait(asyncio.sleep(min(left, _NAP_S)))
            return self._forward(exchange, passage, passage.admitted)
        assert passage.wish is not None  # `Reading` was asked before
        found = self._control.decide(
            passage.principal, passage.source, passage.wish, exchange.began_us, steady_us()
        )
        if isinstance(found, Refill):
            return Wait(self._leases.send(found.asks))
        if isinstance(found, Denied):
            return self._lines.refuse(found, exchange, passage.principal)
        passage.admitted = found
        if found.reservation is not None:
            self._running[found.reservation] = exchange
        if self._leases.budgets.hungry:
            self._leases.hungry()
        if found.terms.delay_ms:
            exchange.kept[_WAITS_UNTIL] = time.monotonic() + found.terms.delay_ms / 1000
            return self.on_request(exchange)
        return self._forward(exchange, passage, found)

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        """Rate headers; and whether something of the answer will be left out."""
        passage: Passage = exchange.kept[PASSAGE]
        admitted, answer = passage.admitted, passage.answer
        if admitted is None:
            return None
        reframe = answer is not None and (answer.changes or passage.drafts is not None)
        return self._lines.shape(exchange.route, admitted, head, reframe=reframe)

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        """Follows the answer; a stream that is paid slice by slice goes on while the next one is granted."""
        passage: Passage = exchange.kept[PASSAGE]
        answer, admitted = passage.answer, passage.admitted
        if answer is None or admitted is None:
            return None
        if passage.drafts is not None:
            if passage.drafts.waits:
                return passage.drafts.feed(b"")
            passed = answer.feed(data)
            return passage.drafts.feed(data if passed is None else passed)
        if not admitted.terms.slice_tokens or not answer.streams:
            return answer.feed(data)
        if not passage.fed:
            passage.held, passage.fed = answer.feed(data), True
        paid = admitted.terms.slice_tokens
        while answer.written + _MARGIN > passage.paid + paid:  # what isn't paid isn't passed on
            more = self._control.extend(admitted, time.time_ns() // 1000, steady_us())
            if isinstance(more, Refill):
                return Wait(self._leases.send(more.asks))
            if isinstance(more, Denied):
                return Cut(problem_of(more))
            passage.paid += more
        passage.fed = False
        return passage.held

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """Settles what was used in truth; what wasn't comes back."""
        passage: Passage | None = exchange.kept.get(PASSAGE)
        if passage is None or passage.admitted is None or passage.admitted.reservation is None:
            return
        self._running.pop(passage.admitted.reservation, None)
        if passage.used is not None:  # else nobody could read it, and what was reserved counts
            self._control.settle(passage.admitted, passage.used, steady_us())

    def _forward(self, exchange: Exchange, passage: Passage, admitted: Admitted) -> Forward | Refuse:
        asked, terms = passage.asked, admitted.terms
        if asked is None:
            return PASS
        if self._marking is not None:
            if exchange.route.does is Does.GENERATES and (
                problem := self._marking.refusal(asked.endpoint, passage.principal, admitted.restrictions)
            ):
                return Refuse(problem)
            self._marking.put(asked, passage.principal, admitted.restrictions, exchange.id)
        held_to = terms.max_tokens if asked.endpoint != "embeddings" else None
        return Forward(body=write_request(asked, max_tokens=held_to, drop=terms.drop))

    def recheck(self) -> None:
        """Something has changed: ends what runs for accounts that are served no longer."""
        for exchange in [*self._running.values()]:
            denied = self._still(exchange)
            if denied is not None:
                passage: Passage = exchange.kept[PASSAGE]
                exchange.cut(refuse(denied, passage.principal.account).problem)

    def _lapsed(self, lost: Iterable[Reservation]) -> None:
        for reservation in lost:
            exchange = self._running.get(reservation)
            if exchange is not None:
                exchange.cut(_LOST)

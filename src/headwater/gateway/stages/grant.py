"""The second stage: what is granted. The body goes on with it, the answer is followed, and what was used is settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec.structs import replace

from headwater.control import (
    NOTHING_USED,
    Admitted,
    Control,
    ControlSettings,
    Denied,
    Used,
    Wish,
)
from headwater.control.budget import Refill, Reservation
from headwater.exchange import ENDPOINTS, UnreadableRequestError, read_request, write_request
from headwater.exchange.answer import Answering
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Does, Route
from headwater.gateway.stage import (
    PASS,
    Cut,
    Ended,
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
from headwater.gateway.stages.drafting import Drafting
from headwater.gateway.stages.leases import Leases, steady_us, tokens_of
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.refusing import problem_of, refuse
from headwater.gateway.stages.wishing import ASKED, wish_of
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

#: Slices are asked for when so many of the tokens paid for are left.
_MARGIN: Final = 32
_WAITS_UNTIL: Final = "waits until"
_NAP_S: Final = 1.0
_LOST: Final = Problem(Kind.UNAVAILABLE, "The request was ended: its place was needed.", retry_after_s=5)
#: Where a stored response is read: what was hidden when it was made stays hidden.
_STORED: Final = frozenset(
    ("/v1/responses/{id}", "/v1/responses/{id}/cancel", "/v1/responses/{id}/input_items")
)
#: It was asked for an answer that isn't packed.
_SEALED: Final = Problem(Kind.UPSTREAM, "The model server sent an answer that can't be read.")


class Grant(Passing):
    """Asks `Control` about each request, and does what it says."""

    def __init__(
        self,
        control: Control,
        settings: ControlSettings,
        leases: Leases,
        still: Callable[[Exchange], Denied | None],
        lines: RateLines,
        marking: Marking | None = None,
        drafting: Drafting | None = None,
    ) -> None:
        """`still`: why a request that runs is served no longer; see `recheck`.

        `marking`: where the upstream marks answers; `drafting`: where one of several drafts is passed on.
        """
        self._control, self._settings, self._leases = control, settings, leases
        self._still, self._lines, self._marking, self._drafting = still, lines, marking, drafting
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

    def wants_body(self, route: Route) -> bool:
        """Bodies that say what is asked for."""
        return route.has_body and route.path in ENDPOINTS

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Grants, refuses, or waits for a lease."""
        passage: Passage = exchange.kept[PASSAGE]
        if passage.admitted is not None:
            left = exchange.kept.get(_WAITS_UNTIL, 0.0) - time.monotonic()
            if left > 0:  # as long as a step says, which may be longer than a stage is waited for
                return Wait(asyncio.sleep(min(left, _NAP_S)))
            return self._forward(exchange, passage, passage.admitted)
        try:
            wish = self._wish(exchange, passage)
        except UnreadableRequestError as error:
            return Refuse(Problem(Kind.INVALID, f"{error.what}.", param=error.where.field))
        found = self._control.decide(passage.principal, passage.source, wish, exchange.began_us, steady_us())
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
        asked, admitted = passage.asked, passage.admitted
        if admitted is None:
            return None
        hide = "raw_reasoning" in admitted.terms.drop
        if asked is None and not (hide and exchange.route.path in _STORED):
            return self._lines.shape(exchange.route, admitted, head, reframe=False)
        answer = Answering(
            head,
            "responses" if asked is None else asked.endpoint,
            hide_usage=asked is not None and asked.stream and not asked.tells_usage,
            hide_reasoning=hide,
            length=head.length,
        )
        passage.answer = answer
        if answer.sealed:
            exchange.cut(_SEALED)
            return None
        if self._drafting is not None and passage.drafted:
            passage.drafts = self._drafting.answer(head, -1 if answer.changes else head.length)
        reframe = answer.changes or passage.drafts is not None
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
        """What was used in truth; what wasn't comes back."""
        passage: Passage | None = exchange.kept.get(PASSAGE)
        if passage is None or passage.admitted is None:
            return
        admitted = passage.admitted
        used = self._used(passage, admitted, outcome)
        passage.input_tokens, passage.output_tokens = used.input_tokens, used.output_tokens
        if admitted.reservation is not None:
            self._running.pop(admitted.reservation, None)
            self._control.settle(admitted, used, steady_us())

    def _wish(self, exchange: Exchange, passage: Passage) -> Wish:
        route = exchange.route
        if exchange.body and passage.asked is None and route.does in ASKED:
            passage.asked = read_request(exchange.body, ENDPOINTS[route.path])
            if self._marking is not None:
                self._marking.clean(passage.asked)
            if self._drafting is not None:
                passage.drafted = self._drafting.ask(passage.asked)
        wish = wish_of(route, passage.asked, self._settings)
        if passage.carried:
            wish = replace(wish, input_tokens=wish.input_tokens + passage.carried)
        if passage.asked is None and route.path in _STORED:  # a stored response may be asked for with more
            wish = replace(wish, logprobs=b"logprobs" in unquote_to_bytes(exchange.head.query))
        return wish

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

    def _used(self, passage: Passage, admitted: Admitted, outcome: Outcome) -> Used:
        """As the model's server counted it; else what was reserved for the input, and what was seen of the output."""
        asked, answer = passage.asked, passage.answer
        if not outcome.sent or asked is None:
            return NOTHING_USED
        if answer is not None and not answer.ok:
            return Used()
        told = answer.usage if answer is not None else None
        written = answer.written if answer is not None else 0
        whole = outcome.ended is Ended.COMPLETE
        if told is not None and whole and not asked.background:
            return Used(input_tokens=told[0], output_tokens=told[1])
        inputs = self._settings.input_tokens(asked.text_bytes, asked.images) + passage.carried
        if told is not None and asked.endpoint == "messages":  # its stream tells the input at the beginning
            inputs, written = told[0] or inputs, max(told[1], written)
        longest = admitted.terms.max_tokens or asked.output_tokens or written
        if asked.background:  # it goes on, whoever reads it
            written = max(longest, written)
        elif not whole and (answer is None or not answer.streams):
            # Nobody has seen how much was written: as much as time allowed for, of what was granted.
            lasted_s = max(0, outcome.ended_us - outcome.began_us) / 1_000_000
            written = (
                min(longest, max(written, int(lasted_s * self._settings.tokens_per_second))) * asked.answers
            )
        return Used(input_tokens=inputs, output_tokens=written)

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

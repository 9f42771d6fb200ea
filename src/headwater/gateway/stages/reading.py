"""The stage before `Grant`: reads what is asked for, and then the answer, for what was used in truth.

It stands apart so that, of requests that come together, all are read before the first is granted.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec.structs import replace

from headwater.control import NOTHING_USED, Admitted, ControlSettings, Used, Wish
from headwater.exchange import ENDPOINTS, UnreadableRequestError, read_request
from headwater.exchange.answer import Answering
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Route
from headwater.gateway.stage import PASS, Ended, Exchange, OnRequest, Outcome, Passing, Refuse
from headwater.gateway.stages.drafting import Drafting
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.wishing import ASKED, wish_of
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

#: Where a stored response is read: what was hidden when it was made stays hidden.
_STORED: Final = frozenset(
    ("/v1/responses/{id}", "/v1/responses/{id}/cancel", "/v1/responses/{id}/input_items")
)
#: It was asked for an answer that isn't packed.
_SEALED: Final = Problem(Kind.UPSTREAM, "The model server sent an answer that can't be read.")


class Reading(Passing):
    """Reads requests and answers."""

    def __init__(
        self, settings: ControlSettings, marking: Marking | None = None, drafting: Drafting | None = None
    ) -> None:
        """`marking`: where the upstream marks answers; `drafting`: where one of several drafts is passed on."""
        self._settings, self._marking, self._drafting = settings, marking, drafting

    def wants_body(self, route: Route) -> bool:
        """Bodies that say what is asked for."""
        return route.has_body and route.path in ENDPOINTS

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Says what is wished, or refuses what can't be read."""
        passage: Passage = exchange.kept[PASSAGE]
        if passage.admitted is not None:  # a batch, which was granted before
            return PASS
        try:
            passage.wish = self._wish(exchange, passage)
        except UnreadableRequestError as error:
            return Refuse(Problem(Kind.INVALID, f"{error.what}.", param=error.where.field))
        return PASS

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> None:
        """Follows the answer, if it is one to what was asked for here."""
        passage: Passage = exchange.kept[PASSAGE]
        asked, admitted = passage.asked, passage.admitted
        if admitted is None:
            return
        hide = "raw_reasoning" in admitted.terms.drop
        if asked is None and not (hide and exchange.route.path in _STORED):
            return
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
        elif self._drafting is not None and passage.drafted:
            passage.drafts = self._drafting.answer(head, -1 if answer.changes else head.length)

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """Says what was used in truth."""
        passage: Passage | None = exchange.kept.get(PASSAGE)
        if passage is not None and passage.admitted is not None:
            passage.used = self._used(passage, passage.admitted, outcome)

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

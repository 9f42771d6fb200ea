"""The second stage: objects upstream are their account's alone. Files, batches and responses of others aren't there.

Who made one owns it. A list holds what the account owns, whatever page of the model server's it stands on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import msgspec

from headwater.control import Control, Denied, Used, Wish
from headwater.control.budget import Refill
from headwater.exchange import ENDPOINTS
from headwater.exchange.answer import encoded
from headwater.exchange.journal import Outcome as Ending
from headwater.gateway.routes import Does, Route, dialect_of
from headwater.gateway.stage import (
    PASS,
    Answer,
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
from headwater.gateway.stages.fetching import FetchFailed, Fetching
from headwater.gateway.stages.following import (
    MADE,
    NAMES,
    Body,
    Following,
    Told,
    has_ended,
    in_message,
    in_response,
)
from headwater.gateway.stages.journalling import Journalling
from headwater.gateway.stages.leases import Leases, steady_us
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.stages.lists import LISTS, Lists, NoSuchObjectError, changes, page_of
from headwater.gateway.stages.naming import named_in
from headwater.gateway.stages.owners import Owned, Owners
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.results import Results
from headwater.gateway.stages.returns import Returns, used_by
from headwater.gateway.stages.wishing import scope_of
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead
from headwater.gateway.wire.writer import field

__all__ = ["Objects", "named_in"]

_ABOUT: Final = ("/v1/files", "/v1/batches", "/v1/responses", "/v1/messages/batches")
_RESPONSES: Final = "/v1/responses"
_MESSAGES: Final = "/v1/messages"
#: Where an object is told of as JSON → what it is.
_TOLD: Final = {
    "/v1/files": "file",
    "/v1/batches": "batch",
    "/v1/batches/{id}": "batch",
    "/v1/batches/{id}/cancel": "batch",
    "/v1/messages/batches": "message_batch",
    "/v1/messages/batches/{id}": "message_batch",
    "/v1/messages/batches/{id}/cancel": "message_batch",
}
_RESULTS: Final = {
    "/v1/files/{id}/content": "results",
    "/v1/messages/batches/{id}/results": "message_batch",
}
#: Tools that keep something in a container.
_KEEPS: Final = b"code_execution"
_BACKGROUND: Final = "background"
_RECORDED: Final = "recorded"
_STATE: Final = "objects"
_OWNED: Final = "owned"
_JSON: Final = field(b"Content-Type", b"application/json")
#: Part of a line can't be read.
_WHOLE: Final = Forward(drop=frozenset((b"range", b"if-range")))
_PASSED_ON: Final = (b"anthropic-version", b"anthropic-beta", b"openai-beta")
#: A list counts as one request more for so many objects that it may hold, up to a bound.
_LISTED_AS_ONE, _LISTED_MOST = 20, 100
_TRIES: Final = 4
_TRY_S: Final = 0.05
_CROWDED_S: Final = 0.02
_MOST_KEPT: Final = 4 << 20
_NONE: Final = Problem(Kind.NOT_FOUND, "There is no such object.", "object_not_found")
_SLOW: Final = Problem(Kind.UPSTREAM, "The model server can't list its objects.")
_UNRECORDED: Final = Problem(Kind.UNAVAILABLE, "Requests can't be recorded at the moment.", retry_after_s=5)
_SEALED: Final = Problem(Kind.UPSTREAM, "The model server sent an answer that can't be read.")


class _State:
    """What is being looked up or followed for one request."""

    __slots__ = ("body", "ended", "following", "found", "kept", "out", "results", "settled", "whole")

    def __init__(self) -> None:
        self.found: Any = None
        self.results: Results | None = None
        self.following: Following | None = None
        #: Of an answer that was made in the background: recorded when it is read.
        self.kept: list[bytes] | None = None
        self.ended = False
        self.body: Body | None = None
        #: Whether the body is withheld until it is whole, as it will be told otherwise; and what is told.
        self.out: bytes | None = None
        self.whole = self.settled = False


class Objects(Passing):
    """Keeps accounts apart on a model server that knows only one client."""

    def __init__(
        self,
        control: Control,
        owners: Owners,
        fetching: Fetching,
        journalling: Journalling | None,
        lines: RateLines,
        leases: Leases,
    ) -> None:
        """`journalling` is told how lines of batches ended."""
        self._control, self._owners = control, owners
        self._fetching, self._journalling = fetching, journalling
        self._lists, self._lines, self._leases = Lists(owners, fetching), lines, leases
        self._returns = Returns(control, owners, leases)
        self._reading: set[asyncio.Task[None]] = set()

    def concerns(self, route: Route, verb: str) -> bool:
        """Routes of objects; of others only what a body may name, and what an answer may."""
        if verb == "on_request":
            return _is_about(route) or route.has_body
        return _is_about(route) or route.path == _MESSAGES

    def wants_body(self, route: Route) -> bool:
        """Bodies that may name objects."""
        return route.has_body and route.path in ENDPOINTS

    async def on_stop(self) -> None:
        """Writes what waits."""
        for task in [*self._reading]:
            task.cancel()
        self._fetching.stop()
        await self._owners.stop()

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Passes requests about the account's own objects; lists are answered here."""
        route = exchange.route
        if route.path in LISTS and exchange.head.method in (b"GET", b"HEAD"):
            return self._listed(exchange)
        names = _about(exchange)
        if not names:
            return PASS
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            known = [self._owners.known(name) for name in names]
            if all(one is not None for one in known):
                return self._mine(exchange, [one for one in known if one is not None])
            state = exchange.kept[_STATE] = _State()
            return Wait(asyncio.ensure_future(self._look(state, names, route)))
        return self._mine(exchange, state.found)

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        """A response that tells of objects is followed, and one with the results of a batch."""
        if head.status // 100 != 2:
            return None
        route, path = exchange.route, exchange.route.path
        owned = _owned(exchange)
        if route.method == "DELETE" and owned is not None:
            self._owners.gone(_segment(exchange))
            return None
        state = _State()
        shape = None
        if path in _RESULTS and owned is not None and owned.kind == _RESULTS[path]:
            shape = self._results(exchange, state, owned, head)
        elif path in _TOLD and (route.method == "POST" or owned is not None):
            state.body = Body(head.length)
            if _reshown(exchange):
                state.out = b""
                shape = Shape(reframe=True)
        elif not self._follows(exchange, state, owned, head):
            return None
        exchange.kept[_STATE] = state
        return shape

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        """Whose a new object is, is on the disk before its maker hears of it."""
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            return None
        if state.results is not None:
            return self._result(state.results, data)
        if state.following is not None:
            if state.kept is not None and sum(map(len, state.kept)) <= _MOST_KEPT:
                state.kept.append(data)
            for told in state.following.feed(data):
                self._follow(exchange, told)
            return None
        if state.body is None or state.settled:
            return None
        if not state.whole:
            if not state.body.feed(data):
                return state.out  # nothing, or as it came
            state.whole = True
            if state.body.said is not None:
                return Wait(asyncio.ensure_future(self._told(exchange, state, state.body.said)))
        state.settled = True
        if state.out is None:
            return None
        return state.out or state.body.raw

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """What was read to its end is recorded once."""
        state: _State | None = exchange.kept.get(_STATE)
        owned = _owned(exchange)
        if state is None or owned is None:
            return
        name, whole = _segment(exchange), outcome.ended is Ended.COMPLETE
        results = state.results
        if results is not None and whole and owned.note != _RECORDED:
            self._owners.change(name, owned._replace(note=_RECORDED))
            # A file of errors alone says nothing of what the others used.
            if results.told and (results.answered or owned.kind == "message_batch"):
                used = Used(input_tokens=results.input_tokens, output_tokens=results.output_tokens)
                self._beside(self._returns.give(_passage(exchange), owned.batch, used))
        if not state.kept or self._journalling is None:
            return
        if whole and state.ended:
            self._answered(name, owned, b"".join(state.kept), outcome.ended_us)
        elif not whole:  # its reader has left, and may have read all that matters
            self._beside(self._read_whole(name, owned, outcome.ended_us))

    def _beside(self, what: Coroutine[Any, Any, None]) -> None:
        """Do something that no client waits for."""
        task = asyncio.ensure_future(what)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read_whole(self, name: str, owned: Owned, at_us: int) -> None:
        """Read an answer that was made in the background for the journal."""
        with suppress(FetchFailed, msgspec.MsgspecError):
            raw = await self._fetching.get(f"{_RESPONSES}/{quote(name, safe='')}", Dialect.OPENAI)
            if has_ended(msgspec.json.decode(raw, type=dict[str, Any])):
                self._answered(name, owned, raw, at_us)

    def _answered(self, name: str, owned: Owned, body: bytes, at_us: int) -> None:
        current = self._owners.known(name) or owned
        if self._journalling is None or current.note != _BACKGROUND:
            return
        kept = body if len(body) <= _MOST_KEPT else None
        self._journalling.append(Ending(owned.batch, at_us, status=200, body=kept))
        self._owners.change(name, current._replace(note=""))

    # Whose an object is.

    async def _look(self, state: _State, names: list[str], route: Route) -> None:
        """A response is used at once, and another worker may have heard of it: its file is looked at again."""
        for attempt in range(_TRIES):
            found = await self._owners.all_of(names)
            if all(found) or not route.path.startswith(_RESPONSES):
                break
            await asyncio.sleep(_TRY_S * attempt)
        state.found = [one for one in found if one is not None] if all(found) else None

    def _mine(self, exchange: Exchange, owned: list[Owned] | None) -> OnRequest:
        passage = _passage(exchange)
        account = passage.principal.account
        if owned is None or any(one.account != account or one.kind == "ours" for one in owned):
            return Refuse(_NONE)
        passage.carried = sum(one.tokens for one in owned)
        if "{id}" not in exchange.route.path:
            return PASS
        exchange.kept[_OWNED] = owned[0]
        return _WHOLE if exchange.route.path in _RESULTS else PASS

    # Lists.

    def _listed(self, exchange: Exchange) -> OnRequest:
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            passage, wish = (
                _passage(exchange),
                Wish(scope=scope_of(exchange.route), counts=False, free=_weight(exchange)),
            )
            found = self._control.decide(
                passage.principal, passage.source, wish, exchange.began_us, steady_us()
            )
            if isinstance(found, Denied):
                return self._lines.refuse(found, exchange, passage.principal)
            if isinstance(found, Refill):
                return Wait(self._leases.send(found.asks))
            state = exchange.kept[_STATE] = _State()
            return Wait(asyncio.ensure_future(self._list(exchange, state)))
        if isinstance(state.found, Problem):
            return Refuse(state.found)
        return Answer(200, (_JSON,), encoded(state.found))

    async def _list(self, exchange: Exchange, state: _State) -> None:
        dialect = dialect_of(exchange.route, exchange.head)
        asked = page_of(exchange.route.path, exchange.head.query, dialect)
        headers = {
            name.decode(): value.decode("latin-1")
            for name in _PASSED_ON
            if (value := exchange.head.get(name)) is not None
        }
        account = _passage(exchange).principal.account
        try:
            state.found = await self._lists.page(account, asked, dialect, headers, _now_us())
        except NoSuchObjectError:
            state.found = _NONE
        except FetchFailed:
            state.found = _SLOW

    # Results of batches.

    def _results(self, exchange: Exchange, state: _State, owned: Owned, head: ResponseHead) -> Shape | None:
        admitted = _passage(exchange).admitted
        hide = admitted is not None and "raw_reasoning" in admitted.terms.drop
        if hide and (head.get(b"content-encoding") or b"identity").lower() != b"identity":
            exchange.cut(_SEALED)
            return None
        batch = "" if owned.note == _RECORDED else owned.batch
        endpoint = "messages" if owned.kind == "message_batch" else "chat"
        state.results = Results(batch, hide=hide, length=head.length, endpoint=endpoint)
        return Shape(reframe=True) if hide else None

    def _result(self, results: Results, data: bytes) -> OnBytes:
        journalling = self._journalling
        if journalling is not None and journalling.journal.crowded:
            return Wait(asyncio.ensure_future(asyncio.sleep(_CROWDED_S)))
        out = results.feed(data, _now_us())
        if journalling is not None:
            for ending in results.outcomes:
                journalling.append(ending)
        results.outcomes.clear()
        return out

    # Objects that a response tells of.

    def _follows(self, exchange: Exchange, state: _State, owned: Owned | None, head: ResponseHead) -> bool:
        """Whether what passes is one of OpenAI's responses, or a message that may tell of a container."""
        path = exchange.route.path
        streams = (head.get(b"content-type") or b"").lower().startswith(b"text/event-stream")
        if path == _MESSAGES:
            if _KEEPS in exchange.body:
                state.following = Following(in_message, MADE, streams=streams)
            return state.following is not None
        if path not in (_RESPONSES, "/v1/responses/{id}", "/v1/responses/{id}/cancel"):
            return False

        def found(said: dict[str, Any]) -> list[Told]:
            whole = said.get("response")
            state.ended = state.ended or has_ended(whole if isinstance(whole, dict) else said)
            return in_response(said)

        state.following = Following(found, NAMES, streams=streams)
        if owned is not None and owned.note == _BACKGROUND:
            state.kept = []
        return True

    def _follow(self, exchange: Exchange, told: Told) -> None:
        """Remember whose a response is, or an item; many are made, so nothing waits for the disk."""
        passage = _passage(exchange)
        known = self._owners.known(told.name)
        if known is None:
            asked, note, tokens = passage.asked, "", told.tokens
            if told.kind == "response" and asked is not None and asked.background:
                note = _BACKGROUND
                tokens = tokens or asked.text_bytes + (asked.output_tokens or 0)
            name = exchange.id if told.kind == "response" else ""
            owned = Owned(passage.principal.account, told.kind, name, note, tokens)
            self._owners.own(told.name, owned, _now_us())
        elif told.tokens and known.tokens != told.tokens and known.account == passage.principal.account:
            self._owners.change(told.name, known._replace(tokens=told.tokens))

    async def _told(self, exchange: Exchange, state: _State, said: dict[str, Any]) -> None:
        """An object is told of as JSON: a new one has an owner from now on."""
        passage, path = _passage(exchange), exchange.route.path
        name, owned, now_us = said.get("id"), _owned(exchange), _now_us()
        if not isinstance(name, str) or state.body is None:
            return
        if owned is None:
            batch = passage.batch
            if batch is not None and not await batch.record():
                exchange.cut(_UNRECORDED)  # its maker never hears of it, and it is nobody's
                with suppress(FetchFailed):
                    await self._fetching.post(f"{path}/{quote(name, safe='')}/cancel", exchange.route.dialect)
                return
            owned = Owned(passage.principal.account, _TOLD[path])
            if batch is not None:
                owned = owned._replace(batch=batch.name, note=batch.file)
                self._owners.charge(batch.name, batch.charge, now_us)
            await self._owners.own(name, owned, now_us)
        elif owned.kind == "batch" and (used := used_by(said)) is not None:
            self._beside(self._returns.give(passage, owned.batch, used))
        shown = self._lists.seen(name, owned, said, state.body.raw, now_us)
        if state.out is not None and shown is not said:
            state.out = encoded(shown)


def _is_about(route: Route) -> bool:
    """Whether a route makes, lists, shows or changes objects."""
    return route.path.startswith(_ABOUT)


def _owned(exchange: Exchange) -> Owned | None:
    """The object that a request's path names, which is the account's own."""
    found: Owned | None = exchange.kept.get(_OWNED)
    return found


def _reshown(exchange: Exchange) -> bool:
    """Whether an object will be shown otherwise than the server does."""
    owned, batch = _owned(exchange), _passage(exchange).batch
    if owned is not None:
        return changes(owned)
    return batch is not None and (_TOLD[exchange.route.path] == "message_batch" or bool(batch.file))


def _weight(exchange: Exchange) -> int:
    """For how many requests a list stands: the server is asked for each of its objects."""
    asked = page_of(exchange.route.path, exchange.head.query, dialect_of(exchange.route, exchange.head))
    return 1 + min(asked.limit, _LISTED_MOST) // _LISTED_AS_ONE


def _passage(exchange: Exchange) -> Passage:
    passage: Passage = exchange.kept[PASSAGE]
    return passage


def _about(exchange: Exchange) -> list[str]:
    """Names of the objects that a request is about: in its path, or in its body. Batches look at theirs themselves."""
    route = exchange.route
    if "{id}" in route.path:
        return [_segment(exchange)] if _is_about(route) else []
    return [] if route.does is Does.BATCHES or not exchange.body else named_in(exchange.body, route.path)


def _segment(exchange: Exchange) -> str:
    """The segment of the path that names an object."""
    at = exchange.route.path.split("/").index("{id}")
    return exchange.head.path.split(b"/")[at].decode("ascii", "replace")


def _now_us() -> int:
    return time.time_ns() // 1000

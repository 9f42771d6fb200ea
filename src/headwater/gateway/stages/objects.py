"""The second stage: objects upstream are their account's alone. Files, batches and responses of others aren't there.

Who made one owns it. A list holds what the account owns, whatever page of the model server's it stands on.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from headwater.exchange.journal import Outcome as Ending
from headwater.gateway.routes import Route
from headwater.gateway.stage import (
    PASS,
    Answer,
    Ended,
    Exchange,
    OnBytes,
    OnRequest,
    Outcome,
    Passing,
    Refuse,
    Shape,
    Wait,
)
from headwater.gateway.stages.fetching import FetchFailed, Fetching
from headwater.gateway.stages.owners import Owned, Owners
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.results import Results
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead
from headwater.gateway.wire.writer import field

#: Beginning of a path → what its objects are called.
_KINDS: Final = {"files": "file", "batches": "batch", "responses": "response", "messages": "batch"}
_LISTS: Final = frozenset(("/v1/files", "/v1/batches", "/v1/messages/batches"))
_MAKES: Final = frozenset(("/v1/files", "/v1/batches", "/v1/messages/batches", "/v1/responses"))
_NAMES: Final = frozenset(("file_id", "input_file_id", "previous_response_id"))
_FIRST_ID: Final = re.compile(rb'"id"\s*:\s*"([^"\\]{1,256})"')
_STATE: Final = "objects"
_JSON: Final = field(b"Content-Type", b"application/json")
#: Objects of one list that are looked through at most, and how many the client may ask for at once.
_MOST_LOOKED: Final = 20_000
_PAGE: Final = 100
_MOST_ASKED: Final = 1_000
_MOST_HELD: Final = 1 << 20
_NONE: Final = Problem(Kind.NOT_FOUND, "There is no such object.", "object_not_found")
_SLOW: Final = Problem(Kind.UPSTREAM, "The model server can't list its objects.")


class _State:
    """What is being looked up or followed for one request."""

    __slots__ = ("found", "held", "makes", "marked", "results")

    def __init__(self) -> None:
        self.found: Any = None
        self.held: list[bytes] = []
        self.makes = self.marked = False
        self.results: Results | None = None


class Objects(Passing):
    """Keeps accounts apart on a model server that knows only one client."""

    def __init__(
        self, owners: Owners, fetching: Fetching, record: Callable[[Ending], object] | None = None
    ) -> None:
        """`record` is told how lines of batches ended."""
        self._owners, self._fetching, self._record = owners, fetching, record

    def concerns(self, route: Route, verb: str) -> bool:
        """Routes of objects; of others only what a body may name."""
        return _is_about(route) or (verb == "on_request" and route.has_body)

    async def on_stop(self) -> None:
        """Writes what waits."""
        self._fetching.stop()
        await self._owners.stop()

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Passes requests about the account's own objects; lists are answered here."""
        route = exchange.route
        if exchange.head.method in (b"GET", b"HEAD") and route.path in _LISTS:
            return self._listed(exchange)
        names = _about(exchange)
        if not names:
            return PASS
        account = _passage(exchange).principal.account
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            known = [self._owners.known(name) for name in names]
            if all(one is not None for one in known):
                return self._mine(exchange, account, [one for one in known if one is not None])
            state = exchange.kept[_STATE] = _State()
            return Wait(asyncio.ensure_future(self._look(state, names)))
        return self._mine(exchange, account, state.found)

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        """A response that tells of a new object is followed, and one with the results of a batch."""
        if head.status // 100 != 2:
            return None
        state: _State = exchange.kept.setdefault(_STATE, _State())
        state.makes = _tells(exchange)
        batch = _batch_of(exchange)
        if batch is None:
            return None
        admitted = _passage(exchange).admitted
        hide = admitted is not None and "raw_reasoning" in admitted.terms.drop
        state.results = Results(
            batch, "messages" if "/messages/" in exchange.route.path else "chat", hide=hide
        )
        return Shape(reframe=True) if hide else None

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        """Whose a new object is, is on the disk before its maker hears of it."""
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            return None
        if state.results is not None:
            return state.results.feed(data)
        if not state.makes or state.marked:
            return None
        state.held.append(data)
        said = b"".join(state.held)
        found = _made(exchange.route, said)
        if found is None:
            if len(said) > _MOST_HELD:
                state.marked = True
            return None
        state.marked, state.held = True, []
        return self._owned(exchange, found)

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """How the lines of a batch ended is recorded once its results were read to the end."""
        state: _State | None = exchange.kept.get(_STATE)
        if (
            state is None
            or state.results is None
            or outcome.ended is not Ended.COMPLETE
            or self._record is None
        ):
            return
        for ending in state.results.outcomes(outcome.ended_us):
            self._record(ending)

    def _owned(self, exchange: Exchange, found: list[tuple[str, str]]) -> OnBytes:
        passage = _passage(exchange)
        now_us = time.time_ns() // 1000
        waited: Any = None
        for name, kind in found:
            batch = passage.batch.name if passage.batch is not None and kind == "batch" else ""
            if kind == "results":
                owner = self._owners.known(_segment(exchange))
                batch = owner.batch if owner is not None else ""
            waited = self._owners.own(name, Owned(passage.principal.account, kind, batch), now_us)
        stored = exchange.route.path == "/v1/responses"  # many, and known here at once
        return None if waited is None or stored else Wait(waited)

    async def _look(self, state: _State, names: list[str]) -> None:
        found = [await self._owners.of(name) for name in names]
        state.found = [one for one in found if one is not None] if all(found) else None

    def _mine(self, exchange: Exchange, account: str, owned: list[Owned] | None) -> OnRequest:
        if owned is None or any(one.account != account for one in owned):
            return Refuse(_NONE)
        exchange.kept["owned"] = owned
        return PASS

    def _listed(self, exchange: Exchange) -> OnRequest:
        state: _State | None = exchange.kept.get(_STATE)
        if state is None:
            state = exchange.kept[_STATE] = _State()
            return Wait(asyncio.ensure_future(self._list(exchange, state)))
        if state.found is None:
            return Refuse(_SLOW)
        return Answer(200, (_JSON,), msgspec.json.encode(state.found))

    async def _list(self, exchange: Exchange, state: _State) -> None:
        """Look through the server's list until a page of the account's own is full."""
        passage, asked = _passage(exchange), _query(exchange.head.query)
        anthropic = exchange.route.path == "/v1/messages/batches" or (
            exchange.route.shared and exchange.head.get(b"anthropic-version") is not None
        )
        dialect = Dialect.ANTHROPIC if anthropic else Dialect.OPENAI
        cursor_name = "after_id" if anthropic else "after"
        limit = _limit(asked.get("limit"))
        mine: list[Any] = []
        cursor, looked, more = asked.get(cursor_name), 0, True
        try:
            while more and len(mine) <= limit and looked < _MOST_LOOKED:
                after = f"&{cursor_name}={cursor}" if cursor else ""
                purpose = f"&purpose={asked['purpose']}" if "purpose" in asked else ""
                path = f"{exchange.route.path}?limit={_PAGE}{after}{purpose}"
                page = msgspec.json.decode(await self._fetching.get(path, dialect))
                items = page.get("data") or []
                looked += len(items)
                for item in items:
                    owner = await self._owners.of(str(item.get("id")))
                    if owner is not None and owner.account == passage.principal.account:
                        mine.append(item)
                more = bool(page.get("has_more")) and bool(items)
                cursor = str(items[-1].get("id")) if items else None
        except (FetchFailed, msgspec.MsgspecError, AttributeError):
            return
        shown = mine[:limit]
        state.found = {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": len(mine) > limit,
        }
        if anthropic:
            del state.found["object"]


def _is_about(route: Route) -> bool:
    """Whether a route makes, lists, shows or changes objects."""
    return route.path in _MAKES or ("{id}" in route.path and route.path.split("/")[2] in _KINDS)


def owned_of(exchange: Exchange) -> list[Owned]:
    """The objects that a request is about, which are the account's own."""
    held: list[Owned] = exchange.kept.get("owned", [])
    return held


def _passage(exchange: Exchange) -> Passage:
    passage: Passage = exchange.kept[PASSAGE]
    return passage


def _about(exchange: Exchange) -> list[str]:
    """Names of the objects that a request is about: in its path, or in its body."""
    if "{id}" in exchange.route.path and exchange.route.path.split("/")[2] in _KINDS:
        return [_segment(exchange)]
    return named_in(exchange.body)


def named_in(body: bytes) -> list[str]:
    """Names of the objects that a body names."""
    # An escape of a plain letter may hide a name: such a body is read, too.
    if b"file_id" in body or b"previous_response_id" in body or b"\\u00" in body:
        try:
            return list(dict.fromkeys(_named(msgspec.json.decode(body))))
        except (msgspec.MsgspecError, RecursionError):
            return []
    return []


def _named(value: Any) -> Iterator[str]:
    """Objects that a body names, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _NAMES and isinstance(inner, str):
                yield inner
            elif isinstance(inner, (dict, list)):
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (dict, list)):
                yield from _named(inner)


def _segment(exchange: Exchange) -> str:
    """The segment of the path that names an object."""
    at = exchange.route.path.split("/").index("{id}")
    return exchange.head.path.split(b"/")[at].decode("ascii", "replace")


def _batch_of(exchange: Exchange) -> str | None:
    """Our name of the batch whose results are asked for."""
    path = exchange.route.path
    if path not in ("/v1/files/{id}/content", "/v1/messages/batches/{id}/results"):
        return None
    owned = owned_of(exchange)
    wanted = "results" if path.startswith("/v1/files") else "batch"
    return owned[0].batch or None if owned and owned[0].kind == wanted else None


def _tells(exchange: Exchange) -> bool:
    """Whether a response tells of objects that nobody owns yet."""
    route = exchange.route
    return (route.method == "POST" and route.path in _MAKES) or route.path == "/v1/batches/{id}"


def _made(route: Route, said: bytes) -> list[tuple[str, str]] | None:
    """The objects that a response tells of, with their kinds; None where it isn't whole yet."""
    if route.path == "/v1/responses":
        first = _FIRST_ID.search(said)
        return None if first is None else [(first[1].decode(), "response")]
    try:
        held = msgspec.json.decode(said)
    except msgspec.MsgspecError:
        return None
    if not isinstance(held, dict):
        return []
    if route.path == "/v1/batches/{id}":
        names: Iterable[Any] = (held.get("output_file_id"), held.get("error_file_id"))
        return [(name, "results") for name in names if isinstance(name, str)]
    kind = _KINDS[route.path.split("/")[2]]
    return [(held["id"], kind)] if isinstance(held.get("id"), str) else []


def _query(query: bytes) -> dict[str, str]:
    from urllib.parse import parse_qsl, quote

    return {name: quote(value, safe="") for name, value in parse_qsl(query.decode("ascii", "replace"))}


def _limit(text: str | None) -> int:
    return min(_MOST_ASKED, max(1, int(text))) if text and text.isdigit() else 20

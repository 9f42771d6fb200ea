"""The one stage of the decision service: it answers every request, and lets none through."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from headwater.control import Admitted
from headwater.control.identity import Principal, bearer_of
from headwater.exchange import write_request
from headwater.gateway.deciding import routes
from headwater.gateway.deciding.asking import NO_ADDRESS, NO_ROUTE, NOT_SO, Asking
from headwater.gateway.deciding.decisions import TAKEN, Decisions, Open
from headwater.gateway.deciding.tokens import Tokens
from headwater.gateway.deciding.wording import (
    ASKED,
    JSON,
    NO_STORE,
    SETTLED,
    Allowed,
    Identified,
    encoded,
    fields_of,
    pairs_of,
    refused_of,
    terms_of,
)
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Route
from headwater.gateway.stage import Answer, Exchange, OnRequest, Passing, Refuse, Wait
from headwater.gateway.stages.keeping import Keeping
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem, render
from headwater.gateway.wire.head import Field
from headwater.gateway.wire.writer import field

_LOG: Final = logging.getLogger("headwater.gateway")
TOKEN: Final = b"x-headwater-token"
_URI: Final = b"x-original-uri"
_METHOD: Final = b"x-original-method"
_STATE: Final = "deciding"
_SAY_S: Final = 10.0
_KEPT: Final = 8192
_NO_TOKEN: Final = Problem(Kind.UNAUTHENTICATED, "The request shows no token that is accepted.")
_NO_PROXY: Final = Problem(Kind.INTERNAL, "The proxy in front shows no token that is accepted.")
_NO_URI: Final = Problem(Kind.INTERNAL, "The proxy in front doesn't say which request it asks about.")
_NOT_OPEN: Final = Problem(Kind.NOT_FOUND, "No decision of this name is open: it was settled, or is over.")
_BODY: Final = "The body can't be read: {}."


class Deciding(Passing):
    """Answers proxies and programs."""

    def __init__(
        self,
        decisions: Decisions,
        asking: Asking,
        tokens: Tokens,
        keeping: Keeping,
        marking: Marking | None = None,
    ) -> None:
        self._decisions, self._asking, self._tokens, self._keeping = decisions, asking, tokens, keeping
        self._lines, self._marking = RateLines(decisions.control), marking
        self._accounts: dict[str, Field] = {}
        self._said = float("-inf")
        self._does: dict[Route, Callable[[Exchange], OnRequest]] = {
            routes.AUTHORIZE: self._authorize,
            routes.DECIDE: self._decide,
            routes.EXTEND: self._extend,
            routes.SETTLE: self._settle,
        }

    def on_start(self) -> None:
        """Keeps what is known current, looks after budgets and journal."""
        self._keeping.start()
        self._decisions.start()

    def counted(self) -> Mapping[str, int]:
        """Of what was decided."""
        return self._decisions.counted()

    async def on_stop(self) -> None:
        """Lets go of them."""
        await self._decisions.stop()
        await self._keeping.stop()

    def wants_body(self, route: Route) -> bool:
        """Every body."""
        return route.has_body

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Answers, refuses, or waits for a lease."""
        return self._does.get(exchange.route, self._check)(exchange)

    # Proxies.

    def _authorize(self, exchange: Exchange) -> OnRequest:
        """nginx: 200, 401 or 403, whatever it is; the real status and the error stand in headers."""
        if not self._proxy(exchange):
            return Refuse(_NO_PROXY)
        uri, method = _withheld(exchange, _URI), _withheld(exchange, _METHOD)
        if uri is None or method is None:
            return Refuse(_NO_URI)
        path = uri.partition(b"?")[0]
        route = routes.PASSING.find(method, path)
        if route is None:
            none = NOT_SO if routes.PASSING.methods(path) else NO_ROUTE
            return _in_headers(none, Dialect.OPENAI, (), exchange.id)
        found = self._asked(exchange, route, b"")
        if found is NO_ADDRESS:
            return Refuse(NO_ADDRESS)
        if isinstance(found, Problem):
            return _in_headers(found, *self._asker(exchange, route), exchange.id)
        return found if isinstance(found, Wait) else Answer(200, self._told(exchange, found))

    def _check(self, exchange: Exchange) -> OnRequest:
        """Envoy: native errors with their own status."""
        if not self._proxy(exchange):
            return Refuse(_NO_PROXY)
        found = self._asked(exchange, routes.CHECKED[exchange.route], exchange.body)
        if isinstance(found, Problem):
            return Refuse(found, self._asker(exchange, routes.CHECKED[exchange.route])[1])
        return found if isinstance(found, Wait) else Answer(200, self._told(exchange, found))

    def _asked(self, exchange: Exchange, route: Route, body: bytes) -> Admitted | Problem | Wait:
        entry: Open | None = exchange.kept.get(_STATE)
        if entry is None:
            nginx = exchange.route is routes.AUTHORIZE
            question = self._asking.proxied(exchange, route, body, all_headers=nginx)
            if isinstance(question, Problem):
                return question
            entry = exchange.kept[_STATE] = Open(question, exchange.id, exchange.id, exchange.began_us)
        found = self._decisions.decide(entry, checked=True)
        if isinstance(found, Admitted) and found.terms.delay_ms and not entry.waited:
            entry.waited = True
            return Wait(asyncio.sleep(found.terms.delay_ms / 1000))
        return found

    def _told(self, exchange: Exchange, admitted: Admitted) -> tuple[Field, ...]:
        """Headers of a request that is served: whose it is, what a body should be held to, how limits stand."""
        entry: Open = exchange.kept[_STATE]
        account = admitted.principal.account
        if account not in self._accounts:
            if len(self._accounts) >= _KEPT:
                self._accounts.clear()
            self._accounts[account] = field(b"X-Headwater-Account", account.encode())
        id = entry.id.encode()
        told = [self._accounts[account], (b"x-headwater-decision", b"X-Headwater-Decision: %b\r\n" % id, id)]
        held, drop = admitted.restrictions, admitted.terms.drop
        if held is not None and held.max_tokens is not None:
            told.append(field(b"X-Headwater-Max-Tokens", b"%d" % held.max_tokens))
        if drop:
            told.append(field(b"X-Headwater-Drop", ",".join(sorted(drop)).encode()))
        if admitted.reservation is not None:
            lines = self._lines.lines(entry.question.dialect, admitted)
            told.append((b"ratelimit", lines, b""))
        return tuple(told)

    def _asker(self, exchange: Exchange, route: Route) -> tuple[Dialect, tuple[Field, ...]]:
        """Whose words a denial is told in, and how the limits stand of an account that is known."""
        entry: Open | None = exchange.kept.get(_STATE)
        if entry is None:
            return route.dialect, ()
        dialect = entry.question.dialect
        lines = b"" if entry.principal is None else self._lines.lines(dialect, entry.principal)
        return dialect, ((b"ratelimit", lines, b""),) if lines else ()

    def _rates(self, who: Admitted | Principal, dialect: Dialect) -> list[tuple[bytes, bytes]]:
        lines = self._lines.lines(dialect, who).split(b"\r\n")
        return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines) if name]

    def _proxy(self, exchange: Exchange) -> bool:
        """Whether a proxy shows the token; its operator is told where not, for no client can help it."""
        shown = [value for lower, _, value in exchange.head.withheld if lower == TOKEN]
        if len(shown) == 1 and self._tokens.good(shown[0]):
            return True
        if time.monotonic() - self._said > _SAY_S:
            self._said = time.monotonic()
            _LOG.error("a proxy shows no token that is accepted (header X-Headwater-Token)")
        return False

    # Programs.

    def _decide(self, exchange: Exchange) -> OnRequest:
        refused = self._program(exchange)
        if refused is not None:
            return refused
        entry: Open | None = exchange.kept.get(_STATE)
        if entry is None:
            try:
                request = ASKED(exchange.body)
            except (msgspec.MsgspecError, RecursionError, ValueError) as error:
                return Refuse(_unreadable(error))
            question = self._asking.told(request)
            if isinstance(question, Problem):
                return _refused(question, Dialect.OPENAI, exchange.id)
            id = request.id or exchange.id
            entry = exchange.kept[_STATE] = Open(question, id, exchange.id, exchange.began_us)
            if request.identify:
                return self._identified(entry)
            problem = self._decisions.again(entry)
            if problem is not None:
                return self._denied(entry, problem)
        found = self._decisions.decide(entry, checked=False)
        if isinstance(found, Problem):
            return self._denied(entry, found)
        return found if isinstance(found, Wait) else self._allowed(entry, found)

    def _denied(self, entry: Open, problem: Problem) -> OnRequest:
        """A denial as a program is told of it; a fault of the program's own is no denial."""
        if problem is TAKEN:
            return Refuse(problem)
        dialect = entry.question.dialect
        rates = [] if entry.principal is None else self._rates(entry.principal, dialect)
        return _refused(problem, dialect, entry.name, rates)

    def _identified(self, entry: Open) -> Answer:
        who = self._decisions.who(entry)
        if isinstance(who, Problem):
            return _refused(who, Dialect.OPENAI, entry.name)
        told = Identified(
            account=who.account,
            organisation=who.organisation,
            tier=who.tier.name,
            how=who.how,
            key=who.key,
            scopes=tuple(sorted(who.scopes)),
        )
        return Answer(200, (JSON, NO_STORE), encoded(told))

    def _allowed(self, entry: Open, admitted: Admitted) -> Answer:
        asked, body = entry.asked, b""
        if asked is not None:
            held_to = admitted.terms.max_tokens if asked.endpoint != "embeddings" else None
            if self._marking is not None:
                self._marking.put(asked, admitted.principal, admitted.restrictions, entry.name)
            body = write_request(asked, max_tokens=held_to, drop=admitted.terms.drop)
        self._decisions.sent(entry)
        rates = [] if admitted.reservation is None else self._rates(admitted, entry.question.dialect)
        told = Allowed(
            decision=entry.id,
            account=admitted.principal.account,
            organisation=admitted.principal.organisation,
            terms=terms_of(admitted),
            headers=pairs_of(rates),
            settle=admitted.reservation is not None,
            lasts_s=self._decisions.settings.request_s,
            body=msgspec.Raw(body) if body else msgspec.UNSET,
        )
        return Answer(200, (JSON, NO_STORE), encoded(told))

    def _extend(self, exchange: Exchange) -> OnRequest:
        refused = self._program(exchange)
        if refused is not None:
            return refused
        entry = self._decisions.of(_id(exchange))
        if entry is None:
            return Refuse(_NOT_OPEN)
        more = self._decisions.extend(entry)
        if isinstance(more, Problem):
            return _refused(more, entry.question.dialect, exchange.id)
        if isinstance(more, Wait):
            return more
        return Answer(200, (JSON, NO_STORE), encoded({"allowed": True, "tokens": more}))

    def _settle(self, exchange: Exchange) -> OnRequest:
        refused = self._program(exchange)
        if refused is not None:
            return refused
        try:
            told = SETTLED(exchange.body)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            return Refuse(_unreadable(error))
        entry = self._decisions.of(_id(exchange))
        if entry is None:
            return Refuse(_NOT_OPEN)
        used = self._decisions.settle(entry, told)
        counted = {
            "settled": True,
            "requests": used.requests,
            "input_tokens": used.input_tokens,
            "output_tokens": used.output_tokens,
        }
        return Answer(200, (JSON, NO_STORE), encoded(counted))

    def _program(self, exchange: Exchange) -> Refuse | None:
        """Why a program isn't answered."""
        shown = bearer_of([(lower, value) for lower, _, value in exchange.head.fields])
        if isinstance(shown, bytes) and self._tokens.good(shown):
            return None
        return Refuse(_NO_TOKEN, fields_of([(b"WWW-Authenticate", b"Bearer")]))


def _in_headers(problem: Problem, dialect: Dialect, rates: tuple[Field, ...], id: str) -> Answer:
    """An error as nginx can pass it on: 401 or 403, the rest in headers, and no body, so that its connection lasts."""
    told = render(problem, dialect, id)
    headers = [
        (name, value) for name, value in told.headers if name not in (b"Content-Type", b"Cache-Control")
    ]
    headers += [(b"X-Headwater-Status", b"%d" % told.status), (b"X-Headwater-Error", told.body)]
    if told.status == 401:
        headers.append((b"WWW-Authenticate", b"Bearer"))
    return Answer(401 if told.status == 401 else 403, (*fields_of(headers), *rates))


def _refused(
    problem: Problem, dialect: Dialect, id: str, rates: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    """A denial as a program is told of it; `rates`: how the account's limits stand."""
    told = render(problem, dialect, id)
    return Answer(200, (JSON, NO_STORE), encoded(refused_of(replace(told, headers=(*told.headers, *rates)))))


def _withheld(exchange: Exchange, name: bytes) -> bytes | None:
    """A header that stands once; None where it doesn't."""
    found = [value for lower, _, value in exchange.head.withheld if lower == name]
    return found[0] if len(found) == 1 else None


def _id(exchange: Exchange) -> str:
    return exchange.head.path.split(b"/")[3].decode("ascii")


def _unreadable(error: Exception) -> Problem:
    """What is wrong with a body; msgspec's words name fields and types, and never what was sent."""
    words = str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON object"
    return Problem(Kind.INVALID, _BODY.format(words.rstrip(".")))

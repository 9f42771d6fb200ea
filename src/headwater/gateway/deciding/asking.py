"""Who asks and for what, read from what nginx or Envoy passes on of a request, or from what a program says of one.

Whoever shows the service's token is the operator's own program: the client's address is what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from headwater.control.identity import Credential, Refusal, Source, Sources, account_of, bearer_of
from headwater.gateway.deciding.routes import ANY, PASSING
from headwater.gateway.deciding.wording import DecisionRequest
from headwater.gateway.routes import Route
from headwater.gateway.stage import Exchange
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

_FORWARDED: Final = b"x-forwarded-for"
#: Envoy writes its own address at the end of X-Forwarded-For when it asks: it names the client's here.
_ADDRESS: Final = b"x-headwater-address"
_VERSION: Final = b"anthropic-version"
_MOST_ORDER: Final = 4096
NO_ADDRESS: Final = Problem(
    Kind.INTERNAL, "The proxy in front doesn't say which address a request comes from."
)
NO_ROUTE: Final = Problem(Kind.NOT_FOUND, "There is no such path here.")
NOT_SO: Final = Problem(Kind.METHOD, "The path isn't asked with this method, or not with a body.")
_BAD_ADDRESS: Final = Problem(Kind.INVALID, "address is no IP address.", param="address")


class Question(NamedTuple):
    """One request that is asked about. `route`: of the model servers' table; `dialect`: whose words it is answered in.

    `agent` and `order`: user agent and the headers' names in their order, for the record.
    """

    route: Route
    dialect: Dialect
    credential: Credential | Refusal
    source: Source
    body: bytes
    agent: str | None
    order: str


class Asking:
    """Reads questions."""

    def __init__(self, sources: Sources, account_header: str) -> None:
        """`account_header`: where a proxy names the account that it has authenticated; empty: nowhere."""
        self._sources = sources
        self._account_header = account_header.encode()

    def proxied(
        self, exchange: Exchange, route: Route, body: bytes, *, all_headers: bool
    ) -> Question | Problem:
        """The question of a proxy, whose request has the client's own headers.

        `all_headers`: all of them, as nginx passes them on, so that one of ours may be the client's: only what nginx
        always writes counts.
        """
        head = exchange.head
        pairs = [(lower, value) for lower, _, value in head.fields]
        withheld = [(lower, value) for lower, _, value in head.withheld]
        named = [value for lower, value in withheld if lower == _ADDRESS and not all_headers]
        source = self._behind(named or [value for lower, value in withheld if lower == _FORWARDED])
        if source is None:
            return NO_ADDRESS
        account = account_of(pairs + withheld, self._account_header, True)
        credential, source = _credential(account, bearer_of(pairs), source)
        order = ",".join(line.partition(b":")[0].decode("latin-1") for _, line, _ in head.fields)
        return Question(
            route, dialect_of(route, pairs), credential, source, body, _agent(pairs), order[:_MOST_ORDER]
        )

    def told(self, request: DecisionRequest) -> Question | Problem:
        """The question of a program."""
        method, path = request.method.encode(), request.path.partition("?")[0].encode()
        route = ANY if request.identify else PASSING.find(method, path)
        body = bytes(request.body)
        if route is None or (body and not route.has_body):
            return NOT_SO if PASSING.methods(path) else NO_ROUTE
        given = request.headers.items() if isinstance(request.headers, dict) else request.headers
        names = [name for name, _ in given]
        pairs = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in given]
        forwarded = b",".join(value for lower, value in pairs if lower == _FORWARDED)
        try:
            source = self._sources.of(request.address, forwarded.decode("latin-1"))
        except ValueError:
            return _BAD_ADDRESS
        bearer = bearer_of(pairs) if request.credential is None else _plain(request.credential)
        credential, source = _credential(request.account or None, bearer, source)
        order = ",".join(names)[:_MOST_ORDER]
        return Question(route, dialect_of(route, pairs), credential, source, body, _agent(pairs), order)

    def _behind(self, hops: list[bytes]) -> Source | None:
        """The source that a proxy names: its last word is its own, what stands before it counts as it usually does."""
        before, _, last = b",".join(hops).decode("latin-1").rpartition(",")
        try:
            return self._sources.of(last.strip(), before)
        except ValueError:
            return None


def dialect_of(route: Route, pairs: Pairs) -> Dialect:
    """Whose words a request is answered in; see `routes.dialect_of`."""
    if route.shared and any(lower == _VERSION for lower, _ in pairs):
        return Dialect.ANTHROPIC
    return route.dialect


def _credential(
    account: str | Refusal | None, bearer: bytes | Refusal | None, source: Source
) -> tuple[Credential | Refusal, Source]:
    if isinstance(account, Refusal):
        return account, source
    if account is not None:
        return Credential(asserted=account), msgspec.structs.replace(source, trusted=True)
    return (bearer if isinstance(bearer, Refusal) else Credential(bearer)), source


def _plain(credential: str) -> bytes:
    return credential.encode("ascii", "replace")


def _agent(pairs: Pairs) -> str | None:
    return next((value.decode("latin-1") for lower, value in pairs if lower == b"user-agent"), None)

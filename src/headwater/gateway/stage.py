"""What a stage of the gateway is: few verbs, called in order by the relay, that say what becomes of a request.

Identity, budgets, decisions, the upstream's parameters and the journal are stages; the relay knows none of them. A
stage is called from one thread and never blocks: where it must wait it says for what, and is asked again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from headwater.gateway.routes import Route
from headwater.gateway.wire.errors import Problem
from headwater.gateway.wire.head import Field, RequestHead, ResponseHead


class Forward(Struct, frozen=True):
    """Go on to the next stage, with changes. `wire.writer.field` makes the headers in `add`.

    `drop`: names (in small letters) of headers that aren't forwarded, the client's and those that an earlier stage has
    added; `add`: headers that are, in place of what was there under their names. `body` replaces the whole body (only
    for stages that asked for it). `lines`: what `wire.writer.header_lines` makes of the exchange's head after this
    change, where a stage has it from before.
    """

    drop: frozenset[bytes] = frozenset()
    add: tuple[Field, ...] = ()
    body: bytes | None = None
    lines: bytes | None = None


class Answer(Struct, frozen=True):
    """Answer the client now; nothing is forwarded. `add` are headers beside Content-Length."""

    status: int
    add: tuple[Field, ...] = ()
    body: bytes = b""


class Refuse(Struct, frozen=True):
    """Answer the client with an error in the route's own words; `add` are headers beside the error's own."""

    problem: Problem
    add: tuple[Field, ...] = ()


class Wait(Struct, frozen=True):
    """Nothing yet: the door awaits `until`, then asks the stage again. It must end by itself, and raises nothing."""

    until: Awaitable[object]


class Shape(Struct, frozen=True):
    """What changes in a response's head. With `reframe` the body may be changed: it goes out in chunks.

    `lines`: as of `Forward`, of the response's head.
    """

    drop: frozenset[bytes] = frozenset()
    add: tuple[Field, ...] = ()
    reframe: bool = False
    lines: bytes | None = None


class Cut(Struct, frozen=True):
    """End a response that has begun: the upstream is cancelled, and the client told, if its stream has words for it."""

    problem: Problem


OnRequest: TypeAlias = Forward | Answer | Refuse | Wait
OnBytes: TypeAlias = bytes | Cut | Wait | None

#: Go on, nothing changes.
PASS: Final = Forward()


class Ended(Enum):
    """How an exchange ended."""

    __hash__ = object.__hash__  # that of Enum is Python code

    #: The upstream's whole response was handed to the client's connection.
    COMPLETE = "complete"
    #: A stage answered or refused.
    ANSWERED = "answered"
    #: The client went away, before or within the response.
    CLIENT_GONE = "client_gone"
    #: The client sent or read too slowly, or sent what can't be read.
    CLIENT_FAULT = "client_fault"
    #: The upstream couldn't be reached, died, or sent what can't be read.
    UPSTREAM_FAILED = "upstream_failed"
    #: The upstream took longer than a limit allows.
    UPSTREAM_SLOW = "upstream_slow"
    #: A stage ended the response.
    CUT = "cut"
    #: The gateway was told to stop before the end.
    STOPPED = "stopped"
    #: A stage raised an exception.
    FAILED = "failed"


class Outcome(Struct, frozen=True):
    """How an exchange ended, told once to every stage that was asked about it.

    `status` is what the client was told, 0 if nothing; `upstream_status` what the upstream said, 0 if nothing.
    `sent`: whether any byte of the request was handed to an upstream's connection: if not, nothing was used there.
    `received_bytes` counts the response's body. Times are microseconds since 1970 UTC; `first_byte_us` is 0 where no
    response came.
    """

    ended: Ended
    status: int
    upstream_status: int
    sent: bool
    received_bytes: int
    began_us: int
    first_byte_us: int
    ended_us: int


class Exchange(Protocol):
    """One request with its response, as stages see it."""

    route: Route
    head: RequestHead
    #: The whole body, where a stage asked for it; else empty.
    body: bytes
    #: Address and port that the connection came from.
    client: tuple[str, int]
    #: What the client's certificate says, if it showed one that was verified (`ssl.SSLSocket.getpeercert`).
    certificate: dict[str, Any] | None
    #: Microseconds since 1970 UTC.
    began_us: int
    #: Bytes of the response's body so far.
    received: int
    #: What stages keep about this exchange, each under a key of its own.
    kept: dict[Any, Any]

    @property
    def id(self) -> str:
        """A name for this exchange, as told to the client in errors."""

    def cut(self, problem: Problem) -> None:
        """End it from outside, for instance because a ban arrived. May be called at any time; once is enough."""


class Stage(Protocol):
    """One step that every request passes. Derive from `Passing` and write what differs."""

    def on_start(self) -> None:
        """The relay begins to serve; called in its event loop."""

    def counted(self) -> Mapping[str, int]:
        """What the stage has counted since it began, by the keys of `metrics.figures`."""

    async def on_stop(self) -> None:
        """The relay has drained; called in the order in which stages aren't needed any more, the last stage first."""

    def concerns(self, route: Route, verb: str) -> bool:
        """Whether the stage has something to do on a route in one of its verbs. Asked once a route and verb."""

    def wants_body(self, route: Route) -> bool:
        """Whether requests of this route are held back until their body is whole. Asked once a route."""

    def on_request(self, exchange: Exchange) -> OnRequest:
        """What becomes of the request. Called in the stages' order; a stage after one that answers isn't asked.

        Of several requests that came together a stage is asked about each before the next stage is.
        """

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        """The upstream's final head is there. Called in the stages' order."""

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        """Some of the response's body, before it is sent on. None lets it pass; bytes replace it (see `Shape`)."""

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """The exchange has ended. Called exactly once for every stage whose `on_request` was called."""


class Passing:
    """A stage that lets everything pass; what a stage doesn't override costs nothing."""

    def on_start(self) -> None:
        """Nothing begins."""

    def counted(self) -> Mapping[str, int]:
        """Nothing is counted."""
        return {}

    async def on_stop(self) -> None:
        """Nothing ends."""

    def concerns(self, route: Route, verb: str) -> bool:
        """On all of them."""
        return True

    def wants_body(self, route: Route) -> bool:
        """Bodies aren't held back."""
        return False

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Passes."""
        return PASS

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        """Nothing changes."""
        return None

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        """Passes."""
        return None

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """Nothing to settle."""

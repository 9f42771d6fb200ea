"""The JSON of the service's own API: what programs send, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from headwater.control import Admitted
from headwater.gateway.wire.errors import Rendered
from headwater.gateway.wire.head import Field
from headwater.gateway.wire.writer import field

Raw = msgspec.Raw
_NOTHING: Final = Raw(b"")
_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Name = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]
JSON: Final = field(b"Content-Type", b"application/json")
NO_STORE: Final = field(b"Cache-Control", b"no-store")


class DecisionRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request that is asked about.

    `path`: of the model server's API. `address`: the client's. `headers`: those that the client sent, in order;
    `credential`: its key or token, in place of what they carry; `account`: the account that the program has
    authenticated itself, in place of both. `id`: a name for the decision, made by the program: asked again under the
    same name, what was granted to the same account before is taken back first. `identify`: only who asks is asked;
    there is no path.
    """

    address: str
    path: str = ""
    method: str = "POST"
    identify: bool = False
    id: _Name | None = None
    headers: list[tuple[str, str]] | dict[str, str] = []
    credential: str | None = None
    account: str | None = None
    body: Raw = _NOTHING


class Settlement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a request ended.

    `sent`: false where no model server was asked: then nothing was used. `status`: what the client was told.
    `input_tokens`, `output_tokens`: as the model server counted them, reasoning included. `response`: the answer's
    JSON, or `events`: the text of its stream, as far as it came. `cancelled`: the client went away.
    """

    sent: bool = True
    status: int | None = None
    input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    cancelled: bool = False
    latency_ms: float | None = None
    response: Raw = _NOTHING
    events: str | None = None


class Terms(msgspec.Struct, kw_only=True):
    """Under which terms a request is served; see `control.deciding.Terms`."""

    max_tokens: int | None
    drop: tuple[str, ...]
    answers: int
    delay_ms: int
    slice_tokens: int


class Allowed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A request that is served. `body`: what goes to the model server; `headers`: what the client is told of limits."""

    decision: str
    account: str
    terms: Terms
    headers: list[tuple[str, str]]
    settle: bool
    lasts_s: int
    allowed: bool = msgspec.field(default_factory=lambda: True)
    organisation: str | None = None
    body: Raw | msgspec.UnsetType = msgspec.UNSET


class Identified(msgspec.Struct, kw_only=True):
    """Who asks. `how`: key, token, certificate, proxy or anonymous; `key`: the public id of an API key."""

    account: str
    organisation: str | None
    tier: str
    how: str
    key: str | None
    scopes: tuple[str, ...]
    allowed: bool = True
    settle: bool = False


class Refused(msgspec.Struct, kw_only=True):
    """A request that isn't served: what the client is answered, in the words of its API."""

    status: int
    headers: list[tuple[str, str]]
    body: Raw
    allowed: bool = False


ASKED: Final = msgspec.json.Decoder(DecisionRequest).decode
SETTLED: Final = msgspec.json.Decoder(Settlement).decode
encoded: Final = msgspec.json.Encoder().encode


def terms_of(admitted: Admitted) -> Terms:
    """The terms as they are told."""
    own = admitted.terms
    return Terms(
        max_tokens=own.max_tokens,
        drop=tuple(sorted(own.drop)),
        answers=own.answers,
        delay_ms=own.delay_ms,
        slice_tokens=own.slice_tokens,
    )


def refused_of(told: Rendered) -> Refused:
    """A native error as it is told to a program."""
    return Refused(status=told.status, headers=pairs_of(told.headers), body=Raw(told.body))


def pairs_of(headers: Any) -> list[tuple[str, str]]:
    """Headers as text."""
    return [(name.decode("ascii").lower(), value.decode("latin-1")) for name, value in headers]


def fields_of(headers: Any) -> tuple[Field, ...]:
    """Headers to be answered with."""
    return tuple(field(name, value) for name, value in headers)

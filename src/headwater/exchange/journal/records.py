"""What a journal records: that a request was accepted, how it ended, and what went unrecorded while there was no room.

Names, types and units are those of the exchange's columns. Records are MessagePack arrays: a field is never moved or
removed, new ones come at the end, so that older and newer programs read each other's files. No field is for a secret.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec


class Accepted(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A request that was let through, recorded before it is sent upstream.

    `at_us`: when it arrived. Texts may be given as they are, or all at once as `body`, the request's JSON as it came:
    rotation then reads from it what no field says. `key` is the public id of an API key, or a keyed hash of it, never
    the key. `batch_id` joins the lines of one batch file. The others are those of `EXCHANGE_COLUMNS`.
    """

    id: str
    at_us: int
    account: str
    prompt: str | None = None
    system: str | None = None
    previous: str | None = None
    organisation: str | None = None
    conversation: str | None = None
    turn: int | None = None
    model: str | None = None
    endpoint: str | None = None
    batch: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    n: int | None = None
    seed: int | None = None
    logprobs: bool | None = None
    logit_bias: bool | None = None
    stream: bool | None = None
    tools: int | None = None
    response_format: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    tls: str | None = None
    ja4h: str | None = None
    http2: str | None = None
    header_order: str | None = None
    key: str | None = None
    batch_id: str | None = None
    body: bytes | None = None


class Outcome(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How the exchange `id` ended, at `at_us`. `body`: an answer's JSON or events, read as `Accepted.body` is."""

    id: str
    at_us: int
    status: int | None = None
    finish_reason: str | None = None
    latency_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cancelled: bool | None = None
    response: str | None = None
    body: bytes | None = None


class Gap(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Written once there is room again: what was not recorded from `at_us` to `until_us`.

    `served`: requests that were served all the same, `refused`: that were not, `answers`: outcomes that are lost.
    """

    at_us: int
    until_us: int
    served: int = 0
    refused: int = 0
    answers: int = 0


Record: TypeAlias = Accepted | Outcome | Gap

#: The type byte of a frame.
ACCEPTED: Final = 1
OUTCOME: Final = 2
GAP: Final = 3
KINDS: Final[dict[type, int]] = {Accepted: ACCEPTED, Outcome: OUTCOME, Gap: GAP}
_TYPES: Final[dict[int, type[Record]]] = {ACCEPTED: Accepted, OUTCOME: Outcome, GAP: Gap}
#: Most bytes of one record, as of one row of any log.
MOST_BYTES: Final = 64 << 20
#: What is kept of a text, in characters, where a record would be longer than that.
_CUT: Final = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_decoders: Final = {kind: msgspec.msgpack.Decoder(of).decode for kind, of in _TYPES.items()}
_BITS: Final = 1 << 63


def encode(record: Record) -> tuple[bytes, bool]:
    """The record's bytes, and whether it had to be mended to have any (see `mended`)."""
    try:
        data = _encode(record)
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError):
        return _encode(mended(record)), True
    if len(data) > MOST_BYTES:
        return _encode(mended(record, cut=True)), True
    return data, False


def mended(record: Record, *, cut: bool = False) -> Record:
    """The record without what no record can hold.

    Halves of surrogate pairs become question marks, whole numbers beyond 64 bits and values of other types are left
    out. With `cut`, texts are kept up to 2²⁰ characters, and bodies, which would be torn, not at all.
    """
    given = msgspec.structs.asdict(record)
    return type(record)(**{name: _plain(value, cut) for name, value in given.items()})


def _plain(value: object, cut: bool) -> Any:
    if isinstance(value, str):
        return (value[:_CUT] if cut else value).encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return None if cut else value
    if isinstance(value, int):
        return value if -_BITS <= value < _BITS else None
    return value if isinstance(value, float) else None


def decode(kind: int, data: bytes) -> Record | None:
    """The record of this kind; None where it is of a kind, or has a shape, that this version doesn't know.

    A field of another type than it should have is left empty: what was accepted counts, also with a parameter less.
    """
    try:
        return _decoders[kind](data)
    except KeyError:
        return None
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _without_faults(_TYPES[kind], data)


def _without_faults(of: type[Record], data: bytes) -> Record | None:
    try:
        values = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not isinstance(values, list):
        return None
    found: dict[str, Any] = {}
    for field, value in zip(msgspec.structs.fields(of), values, strict=False):
        try:
            found[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            if field.required:
                return None
    try:
        return of(**found)
    except TypeError:  # what is required isn't there
        return None

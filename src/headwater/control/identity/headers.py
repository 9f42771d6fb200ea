"""What of a request's headers says who asks, and which names are ours: those never come from a client, nor go upstream.

Names are compared as the most careless program behind us would: in small letters, `_` for `-`, blanks cut off. A door
parses; this room says what the pairs mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.control.identity.principal import Refusal

#: Headers that carry a bearer credential: OpenAI's and Anthropic's clients, Azure's.
CARRIERS: Final = (b"authorization", b"x-api-key", b"api-key")
#: All names that begin so are ours.
OURS: Final = b"x-headwater-"
LARGEST: Final = 16_384
_BEARER: Final = b"bearer"


def plain_name(name: bytes) -> bytes:
    """A header's name as the most careless reader takes it."""
    return name.strip().lower().replace(b"_", b"-")


def is_ours(name: bytes, account_header: bytes = b"") -> bool:
    """Whether a header may not come from a client: it would speak for us, or for the proxy in front."""
    plain = plain_name(name)
    return plain.startswith(OURS) or (bool(account_header) and plain == plain_name(account_header))


def bearer_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | Refusal | None:
    """The one bearer credential of a request; None where there is none.

    Several are taken for one where they are the same, and refused where not: which one counts would depend on who
    reads. Names other than in their usual spelling are no carriers, and another scheme than Bearer is refused.
    """
    found: bytes | None = None
    for name, value in headers:
        lower = name.lower()
        if lower not in CARRIERS:
            continue
        given = value.strip()
        if len(given) > LARGEST:
            return Refusal.TOO_LARGE
        if lower == b"authorization":
            scheme, _, given = given.partition(b" ")
            given = given.strip()
            if scheme.lower() != _BEARER:
                return Refusal.MALFORMED
        if not given or b" " in given or b"," in given:
            return Refusal.MALFORMED
        if found is not None and found != given:
            return Refusal.AMBIGUOUS
        found = given
    return found


def account_of(
    headers: Iterable[tuple[bytes, bytes]], account_header: bytes, trusted: bool
) -> str | Refusal | None:
    """The account that a trusted proxy names; what anybody else says under this name is nothing.

    Two values, or the name in another spelling beside it, are refused: a client has tried to speak for the proxy.
    """
    if not trusted or not account_header:
        return None
    wanted, found = plain_name(account_header), []
    for name, value in headers:
        if plain_name(name) == wanted:
            if name.lower() != account_header.lower():
                return Refusal.AMBIGUOUS
            found.append(value)
    if len(found) > 1:
        return Refusal.AMBIGUOUS
    if not found or not found[0].strip():
        return None
    try:
        return found[0].strip().decode("ascii")
    except UnicodeDecodeError:
        return Refusal.MALFORMED


def passed_on(
    headers: Iterable[tuple[bytes, bytes]], account_header: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """The headers without credentials and without names that are ours: what may go on to the model server."""
    return [
        (name, value)
        for name, value in headers
        if plain_name(name) not in CARRIERS and not is_ours(name, account_header)
    ]

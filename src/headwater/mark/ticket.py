"""Tickets: a gateway's sealed word to a serving engine, whose answer it is about to write and which mark it gets.

A client can neither make one nor change one, nor read one that comes back to it in an engine's error. It is one word of
ASCII, so it fits into any engine's parameters: `HWT2.<key version>.<nonce and AES-256-GCM-SIV of the fields>`, the last
in base64url without padding.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final, Literal, get_args

import msgspec

from headwater.errors import UsageError, Where
from headwater.keys import TicketKey
from headwater.mark.entries import LONGEST_NAME, printable

Layer = Literal["default", "flagged", "none"]

#: What the layers are called: the usual mark, the layer of accounts under suspicion, no mark.
LAYERS: Final[tuple[str, ...]] = get_args(Layer)
#: Name of the ticket in an engine's parameters.
TICKET_PARAMETER: Final = "headwater_mark"
#: Seconds that a ticket is good for where nobody says otherwise, and at most.
LIFETIME_S, LONGEST_S = 600, 7 * 86_400
#: Seconds that a gateway's clock may be ahead of an engine's.
AHEAD_S: Final = 60
#: Characters of a ticket's text, at most.
LONGEST_TEXT: Final = 4096

_BEGINS: Final = "HWT2."
_LABEL: Final = b"headwater mark ticket\x00"
#: Bytes: what is sealed is filled up to a multiple.
_ROOM: Final = 256
_LONGEST_LAYER: Final = max(map(len, LAYERS))
_LATEST_S: Final = 1 << 40
_HINT: Final = "tickets are made by the gateway; a client can't send one"


class Ticket(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """One answer's ticket.

    `account`: whose it is, an opaque id. `layer`: which mark it gets. `epoch`: the period of the account's key, "" for
    the keyring's. `issued`, `expires`: seconds since 1970 UTC; a request must be taken in before it expires, it may be
    answered later. `request`: the request's id at the gateway, "" where there is none.
    """

    account: str
    layer: Layer
    issued: int
    expires: int
    epoch: str = ""
    request: str = ""

    def __post_init__(self) -> None:
        if not printable(self.account):
            raise UsageError(
                f"an account's id is 1 to {LONGEST_NAME} printable characters", where=_at("account")
            )
        for name in ("epoch", "request"):
            text = getattr(self, name)
            if text and not printable(text):
                raise UsageError(f"has at most {LONGEST_NAME} printable characters", where=_at(name))
        if not 0 <= self.issued <= self.expires < _LATEST_S:
            raise UsageError("a ticket expires after it was issued", where=_at("expires"))
        if self.expires - self.issued > LONGEST_S:
            raise UsageError(f"a ticket lasts {LONGEST_S:,} s at most", where=_at("expires"))


class TicketError(UsageError):
    """A ticket that isn't good: not ours, changed, or its time is over. Says nothing of what it holds."""


_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder(Ticket).decode


class TicketSigner:
    """Seals many tickets under one key: what is derived from it is derived once."""

    def __init__(self, key: TicketKey) -> None:
        """Raises `ConfigurationError` where nothing can be sealed here."""
        self._begins = f"{_BEGINS}{key.version}."
        self._bound, self._seal = _bound(str(key.version)), key.seal()

    def sign(self, ticket: Ticket) -> str:
        """The ticket's text; its length doesn't tell the layer."""
        fields = _ENCODE(ticket)
        longest = len(fields) + _LONGEST_LAYER - len(ticket.layer)
        sealed = self._seal.sealed(fields.ljust(-(-longest // _ROOM) * _ROOM), self._bound)
        return self._begins + _written(sealed).decode("ascii")


class TicketVerifier:
    """Checks tickets against all keys that are accepted."""

    def __init__(self, keys: Sequence[TicketKey]) -> None:
        """`keys`: the accepted ones, in any order; their versions differ.

        Raises `ConfigurationError` where nothing can be opened here.
        """
        self._seals = {str(key.version): key.seal() for key in keys}

    def verified(self, text: object, at_s: float | None) -> Ticket:
        """The ticket that `text` is. `at_s`: seconds since 1970 UTC; None where its time was checked before.

        Raises `TicketError` for anything else: what is no ticket, is sealed under none of the keys, or isn't valid now.
        """
        if not isinstance(text, str) or len(text) > LONGEST_TEXT or not text.isascii():
            raise TicketError("is no ticket", hint=_HINT)
        if not text.startswith(_BEGINS):
            raise TicketError("is no ticket of this version", hint=_HINT)
        parts = text.split(".")
        if len(parts) != 3:
            raise TicketError("is no ticket", hint=_HINT)
        seal = self._seals.get(parts[1])
        if seal is None:
            known = "is sealed under a key that isn't accepted here"
            raise TicketError(
                known, hint="give gateway and engine the same ticket keys, the new one to engines first"
            )
        fields = seal.opened(_read(parts[2]), _bound(parts[1]))
        if fields is None:
            raise TicketError("its seal is wrong", hint=_HINT)
        try:
            ticket = _DECODE(fields)
        except (msgspec.MsgspecError, UsageError, RecursionError):
            # Sealed, but not by this version of ours.
            raise TicketError(
                "says what isn't known here", hint="gateway and engine need one version"
            ) from None
        if at_s is not None:
            _in_time(ticket, at_s)
        return ticket


def _in_time(ticket: Ticket, at_s: float) -> None:
    if at_s >= ticket.expires:
        raise TicketError("has expired", hint="compare the clocks, or give tickets a longer lifetime_s")
    if at_s < ticket.issued - AHEAD_S:
        raise TicketError("was issued in the future", hint="compare the gateway's clock and the engine's")


def _bound(version: str) -> bytes:
    """What the seal covers beside the fields."""
    return _LABEL + f"{_BEGINS}{version}.".encode("ascii")


def _at(name: str) -> Where:
    return Where(field=f"ticket.{name}")


def _written(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _read(text: str) -> bytes:
    """Base64url without padding, exactly as `_written` writes it; b"" for anything else."""
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return content if _written(content) == text.encode("ascii") else b""

"""Where a request comes from: its address, the network that is limited (/24, /48) and its autonomous system.

Behind proxies the address stands in X-Forwarded-For, where anybody may write anything: it is read from the right, and
only as far as trusted proxies have written it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from headwater.control.identity.fields import networks

K = TypeVar("K")

#: Characters of X-Forwarded-For that are looked at, from the right, and hops.
_LONGEST: Final = 4096
_MOST_HOPS: Final = 32
_CACHED: Final = 8192
_LONGEST_CACHED: Final = 256
_V4: Final = 4
_MAPPED: Final = bytes(10) + b"\xff\xff"
#: Finds the autonomous system of an address; None where it isn't known.
FindAsn = Callable[[str], int | None]


class Source(msgspec.Struct, frozen=True):
    """Where a request comes from. `packed`: the address as 4 or 16 bytes; an IPv4 address in IPv6 is IPv4.

    `prefix`: the /24 or /48 that it lies in, `host` the address or its /64. `trusted`: the peer is a trusted proxy.
    """

    address: str
    packed: bytes
    prefix: str
    host: str
    asn: int | None = None
    trusted: bool = False


class Networks:
    """Networks that an address may lie in."""

    __slots__ = ("_v4", "_v6")

    def __init__(self, texts: Iterable[str]) -> None:
        self._v4: list[tuple[int, int]] = []
        self._v6: list[tuple[int, int]] = []
        for text in networks(texts):
            address, _, length = text.partition("/")
            packed = _packed(address)
            assert packed is not None
            shift = 8 * len(packed) - int(length)
            (self._v4 if len(packed) == _V4 else self._v6).append((int.from_bytes(packed) >> shift, shift))

    def __contains__(self, packed: bytes) -> bool:
        """Whether an address of 4 or 16 bytes lies in one of them."""
        number = int.from_bytes(packed)
        held = self._v4 if len(packed) == _V4 else self._v6
        return any(number >> shift == network for network, shift in held)


class Sources:
    """Finds the source of a request, behind trusted proxies or not. Use from one thread."""

    def __init__(self, trusted_proxies: Iterable[str] = (), find_asn: FindAsn | None = None) -> None:
        self._trusted = Networks(trusted_proxies)
        self._find_asn = find_asn
        self._peers: dict[str, Source] = {}
        # What a client wrote itself isn't remembered: only what came through a proxy that is trusted.
        self._behind: dict[tuple[str, str], Source] = {}

    def of(self, peer: str, forwarded: str = "") -> Source:
        """The source of a request from the connected `peer`; `forwarded`: all X-Forwarded-For, joined with commas.

        Raises ValueError where the peer is no address: a door knows who is connected to it.
        """
        found = self._peers.get(peer)
        if found is None:
            found = self._kept(self._peers, peer, self._found(peer, ""))
        if not found.trusted or not forwarded:
            return found
        behind = self._behind.get((peer, forwarded))
        if behind is None:
            behind = self._found(peer, forwarded)
            if len(forwarded) <= _LONGEST_CACHED:
                self._kept(self._behind, (peer, forwarded), behind)
        return behind

    def trusts(self, peer: str) -> bool:
        """Whether a connected peer is a trusted proxy, which speaks for many."""
        packed = _packed(peer)
        return packed is not None and packed in self._trusted

    @staticmethod
    def _kept(held: dict[K, Source], key: K, source: Source) -> Source:
        if len(held) >= _CACHED:
            held.clear()
        held[key] = source
        return source

    def _found(self, peer: str, forwarded: str) -> Source:
        packed = _packed(peer)
        if packed is None:
            raise ValueError("the peer of a connection is no address")
        trusted = packed in self._trusted
        if trusted:
            # The right end was written by the proxy nearest to us; what stands left of the first address that
            # isn't a trusted proxy's was written by whoever has it, and is worth nothing.
            for hop in reversed(forwarded[-_LONGEST:].split(",")[-_MOST_HOPS:]):
                before = _packed(_without_port(hop.strip()))
                if before is None:
                    break
                packed = before
                if packed not in self._trusted:
                    break
        return source_of(packed, self._find_asn, trusted=trusted)


def source_of(packed: bytes, find_asn: FindAsn | None = None, *, trusted: bool = False) -> Source:
    """The source with an address of 4 or 16 bytes."""
    if len(packed) == _V4:
        address = socket.inet_ntop(socket.AF_INET, packed)
        prefix, host = f"{address.rpartition('.')[0]}.0/24", address
    else:
        address = socket.inet_ntop(socket.AF_INET6, packed)
        prefix = socket.inet_ntop(socket.AF_INET6, packed[:6] + bytes(10)) + "/48"
        host = socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"
    asn = find_asn(address) if find_asn else None
    return Source(address, packed, prefix, host, asn, trusted)


def _packed(text: str) -> bytes | None:
    """An address as bytes, or None where it is none; a zone (%eth0) says nothing beyond its machine."""
    if not text.isascii() or "\0" in text:
        return None
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except OSError:
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _without_port(hop: str) -> str:
    """Some proxies write a port: 203.0.113.7:4711, [2001:db8::1]:4711 (RFC 7239, section 6)."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop

"""What a request's headers say about the client that sent it, where the edge put fingerprints into them.

A client cannot know its own fingerprint: an edge (CDN, load balancer, TLS terminator) computes it and hands it on in a
header, for which there is no standard. The names here are those in common use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.exchange.readers.protocol import Row

#: Headers that hold a column, in lower case, the first present one counts.
HEADERS: Final = {
    "tls": (
        "x-ja4",
        "ja4",
        "x-ja4-fingerprint",
        "cloudfront-viewer-ja4-fingerprint",
        "x-ja3",
        "ja3",
        "x-ja3-fingerprint",
        "x-ja3-hash",
        "cloudfront-viewer-ja3-fingerprint",
        "fastly-client-ja3",
    ),
    "ja4h": ("x-ja4h", "ja4h", "x-ja4h-fingerprint"),
    "http2": ("x-http2-fingerprint", "x-h2-fingerprint", "x-akamai-fingerprint"),
    "header_order": ("cloudfront-viewer-header-order", "x-header-order"),
}
_COLUMN_OF: Final = {
    name: (column, rank) for column, names in HEADERS.items() for rank, name in enumerate(names)
}


def fingerprints(headers: Iterable[tuple[object, object]]) -> Row:
    """Columns that headers give, by their names in any case; a value may be a list, whose first counts."""
    row: Row = {}
    ranks: dict[str, int] = {}
    for name, held in headers:
        says = _COLUMN_OF.get(name.lower()) if isinstance(name, str) else None
        value = held[0] if isinstance(held, list) and held else held
        if says is not None and isinstance(value, str) and value and says[1] < ranks.get(says[0], 99):
            row[says[0]], ranks[says[0]] = value, says[1]
    return row

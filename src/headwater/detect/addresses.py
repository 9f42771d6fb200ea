"""Network addresses as keys that sort: IPv4 and IPv6 in one order.

Anything else (a keyed hash, a host's name) is no address and has no key.
"""

from __future__ import annotations

from collections.abc import Iterable
from socket import AF_INET, AF_INET6, inet_pton

import numpy as np
import numpy.typing as npt

#: A byte of the version (4, 6), then 16 of the address; an IPv4 address stands at their front.
KEY = np.dtype("S17")
_MAPPED = b"\0" * 10 + b"\xff\xff"


def keys(texts: Iterable[str | None]) -> npt.NDArray[np.bytes_]:
    """The key of each address, empty for what is none. An IPv4 address within IPv6 is the IPv4 address."""
    return np.array([_key(text) if text else b"" for text in texts], KEY)


def _key(text: str) -> bytes:
    try:
        if ":" not in text:
            return b"\x04" + inet_pton(AF_INET, text)
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):  # a hash, a name, a text with a NUL or a lone surrogate in it
        return b""
    return b"\x04" + packed[12:] if packed.startswith(_MAPPED) else b"\x06" + packed

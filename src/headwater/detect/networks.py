"""What the operator knows of networks: address ranges with their kind, autonomous system and owner.

No list of networks comes with Headwater: such lists age within days. A range says what an address is, never who uses
it; `carrier` and `campus` ranges make a shared address innocent. Addresses that aren't in the clear (keyed hashes)
are in no range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.addresses import KEY, keys
from headwater.detect.coded import by_row, dictionary
from headwater.detect.given import rows_of
from headwater.errors import ConfigurationError, Where

KINDS = ("residential-proxy", "proxy", "vpn", "tor", "data-centre", "hosting", "carrier", "campus")
#: Many people who don't know each other have one address there.
INNOCENT = ("carrier", "campus")
SERVERS = ("data-centre", "hosting")
#: Ranges that stand between a client and its own address.
RELAYING = ("residential-proxy", "proxy", "vpn", "tor")
#: What `find` answers for an address in no range, and for what is no address (a keyed hash of one).
NOWHERE, NO_ADDRESS = -1, -2
_BITS = {4: 32, 6: 128}


@dataclass(frozen=True)
class Networks:
    """Ranges that can be looked up: `kind` (m, position in KINDS), `asn` (m, 0: unknown) and `name` by range.

    `start` (k, ascending) cuts all addresses into stretches; `range_of` (k) is the narrowest range that holds a
    stretch, NOWHERE for none.
    """

    kind: npt.NDArray[np.int8]
    asn: npt.NDArray[np.int64]
    name: tuple[str, ...]
    start: npt.NDArray[np.bytes_] = field(repr=False)
    range_of: npt.NDArray[np.int32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.kind)

    def find(self, addresses: Sequence[str | None]) -> npt.NDArray[np.int32]:
        """The narrowest range that holds each address (n), NOWHERE where none does, NO_ADDRESS for what is none."""
        return self.find_column(pa.array(addresses, pa.string()))

    def find_column(self, column: pa.Array[Any]) -> npt.NDArray[np.int32]:
        """`find` for an Arrow column of texts: every value is looked up once."""
        coded = dictionary(column)
        asked = keys(coded.dictionary.to_pylist())
        found = np.full(len(asked), NOWHERE, np.int32)
        if len(self.start):
            # Asked in order, the search stays in one place of the table: three times as fast.
            order = np.argsort(asked)
            at = np.searchsorted(self.start, asked[order], side="right") - 1
            found[order] = np.where(at >= 0, self.range_of[at], NOWHERE)
        found[asked == b""] = NO_ADDRESS
        return by_row(found, coded, NO_ADDRESS)

    def of_kind(self, found: npt.NDArray[np.int32], kinds: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Whether ranges that `find` gave (n) are of one of these kinds; false for none."""
        wanted = np.array([KINDS.index(kind) for kind in kinds], np.int8)
        if not len(self):
            return np.zeros(len(found), bool)
        return (found >= 0) & np.isin(self.kind[np.maximum(found, 0)], wanted)


def load_networks(path: Path) -> Networks:
    """Read a table (CSV or TSV) with a header of cidr, kind and, if known, asn and name; kinds are those of KINDS.

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` for what it holds.
    """
    ranges: dict[tuple[int, int], int] = {}
    kinds: list[int] = []
    asns: list[int] = []
    names: list[str] = []
    lines: list[int] = []
    rows = list(rows_of(path, ("cidr", "kind"), ("asn", "name")))
    firsts = keys(fields[0].partition("/")[0] for _, fields in rows)
    for key, (row, (cidr, kind, asn, name)) in zip(firsts.tolist(), rows, strict=True):
        first, last = _range(key, cidr, path, row)
        if kind not in KINDS:
            raise ConfigurationError(
                "has no known kind", where=Where(str(path), row, "kind"), hint=f"one of: {', '.join(KINDS)}"
            )
        if (first, last) in ranges:
            raise ConfigurationError(
                f"gives the range of row {lines[ranges[first, last]]} again",
                where=Where(str(path), row, "cidr"),
                hint="keep one of the two",
            )
        ranges[first, last] = len(kinds)
        kinds.append(KINDS.index(kind))
        asns.append(_asn(asn, path, row))
        names.append(name)
        lines.append(row)
    start, range_of = _stretches(ranges)
    return Networks(np.array(kinds, np.int8), np.array(asns, np.int64), tuple(names), start, range_of)


def around(column: pa.Array[Any]) -> npt.NDArray[np.int64]:
    """A number for the network around each address (n; IPv4 /16, IPv6 /32), NO_ADDRESS for what is none."""
    coded = dictionary(column)
    asked = keys(coded.dictionary.to_pylist())
    part = asked.view(np.uint8).reshape(-1, KEY.itemsize)
    number = np.zeros(len(asked), np.int64)
    for at in range(5):
        number = number << 8 | part[:, at]
    number[part[:, 0] == 4] &= ~0xFFFF
    return by_row(np.where(asked == b"", NO_ADDRESS, number), coded, NO_ADDRESS)


def _range(key: bytes, cidr: str, path: Path, row: int) -> tuple[int, int]:
    """First and last key of a range, as numbers; `key` is that of its first address."""
    text, slash, prefix = cidr.partition("/")
    version = key[0] if key else 0
    # What follows the slash is checked as text: int() would take "+8", "1_0" and digits of other scripts.
    good = version > 0 and (version == 6) == (":" in text)
    good = good and (not slash or re.fullmatch(r"[0-9]{1,3}", prefix) is not None)
    if not good or (slash and int(prefix) > _BITS[version]):
        raise ConfigurationError(
            "is no address range",
            where=Where(str(path), row, "cidr"),
            hint="like 192.0.2.0/24 or 2001:db8::/32",
        )
    length = int(prefix) if slash else _BITS[version]
    first = int.from_bytes(key.ljust(KEY.itemsize, b"\0"))
    span = 1 << (128 - length)
    if first % span:
        raise ConfigurationError(
            "begins within its range",
            where=Where(str(path), row, "cidr"),
            hint=f"bits after the first {length} must be 0",
        )
    return first, first + span - 1


def _asn(text: str, path: Path, row: int) -> int:
    digits = re.fullmatch(r"(?:AS)?([0-9]{1,10})", text, flags=re.IGNORECASE)
    if text and (digits is None or int(digits[1]) >= 2**32):
        raise ConfigurationError(
            "is no AS number",
            where=Where(str(path), row, "asn"),
            hint="like 64500 or AS64500; empty if unknown",
        )
    return int(digits[1]) if digits else 0


def _stretches(ranges: dict[tuple[int, int], int]) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int32]]:
    """All addresses cut where the narrowest range changes. Ranges are nested or apart, never half in each other."""
    cuts: dict[int, int] = {}
    open_: list[tuple[int, int]] = []
    for (first, last), at in sorted(ranges.items(), key=lambda r: (r[0][0], -r[0][1])):
        _close(open_, cuts, first)
        cuts[first] = at
        open_.append((last, at))
    _close(open_, cuts, 1 << 136)
    start = np.array([key.to_bytes(KEY.itemsize) for key in cuts], KEY)
    return start, np.array(list(cuts.values()), np.int32)


def _close(open_: list[tuple[int, int]], cuts: dict[int, int], before: int) -> None:
    """End the ranges that end before this key: from there on the next wider one holds, or none."""
    while open_ and open_[-1][0] < before:
        last, _ = open_.pop()
        cuts[last + 1] = open_[-1][1] if open_ else NOWHERE

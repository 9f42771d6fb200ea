"""Autonomous systems of addresses, from a database that the operator brings: nobody is asked at run time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from headwater.control.identity.source import FindAsn
from headwater.errors import ConfigurationError, UsageError, Where, unreadable

_FIELDS: Final = ("autonomous_system_number", "asn")
_MOST: Final = 2**32 - 1


def load_asns(path: Path) -> FindAsn:
    """Finds the autonomous system of an address in a MaxMind DB file (maxmind.github.io/MaxMind-DB).

    It has `autonomous_system_number` (GeoLite2 ASN, DB-IP) or `asn` (IPinfo, `AS64500`). Raises UnreadableInput where
    the file can't be opened, ConfigurationError where it is no such database, UsageError without the extra `asn`.
    """
    try:
        import maxminddb
    except ImportError:
        hint = "pip install 'headwater[asn]'"
        raise UsageError("reading a database of networks needs maxminddb", hint=hint) from None
    try:
        reader: Any = maxminddb.open_database(str(path), maxminddb.MODE_AUTO)
    except OSError as error:
        raise unreadable(path, error) from None
    except (maxminddb.InvalidDatabaseError, ValueError):
        raise ConfigurationError("is no MaxMind DB", where=Where(str(path)), hint="a file *.mmdb") from None

    def find(address: str) -> int | None:
        try:
            return _number(reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None  # an IPv6 address in a database of IPv4, or a damaged record

    return find


def _number(record: Any) -> int | None:
    if not isinstance(record, dict):
        return None
    for name in _FIELDS:
        value = record.get(name)
        if isinstance(value, str):
            digits = value.removeprefix("AS")
            value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
        if isinstance(value, int) and 0 < value <= _MOST:
            return value
    return None

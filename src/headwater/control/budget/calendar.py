"""Periods of budgets: hours, days and months of UTC, numbered from 1970, by the time of whoever counts (the store)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Per(IntEnum):
    """A window or period; the numbers are what stores are told."""

    NONE = 0
    SECOND = 1
    MINUTE = 2
    HOUR = 3
    DAY = 4
    MONTH = 5

    @property
    def word(self) -> str:
        """As settings write it."""
        return self.name.lower()


_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
#: Lengths in µs; a month's is that of its shortest, for what needs only a size.
LENGTH_US: Mapping[Per, int] = {
    Per.NONE: 0,
    Per.SECOND: _SECOND_US,
    Per.MINUTE: 60 * _SECOND_US,
    Per.HOUR: 3600 * _SECOND_US,
    Per.DAY: _DAY_US,
    Per.MONTH: 28 * _DAY_US,
}


def index(per: Per, now_us: int) -> int:
    """The number of the hour, day or month that holds `now_us` (UTC, since 1970)."""
    if per is not Per.MONTH:
        return now_us // LENGTH_US[per]
    # Months from days: Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; years begin in March.
    days = now_us // _DAY_US + 719_468
    era, day = divmod(days, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    month = (5 * (day - (365 * year + year // 4 - year // 100)) + 2) // 153
    return (era * 400 + year - 1970) * 12 + month + 2


def begins_us(per: Per, number: int) -> int:
    """When the hour, day or month of this number begins, in µs since 1970."""
    if per is not Per.MONTH:
        return number * LENGTH_US[per]
    year, month = divmod(number - 2, 12)
    era, year = divmod(year + 1970, 400)
    days = era * 146_097 + 365 * year + year // 4 - year // 100 + (153 * month + 2) // 5
    return (days - 719_468) * _DAY_US

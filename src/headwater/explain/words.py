"""How figures are said: counts, shares, chances, times and lists in plain English.

Every door says a number through these, so that a table, a sentence and a terminal never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
#: Options that give what evidence asks for as `given.NAME`.
_OPTIONS = {
    "networks": "--networks",
    "domains": "--mail-domains",
    "indicators": "--outside",
    "sightings": "--outside",
    "benchmarks": "--benchmark-items",
}
#: A hyphen that begins a figure, not one inside a name, a date or a range.
_NEGATIVE = re.compile(r"(?<![^\s(=])-(?=\d)")
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def count(n: int) -> str:
    """1204 → '1,204'."""
    return f"{n:,}"


def many(n: int, one: str, more: str | None = None) -> str:
    """(1, 'account') → '1 account'; (2, …) → '2 accounts'."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def spelled(n: int) -> str:
    """Small counts as words, as a sentence would have them."""
    return _SMALL[n] if 0 <= n < len(_SMALL) else f"{n:,}"


def share(part: float) -> str:
    """0.965 → '97%'; never '0%' or '100%' for what is not quite nothing or all."""
    if 0 < part < 0.01:
        return "under 1%"
    if 0.99 < part < 1:
        return "over 99%"
    return f"{part:.0%}"


def probability(p: float) -> str:
    """0.9984 → '0.998'; near 0 and 1 as a bound, never as certainty."""
    if p > 0.9995:
        return "> 0.999"
    if p < 0.0005:
        return "< 0.001"
    return f"{p:.3f}"


def significant(value: float, digits: int = 2) -> str:
    """0.000111 → '0.00011', 9012.3 → '9,000': plain digits, no exponent."""
    if value == 0:
        return "0"
    text = f"{float(f'{value:.{digits}g}'):,.12f}"
    return minus(text.rstrip("0").rstrip("."))


def chance(expected: float) -> str:
    """Rings that chance would make, as a short figure: 'at most 1 in 9,000' below one half, else about how many."""
    if expected <= 0:
        return "not measured"
    if expected < 0.5:
        return f"at most 1 in {significant(1 / expected)}"
    return f"about {significant(expected)}"


def p_value(p: float) -> str:
    """'p = 0.012', 'p < 0.0001': smaller ones are beyond what any null model can vouch for."""
    return "p < 0.0001" if p < 0.0001 else f"p = {significant(p)}"


def nats(value: float) -> str:
    """A log-likelihood ratio with its sign: '+6.20', '−1.15'."""
    return minus(f"{value:+.2f}")


def times(log_ratio: float) -> str:
    """What a ratio does to the odds: 'multiplies the odds by 490', 'divides the odds by 3.2'."""
    import math

    size = math.exp(min(abs(log_ratio), 60.0))
    if size < 1.05:
        return "leaves the odds as they were"
    return f"{'multiplies' if log_ratio > 0 else 'divides'} the odds by {significant(size)}"


def moment(at_us: int) -> datetime:
    """Microseconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(at_us / 1e6, tz=UTC)


def when(at_us: int) -> str:
    """'2026-03-02 14:05 UTC'."""
    return f"{moment(at_us):%Y-%m-%d %H:%M} UTC"


def day(at_us: int) -> str:
    """'2 Mar 2026'."""
    at = moment(at_us)
    return f"{at.day} {at:%b %Y}"


def span(first_us: int, last_us: int) -> str:
    """How long: '14 days', '5 hours', '12 minutes'; both ends are inside."""
    length = max(last_us - first_us, 0)
    if length >= 2 * _DAY:
        return many(-(-length // _DAY), "day")
    if length >= 2 * _HOUR:
        return many(-(-length // _HOUR), "hour")
    return many(max(-(-length // 60_000_000), 1), "minute")


def joined(items: Sequence[str], *, last: str = "and", limit: int = 8) -> str:
    """'a, b and c'; beyond `limit` the rest is counted."""
    shown = list(items[:limit])
    if len(items) > limit:
        shown.append(f"{len(items) - limit:,} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def needed(name: str, *, table: bool = True, most: int = 99) -> str:
    """What a card needs, as who runs Headwater knows it: 'given.networks' → '--networks'.

    A column of the account table names the option that gives the table, and only that where there is no `table`.
    Of columns one of which would do at `most` so many are named.
    """
    told = []
    for one in name.split(" or "):
        part, _, column = one.rpartition(".")
        if part == "given":
            told.append(_OPTIONS.get(column, column))
        elif part == "account":
            told.append(f"{column} in --accounts" if table else "--accounts")
        else:
            told.append(one)
    return joined(sorted(set(told)), last="or", limit=most)


def all_needed(missing: Sequence[str], *, table: bool = True, most: int = 99) -> str:
    """What a card lacks: 'user_agent and (tls or ja4h)'."""
    told = dict.fromkeys(needed(name, table=table, most=most) for name in missing)
    return " and ".join(f"({one})" if len(told) > 1 and " or " in one else one for one in told)


def minus(text: str) -> str:
    """`text` with a true minus sign before negative figures; other hyphens stay."""
    return _NEGATIVE.sub("−", text)


def sentence(text: str) -> str:
    """`text` with a full stop, where it has none."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…:" else text + "."


def short(text: str, limit: int) -> str:
    """`text` cut to `limit` characters, saying how many more there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()}… ({len(text) - limit:,} more characters)"


def clip(text: str, limit: int) -> str:
    """`text` cut to `limit` characters, for a place where it is only a label."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def duration(seconds: float) -> str:
    """'41 s', '3 min 5 s'."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def memory(size: int) -> str:
    """'1.9 GiB', '312 MiB'."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"

"""A campaign's exchanges over time: what is attributed to it, beside all that its accounts did.

Hours are gathered into bins that a reader can count, and the moments that explain a turn (a model's first
appearance, the ring's move to it) are marked.
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.detect import Campaign, LogSummary
from headwater.explain import words
from headwater.report import Chart, Column, Pulse, Table

_HOUR = 3_600_000_000
#: Bin widths in hours, and the number of bins above which the next is taken.
_WIDTHS = (1, 2, 3, 6, 12, 24, 168, 720)
_BINS = 170


@dataclass(frozen=True)
class Bin:
    """`hours` hours from `at_us`: exchanges attributed to the campaign, and all of its accounts'."""

    at_us: int
    hours: int
    attributed: int
    total: int


@dataclass(frozen=True)
class Event:
    """A moment worth a line in the chart."""

    at_us: int
    text: str


def bins(campaign: Campaign) -> tuple[Bin, ...]:
    """The timeline in at most 170 equal bins, empty ones included."""
    rows = campaign.timeline
    if not rows:
        return ()
    first, last = min(r[0] for r in rows), max(r[0] for r in rows)
    hours = (last - first) // _HOUR + 1
    width = next((w for w in _WIDTHS if hours / w <= _BINS), -(-hours // _BINS))
    start = first - first % (min(width, 24) * _HOUR)
    found: dict[int, list[int]] = {}
    for at, part, total in rows:
        pair = found.setdefault((at - start) // (width * _HOUR), [0, 0])
        pair[0] += part
        pair[1] += total
    return tuple(Bin(start + i * width * _HOUR, width, *found.get(i, (0, 0))) for i in range(max(found) + 1))


def events(campaign: Campaign, log: LogSummary) -> tuple[Event, ...]:
    """Models that appear within the campaign's span, and when the ring took each up."""
    took = {model: (at, part) for model, at, part in campaign.pivots}
    made = []
    for model, at in log.models:
        if campaign.first_at_us < at <= campaign.last_at_us and at > log.first_at_us + _HOUR:
            made.append(Event(at, f"{words.short(model, 40)} first seen in this log"))
    for model, (at, part) in took.items():
        if at > campaign.first_at_us + 24 * _HOUR:
            name = words.short(model, 40)
            made.append(Event(at, f"ring takes up {name}: {words.share(part)} of its users within 24 h"))
    return tuple(sorted(made, key=lambda e: (e.at_us, e.text)))[:12]


def summary(campaign: Campaign, found: tuple[Bin, ...], marked: tuple[Event, ...]) -> str:
    """What the chart shows, in a sentence or two."""
    part, total = sum(b.attributed for b in found), sum(b.total for b in found)
    told = [
        (
            f"{words.count(part)} of the accounts' {words.count(total)} exchanges "
            f"({words.share(part / total) if total else 'none'}) are attributed to the campaign, "
            f"from {words.when(campaign.first_at_us)} to {words.when(campaign.last_at_us)}."
        )
    ]
    peak = max(found, key=lambda b: b.attributed)
    told.append(
        f"The most in {words.many(peak.hours, 'hour')} is {words.count(peak.attributed)}, "
        f"at {words.when(peak.at_us)}."
    )
    still = sum(1 for b in found if b.attributed * 20 < part / len(found))
    if still:
        told.append(f"In {words.many(still, 'bin')} of {len(found)} it all but stops.")
    if marked:
        told.append("Lines mark: " + "; ".join(f"{e.text} ({words.when(e.at_us)})" for e in marked) + ".")
    return " ".join(told)


def _crowded(marked: tuple[Event, ...], number: int, found: tuple[Bin, ...]) -> bool:
    """Whether the next event stands so near that this one's number must go to the other side of its line."""
    length = found[-1].at_us - found[0].at_us
    return number < len(marked) and marked[number].at_us - marked[number - 1].at_us < 0.03 * length


def chart(campaign: Campaign, log: LogSummary, key: str) -> Chart | None:
    """The timeline as a chart with its table; None where the campaign has none."""
    found = bins(campaign)
    if not found:
        return None
    marked = events(campaign, log)
    width = found[0].hours
    records = {
        "bins": [
            {
                "at": b.at_us // 1000,
                "until": b.at_us // 1000 + b.hours * 3_600_000,
                "attributed": b.attributed,
                "total": b.total,
                "when": words.when(b.at_us),
            }
            for b in found
        ],
        "events": [
            {"at": e.at_us // 1000, "text": e.text, "number": i, "crowded": _crowded(marked, i, found)}
            for i, e in enumerate(marked, 1)
        ],
    }
    table = Table(
        f"Exchanges per {words.many(width, 'hour') if width > 1 else 'hour'}",
        [Column("From"), Column("Attributed", "number"), Column("All of its accounts", "number")],
        [[words.when(b.at_us), b.attributed, b.total] for b in found],
        long=True,
    )
    return Chart(key, "timeline", "Over time", summary(campaign, found, marked), records, table)


def pulse(campaign: Campaign, log: LogSummary) -> Pulse | None:
    """The timeline as a small static picture."""
    found = bins(campaign)
    if not found:
        return None
    marked = events(campaign, log)
    first = found[0].at_us
    length = found[-1].at_us + found[-1].hours * _HOUR - first
    part, total = sum(b.attributed for b in found), sum(b.total for b in found)
    return Pulse(
        "Over time",
        f"{words.count(part)} of its accounts' {words.count(total)} exchanges are attributed.",
        [b.total for b in found],
        [b.attributed for b in found],
        words.day(first),
        words.day(found[-1].at_us),
        [((e.at_us - first) / length, e.text) for e in marked],
    )

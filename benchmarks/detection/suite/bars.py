"""What was asked of detection before it was measured, and whether the figures say that it is met; nothing by hand.

Each bar reads the summary of a run and answers with what was asked, what was measured, whether that is met (None: not
measured) and, where it isn't, which figures say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.simulate import load
from headwater.simulate.scenario import Campaign
from suite import discovery
from suite.jobs import scenarios
from wording import told

Found = Mapping[str, Any]
Bar = dict[str, Any]
SHARED, WITHOUT, OF_ORACLE, F1, OTHERS = 0.95, 0.9, 0.8, 0.9, 1e-3
#: Whose recall is asked for without traces: accounts with so many exchanges of the harvest, in rings of so many.
TEN, LARGE = 10, 100
INNOCENTS, SEEDS, FLAGGED = 100_000, 30, 4
CUSTOMERS = 300
QUIET, QUIET_ALARMED = 200, 1
VERDICTS, RIGHT = 300, (0.85, 0.95)
#: Shapes of single persons, whom neither an organisation nor an event ties together.
SINGLE = ("people", "template")


def bars(found: Found, side: str = "tune") -> list[Bar]:
    """Every bar, in the order of the page, over the scenarios that are made on a side."""
    plain = open_rings(side)
    return [
        _each(
            f"ring accounts that took part found, shared traces and no camouflage: at least {told(SHARED)}",
            _recall(found, "everything", 1),
            plain,
            lambda value: value >= SHARED,
        ),
        _each(
            f"accounts with {TEN} exchanges of the harvest, rings of {LARGE} accounts, neither templates nor account "
            f"attributes: at least {told(WITHOUT)}",
            _recall(found, "neither", TEN),
            large_rings(side),
            lambda value: value >= WITHOUT,
        ),
        _oracle(found),
        _each(
            f"F1 of attributed exchanges of these rings, no account attributes: at least {F1:g}",
            _figure(found, "exchange_f1"),
            plain,
            lambda value: value >= F1,
        ),
        _each(
            f"exchanges of a reseller's other customers that are attributed: at most {told(OTHERS)}",
            _figure(found, "others_wrongly_attributed"),
            resellers(side),
            lambda value: value <= OTHERS,
            highest=True,
        ),
        _innocents(found, side),
        _shapes(found),
        _quiet(found),
        _calibrated(found),
        *(_discoveries(found, prevalence) for prevalence in discovery.PREVALENCES),
    ]


def open_rings(side: str = "tune") -> list[str]:
    """Scenarios whose every ring shares means or addresses, and rewords nothing and has no personas."""
    return [name for name in scenarios(side) if (rings := load(name).campaigns) and all(map(_open, rings))]


def large_rings(side: str = "tune") -> list[str]:
    """Scenarios whose rings have LARGE accounts or more."""
    return [
        name
        for name in scenarios(side)
        if (rings := load(name).campaigns) and all(ring.accounts >= LARGE for ring in rings)
    ]


def resellers(side: str = "tune") -> list[str]:
    """Scenarios in which a reseller carries the harvest beside the requests of its other customers."""
    return [name for name in scenarios(side) if any(ring.reseller for ring in load(name).campaigns)]


def _open(ring: Campaign) -> bool:
    means = ring.infrastructure
    shared = means.per_payment or means.per_device or means.per_phone or means.per_ip
    return bool(shared) and not ring.paraphrase and not ring.personas


def _bar(asked: str, measured: str, met: bool | None, why: Sequence[str] = ()) -> Bar:
    return {"asked": asked, "measured": measured, "met": met, "why": "; ".join(why)}


def _rows(found: Found, part: str, look: str) -> list[Found]:
    return [row for row in found["rows"] if row["part"] == part and row["look"] == look]


def _recall(found: Found, look: str, least: int) -> dict[str, float]:
    """Scenario → share found of the ring accounts with at least so many exchanges of the harvest."""
    counts = {row["scenario"]: row["by_harvest"][str(least)] for row in _rows(found, "alarms", look)}
    return {name: hit / of for name, (hit, of) in counts.items() if of}


def _figure(found: Found, key: str) -> dict[str, float]:
    rows = [row for row in _rows(found, "alarms", "headline") if row["ring_accounts"]]
    return {row["scenario"]: row[key] for row in rows if row[key] is not None}


def _each(
    asked: str,
    by_scenario: Mapping[str, float],
    of: Sequence[str],
    good: Callable[[float], bool],
    *,
    highest: bool = False,
) -> Bar:
    """A bar that every scenario must meet; the worst stands for all."""
    values = {name: by_scenario[name] for name in of if name in by_scenario}
    if not values:
        return _bar(asked, "not measured", None)
    worst = (max if highest else min)(values, key=lambda name: values[name])
    missed = [f"`{name}` {told(value)}" for name, value in sorted(values.items()) if not good(value)]
    unseen = [f"`{name}`" for name in of if name not in values]
    why = [f"missed by {', '.join(missed)}"] if missed else []
    why += [f"not measured: {', '.join(unseen)}"] if unseen else []
    which = "most" if highest else "least"
    return _bar(asked, f"{which} {told(values[worst])} of {len(values)} scenarios", not why, why)


def _oracle(found: Found) -> Bar:
    asked = f"mean recall over the low-and-slow surface: at least {told(OF_ORACLE)} of the oracle's"
    cells = [cell for cell in found["oracle"] if cell["part"] == "surface"]
    if not cells:
        return _bar(asked, "not measured", None)
    ours, theirs = (sum(cell[key] for cell in cells) / len(cells) for key in ("recall", "oracle"))
    share = ours / theirs if theirs else None
    below = sum(cell["recall"] < OF_ORACLE * cell["oracle"] for cell in cells)
    met = share is None or share >= OF_ORACLE
    why = [] if met else [f"{below} of {len(cells)} cells lie below {told(OF_ORACLE)} of the oracle's"]
    return _bar(asked, f"{told(ours)} against {told(theirs)}: {told(share)}", met, why)


def _innocents(found: Found, side: str) -> Bar:
    asked = f"innocents flagged, no account attributes: at most {FLAGGED} a scenario (of {INNOCENTS:,}, {SEEDS} worlds)"
    rows = _rows(found, "alarms", "headline")
    if not rows:
        return _bar(asked, "not measured", None)
    over = [row for row in rows if row["innocent_flagged"] > FLAGGED]
    small = [row for row in rows if row["innocent_accounts"] < INNOCENTS or row["worlds"] < SEEDS]
    unseen = [name for name in scenarios(side) if name not in {row["scenario"] for row in rows}]
    why = []
    if over:
        why.append(
            "more in " + ", ".join(f"`{row['scenario']}` ({row['innocent_flagged']:,})" for row in over)
        )
    if small:
        least = min(small, key=lambda row: row["innocent_accounts"])
        few = f"{least['innocent_accounts']:,} in {least['worlds']} worlds"
        why.append(f"{len(small)} of {len(rows)} scenarios are smaller yet (`{least['scenario']}`: {few})")
    why += [f"not measured: {', '.join(f'`{name}`' for name in unseen)}"] if unseen else []
    flagged, of = (sum(row[key] for row in rows) for key in ("innocent_flagged", "innocent_accounts"))
    return _bar(asked, f"{flagged:,} of {of:,} in {len(rows)} scenarios", not why, why)


def shapes(found: Found) -> dict[str, list[int]]:
    """Innocent shape → customers with a flagged account and customers, over all scenarios, no account attributes."""
    out: dict[str, list[int]] = {}
    for row in _rows(found, "alarms", "headline"):
        for shape, (_, _, hit, every) in row["by_shape"].items():
            if shape not in SINGLE:
                have = out.setdefault(shape, [0, 0])
                have[:] = [have[0] + hit, have[1] + every]
    return dict(sorted(out.items()))


def _shapes(found: Found) -> Bar:
    asked = f"customers of each innocent shape with a flagged account: none of {CUSTOMERS}"
    every = shapes(found)
    if not every:
        return _bar(asked, "not measured", None)
    hit = [f"`{name}` {some} of {of:,}" for name, (some, of) in every.items() if some]
    small = [f"`{name}` {of}" for name, (_, of) in every.items() if of < CUSTOMERS]
    why = [f"flagged: {', '.join(hit)}"] if hit else []
    why += [f"fewer yet: {', '.join(small)}"] if small else []
    some, of = (sum(counts[at] for counts in every.values()) for at in (0, 1))
    return _bar(asked, f"{some} of {of:,} in {len(every)} shapes", not why, why)


def _quiet(found: Found) -> Bar:
    asked = (
        f"large quiet worlds with a reported ring, no account attributes: at most {QUIET_ALARMED} of {QUIET}"
    )
    rows = _rows(found, "quiet", "headline")
    if not rows:
        return _bar(asked, "not measured", None)
    hit, worlds = (sum(row[key] for row in rows) for key in ("worlds_with_a_false_ring", "worlds"))
    why = [f"more than {QUIET_ALARMED}"] if hit > QUIET_ALARMED else []
    why += [f"only {worlds} worlds yet"] if worlds < QUIET else []
    return _bar(asked, f"{hit} of {worlds}", not why, why)


def _calibrated(found: Found) -> Bar:
    low, high = RIGHT
    asked = f"of {VERDICTS} verdicts between {low:g} and {high:g}, {told(low)} to {told(high)} right"
    (cell,) = [cell for cell in found["calibration"]["bins"] if (cell["from"], cell["to"]) == RIGHT]
    if not cell["verdicts"]:
        return _bar(asked, "not measured", None)
    why = (
        []
        if low <= cell["share"] <= high
        else ["too few are right" if cell["share"] < low else "more are right"]
    )
    why += [f"only {cell['verdicts']} verdicts yet"] if cell["verdicts"] < VERDICTS else []
    least, most = cell["share_95"]
    measured = f"{cell['right']} of {cell['verdicts']}: {told(cell['share'])} ({told(least)}–{told(most)})"
    return _bar(asked, measured, not why, why)


def _discoveries(found: Found, prevalence: float) -> Bar:
    """With a log in twenty that holds a ring the bound is asked for, where rings are rarer the estimate."""
    bounded = prevalence == discovery.PREVALENCES[0]
    what = "the upper bound" if bounded else "the estimate"
    asked = f"false discoveries where {told(prevalence)} of logs hold a ring: {what} at most {told(discovery.MOST)}"
    rings = [ring for ring in found["discovery"]["rings"] if ring["part"] == "power"]
    quiet = found["discovery"]["quiet"]
    if not rings or not quiet["worlds"]:
        return _bar(asked, "not measured", None)
    said, why = [], []
    for ring in rings:
        (report,) = [one for one in ring["reports"] if one["prevalence"] == prevalence]
        size = f"{ring['accounts']:,} accounts"
        said.append(f"{size} {told(report['fdr'])} (at most {told(report['at_most'])})")
        value = report["at_most"] if bounded else report["fdr"]
        if value is None or value > discovery.MOST:
            why.append(f"{size}: {_short_of(ring, report, bounded)}")
    alarmed = f"{quiet['with_a_false_ring']} of {quiet['worlds']} worlds without a ring alarmed"
    return _bar(asked, f"{', '.join(said)}; {alarmed}", not why, why)


def _short_of(ring: Found, report: Found, bounded: bool) -> str:
    """What keeps one size of ring from the bar."""
    found = f"{ring['found']} of {ring['worlds']} reported"
    if not bounded or report["quiet_worlds_needed"] is None:
        return found
    return (
        f"{found}, so {report['quiet_worlds_needed']:,} worlds without a ring and without an alarm are needed"
    )

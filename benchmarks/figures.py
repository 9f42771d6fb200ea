"""Measured figures as pages: docs/reference/figures.md, a chart beside it, and the marked part of the README.

Reads the JSON that the benchmarks left behind; measures nothing. A part whose JSON is missing says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import suite_page
from picture import recall_chart

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "benchmarks/detection"))
from intervals import clopper_pearson  # noqa: E402

SCENARIOS = ROOT / "benchmarks/detection/scenarios.json"
MILLION = ROOT / "benchmarks/scale/million.json"
REAL = ROOT / "benchmarks/detection/real_accounts.json"
IMPRINTS = ROOT / "benchmarks/imprint/speed.json"
SUITE = ROOT / "benchmarks/detection/suite.json"
PAGE = ROOT / "docs/reference/figures.md"
CHART = ROOT / "docs/reference/figures-recall.svg"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
METHODS = {
    "everything": "Headwater",
    "no attributes": "Headwater without any account attribute",
    "no templates": "Headwater without templates",
    "neither": "Headwater without either",
    "busiest accounts": "busiest accounts",
    "shared skeleton": "shared skeleton",
    "shared opening": "shared opening",
}
Row = dict[str, Any]


def percent(value: float | None) -> str:
    """0.1234 → 12.3%; small shares keep their first digits; a dash where there is nothing to divide by."""
    if value is None:
        return "–"
    return f"{value:.1%}" if value == 0 or value >= 0.001 else f"{100 * value:.2g}%"


def spread(values: list[float] | None) -> str:
    """[median, least, greatest] → 90.1% (80.0–95.2%)."""
    if values is None:
        return "–"
    middle, low, high = values
    return percent(middle) if low == high else f"{percent(middle)} ({percent(low)}–{percent(high)})"


def innocents(row: Row) -> str:
    """Innocent accounts flagged, with the share and its interval."""
    low, high = row["innocent_rate_95"]
    return (
        f"{row['innocent_flagged']:,} of {row['innocent_accounts']:,}: "
        f"{percent(row['innocent_rate'])} ({percent(low)}–{percent(high)})"
    )


def by_seed(values: list[float]) -> str:
    """One figure a seed."""
    return " · ".join(f"{v:.2g}" for v in values)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def accounts_table(summary: dict[str, Row]) -> str:
    """Recall, precision, innocents and attribution by method."""
    heads = ["method", "ring accounts found", "of those flagged, ring", "innocent accounts flagged"]
    heads += ["exchanges: precision", "recall", "F1"]
    shown = ("recall", "precision", "exchange_precision", "exchange_recall", "exchange_f1")
    rows = []
    for name, row in ((name, summary[name]) for name in METHODS):
        cells = {key: spread(row[key]) for key in shown}
        rows.append(
            [METHODS[name], cells["recall"], cells["precision"], innocents(row)]
            + [cells[k] for k in shown[2:]]
        )
    return table(heads, rows)


def rings_table(summary: dict[str, Row]) -> str:
    """Rings reported beside what chance makes, by the report's own word, one figure a seed."""
    heads = ["method", "rings reported", "mostly innocents", "expected by chance (the report's word)"]
    heads += ["worlds with a ring of innocents"]
    rows = []
    for name, row in ((name, summary[name]) for name in METHODS):
        if "rings_reported" in row:
            low, high = row["worlds_with_a_false_ring_95"]
            wrong = f"{row['worlds_with_a_false_ring']} of {row['worlds']} ({percent(low)}–{percent(high)})"
            cells = [by_seed(row[k]) for k in ("rings_reported", "false_rings", "chance_total")]
            rows.append([METHODS[name], *cells, wrong])
    return table(heads, rows)


def said_of(worlds: list[Row]) -> str:
    """Size, seeds and corpora of one scenario."""
    cards = [w["card"] for w in worlds]
    seeds = ", ".join(str(w["seed"]) for w in worlds)
    low, high = (pick(c["exchanges"] for c in cards) for pick in (min, max))
    size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    roles = " · ".join(f"{n:,} {role}" for role, n in cards[0]["accounts_by_role"].items())
    corpora = ", ".join(sorted({name for c in cards for name in c["corpora"]}))
    auc = [c["corpus_auc"] for c in cards if c.get("corpus_auc") is not None]
    told = (
        f" Knowing only a prompt's corpus separates harvest from the rest with an AUC of {max(auc):.2f}."
        if auc
        else ""
    )
    scale = "" if worlds[0]["scale"] == 1 else f" Scale {worlds[0]['scale']:g}."
    return (
        f"{cards[0]['title']}. Seeds {seeds}; {size} exchanges; accounts of the first: {roles}.{scale} "
        f"Corpora: {corpora}.{told}"
    )


HOW = """\
**Labels are constructed.** {constructed} Every corpus of a campaign also occurs among innocents. Scenarios and
detector have one author. The seeds here are not the scenarios' own, on which the detector was tuned, but the
scenarios and corpora are: this is the *tune* side of the frozen division, and says less than a score on the
other side would.

*Found*: members of reported campaigns. *Ring accounts*: every account of a ring or reseller. Values are the
median over seeds, in brackets the least and the greatest; accounts of one ring stand or fall together, so no
interval is given within a world. *Innocent accounts flagged* are summed over seeds, with a 95% interval by
customer (an organisation, or an account without one): at either end the wider of a bootstrap over customers and
Clopper and Pearson's for the share of customers touched. It takes customers as independent; false alarms come in
rings, so the interval over worlds, in the second table, is the honest one, and wide.
*Exchanges*: those attributed to a reported campaign
against those that the simulation marked as harvest.

Headwater is run four times on each world: with everything (public call, Parquet in); without what the
simulation invents about accounts (no accounts table, no organisation, address, user agent, TLS or HTTP fingerprint);
without template evidence (`template` and `dealt`); without either. Two rules stand beside it. *Busiest
accounts*: the best of three rates (all requests, busiest day, busiest hour) with the threshold that flags as
many innocents as Headwater did in the same world, which nobody could know. *Shared skeleton* and *shared
opening*: every account that shares that part of an imprint with at least four others."""


def version(found: Row) -> str:
    """The version and, where it is known, the commit."""
    return f"{found['version']} ({found['revision']})" if found.get("revision") else str(found["version"])


def scenarios(found: Row) -> str:
    """The part about detection."""
    parts = [
        f"Version {version(found)}, {found['date']}, Python {found['python']}, {found['machine']}.",
        HOW.format(constructed=found["worlds"][0]["card"]["constructed"]),
        f"![Ring accounts found, by scenario and method]({CHART.name})",
    ]
    for name, summary in found["summary"].items():
        worlds = [w for w in found["worlds"] if w["scenario"] == name]
        parts += [f"### {name}", said_of(worlds), accounts_table(summary), rings_table(summary)]
    return "\n\n".join(parts)


def million(found: Row) -> str:
    """The part about scale."""
    held, run, limit = found["material"], found["end_to_end"], found["limit"]
    bar = found["bar"]
    met = run["wall_s"] < bar["wall_s"] and run["peak_gib"] < bar["peak_gib"]
    stages = table(["stage", "seconds"], [[name, f"{s:.1f}"] for name, s in found["staged"]["stages_s"]])
    opening = (
        f"Version {version(found)}, {found['date']}, {found['machine']}. `headwater investigate` in a fresh "
        f"process, Parquet in, report out: {held['exchanges']:,} exchanges of {held['accounts']:,} accounts, "
        f"{held['text_mb']:.0f} MB of prompts, {percent(held['texts_seen_once'])} of them seen once (zstd makes "
        f"them {held['zstd_ratio']}× smaller). Worlds of the scenarios above under other seeds, side by side, "
        "with words replaced until no text repeats."
    )
    figures = table(
        ["", "measured", "bar"],
        [
            ["wall", f"{run['wall_s']:.1f} s", f"< {bar['wall_s']:.0f} s"],
            ["processor", f"{run['cpu_s']:.1f} s", ""],
            ["peak memory", f"{run['peak_gib']:.2f} GiB", f"< {bar['peak_gib']:.0f} GiB"],
            ["limit: read the file once", f"{limit['read_s']:.1f} s", ""],
            ["limit: one pass of imprints", f"{limit['imprint_s']:.1f} s", ""],
        ],
    )
    verdict = (
        f"{'Both bars are met' if met else 'The bar is **not** met in this run'}. Load of the machine (1, 5, 15 "
        f"minutes) before {found['load_before']}, after {found['load_after']}; above the number of cores, wall "
        "time says more about the neighbours than about Headwater, and processor seconds are the better figure."
    )
    return "\n\n".join(
        [opening, figures, verdict, "Stages of a second run, through the Python call:", stages]
    )


def imprints(found: Row) -> str:
    """The part about the speed of imprints."""
    bar = found["bar"]["head"]
    heads = ["text", "bytes each", "ASCII texts", "head", "head and passages", "SHA-256", "lower-casing"]
    rows = [
        [kind, f"{row['bytes_a_text']:,}", percent(row["ascii"])]
        + [f"{row[name]:,.0f}" for name in ("head", "head and passages", "sha256", "lower")]
        for kind, row in found["kinds"].items()
    ]
    met = [kind for kind, row in found["kinds"].items() if row["head"] >= bar]
    verdict = f"The bar of {bar:.0f} MB/s a core for the head is met for: {', '.join(met) or 'none of them'}."
    opening = (
        f"{found['date']} ({found['revision']}), {found['machine']}, load {found['load'][0]}. Megabytes of UTF-8 "
        "a second on one core, texts of the tuning side, and beside them two passes over the same bytes."
    )
    return "\n\n".join(
        [
            opening,
            table(heads, rows),
            f"{verdict} A text costs about a microsecond whatever its length, so short ones are slower by the byte.",
        ]
    )


def real(found: Row) -> str:
    """The section on real accounts."""
    heads = [
        "log",
        "accounts",
        "messages",
        "campaigns reported",
        "accounts flagged",
        "strongest group considered",
    ]
    rows = [
        [
            str(log["log"]),
            f"{log['accounts']:,}",
            f"{log['exchanges']:,}",
            str(log["reported"]),
            str(log["flagged"]),
            f"{log['strongest']:.1%}" if log["strongest"] else "none",
        ]
        for log in found["logs"]
    ]
    alone = [log for log in found["logs"] if log["projects"] == 1]
    hit = sum(log["reported"] > 0 for log in alone)
    most = clopper_pearson(hit, len(alone))[1]
    opening = (
        f"Version {version(found)}, {found['date']}, {found['machine']}. Commit messages of people in public projects, "
        "at their times, as if they were prompts: real accounts, none of them a ring, and no account data. They are "
        "the *tune* side of the frozen division."
    )
    closing = (
        f"A ring of innocents was reported in {hit} of {len(alone)} projects (95% interval by project: up to "
        f"{most:.0%}). *Strongest group considered* is its probability; a report needs 99% and two kinds of evidence."
    )
    return "\n\n".join([opening, table(heads, rows), closing])


def short(found: Row, scale: Row | None, people: Row | None) -> str:
    """The README's part: one row a scenario."""
    heads = [
        "scenario (constructed)",
        "ring accounts found",
        "innocent accounts flagged",
        "attributed exchanges: precision",
        "attributed exchanges: recall",
        "without account data and templates¹: ring accounts found",
        "… innocent accounts flagged",
    ]
    rows = []
    for name, by_method in found["summary"].items():
        row, bare = by_method["everything"], by_method["neither"]
        cells = [spread(row[k]) for k in ("exchange_precision", "exchange_recall")]
        rows.append(
            [name, spread(row["recall"]), innocents(row), *cells, spread(bare["recall"]), innocents(bare)]
        )
    seeds = max(row["everything"]["worlds"] for row in found["summary"].values())
    over = "one seed" if seeds == 1 else f"median over {seeds} seeds (least–greatest)"
    told = (
        "¹ The same log without what it says about accounts (no account table, organisation, address, "
        "user agent, TLS or HTTP fingerprint), and without the evidence that looks at templates.\n\n"
        f"Measured with version {version(found)} on {found['date']}; {over}, 95% intervals by customer. "
        "Baselines, rings by chance and how the labels were made: "
        "[figures](docs/reference/figures.md)."
    )
    if people:
        log = people["logs"][-1]
        told += (
            f" Real accounts (commit messages of {log['accounts']:,} people at their own times, "
            f"{log['projects']} projects): "
            f"{log['reported']} campaigns reported, {log['flagged']} accounts flagged."
        )
    if scale:
        run = scale["end_to_end"]
        told += (
            f" {scale['material']['exchanges']:,} exchanges end to end: {run['wall_s']:.0f} s, "
            f"{run['peak_gib']:.1f} GiB ({scale['machine']}, load {scale['load_before'][0]})."
        )
    return f"{table(heads, rows)}\n\n{told}"


def between(text: str, inner: str) -> str:
    """`text` with what stands between the marks replaced. Raises ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for figures")
    return f"{before}{BEGIN}\n{inner}\n{END}{after}"


def write() -> None:
    """Write the page, the chart and the README's part from the JSON that is there."""

    def part(path: Path, worded: Callable[[Row], str]) -> tuple[Row | None, str]:
        if not path.exists():
            return None, "Not measured yet."
        found = json.loads(path.read_text(encoding="utf-8"))
        return found, worded(found)

    found, detection = part(SCENARIOS, scenarios)
    scale, size = part(MILLION, million)
    _, speed = part(IMPRINTS, imprints)
    accounts, people = part(REAL, real)
    _, many = part(SUITE, lambda found: suite_page.section(found, table))
    page = (
        "# Figures\n\nWritten by `make bench-suite`, `make bench-scenarios`, `make bench-real`, `make bench-million` "
        "and `make bench-imprints`; what was measured, whatever it says.\n\n"
        f"## Detection on three scenarios\n\n{detection}\n\n"
        f"## Every scenario, many worlds\n\n{many}\n\n## Real accounts\n\n{people}\n\n"
        f"## A million exchanges\n\n{size}\n\n## Imprints\n\n{speed}\n"
    )
    PAGE.write_text(page, encoding="utf-8")
    if found:
        CHART.write_text(recall_chart(found, METHODS), encoding="utf-8")
        README.write_text(
            between(README.read_text(encoding="utf-8"), short(found, scale, accounts)), encoding="utf-8"
        )


if __name__ == "__main__":
    write()

"""Measured figures as pages: docs/reference/figures.md and the marked part of the README.

Reads the JSON that the benchmarks left behind; measures nothing. A part whose JSON is missing says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import audit_page
import marks_page
import robustness_page
import scale_page
import service_page
import student_page
import suite_page
import suite_short
import writing_page

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "benchmarks/detection"))
from intervals import clopper_pearson  # noqa: E402

SCALE = ROOT / "benchmarks/scale/scale.json"
MILLION = ROOT / "benchmarks/scale/million.json"
REAL = ROOT / "benchmarks/detection/real_accounts.json"
IMPRINTS = ROOT / "benchmarks/imprint/speed.json"
AUDIT = ROOT / "benchmarks/audit/audit.json"
PREVALENCE = ROOT / "benchmarks/audit/prevalence.json"
POLICY = ROOT / "benchmarks/policy/policy.json"
LOG = ROOT / "benchmarks/log/log.json"
BUDGETS = ROOT / "benchmarks/budget/exactness.json"
GATEWAY = ROOT / "benchmarks/gateway/gateway.json"
MARKS = ROOT / "benchmarks/marks"
SUITE = ROOT / "benchmarks/detection/suite.json"
PAGE = ROOT / "docs/reference/figures.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
Row = dict[str, Any]


def percent(value: float | None) -> str:
    """0.1234 → 12.3%; small shares keep their first digits; a dash where there is nothing to divide by."""
    if value is None:
        return "–"
    return f"{value:.1%}" if value == 0 or value >= 0.001 else f"{100 * value:.2g}%"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def version(found: Row) -> str:
    """The version and, where it is known, the commit."""
    return f"{found['version']} ({found['revision']})" if found.get("revision") else str(found["version"])


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


def between(text: str, inner: str) -> str:
    """`text` with what stands between the marks replaced. Raises ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for figures")
    return f"{before}{BEGIN}\n{inner}\n{END}{after}"


def write() -> None:
    """Write the page and the README's part from the JSON that is there."""

    def part(path: Path, worded: Callable[[Row], str]) -> tuple[Row | None, str]:
        if not path.exists():
            return None, "Not measured yet."
        found = json.loads(path.read_text(encoding="utf-8"))
        return found, worded(found)

    scale, size = part(MILLION, million)
    _, growth = part(SCALE, lambda found: scale_page.section(found, table))
    _, speed = part(IMPRINTS, imprints)
    accounts, people = part(REAL, real)
    prevalence, _ = part(PREVALENCE, lambda _: "")
    _, audits = part(AUDIT, lambda found: audit_page.section(found, prevalence, table))
    _, policies = part(POLICY, lambda found: service_page.policy(found, table))
    _, logs = part(LOG, lambda found: service_page.log(found, table))
    _, leases = part(BUDGETS, lambda found: service_page.budgets(found, table))
    _, proxies = part(GATEWAY, lambda found: service_page.gateway(found, table))
    _, chances = part(MARKS / "false_positives.json", lambda found: marks_page.false_positives(found, table))
    _, limits = part(MARKS / "efficiency.json", lambda found: marks_page.efficiency(found, table))
    _, traced = part(MARKS / "trace.json", lambda found: marks_page.trace(found, table))
    _, read = part(MARKS / "speed.json", lambda found: marks_page.speed(found, table))
    _, beside = part(MARKS / "speed_transformers.json", lambda found: marks_page.speed_beside(found, table))
    _, survived = part(MARKS / "robustness.json", lambda found: robustness_page.section(found, table))
    _, students = part(MARKS / "student.json", lambda found: student_page.section(found, table))
    _, written = part(MARKS / "embed_speed.json", lambda found: writing_page.speed(found, table))
    _, unchanged = part(MARKS / "distortion.json", lambda found: writing_page.distortion(found, table))
    found, many = part(SUITE, lambda found: suite_page.section(found, table))
    page = (
        "# Figures\n\nWritten by `make bench-suite`, `make bench-real`, `make bench-million`, "
        "`make bench-scale`, `make bench-imprints`, `make bench-audit`, `make bench-policy`, `make bench-log`, "
        "`make bench-budgets`, `make bench-gateway`, `make bench-marks`, `make bench-marking`, "
        "`make bench-distortion`, `make bench-robustness`, `make bench-sentences`, `make bench-students`, "
        "`benchmarks/marks/efficiency.py` and `speed.py`; what was measured, whatever it says.\n\n"
        f"## Detection in constructed worlds\n\n{many}\n\n## Real accounts\n\n{people}\n\n"
        f"## A million exchanges\n\n{size}\n\n## Scale\n\n{growth}\n\n## Imprints\n\n{speed}\n\n"
        f"## Audits of data sets\n\n{audits}\n\n## Policy\n\n{policies}\n\n## Log\n\n{logs}\n\n"
        f"## Budgets\n\n{leases}\n\n## Gateway\n\n{proxies}\n\n"
        f"## Marks: false alarms\n\n{chances}\n\n## Marks: how much is read\n\n{limits}\n\n"
        f"## Marks: what survives\n\n{survived}\n\n"
        f"## Marks: tracing\n\n{traced}\n\n## Marks: students\n\n{students}\n\n"
        f"## Marks: speed\n\n{read}\n\n{beside}\n\n"
        f"## Marks: writing\n\n{written}\n\n{unchanged}\n"
    )
    PAGE.write_text(page, encoding="utf-8")
    if found:
        inner = suite_short.section(found, scale, accounts, table)
        README.write_text(between(README.read_text(encoding="utf-8"), inner), encoding="utf-8")


if __name__ == "__main__":
    write()

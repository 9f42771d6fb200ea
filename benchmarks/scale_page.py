"""The part of docs/reference/figures.md about growth, from benchmarks/scale/scale.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]


def section(found: Row, table: Table) -> str:
    """Figures by size, stages with the power with which they grow, and how the bars stand."""
    sizes, bar = found["sizes"], found["bar"]
    heads = ["", *(f"{one['material']['exchanges']:,}" for one in sizes)]
    lines = [
        ("accounts", lambda one: f"{one['material']['accounts']:,}"),
        ("bytes a prompt", lambda one: f"{one['material']['bytes_a_prompt']:,.0f}"),
        ("texts seen once", lambda one: f"{one['material']['texts_seen_once']:.2%}"),
        ("fingerprints seen once", lambda one: f"{one['material']['fingerprints_seen_once']:.1%}"),
        ("zstd makes prompts smaller by", lambda one: f"{one['material']['zstd_ratio']}×"),
        (
            "limit: read, imprint",
            lambda one: f"{one['limit']['read_s']:.0f} s, {one['limit']['imprint_s']:.0f} s",
        ),
        ("Parquet to report", lambda one: f"{one['parquet']['wall_s']:.0f} s"),
        ("… times the limit", lambda one: f"{_times(one):.1f}"),
        ("… processor", lambda one: f"{one['parquet']['cpu_s']:.0f} s"),
        ("… peak memory", lambda one: f"{one['parquet']['peak_gib']:.2f} GiB"),
        ("from stored imprints", lambda one: f"{one['stored']['wall_s']:.0f} s"),
        ("the naive `GROUP BY` alone", lambda one: _naive(one["naive"])),
        ("groups proposed", lambda one: f"{one['parquet']['proposed']:,}"),
        ("innocents named", lambda one: _innocents(one["parquet"]["found"])),
        *((f"accounts of `{ring}` named", _named(ring)) for ring in _rings(sizes)),
    ]
    figures = table(heads, [[name, *(tell(one) for one in sizes)] for name, tell in lines])
    stages = table(
        [
            "stage",
            *(f"{one['material']['exchanges'] / 1e6:.0f} M" for one in sizes),
            "grows as exchanges to the",
        ],
        [
            [name, *(_used(one, name) for one in sizes), _grows(found, name)]
            for name in (*_stages(sizes), "in all")
        ],
    )
    last = sizes[-1]
    kept = {
        f"{bar['times_limit']:.0f} times the limit": _times(last) <= bar["times_limit"],
        f"{bar['wall_s']:.0f} s": last["parquet"]["wall_s"] <= bar["wall_s"],
        f"{bar['stored_s']:.0f} s from stored imprints": last["stored"]["wall_s"] <= bar["stored_s"],
        f"{bar['peak_gib']:.0f} GiB": last["parquet"]["peak_gib"] <= bar["peak_gib"],
    }
    verdict = "; ".join(f"{name}: {'met' if met else '**not** met'}" for name, met in kept.items())
    opening = (
        f"Version {found['version']} ({found['revision']}), {found['date']}, {found['machine']}, load at the end "
        f"{found['load']}. Constructed worlds side by side, every text told anew by a back-off model of the tune "
        "side's corpora ([how](../explanation/scale.md)). Each figure in a process of its own."
    )
    asked = f"Bars are asked of sixteen million; at {last['material']['exchanges']:,}: {verdict}."
    by_stage = "Processor seconds by stage, Parquet to report:"
    return "\n\n".join([opening, figures, asked, by_stage, stages])


def _stages(sizes: list[Row]) -> list[str]:
    """The stages of all sizes, in the order of the one that has most."""
    most = max(sizes, key=lambda one: len(one["parquet"]["stages"]))
    return [stage["stage"] for stage in most["parquet"]["stages"]]


def _used(one: Row, name: str) -> str:
    parts = {stage["stage"]: stage["cpu_s"] for stage in one["parquet"]["stages"]}
    used = parts.get(name, one["parquet"]["cpu_s"] if name == "in all" else None)
    return "" if used is None else f"{used:.0f} s"


def _grows(found: Row, name: str) -> str:
    power = found["exponents"]["parquet"].get(name)
    return "" if power is None else f"{power:.2f}"


def _times(one: Row) -> float:
    return float(one["parquet"]["wall_s"] / (one["limit"]["read_s"] + one["limit"]["imprint_s"]))


def _naive(found: Row) -> str:
    if "failed" in found:
        return f"{found['failed']} after {found['after_s']:.0f} s"
    return f"{found['group_by_s']:.0f} s (and {found['rows_laid_out_s']:.0f} s to lay rows out)"


def _innocents(found: Row) -> str:
    return f"{found['innocents_named']:,} of {found['innocents']:,}"


def _rings(sizes: list[Row]) -> list[str]:
    return sorted({ring for one in sizes for ring in one["parquet"]["found"]["rings"]})


def _named(ring: str) -> Callable[[Row], str]:
    def tell(one: Row) -> str:
        hit, of = one["parquet"]["found"]["rings"].get(ring, (0, 0))
        return f"{hit:,} of {of:,}"

    return tell

"""The part of docs/reference/figures.md about auditing data sets, from benchmarks/audit/*.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]

_KINDS = {"none": "none", "human": "people's", "machine": "the model's", "both": "both"}


def section(found: Row, prevalence: Row | None, table: Table) -> str:
    """What each stage finds, what it costs beside datatrove, how memory grows, and whether intervals hold."""
    parts = []
    if "quality" in found:
        parts.append(_quality(found["quality"], table))
    if prevalence is not None:
        parts.append(_prevalence(prevalence, table))
    if "speed" in found:
        parts.append(_speed(found["speed"], table))
    if "memory" in found:
        parts.append(_memory(found["memory"], table))
    return "\n\n".join(parts)


def _rate(found: Row) -> str:
    if found["rate"] is None:
        return "–"
    return f"{found['rate']:.2%} ({found['low']:.2%} to {found['high']:.2%})"


def _quality(found: Row, table: Table) -> str:
    rows = [
        [
            f"{float(share):.1%}",
            f"{row['by models']:,}",
            _rate(row["claims"]["recall"]),
            _rate(row["artefacts"]["recall"]),
            _rate(row["artefacts"]["precision"]),
            _rate(row["either"]["recall"]),
        ]
        for share, row in found["mixtures"].items()
    ]
    heads = [
        "by models",
        "rows by models",
        "claims: recall",
        "phrases: recall",
        "phrases: precision",
        "either: recall",
    ]
    return (
        f"**What the stages find** ({found['date']}, {found['revision']}). {found['texts']['people']:,} "
        f"texts by people and "
        f"{found['texts']['models']:,} answers of known models; 100,000 rows a mixture, drawn with "
        f"replacement; of the "
        f"model's rows {found['honest']:.0%} say so in a column, by construction. Phrases that speak of a "
        f"model stand in "
        f"{_rate(found['false_alarms'])} of people's texts (95%) and {_rate(found['recall'])} of models' "
        f"answers. The table "
        "of phrases was fitted to none of these corpora; people's texts are mostly older than chat models "
        "and quote none, "
        "so that texts about chatbots have more false alarms than is measured here.\n\n" + table(heads, rows)
    )


def _prevalence(found: Row, table: Table) -> str:
    rows = []
    for given, name in _KINDS.items():
        for share, row in found[f"references: {given}"]["by share"].items():
            rows.append(
                [
                    name,
                    f"{float(share):.1%}",
                    f"{row['covered']} of {row['resamples']}",
                    f"{row['coverage interval'][0]:.1%} to {row['coverage interval'][1]:.1%}",
                    str(row["refused"]),
                    f"{row['width, median']:.0%}",
                    f"{row['width, nine tenths']:.0%}",
                ]
            )
    heads = [
        "reference texts",
        "truth",
        "interval holds it",
        "of all (95%)",
        "refused",
        "width, median",
        "width, nine tenths",
    ]
    return (
        f"**Prevalence** ({found['date']}, {found['revision']}; score side, {found['rows']} rows a sample). "
        f"Human domains "
        "and models that the estimate wasn't fitted on, drawn anew for each sample; intervals at 95%. The "
        "bar is 183 of "
        "200. Of two runs on the score side this is the second: the first, with narrower intervals, held "
        "182 of 200 at a "
        "tenth (`benchmarks/audit/score_runs.tsv`).\n\n" + table(heads, rows)
    )


def _speed(found: Row, table: Table) -> str:
    rows = [
        [
            name,
            f"{run['documents_s']:,.0f}",
            f"{run['mb_s']:.0f}",
            f"{run['times_datatrove']:.1f}",
            f"{run['cpu_s']:.1f}",
            f"{run['memory_mib']:.0f}",
        ]
        for name, run in found["ways"].items()
    ]
    costs = found["stages"]["us_a_document"]
    met = found["ways"]["audit, two processes"]["documents_s"] >= found["bar_documents_s"]
    heads = ["", "documents a second", "MB/s", "times datatrove", "processor s", "memory, MiB"]
    return (
        f"**Speed** ({found['date']}, {found['revision']}). {found['documents']:,} documents of 3 KB, two "
        f"files of JSON "
        "lines, the best of the runs, start of Python included; datatrove 0.10 reads and writes the same "
        "files and does "
        f"nothing else. The bar of {found['bar_documents_s']:,.0f} documents a second on two cores is "
        f"{'met' if met else '**not** met'}.\n\n"
        + table(heads, rows)
        + "\n\nMicroseconds of one core a document: "
        + ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
        + "."
    )


def _memory(found: Row, table: Table) -> str:
    rows = [
        [
            f"{int(count):,}",
            f"{run['memory_mib']:.0f}",
            f"{run['documents_s']:,.0f}",
            f"{run['bytes'] / 1e9:.2f}",
        ]
        for count, run in found["runs"].items()
    ]
    return (
        f"**Memory** ({found['date']}, {found['revision']}). Documents of {found['characters']} characters, "
        f"two processes, "
        "prevalence on; the most of all processes together (PSS). "
        f"{found['growth']:.2f} times the memory for {_times(found)} times the documents.\n\n"
        + table(["documents", "MiB", "documents a second", "GB"], rows)
    )


def _times(found: Row) -> str:
    counts = [int(count) for count in found["runs"]]
    return f"{counts[-1] / counts[0]:,.0f}"

"""Figures as Prometheus reads them: text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.gateway.metrics.figures import FAMILIES, SERIES

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "headwater_"


def page(values: Sequence[int]) -> bytes:
    """The text; `values` in the order of `SERIES`."""
    held = dict(zip(SERIES, values, strict=True))
    lines = []
    for family in FAMILIES:
        name = f"{_PREFIX}{family.name}"
        lines += [f"# HELP {name} {family.says}", f"# TYPE {name} {'gauge' if family.gauge else 'counter'}"]
        for figure, value in held.items():
            if figure.family is family and (value or not family.shy):
                label = f'{{{family.label}="{figure.value}"}}' if family.label else ""
                lines.append(f"{name}{label} {value}")
    return "\n".join(lines).encode() + b"\n"

"""The frame of every page: one self-contained file under a policy that names its scripts by their hash.

All markup is written by templates with autoescape; styles and scripts are this package's own files. Data
goes into one deflated block that no parser of HTML can trip over.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from headwater.report.charts import spec
from headwater.report.escape import clean, key
from headwater.report.page import Badge, Bar, Beside, Block, Chart, Fold, Link, Page, Part, Pulse, Table

if TYPE_CHECKING:
    from jinja2 import Environment

_VENDOR = ("vega.min.js", "vega-lite.min.js", "vega-interpreter.min.js")


@cache
def _asset(folder: str, name: str) -> str:
    return files("headwater.report").joinpath(folder, name).read_text(encoding="utf-8")


def _script(folder: str, name: str) -> str:
    """A script to be written into the page. Its pointer to a source map goes: nothing is to be fetched."""
    lines = _asset(folder, name).splitlines()
    text = "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL="))
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError(f"{name} cannot be written into a page")
    return text


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"


def policy(scripts: Sequence[str], style: str) -> str:
    """The content security policy: these scripts, this style, nothing from anywhere, no HTML from strings."""
    rules = (
        "default-src 'none'",
        "script-src " + (" ".join(map(_hash, scripts)) or "'none'"),
        f"style-src {_hash(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


#: Characters of one string that a page shows; more would be a page of its own.
LONGEST = 1_200


def _shown(text: str, *, lines: bool = False) -> str:
    """`text` cleaned, and cut where it is too long to be read on a page."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text) - LONGEST:,} more characters)"
    return clean(text, lines=lines)


def _percent(part: float) -> str:
    """0.25 → '25%', for SVG attributes."""
    return f"{100 * min(max(part, 0.0), 1.0):.2f}".rstrip("0").rstrip(".") + "%"


def _outline(pulse: Pulse, which: str) -> str:
    """The path of a step curve in a box of one unit per step and 100 high, on the scale of the totals."""
    values = pulse.totals if which == "totals" else pulse.parts
    top = max(max(pulse.totals, default=0), 1e-9)
    steps = "".join(f"V{round(100 - 100 * v / top, 1):g}H{i + 1}" for i, v in enumerate(values))
    return f"M0 100{steps}V100Z"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("headwater.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters |= {
        "clean": _shown,
        "lines": lambda text: _shown(text, lines=True),
        "key": key,
        "percent": _percent,
        "outline": _outline,
    }
    for name, kind in (("badge", Badge), ("link", Link), ("bar", Bar)):
        made.tests[name] = lambda value, kind=kind: isinstance(value, kind)
    return made


def _charts(blocks: Iterable[Block]) -> list[Chart]:
    """All charts, however deep they lie."""
    found: list[Chart] = []
    for block in blocks:
        if isinstance(block, Chart):
            found.append(block)
        elif isinstance(block, Fold | Part):
            found += _charts(block.blocks)
        elif isinstance(block, Beside):
            found += [chart for group in block.groups for chart in _charts(group)]
    return found


def _cleaned(value: object) -> object:
    return _shown(value) if isinstance(value, str) else value


def _data(page: Page) -> str:
    """Charts, specs and map as JSON, deflated, in base64."""
    charts = [chart for section in page.sections for chart in _charts(section.blocks)]
    body: dict[str, Any] = {
        "specs": {name: spec(name, page=True) for name in sorted({chart.spec for chart in charts})},
        "charts": [
            {
                "key": key(chart.key),
                "spec": chart.spec,
                "records": {
                    name: [{field: _cleaned(value) for field, value in row.items()} for row in rows]
                    for name, rows in chart.records.items()
                },
            }
            for chart in charts
        ],
        "map": None,
    }
    if page.map is not None:
        from headwater.report.mapdata import map_data

        body["map"] = map_data(page.map)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def html(page: Page) -> bytes:
    """`page` as one HTML file (UTF-8) that needs nothing else; the same page gives the same bytes.

    `ValueError` where a key or target can't serve as an element's id.
    """
    from markupsafe import Markup

    scripts = [
        *(_script("vendor", name) for name in _VENDOR),
        _script("assets", "map.js"),
        _script("assets", "boot.js"),
    ]
    style = _asset("assets", "report.css")
    text = (
        _environment()
        .get_template("page.j2")
        .render(
            page=page,
            policy=Markup(policy(scripts, style)),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            data=_data(page),
        )
    )
    return text.encode("utf-8", "replace")


def _plain(table: Table) -> Table:
    """The table with its links as text: a fragment has no sections to link to."""
    return replace(table, rows=[[c.text if isinstance(c, Link) else c for c in row] for row in table.rows])


def fragment(page: Page) -> str:
    """A short static piece of HTML for a notebook: verdict, table, first glance. No script, no link."""
    from markupsafe import Markup

    return (
        _environment()
        .get_template("fragment.j2")
        .render(
            page=page,
            plain=_plain(page.summary) if page.summary else None,
            style=Markup(_asset("assets", "fragment.css")),
        )
    )

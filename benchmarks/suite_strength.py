"""How much of a ring is found as it grows, hides or slows down, beside an oracle and published methods."""

from __future__ import annotations

from typing import Any

from suite_pictures import DIAL, POWER, dialled, sizes
from wording import NOT_YET, Table, told

Row = dict[str, Any]


def parts(found: Row, table: Table) -> list[str]:
    """The sections in their order."""
    return [
        f"### More and more camouflage\n\n{_dial(found, table)}",
        f"### Rings of three sizes\n\n{_power(found, table)}",
        f"### Low and slow\n\n{_surface(found, table)}",
        f"### Beside published methods\n\n{_methods(found.get('baselines', []), table)}",
    ]


def _cell(found: Row, row: Row) -> str:
    """Recall, and what the oracle finds in the same worlds where that is known."""
    known = [
        one["oracle"]
        for one in found.get("oracle", [])
        if all(one[key] == row[key] for key in ("part", "scenario", "setting"))
    ]
    return told(row["recall"]) + (f" ({told(known[0])})" if known else "")


def _dial(found: Row, table: Table) -> str:
    rows = dialled(found, "headline")
    if not rows:
        return NOT_YET
    levels = sorted({row["varied"]["camouflage"] for row in rows})
    out = []
    for scenario in sorted({row["scenario"] for row in rows}):
        by = {row["varied"]["camouflage"]: row for row in rows if row["scenario"] == scenario}
        out.append([f"`{scenario}`", *(_cell(found, by[at]) if at in by else "–" for at in levels)])
    worlds = max(row["worlds"] for row in rows)
    opening = (
        f"![Ring accounts found by camouflage]({DIAL})\n\nShare of ring accounts found without account attributes, at "
        "camouflage from 0 (as the scenario is) to 1 (cover, rewording, noise and personas as far as they go), in up "
        f"to {worlds} worlds each; in brackets the oracle's, which knows how the world is made and no label. "
        f"{_wrong(rows)}"
    )
    return f"{opening}\n\n{table(['scenario', *(f'{at:g}' for at in levels)], out)}"


def _wrong(rows: list[Row]) -> str:
    flagged, of, false = (
        sum(row[key] for row in rows)
        for key in ("innocent_flagged", "innocent_accounts", "worlds_with_a_false_ring")
    )
    worlds = sum(row["worlds"] for row in rows)
    return f"Innocents flagged: {flagged:,} of {of:,}; worlds with a false ring: {false} of {worlds}."


def _power(found: Row, table: Table) -> str:
    rows = sizes(found, "headline")
    if not rows:
        return NOT_YET
    everything = {row["setting"]: row for row in sizes(found, "everything")}
    out = [
        [
            f"{row['varied']['accounts']:,.0f}",
            str(row["worlds"]),
            told(row["recall"]),
            told(everything[row["setting"]]["recall"]) if row["setting"] in everything else "–",
            f"{row['innocent_flagged']:,} of {row['innocent_accounts']:,}",
        ]
        for row in rows
    ]
    heads = [
        "ring accounts",
        "worlds",
        "found: no account attributes",
        "found: everything",
        "innocents flagged¹",
    ]
    opening = (
        f"![Rings found by size]({POWER})\n\nForty exchanges an account, among the innocents of one scenario."
    )
    return f"{opening}\n\n{table(heads, out)}\n\n¹ Without account attributes."


def _surface(found: Row, table: Table) -> str:
    rows = [
        r for r in found["rows"] if r["part"] == "surface" and r["look"] == "headline" and r.get("varied")
    ]
    if not rows:
        return NOT_YET

    def down(row: Row) -> tuple[float, float]:
        return row["varied"]["accounts"], row["varied"]["exchanges"] / row["varied"]["accounts"]

    def across(row: Row) -> tuple[float, float]:
        return row["varied"]["cover"], row["varied"]["personas"]

    columns = sorted({across(row) for row in rows})
    by = {(down(row), across(row)): row for row in rows}
    out = []
    for key in sorted({down(row) for row in rows}):
        cells = [_cell(found, by[key, at]) if (key, at) in by else "–" for at in columns]
        out.append([f"{key[0]:,.0f} × {key[1]:g}", *cells])
    heads = ["accounts × exchanges of each", *(f"cover {cover:.0%}, personas {n:g}" for cover, n in columns)]
    opening = (
        "Four weeks, no template, nothing shared: share of ring accounts found without account attributes, in brackets "
        f"the oracle's. {_of_oracle(found)}{_wrong(rows)}"
    )
    return f"{opening}\n\n{table(heads, out)}"


def _of_oracle(found: Row) -> str:
    cells = [one for one in found.get("oracle", []) if one["part"] == "surface"]
    if not cells:
        return ""
    ours, theirs = (sum(one[key] for one in cells) / len(cells) for key in ("recall", "oracle"))
    share = told(ours / theirs) if theirs else "–"
    return f"Mean over the surface: {told(ours)} against {told(theirs)}, a share of {share}. "


def _methods(baselines: list[Row], table: Table) -> str:
    """Methods down, scenarios across: recall with as many innocents flagged as Headwater, and at 1% of them."""
    shown = [one for one in baselines if one["part"] == "alarms"]
    if not shown:
        return NOT_YET
    names = sorted({name for one in shown for name in one["methods"]})
    ours = ["**Headwater**", *(f"{told(one['recall'])}" for one in shown)]
    out = [ours, *([name, *(_method(one, name) for one in shown)] for name in names)]
    left = sorted({f"{name} in `{one['scenario']}`" for one in shown for name in one["left_out"]})
    worlds = ", ".join(f"`{one['scenario']}` {one['worlds']}" for one in shown)
    told_of = (
        "Share of ring accounts found without account attributes. Each method may flag as many innocents as Headwater "
        f"does in the same world; in brackets its share at 1% of innocents. Worlds: {worlds}."
    )
    closing = f"\n\nLeft out of some worlds, where it takes too long: {', '.join(left)}." if left else ""
    heads = ["method", *(f"`{one['scenario']}`" for one in shown)]
    return f"{told_of}\n\n{table(heads, out)}{closing}"


def _method(world: Row, name: str) -> str:
    figures = world["methods"].get(name)
    if figures is None:
        return "–"
    return f"{told(figures['matched']['recall'])} ({told(figures['at_rate']['recall'])})"

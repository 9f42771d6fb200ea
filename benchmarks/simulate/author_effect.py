"""How unlike one another real accounts are, and simulated innocents beside them; fits the simulator's strength.

Real accounts: committers of the tuning projects, within one project (so: one community, one subject); only
figures leave. Simulated: the people of one population of a world. The same function measures both. A setting
is admissible where the simulated are not stronger than the real in any row of the table; the strongest
admissible one is chosen, so that innocents are neither easier to tell apart than reality nor independent.

    HEADWATER_CORPORA=… python benchmarks/simulate/author_effect.py [--fit] [--json FILE] [--svg FILE] [--page FILE]
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headwater.simulate import Corpora, Scenario, load, simulate
from headwater.simulate.catalogue import GIT_PROJECTS
from headwater.simulate.chance import stream
from headwater.simulate.likeness import SHAPES, author_effect, group_likeness
from headwater.simulate.scenario import Author
from headwater.simulate.topics import ngram_counts, weigh

Texts = dict[str, list[str]]
#: Lines that tools add to a commit message; nobody's style.
TRAILER = re.compile(r"^(signed-off-by|co-authored-by|closes|fixes|docker-dco).*$", re.I | re.M)
#: Accounts from which look-alikes are chosen, and the size of such a group: accounts × prompts on each side.
CANDIDATES, LOOKALIKES, PROMPTS = 200, 20, 5
GRID = {"narrow": (0.4, 0.5, 0.6, 0.8), "style": (0.35, 0.4, 0.45, 0.5), "spread": (0.6,)}
QUANTILES = (0.05, 0.5)


def real(corpora: Corpora) -> dict[str, tuple[Texts, dict[str, list[float]]]]:
    """Per project: texts and hours of the day of every human account, without merges and tools' lines."""
    found = {}
    for project in GIT_PROJECTS["tune"]:
        (path,) = corpora.files(f"accounts/git_commits/messages/{project.replace('/', '__')}.jsonl.gz")
        texts: Texts = {}
        hours: dict[str, list[float]] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                text = TRAILER.sub("", row["text"]).strip()
                if row["kind"] == "human" and len(text) >= 8 and not text.startswith(("Merge ", "Revert ")):
                    texts.setdefault(row["account"], []).append(text)
                    hours.setdefault(row["account"], []).append(row["t"] % 86_400 / 3600)
        found[project] = (texts, hours)
    return found


def people(scenario: Scenario) -> Scenario:
    """The scenario with its persons and seats alone: those who have an author effect."""
    kept = tuple(group for group in scenario.innocents if group.shape in ("people", "seats"))
    return msgspec.structs.replace(scenario, innocents=kept, campaigns=())


def simulated(
    corpora: Corpora, author: Author, scale: float
) -> dict[str, tuple[Texts, dict[str, list[float]]]]:
    """Per population: prompts and hours of the day of every simulated person."""
    scenario = msgspec.structs.replace(people(load("quiet")), author=author)
    world = simulate(scenario, corpora, scale=scale)
    accounts = world.truth.accounts
    owner = dict(zip(accounts["account"].to_pylist(), accounts["population"].to_pylist(), strict=True))
    found: dict[str, tuple[Texts, dict[str, list[float]]]] = {}
    columns = [world.exchanges[name].to_pylist() for name in ("account", "prompt", "at")]
    for account, prompt, at in zip(*columns, strict=True):
        texts, hours = found.setdefault(owner[account], ({}, {}))
        texts.setdefault(account, []).append(prompt)
        hours.setdefault(account, []).append(at.hour + at.minute / 60)
    return found


def lookalikes(texts_of: Mapping[str, Sequence[str]], rng: np.random.Generator) -> list[tuple[float, float]]:
    """z of greedily grown groups of look-alikes: (on the prompts that chose them, on fresh prompts)."""
    chosen = []
    for account in sorted(texts_of):
        different = list(dict.fromkeys(texts_of[account]))
        if len(different) >= 2 * PROMPTS:
            chosen.append([different[i] for i in rng.permutation(len(different))[: 2 * PROMPTS]])
    if len(chosen) < 2 * LOOKALIKES:
        return []
    chosen = [chosen[i] for i in rng.permutation(len(chosen))[:CANDIDATES]]
    vectors = weigh(ngram_counts([t for own in chosen for t in own], 2048, read=300))
    vectors = vectors.reshape(len(chosen), 2 * PROMPTS, -1)
    middle = vectors[:, :PROMPTS].mean(axis=1)
    alike = middle @ middle.T
    found = []
    for seed in rng.choice(len(chosen), min(40, len(chosen)), replace=False).tolist():
        group = [seed]
        while len(group) < LOOKALIKES:
            score = alike[group].sum(axis=0)
            score[group] = -np.inf
            group.append(int(np.argmax(score)))
        halves = (vectors[group][:, :PROMPTS], vectors[group][:, PROMPTS:])
        flat = [half.reshape(LOOKALIKES * PROMPTS, -1) for half in halves]
        own, fresh = (group_likeness(half @ half.T, LOOKALIKES, PROMPTS)[0] for half in flat)
        found.append((own, fresh))
    return found


def hour_correlation(hours_of: Mapping[str, Sequence[float]], rng: np.random.Generator) -> float:
    """Intraclass correlation of the hour of the day, by the cosine of its difference; five moments each."""
    chosen = [rng.permutation(hours)[:5] for hours in hours_of.values() if len(hours) >= 5]
    if len(chosen) < 20:
        return float("nan")
    points = np.exp(2j * np.pi * np.array(chosen) / 24)
    within = float(np.mean((np.abs(points.sum(axis=1)) ** 2 - 5) / 20))
    n = points.size
    between = float((np.abs(points.sum()) ** 2 - n - within * 20 * len(chosen)) / (n * (n - 5)))
    return (within - between) / (1 - between)


def figures(communities: Iterable[tuple[Texts, dict[str, list[float]]]]) -> dict[str, list[float]]:
    """All groups of all communities: z and correlation per shape, look-alikes, hours."""
    found: dict[str, list[float]] = {}
    for texts, hours in communities:
        rng = stream(1, "author effect")
        for shape, effect in author_effect(texts, rng).items():
            label = f"{shape[0]} × {shape[1]}"
            found.setdefault(f"z, {label}", []).extend(effect.z.tolist())
            found.setdefault(f"correlation, {label}", []).extend(effect.icc.tolist())
        for own, fresh in lookalikes(texts, rng):
            found.setdefault("z of 20 look-alikes, own prompts", []).append(own)
            found.setdefault("z of 20 look-alikes, fresh prompts", []).append(fresh)
        hour = hour_correlation(hours, rng)
        if np.isfinite(hour):
            found.setdefault(HOURS, []).append(hour)
    return found


#: Rows that decide; the others are shown. On their own prompts look-alikes are alike by choice, in both.
DECIDE = [f"{what}, {a} × {k}" for what in ("z", "correlation") for a, k in SHAPES]
DECIDE += ["z of 20 look-alikes, fresh prompts"]
#: One figure per community: too few for a 5% quantile, so only its median decides.
HOURS = "correlation of hours"


def compare(reality: dict[str, list[float]], made: dict[str, list[float]]) -> dict[str, Any]:
    """5% quantile and median of every row, real and simulated."""
    rows = {}
    for name, seen in reality.items():
        both = {"real": seen, "simulated": made.get(name, [float("nan")])}
        rows[name] = {side: np.quantile(values, QUANTILES).round(4).tolist() for side, values in both.items()}
    return rows


def admissible(rows: dict[str, Any]) -> bool:
    """Whether the simulated are nowhere stronger than the real, at the 5% quantile and at the median."""
    hours = rows[HOURS]["simulated"][1] <= rows[HOURS]["real"][1]
    return hours and all(m <= r for name in DECIDE for r, m in zip(*rows[name].values(), strict=True))


def strength(rows: dict[str, Any]) -> float:
    """Mean ratio of simulated to real medians over the deciding rows."""
    return float(np.mean([rows[name]["simulated"][1] / rows[name]["real"][1] for name in DECIDE]))


def table(rows: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        "| figure | real, 5% | real, median | simulated, 5% | simulated, median |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        digits = 3 if name.startswith("correlation") else 1
        cells = [f"{value:.{digits}f}" for side in ("real", "simulated") for value in row[side]]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def svg(reality: dict[str, list[float]], made: dict[str, list[float]]) -> str:
    """Distribution functions of z, real and simulated, one panel per shape."""
    panels = []
    for i, name in enumerate(f"z, {a} × {k}" for a, k in SHAPES):
        top = max(np.quantile(reality[name], 0.98), np.quantile(made[name], 0.98))
        left = 20 + 240 * i
        lines = []
        for values, colour in ((reality[name], "#555"), (made[name], "#0a7")):
            levels = np.linspace(0, 0.98, 50)
            points = zip(np.quantile(values, levels) / top * 200, 170 - levels * 140, strict=True)
            path = " ".join(f"{left + max(x, 0):.1f},{y:.1f}" for x, y in points)
            lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        text = f'<text x="{left}" y="20">{name}: 0 … {top:.0f}</text>'
        panels.append(text + f'<path d="M{left} 30V170h200" fill="none" stroke="#aaa"/>' + "".join(lines))
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 200" font-family="sans-serif" font-size="13">'
    return (
        head + "".join(panels) + '<text x="20" y="195">grey: real accounts, green: simulated</text></svg>\n'
    )


def main() -> None:
    """Measure the packaged strength against reality, or search the grid with `--fit`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fit", action="store_true", help="search the grid of strengths")
    parser.add_argument("--scale", type=float, default=0.6, help="scale of the simulated world")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--page", type=Path, help="page whose table is written anew")
    asked = parser.parse_args()
    corpora = Corpora.find()
    reality = figures(real(corpora).values())
    tried = []
    points = itertools.product(*GRID.values()) if asked.fit else [()]
    for point in points:
        author = Author(**dict(zip(GRID, point, strict=False)))
        made = figures(simulated(corpora, author, asked.scale).values())
        rows = compare(reality, made)
        tried.append((admissible(rows), strength(rows), author, rows, made))
        print(f"{author}: admissible {admissible(rows)}, strength {strength(rows):.3f}", flush=True)
    fits, power, author, rows, made = max(tried, key=lambda t: (t[0], t[1] if t[0] else -t[1]))
    print(f"\n{author}: admissible {fits}, strength {power:.3f}\n\n{table(rows)}")
    if asked.json:
        record = {
            "author": msgspec.structs.asdict(author),
            "admissible": fits,
            "strength": power,
            "rows": rows,
        }
        asked.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if asked.svg:
        asked.svg.write_text(svg(reality, made), encoding="utf-8")
    if asked.page:
        before, marker, rest = asked.page.read_text(encoding="utf-8").partition("<!-- author effect -->\n")
        after = rest.partition("<!-- end of author effect -->")[2]
        page = f"{before}{marker}{table(rows)}\n<!-- end of author effect -->{after}"
        asked.page.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

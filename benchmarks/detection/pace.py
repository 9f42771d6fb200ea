"""Pace on real accounts' times: false alarms of pool and pauses, the law of machine-like arrival, and speed.

Real accounts are found through HEADWATER_CORPORA; only figures leave. Groups that share a block of time are
disjoint, so that intervals are honest about accounts, though not about shocks that a block's groups share.

    HEADWATER_CORPORA=… python benchmarks/detection/pace.py [--json FILE] [--page docs/explanation/pace.md]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

from headwater.detect.pace import arrival_features, joint_pauses, pool_ratio
from headwater.detect.pace.arrival import MACHINE_LAW

SECOND = 1_000_000
DAY = 86_400 * SECOND
YEAR = 31_556_952 * SECOND
TUNE = (
    *(
        "Homebrew/brew",
        "huggingface/datasets",
        "jekyll/jekyll",
        "laravel/framework",
        "moby/moby",
        "numpy/numpy",
    ),
    *("pallets/flask", "python/mypy", "rails/rails", "scipy/scipy", "scrapy/scrapy", "tldr-pages/tldr"),
)
SIZES = (20, 50, 100)
Times = np.ndarray


def git(root: Path) -> tuple[dict[str, list[Times]], list[Times]]:
    """(times of people by project, times of bots), tune side only."""
    people: dict[str, list[Times]] = defaultdict(list)
    bots = []
    with gzip.open(root / "accounts/git_commits/events.tsv.gz", "rt") as lines:
        next(lines)
        for line in lines:
            project, _, kind, _, deltas = line.rstrip("\n").split("\t")
            if project in TUNE:
                times = np.sort(np.cumsum(np.array(deltas.split(","), np.int64))) * SECOND
                (people[project] if kind == "human" else bots).append(times)
    return people, bots


def clients(root: Path) -> list[Times]:
    """One day of each client of a reasoning model: arrivals drawn from its published law per ten minutes."""
    found = []
    for number, path in enumerate(sorted((root / "traces/servegen/reason/deepseek-r1").glob("*-trace.csv"))):
        rng = np.random.default_rng(number)
        parts = []
        for row in csv.reader(path.open()):
            if float(row[1]) > 0 and row[3]:
                start, rate, shape, scale = float(row[0]), float(row[1]), float(row[4]), float(row[5])
                size = int(1800 * rate) + 10
                gaps = (
                    rng.gamma(shape, scale, size) if row[3] == "Gamma" else scale * rng.weibull(shape, size)
                )
                parts.append(start + np.cumsum(gaps)[np.cumsum(gaps) < 600])
        if parts:
            found.append((np.concatenate(parts) * SECOND).astype(np.int64))
    return found


def robots(root: Path) -> list[Times]:
    """Clients of a web site that name themselves robots."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in (root / "traces/apache_2015/requests.jsonl").open():
        row = json.loads(line)
        if row["agent"] == "bot":
            found[row["client"]].append(row["t"] * SECOND)
    return [np.sort(np.array(times, np.int64)) for _, times in sorted(found.items())]


def posts(root: Path, least: int) -> list[Times]:
    """Posters around an election (unlabelled) with at least `least` posts."""
    found: dict[str, list[int]] = defaultdict(list)
    with (root / "coord/coortweet/german_elections.csv").open() as lines:
        for row in csv.DictReader(lines):
            found[row["account_id"]].append(int(float(row["timestamp"])) * SECOND)
    return [np.sort(np.array(t, np.int64)) for _, t in sorted(found.items()) if len(t) >= least]


def blocks(people: dict[str, list[Times]], years: int, least: int) -> Iterator[list[Times]]:
    """Disjoint blocks of `years` back from a project's last commit: accounts with `least` commits in it."""
    for project in sorted(people):
        end = max(int(times[-1]) for times in people[project])
        for back in range(14 // years):
            high, low = end - back * years * YEAR, end - (back + 1) * years * YEAR
            inside = [times[(times > low) & (times <= high)] for times in people[project]]
            yield [times for times in inside if len(times) >= least]


def random_groups(accounts: list[Times], size: int, rng: np.random.Generator) -> list[list[Times]]:
    """Disjoint groups of `size` accounts, at random."""
    order = rng.permutation(len(accounts))
    return [[accounts[i] for i in order[k : k + size]] for k in range(0, len(order) - size + 1, size)]


def same_weeks(accounts: list[Times], size: int, rng: np.random.Generator, unit: int) -> list[list[Times]]:
    """Disjoint groups of accounts active in the same units of time, each grown around a random account."""
    if len(accounts) < size:
        return []
    low, high = min(int(t[0]) for t in accounts), max(int(t[-1]) for t in accounts)
    count = (high - low) // unit + 1
    active = np.array(
        [np.bincount((t - low) // unit, minlength=count)[:count] > 0 for t in accounts], np.float64
    )
    left, groups = np.arange(len(accounts)), []
    while len(left) >= size:
        first = rng.choice(left)
        likeness = active[left] @ active[first] / np.sqrt(active[left].sum(axis=1) * active[first].sum())
        likeness[left == first] = np.inf
        chosen = left[np.argsort(-likeness, kind="stable")[:size]]
        groups.append([accounts[i] for i in chosen])
        left = np.setdiff1d(left, chosen)
    return groups


def interval(hits: int, of: int) -> list[float]:
    """Clopper and Pearson's 95% interval."""
    low = stats.beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    return [float(low), float(high)]


def row(name: str, asked: int, answers: list[tuple[float, float, float]]) -> dict[str, Any]:
    """One line of the table from (p, llr, ratio) of groups with enough material."""
    if not answers:
        return {"groups": name, "asked": asked, "judged": 0}
    p, llr, ratio = (np.array(column) for column in zip(*answers, strict=True))
    hits = [int(np.sum(p < level)) for level in (0.05, 0.01)]
    return {
        "groups": name,
        "asked": asked,
        "judged": len(p),
        "p<0.05": [hits[0] / len(p), *interval(hits[0], len(p))],
        "p<0.01": [hits[1] / len(p), *interval(hits[1], len(p))],
        "llr 50/95/99/max": [float(q) for q in np.quantile(llr, [0.5, 0.95, 0.99, 1])],
        "mean exp(llr)": float(np.mean(np.exp(llr))),
        "ratio 5/50/95": [float(q) for q in np.quantile(ratio, [0.05, 0.5, 0.95])],
    }


def pool_rows(name: str, groups: list[list[Times]]) -> dict[str, Any]:
    """False alarms of `pool_ratio` on groups without a ring."""
    answers = [pool_ratio(group, seed=k, shifts=999) for k, group in enumerate(groups)]
    return row(name, len(groups), [(a.p_low, a.llr, a.ratio) for a in answers if a.enough])


def pause_rows(name: str, groups: list[list[Times]], everyone: list[Times]) -> dict[str, Any]:
    """False alarms of `joint_pauses`, with everybody of the block as background."""
    merged = np.concatenate(everyone)
    origin, width = int(merged.min()) // DAY * DAY, DAY // 24
    counts = np.bincount((merged - origin) // width)
    answers = [
        joint_pauses(group, counts, width, origin_us=origin, seed=k, permutations=999)
        for k, group in enumerate(groups)
    ]
    return row(name, len(groups), [(a.p_value, a.llr, a.statistic) for a in answers if a.enough])


def false_alarms(people: dict[str, list[Times]], posters: list[Times]) -> dict[str, list[dict[str, Any]]]:
    """Both tables: random groups, and groups chosen because they were active at the same time."""
    pools, pauses = [], []
    commits = list(blocks(people, 2, 5))
    for size in SIZES:
        rng = np.random.default_rng(size)
        groups = [group for block in commits for group in random_groups(block, size, rng)]
        pools.append(pool_rows(f"commits, {size} at random", groups))
        groups = [group for block in commits for group in same_weeks(block, size, rng, 7 * DAY)]
        pools.append(pool_rows(f"commits, {size} of the same weeks", groups))
    for size in SIZES:
        rng = np.random.default_rng(size)
        shuffled = random_groups(posters, size, rng)
        alike = same_weeks(posters, size, rng, DAY // 4)
        pools.append(pool_rows(f"posts, {size} at random", shuffled))
        pools.append(pool_rows(f"posts, {size} of the same hours", alike))
        pauses.append(pause_rows(f"posts, {size} at random", shuffled, posters))
        pauses.append(pause_rows(f"posts, {size} of the same hours", alike, posters))
    busy = {"all projects": [times for part in people.values() for times in part]}
    years = [block for block in blocks(busy, 1, 20) if len(block) >= SIZES[-1]]
    for size in SIZES[1:]:
        rng = np.random.default_rng(size)
        for name, make in (("at random", random_groups), ("of the same weeks", _weekly)):
            made = [(group, block) for block in years for group in make(block, size, rng)]
            pauses.append(_pauses_by_block(f"commits, {size} {name}", made))
    return {"pool": pools, "pauses": pauses}


def _weekly(accounts: list[Times], size: int, rng: np.random.Generator) -> list[list[Times]]:
    return same_weeks(accounts, size, rng, 7 * DAY)


def _pauses_by_block(name: str, made: list[tuple[list[Times], list[Times]]]) -> dict[str, Any]:
    answers = []
    for number, (group, block) in enumerate(made):
        merged = np.concatenate(block)
        origin = int(merged.min()) // DAY * DAY
        counts = np.bincount((merged - origin) // (DAY // 24))
        found = joint_pauses(group, counts, DAY // 24, origin_us=origin, seed=number, permutations=999)
        if found.enough:
            answers.append((found.p_value, found.llr, found.statistic))
    return row(name, len(made), answers)


def machine_law(people: dict[str, list[Times]], machines: list[Times]) -> dict[str, Any]:
    """The logistic law of `arrival`, with its cross-validated scores."""
    years = []
    for project in sorted(people):
        for times in people[project]:
            years += [times[times // YEAR == year] for year in np.unique(times // YEAR)]
    tables = []
    for series in (years, machines):
        features = [f for f in map(arrival_features, series) if f.enough]
        tables.append(np.array([[f.quiet_share, min(f.gap_spread, 5.0), f.clock, 1.0] for f in features]))
    x, truth = np.concatenate(tables), np.repeat([0.0, 1.0], [len(t) for t in tables])
    weight = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    fold, score = np.arange(len(x)) % 5, np.zeros(len(x))
    for k in range(5):
        score[fold == k] = x[fold == k] @ _logistic(x[fold != k], truth[fold != k], weight[fold != k])
    ranks = stats.rankdata(score)[truth > 0]
    wins = ranks.sum() - len(ranks) * (len(ranks) + 1) / 2
    return {
        "people": int((1 - truth).sum()),
        "machines": int(truth.sum()),
        "law": [round(float(b), 2) for b in _logistic(x, truth, weight)],
        "law in use": list(MACHINE_LAW),
        "auc": float(wins / (truth.sum() * (1 - truth).sum())),
        "people above 0": float(np.mean(score[truth == 0] > 0)),
        "machines above 0": float(np.mean(score[truth > 0] > 0)),
    }


def _logistic(x: Times, truth: Times, weight: Times) -> Times:
    def loss(b: Times) -> float:
        return float(np.sum(weight * (np.logaddexp(0, x @ b) - truth * (x @ b))) + 1e-3 * np.sum(b[:-1] ** 2))

    return optimize.minimize(loss, np.zeros(x.shape[1]), method="BFGS").x


def speed() -> dict[str, float]:
    """Seconds of one core for a million arrivals of 20,000 accounts, once compiled."""
    rng = np.random.default_rng(0)
    times = (rng.uniform(0, 30, 1_000_000) * DAY).astype(np.int64)
    series = np.split(times, np.sort(rng.integers(0, len(times), 19_999)))
    held = [rng.integers(SECOND, 40 * SECOND, len(part)) for part in series]
    counts = 3 * np.bincount(times // (600 * SECOND))
    pool_ratio(series[:50], held[:50], seed=0, shifts=9)
    begun = time.process_time()
    pool_ratio(series, held, seed=0)
    middle = time.process_time()
    joint_pauses(series, counts, 600 * SECOND, origin_us=0, seed=0)
    return {"pool": round(middle - begun, 1), "pauses": round(time.process_time() - middle, 1)}


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table of false alarms."""
    heads = ("groups", "judged of asked", "p < 0.05", "p < 0.01", "statistic 5% · 50% · 95%")
    heads += ("nats 50% · 95% · 99% · max", "mean exp(nats)")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for entry in rows:
        if not entry["judged"]:
            lines.append(f"| {entry['groups']} | 0 of {entry['asked']} | | | | | |")
            continue
        rates = ["{:.1%} ({:.1%}–{:.1%})".format(*entry[level]) for level in ("p<0.05", "p<0.01")]
        ratio = " · ".join(f"{q:.2f}" for q in entry["ratio 5/50/95"])
        nats = " · ".join(f"{q:.2f}" for q in entry["llr 50/95/99/max"])
        cells = [entry["groups"], f"{entry['judged']} of {entry['asked']}", *rates, ratio, nats]
        lines.append(f"| {' | '.join(map(str, cells))} | {entry['mean exp(llr)']:.2f} |")
    return "\n".join(lines)


LAW = (
    "**Machine-like arrival**, {people} account-years of people and {machines} machines: AUC {auc:.2f}; "
    "{people above 0:.0%} of the people and {machines above 0:.0%} of the machines lie on the machines' "
    "side (five-fold cross-validation). Fitted law {law}."
)
SPEED = "**Speed**, one core, 20,000 accounts and a million arrivals: pool {pool} s, pauses {pauses} s."


def page(figures: dict[str, Any]) -> str:
    """The measured part of the page."""
    alarms = figures["false_alarms"]
    parts = ["**One pool**, groups without a ring:", table(alarms["pool"])]
    parts += ["**Joint pauses**, groups without a ring:", table(alarms["pauses"])]
    return "\n\n".join([*parts, LAW.format(**figures["arrival"]), SPEED.format(**figures["seconds"])])


def main() -> int:
    """Run everything and write what was asked for."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", type=Path)
    options.add_argument("--page", type=Path)
    asked = options.parse_args()
    if "HEADWATER_CORPORA" not in os.environ:
        print("hint: set HEADWATER_CORPORA to the folder of the corpora", file=sys.stderr)
        return 2
    root = Path(os.environ["HEADWATER_CORPORA"])
    people, bots = git(root)
    figures: dict[str, Any] = {
        "false_alarms": false_alarms(people, posts(root, 10)),
        "arrival": machine_law(people, bots + clients(root) + robots(root)),
        "seconds": speed(),
    }
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    if asked.page:
        before, _, rest = asked.page.read_text(encoding="utf-8").partition("<!-- figures -->\n")
        _, _, after = rest.partition("<!-- end of figures -->")
        filled = f"{before}<!-- figures -->\n\n{page(figures)}\n\n<!-- end of figures -->{after}"
        asked.page.write_text(filled, encoding="utf-8")
    print(text if not asked.page else page(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

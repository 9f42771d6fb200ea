"""What survives of marks: predictions agree with the exact law where nothing survives; the page has every scheme."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import figures
import robustness_page

sys.path.append(str(figures.MARKS))
import robustness_plot
import survival

from headwater.mark import scheme
from headwater.mark.bench import Rate, Row
from headwater.mark.evidence import standard

ATTACKS = ("none", "substitution 25%", "dilution 1:3", "paraphrase (DIPPER)")


def row(name: str, attack: str, tokens: int) -> dict[str, Any]:
    hits = 40 if attack == "none" else 10
    rates = (Rate(hits, 40), Rate(hits // 2, 40))
    low = (Rate(2, 200), Rate(0, 200))
    return Row(
        name, True, attack, 2.4, 2.41, 0.6, tokens, 40, rates, -9.5, None, low, low, 31.5, 0.41, 0.07
    ).flat()


def result() -> dict[str, Any]:
    names = [name for name, *_ in robustness_plot.LINES]
    rows = [row(name, attack, tokens) for name in names for attack in ATTACKS for tokens in (100, 400)]
    predicted = [
        {"scheme": name, "entropy": 2.4, "paraphraser": who, "tokens": 400, "survival": 0.3, "tpr_1e-2": 0.21}
        for name in names
        for who in ("DIPPER", "GPT-3.5 (published)")
    ]
    return {
        "date": "2026-11-28",
        "revision": "abc",
        "teacher": {"parameters": 4_196_608},
        "plan": {"texts": 40, "wrong_keys": 5},
        "rows": rows,
        "unmarked": {"2.4": {"entropy": 2.4, "perplexity": 30.0, "distinct_2": 0.5, "repeated_4": 0.01}},
        "survival": {"DIPPER on chatgpt": [0.62, 0.27, 0.15, 0.09, 0.06]},
        "predicted": predicted,
    }


def test_the_page_has_every_scheme_attack_and_interval() -> None:
    told = robustness_page.section(result(), figures.table)
    for name in robustness_page.SHORT:
        assert name not in told, "schemes have their short names"
    for attack in ATTACKS:
        assert f"| {attack} | " in told
    assert "25 (12)" in told
    low, high = Rate(2, 200).interval
    assert f"1% ({100 * low:.2g}–{100 * high:.2g})" in told, "pairs of answer and key count once"
    assert "25% (14–40)" in told
    assert told.count("21%") == 8
    assert "no mark" in told


def test_what_is_kept_gives_the_same_page() -> None:
    import json

    import robustness

    kept = json.loads(robustness.packed(result()))
    assert robustness_page.section(kept, figures.table) == robustness_page.section(result(), figures.table)


def test_the_plot_has_a_line_for_each_scheme_in_each_panel() -> None:
    drawn = robustness_plot.drawn(result())
    assert drawn.count("<polyline") == len(robustness_plot.LINES) * (len(robustness_plot.PANELS) + 1)


def test_survival_counts_distinct_windows() -> None:
    before, after = np.array([1, 2, 3, 4, 5]), np.array([9, 2, 3, 4, 9, 2, 3])
    assert survival.shared(before, after, 0) == 3 / 4
    assert survival.shared(before, after, 1) == 2 / 4
    assert survival.shared(before, after, 4) == 0


@pytest.mark.parametrize("name", ["headwater-gumbel", "headwater-tilt"])
def test_where_nothing_survives_as_much_is_found_as_is_false(name: str) -> None:
    made = scheme(name, {})
    laws = [table.law(made.null) for table in standard(made).tables[0]]
    log_p, power = survival._power(laws, 400, 0.0, 0.0, 0.0)
    assert abs(power - 0.01) < 0.006
    assert -1.1 < log_p < -0.4
    mean = sum(law.mean for law in laws)
    stronger = [survival._power(laws, 400, share, 2 * mean, 1.0)[1] for share in (0.1, 0.3, 0.6)]
    assert stronger == sorted(stronger)
    assert stronger[-1] > 0.9

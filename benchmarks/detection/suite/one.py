"""One kind of evidence in the worlds of a run: what it says of innocent groups, and what is lost without it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from typing import Any

from intervals import clopper_pearson
from scoring import share

from suite.rescore import cards


def known(parser: argparse.ArgumentParser, name: str) -> None:
    """End with an error where no evidence of this name is installed."""
    if name not in cards():
        near = difflib.get_close_matches(name, list(cards()), n=1)
        parser.error(
            f"no evidence called {name} is installed" + (f": did you mean {near[0]}?" if near else "")
        )


def told(name: str, found: Mapping[str, Any]) -> str:
    """Its lines, as a card or an author wants them: false positives by nats, then recall with it and without."""
    law = found["laws"].get(name)
    groups = next((int(one["groups"]) for one in found["laws"].values()), 0)
    lines = [f"{name}: {groups:,} groups without a ring account were judged"]
    for nats in (1, 2, 3):
        hits = int(law[f"at_{nats}"]) if law else 0
        low, high = clopper_pearson(hits, groups) if groups else (0.0, 1.0)
        lines.append(
            f"  {nats} nat{'s' * (nats > 1)} for a campaign or more: {hits:,} ({low:.2%} to {high:.2%})"
        )
    if law:
        lines.append(
            f"  mean likelihood ratio there: {law['mean_ratio']:.2f} (1 at most where its law holds)"
        )
        shown = {s: pair for s, pair in law["scenarios"].items() if pair[0]}
        lines += [
            f"  a nat in {scenario}: {hits:,} of {of:,} groups" for scenario, (hits, of) in shown.items()
        ]
    else:
        lines.append("  it never spoke of such a group")
    for ablation in found["ablations"]:
        whole, *others = ablation["rows"]
        without = next((row for row in others if row["left_out"] == "single" and row["name"] == name), None)
        for scenario, have in whole["scenarios"].items():
            if not have["ring_accounts"]:
                continue
            lost = (without or whole)["scenarios"][scenario]
            lines.append(
                f"  {ablation['look']}, {scenario}: {_percent(have)} of ring accounts reported, "
                f"{_percent(lost)} without it"
            )
    return "\n".join(lines)


def _percent(row: Mapping[str, Any]) -> str:
    part = share(row["found"], row["ring_accounts"])
    return "none" if part is None else f"{part:.1%}"

"""How far a verdict may be trusted: false discoveries, calibration, what each kind of evidence carries, scripts."""

from __future__ import annotations

from typing import Any

from headwater.detect import DetectSettings
from suite_pictures import RELIABILITY
from wording import NOT_YET, Table, listed, span, told

Row = dict[str, Any]
PRIOR = DetectSettings().prior
#: Fewer innocents of a script say nothing of it.
SCRIPT = 1000
#: What an evidence must move to have a row: a share of ring accounts, or a false ring.
MOVES = 0.005
LOOKS = {"everything": "everything in view", "headline": "no account attributes"}


def parts(found: Row, table: Table) -> list[str]:
    """The sections in their order."""
    return [
        f"### False discoveries\n\n{_discovery(found.get('discovery'), table)}",
        f"### Calibration\n\n{_calibration(found.get('calibration'), table)}",
        f"### What each kind of evidence carries\n\n{_ablations(found.get('ablations', []), table)}",
        f"### What is said of innocent groups\n\n{_laws(found['laws'], table)}",
        f"### Scripts\n\n{_scripts(found.get('scripts', {}), table)}",
    ]


def _discovery(found: Row | None, table: Table) -> str:
    if not found or not found["rings"]:
        return NOT_YET
    quiet, beside = found["quiet"], found["beside_a_ring"]
    opening = (
        "Of the logs in which something is reported, the share that hold no ring: "
        "FDR(π) = (1 − π) α / ((1 − π) α + π β), where a share π of all logs holds a ring of the size, α is the chance "
        "that a log without a ring has a reported one, and β the chance that the ring is reported. The unit is one "
        "log, since what is reported in it stands or falls together; looks are without account attributes. "
        f"α: {quiet['with_a_false_ring']} of {quiet['worlds']} worlds without a ring ({span(quiet['share_95'])}), from "
        f"all innocent scenarios and large quiet worlds; {quiet['false_rings']} false rings of {quiet['groups']:,} "
        f"groups that were judged there (at most {told(quiet['by_group_95'][1])}, as if groups were independent). "
        "*At most* takes the upper end of α and the lower end of β, each of an exact 95% interval; an estimate of 0 "
        "says only that no false alarm was seen. Not in it are false rings beside a true one: "
        f"{beside['false']} of {beside['reported']} rings reported in {beside['worlds']} worlds that hold a ring."
    )
    prevalences = [report["prevalence"] for report in found["rings"][0]["reports"]]
    heads = ["ring of", "accounts", "reported (β)", *(f"π = {told(at)}: FDR, at most" for at in prevalences)]
    rows = [
        [
            f"`{ring['scenario']}`" + (", by size" if ring["part"] == "power" else ""),
            f"{ring['accounts']:,}",
            f"{ring['found']} of {ring['worlds']} ({span(ring['power_95'])})",
            *(f"{told(one['fdr'])}, {told(one['at_most'])}" for one in ring["reports"]),
        ]
        for ring in sorted(found["rings"], key=lambda ring: ring["part"] != "power")
    ]
    return f"{opening}\n\n{table(heads, rows)}"


def _calibration(found: Row | None, table: Table) -> str:
    if not found or not found["worlds"]:
        return NOT_YET
    rates = found["rates"]
    right, likely = found["likely"]
    opening = (
        f"![Verdicts that are right]({RELIABILITY})\n\n"
        f"{found['worlds']} small worlds, {found['worlds_with_a_ring']} of them with rings, weak and strong; "
        f"{found['rings']:,} of {found['groups']:,} judged groups are rings (more than half of their named accounts). "
        f"Each group's evidence is added to a prior that is the worlds' own rate instead of the product's {PRIOR:.1%}, "
        f"counted in the worlds of the other parity of seeds ({told(rates['even'])} even, {told(rates['odd'])} odd), "
        f"so that what is tested is the evidence. {found['far_below']:,} groups lie so far below that only their "
        f"number was kept; of {found['nobody_named']:,} nobody was named, and they are left out. With the product's "
        f"own prior and threshold {likely} groups were reported, {right} of them rings."
    )
    rows = [
        [
            f"{one['from']:g}–{one['to']:g}",
            f"{one['verdicts']:,}",
            told(one["said"]),
            f"{one['right']:,}",
            told(one["share"]),
            span(one["share_95"]) if one["verdicts"] else "–",
        ]
        for one in found["bins"]
    ]
    heads = ["probability", "verdicts", "mean probability", "right", "share right", "95% interval"]
    return f"{opening}\n\n{table(heads, rows)}"


def _ablations(ablations: list[Row], table: Table) -> str:
    measured = [one for one in ablations if one["ledgers"]]
    scenarios = _with_rings(measured)
    if not scenarios:
        return NOT_YET
    rows, closings = [], []
    for one in measured:
        whole, *others = one["rows"]
        kept = [row for row in others if row["left_out"] == "family" or _moved(whole, row)]
        still = [row["name"] for row in others if row["left_out"] == "single" and not _moved(whole, row)]
        rows += [_ablation(LOOKS[one["look"]], row, scenarios) for row in (whole, *kept)]
        if still:
            closings.append(f"Alone, {listed(still)} can go without a change ({LOOKS[one['look']]}).")
    ledgers, unlike = (sum(one[key] for one in measured) for key in ("ledgers", "unlike"))
    opening = (
        "Every kept ledger added up again without a family of evidence, and without each single evidence that carried "
        "a nat somewhere: share of ring accounts in rings that are still reported, and in how many worlds one is. "
        "Nothing is proposed again: where evidence also proposes (templates, means, nearness) the row says only what "
        "its weight carries, and the looks above say what is lost with it. Groups far below were only counted, so what "
        f"clears innocents by many nats can't be seen here. {ledgers - unlike:,} of {ledgers:,} ledgers add up to the "
        "verdict that was kept when nothing is left out."
    )
    heads = ["in view", "left out", *(f"`{name}`" for name in scenarios), "false rings"]
    return "\n\n".join([opening, table(heads, rows), *closings])


def _with_rings(ablations: list[Row]) -> list[str]:
    """Scenarios whose ring is reported somewhere, with all evidence or less of it."""
    return sorted(
        {
            name
            for one in ablations
            for row in one["rows"]
            for name, counts in row["scenarios"].items()
            if counts["found"]
        }
    )


def _moved(whole: Row, row: Row) -> bool:
    """Whether leaving this out changes what is found or falsely reported anywhere."""
    return any(
        abs((counts["recall"] or 0.0) - (whole["scenarios"][name]["recall"] or 0.0)) >= MOVES
        or counts["false_rings"] != whole["scenarios"][name]["false_rings"]
        for name, counts in row["scenarios"].items()
    )


def _ablation(look: str, row: Row, scenarios: list[str]) -> list[str]:
    names = {"nothing": "nothing", "family": f"*all of {row['name']}*", "single": f"`{row['name']}`"}
    cells = []
    for name in scenarios:
        counts = row["scenarios"].get(name)
        shown = counts and counts["ring_accounts"]
        cells.append(
            f"{counts['recall']:.0%}, {counts['worlds_likely']}/{counts['worlds']}" if shown else "–"
        )
    false = sum(counts["false_rings"] for counts in row["scenarios"].values())
    return [look, names[row["left_out"]], *cells, str(false)]


def _laws(laws: dict[str, dict[str, Any]], table: Table) -> str:
    """How often each kind of evidence speaks against groups without a ring account."""
    groups = int(next(iter(laws.values()))["groups"]) if laws else 0
    opening = (
        f"What each kind of evidence said of {groups:,} groups that were proposed and hold no account of a ring (whole "
        "worlds, everything in view): how often so many nats for a campaign, and its mean likelihood ratio, which is "
        "1 at most where its law holds."
    )
    rows = [
        [
            f"`{name}`",
            *(f"{law[f'at_{nats}'] / groups:.1%}" for nats in (1, 2, 3)),
            f"{law['mean_ratio']:.2f}",
        ]
        for name, law in laws.items()
    ]
    return f"{opening}\n\n{table(['evidence', '1 nat', '2 nats', '3 nats', 'mean ratio'], rows)}"


def _scripts(scripts: dict[str, list[int]], table: Table) -> str:
    if not scripts:
        return NOT_YET
    few = [name for name, (_, every) in scripts.items() if every < SCRIPT]
    rows = [
        [name, f"{hit:,} of {every:,}", told(hit / every)]
        for name, (hit, every) in scripts.items()
        if every >= SCRIPT
    ]
    opening = (
        "Innocents flagged by the script of most of their prompts, all scenarios, no account attributes."
    )
    closing = (
        f"Untested, with fewer than {SCRIPT:,} innocents: "
        + ", ".join(f"{name} ({scripts[name][0]} of {scripts[name][1]})" for name in few)
        + "."
        if few
        else f"No script has fewer than {SCRIPT:,} innocents."
    )
    return f"{opening}\n\n{table(['script', 'flagged', 'share'], rows)}\n\n{closing}"

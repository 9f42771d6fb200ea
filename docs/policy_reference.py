"""The reference of policy packs, written from the tables that the code reads packs by, and from what was measured.

`docs/generate.py` makes a page of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
Prose = Callable[..., str]

FIGURES = Path(__file__).resolve().parent.parent / "benchmarks/policy/policy.json"


def parts(table: Table, prose: Prose) -> Iterator[str]:
    """The paragraphs and tables of the page."""
    yield prose(
        "A policy pack is a YAML file: rules that raise, limits and overlays that protect. `headwater policy",
        "check` says whether one loads. [Write a policy pack](../how-to/write-a-policy-pack.md) shows how;",
        "[decision 17](../explanation/decisions/0017-a-policy-that-cannot-accuse-by-place.md) says why it is so.",
    )
    yield from _facts(table, prose)
    yield from _order(prose)
    yield from _rungs(table, prose)
    yield from _fields(table, prose)
    yield from _overlays(table, prose)
    yield from _shipped(table, prose)
    yield from _files(table, prose)
    yield from _costs(table, prose)


def _facts(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.policy import FACTS, Facts

    default = {f.name: "" if f.default is MISSING else f"`{f.default!r}`" for f in fields(Facts)}
    default |= {f.name: f"`{str(f.default).lower()}`" for f in fields(Facts) if isinstance(f.default, bool)}
    for account, title in ((False, "Facts of the campaign"), (True, "Facts of the account")):
        rows = [
            (f"`{fact.name}`", fact.type, _values(fact), fact.says, default[fact.name])
            for fact in FACTS.values()
            if fact.account is account
        ]
        yield f"## {title}"
        yield table(("fact", "type", "values", "meaning", "where nothing is known"), rows)
    yield prose(
        "There is no language, script or payment method among them, and `region` may be named in limits and",
        "overlays only: nobody is accused by a trait. A condition on it adds protection: where it holds while no",
        "region is known, it has to hold everywhere. Where nothing has ended under a rule, `false_positive_rate`",
        "is 1, which is the upper bound of 0 in 0: a rule that asks for a small one doesn't fire before that was",
        "earned, and a limit that caps at a large one also asks for `outcomes >= 20`, or it caps from the first",
        "day. A `purpose` that the pack doesn't list covers nobody.",
    )


def _values(fact: Any) -> str:
    if fact.name == "region":
        return "249 codes of ISO 3166-1"
    if fact.words:
        return ", ".join(fact.words)
    if fact.type in ("text", "true or false"):
        return "at most 1,000 characters" if fact.type == "text" else ""
    return f"{fact.least:,g} to {fact.most:,.0f}"


def _order(prose: Prose) -> Iterator[str]:
    yield "## The order"
    yield prose(
        "Every condition is answered; one that has no answer is an error, never *no*. The highest rung whose",
        "condition holds is proposed, the first in the file among equals. Then caps follow in this order: the",
        "limits whose condition holds, the account's programme, the overlays that hold. Each lowers the rung, and",
        "gives rule and reason; one at the rung itself gives them too, if it is the first. Without a rule that",
        "holds, the account is watched (`no-rule`).",
    )
    yield prose(
        "A decision carries the rung, the line that decided, the operator's reason, what the customer learns",
        "(reason class, clause, duration), how many persons have to agree, what is owed, and two digests: of the",
        "pack's bytes, and of the facts as canonical JSON (RFC 8785). The same pack and facts give the same",
        "decision.",
    )


def _rungs(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.policy import LASTS_H, MEANING, REASON_CLASS, REASON_CLASSES, Rung

    persons = {0: "none", **dict.fromkeys(range(1, 6), "1, or none"), 6: "1", 7: "2", 8: "2"}
    rows = [
        (
            f"`{rung.word}`",
            MEANING[rung],
            persons[rung],
            _lasts(LASTS_H[rung]),
            f"`{REASON_CLASS[rung]}`" if rung else "",
        )
        for rung in Rung
    ]
    yield "## Rungs"
    yield table(("rung", "what it does", "persons", "lasts (`for`)", "reason class"), rows)
    yield prose(
        "Durations and reason classes are what counts where a rule says nothing. *1, or none*: a rule may say",
        "`person_required: false`. From `suspend` on it may only where the pack lists the rung under",
        "`without_a_person`; `refer` can't be listed. An automatic quarantine ends after 24 hours unless a person",
        "confirms it. Nothing but watching goes on by itself: a ban's end is the day it is reviewed.",
    )
    yield "## Reason classes"
    yield table(
        ("class", "what the customer learns"), [(f"`{name}`", told) for name, told in REASON_CLASSES.items()]
    )


def _lasts(spent: int) -> str:
    from headwater.policy.duration import worded

    return worded(spent) if spent else ""


def _fields(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.policy import fields as shapes
    from headwater.policy.bounds import MOST_LINES, MOST_WORDS

    kinds = {str: "text", bool: "true or false", list: "list", dict: "mapping"}
    titles = {
        "The pack": shapes.PACK,
        "A rule": shapes.RULE,
        "A limit": shapes.LIMIT,
        "An overlay": shapes.OVERLAY,
        "A programme": shapes.PROGRAMME,
        "defaults": shapes.DEFAULTS,
    }
    for title, shape in titles.items():
        rows = [
            (f"`{name}`", kinds[each.type], "yes" if each.needed else "", each.says)
            for name, each in shape.items()
        ]
        yield f"## {title}" if title != "defaults" else "## Defaults"
        yield table(("field", "type", "needed", "meaning"), rows)
    yield prose(
        "Durations are hours, days or weeks (`24h`, `30d`, `2w`), ten years at most. A file is plain YAML: no",
        "tags, no anchors and aliases, no key twice, no character that nobody sees, 64 KiB at most,",
        f"{MOST_LINES} rules, limits and overlays together. Conditions have 1,000 characters and 20",
        "brackets inside one another at most, no loops and no patterns,",
        f"and {MOST_WORDS:,} words and signs in all: loading and checking a pack takes a few seconds at most.",
    )


def _overlays(table: Table, prose: Prose) -> Iterator[str]:
    yield "## Where several overlays hold"
    rows = [
        ("`statement`", "owed where any asks for it", "true"),
        ("`person_from`", "the lowest rung", ""),
        ("`at_most`", "the lowest rung", ""),
        ("`notice_before`", "the longest", "0h"),
        ("`notify_shaping_after`", "the shortest", "24h"),
        ("`appeal_within`", "the longest", "30d"),
        ("`answer_within`", "the shortest", "14d"),
        ("`retention`", "the shortest, but as long as an appeal may be filed and answered", "180d"),
    ]
    yield table(("duty", "of two, what counts", "by default"), rows)
    yield prose(
        "The more protective counts, against `defaults` too. Nothing in a pack loosens what an overlay asks for."
    )


def _shipped(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.policy import SHIPPED, shipped

    rows = []
    for name in SHIPPED:
        pack = shipped(name)
        highest = max(pack.rules, key=lambda rule: rule.rung).rung
        rows.append((f"`{name}`", pack.about, f"`{highest.word}`", f"`{pack.sha256[:12]}`"))
    yield "## Packs that come with Headwater"
    yield table(("name", "about", "goes up to", "SHA-256 begins"), rows)
    yield prose(
        "A name stands for its file wherever a pack is named (`--policy balanced`), unless there is a file of",
        "that name. `default` proposes for whole campaigns where `headwater investigate` is told nothing else.",
        "Each has its tests beside it. Their overlays are examples: which of them bind you is a question for",
        "counsel.",
    )


def _files(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.policy import cases

    yield "## Tests beside a pack"
    yield prose(
        "`acme.tests.yaml` beside `acme.yaml`: `given` (facts that every test begins with), `tests`: a list of",
        "`name`, `facts`, `expect`. What may be expected:",
    )
    yield table(("field", "meaning"), [(f"`{name}`", each.says) for name, each in cases.EXPECT.items()])
    yield "## Files of a replay"
    yield prose(
        "Recorded facts are JSON lines, at most 64 KiB each: `account`, `facts` (by name; those of the account",
        "may be left out), and where known `campaign`, `exchanges`, `declared`. Outcomes are JSON lines, CSV or",
        "Parquet with `account` and `outcome`: `upheld` or `reversed`. A row that can't be used ends the replay",
        "and is named.",
    )
    example = {
        "account": "acct-000341",
        "campaign": "iris-gate",
        "facts": {
            "word": "likely",
            "probability": 0.9999,
            "chance": 0.001,
            "kind": "extraction ring",
            "accounts": 56,
            "exchanges": 3015,
            "groups": 4,
            "account_firm": True,
        },
    }
    yield f"```json\n{json.dumps(example)}\n```"


def _costs(table: Table, prose: Prose) -> Iterator[str]:
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    yield "## What it costs"
    names = {"ten rules": "ten rules", "balanced": "`balanced` (17 conditions)"}
    rows = []
    for key, name in names.items():
        part = found[key]
        peers = {peer: each["us"] for peer, each in part["peers"].items() if isinstance(each, dict)}
        rows.append(
            (
                name,
                f"{part['seen_before']['us']:.1f} µs",
                f"{part['cold']['us']:.0f} µs",
                *(f"{us:,.0f} µs" for us in peers.values()),
            )
        )
    yield table(("pack", "seen before", "cold", *peers), rows)
    rows = [
        (
            names[key],
            *(
                f"{each['decisions_s']:,.0f}/s"
                for each in found[key]["replay"].values()
                if isinstance(each, dict)
            ),
        )
        for key in names
    ]
    heads = [name for name, each in found["balanced"]["replay"].items() if isinstance(each, dict)]
    yield table(("replay of 1,000,000 decisions", *heads), rows)
    version = found["balanced"]["peers"]["cel-python version"]
    yield prose(
        f"One core, CPU time, measured {found['date']} (`benchmarks/policy/policy.py`; cel-python {version}).",
        "Peers only answer the conditions: no order, no duties, no digests.",
    )

"""Findings built by hand, so that wording and drawing are tested without a detector.

All names, times and texts are made up; figures are consistent with each other (bars sum to verdicts).
"""

from __future__ import annotations

import dataclasses
import math
from functools import cache

import numpy as np
from hypothesis import strategies as st

from headwater.detect import (
    Campaign,
    Coverage,
    Findings,
    LogSummary,
    Member,
    Piece,
    Proposal,
    Slot,
    Taken,
    Template,
)

HOUR = 3_600_000_000
START = 1_772_409_600_000_000  # 2026-03-02 00:00 UTC, in µs

#: Strings that act where they are not treated as data.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "\x1b[31mred\x1b]0;title\x07",
    '=HYPERLINK("http://example.test","x")',
    "../../etc/passwd",
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "' onmouseover='x",
    "a\x00b\r\nSet-Cookie: x",
    "]]>&lt;&#60;",
    "$(touch x) `x` %s {0}",
    "[bold red]rich[/]",
    "</style><style>*{display:none}</style>",
)

hostile = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))


def piece(
    evidence: str, llr: float, sentence: str, *, group: str = "", counted: bool = True, **more: object
) -> Piece:
    raw = float(more.pop("raw", llr))  # type: ignore[arg-type]
    return Piece(evidence, group or evidence, llr if counted else 0.0, raw, counted, sentence, **more)  # type: ignore[arg-type]


def pieces() -> tuple[Piece, ...]:
    return (
        piece(
            "disjoint slots",
            6.2,
            "1,204 accounts fill one template with slices of one task list that do not overlap.",
            group="template",
            raw=9.81,
            p_value=0.001,
            figures={"z": 14.2, "accounts": 1204.0},
        ),
        piece(
            "rare template",
            0.0,
            "A template of 31 words that no other account uses.",
            group="template",
            counted=False,
            raw=4.4,
        ),
        piece(
            "one queue",
            4.1,
            "Content is exchangeable between the accounts (z = 0.3 where unrelated accounts show 9 to 15).",
            p_value=0.002,
        ),
        piece(
            "one purse",
            2.75,
            "All accounts paused together three times, and 96% moved to a new model within 5 hours.",
        ),
        piece("elicitation", 1.3, "71% of the requests ask for graded reasoning."),
        piece(
            "own conversations", -1.15, "9% of the accounts also hold conversations of their own.", raw=-1.15
        ),
        piece(
            "public harness", -0.62, "The system prompt is that of a public evaluation harness.", raw=-0.62
        ),
    )


@cache
def members(n: int, prefix: str, exchanges: int = 340) -> tuple[Member, ...]:
    return tuple(
        Member(
            account=f"{prefix}-{i:05d}",
            organisation=None if i % 3 else f"org {i % 40}",
            exchanges=exchanges + i % 17,
            attributed=exchanges - i % 29,
            tie=round(9.0 / (1 + i / max(n, 1) * 5), 4),
            first_at_us=START + (i % 48) * HOUR,
            last_at_us=START + (300 - i % 36) * HOUR,
            ties=("disjoint slots", "one purse") if i % 4 else ("template",),
            hours=1.5 if i % 8 else 0.0,
        )
        for i in range(n)
    )


def template() -> Template:
    return Template(
        key="t1",
        texts=(
            "Solve the task step by step, then grade your own reasoning from 1 to 10 against this rubric: ",
            ".\nTask: ",
            "\nAnswer in ",
            ".",
        ),
        slots=(
            Slot(12, ("rigour and completeness", "clarity for a beginner", "use of units")),
            Slot(
                398_212,
                (
                    "A train leaves at 9:40 and …",
                    "Prove that √2 is irrational.",
                    "How many 7-digit numbers …",
                ),
            ),
            Slot(3, ("JSON", "XML", "plain text")),
        ),
        exchanges=398_530,
        accounts=1_204,
        share=0.965,
        fillings=tuple(
            (f"birch-{i:05d}", (f"rubric {i % 12}", f"task {i * 331}", ("JSON", "XML")[i % 2]))
            for i in range(40)
        ),
    )


@cache
def timeline(hours: int, level: float, seed: int) -> tuple[tuple[int, int, int], ...]:
    dice = np.random.default_rng(seed)
    rows = []
    for hour in range(hours):
        wave = 1 + 0.25 * math.sin(hour / 24 * 2 * math.pi)
        pause = 0.02 if hour in range(100, 108) or hour in range(200, 205) else 1.0
        part = int(dice.poisson(level * wave * pause))
        rows.append((START + hour * HOUR, part, part + int(dice.poisson(level * 0.06 * wave))))
    return tuple(rows)


@cache
def links(n: int, count: int, seed: int) -> tuple[tuple[int, int, float, str], ...]:
    dice = np.random.default_rng(seed)
    a = dice.integers(0, n, count)
    b = (a + 1 + dice.integers(0, max(n - 1, 1), count)) % n
    kinds = ("disjoint slots", "one purse", "one queue")
    return tuple(
        (int(x), int(y), round(float(w), 3), kinds[int(k)])
        for x, y, w, k in zip(a, b, dice.gamma(3, 1, count), dice.integers(0, 3, count), strict=True)
    )


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def campaign(
    name: str = "birch-harvest", n: int = 1_204, *, seed: int = 7, ties: int | None = None, **more: object
) -> Campaign:
    parts = more.pop("pieces", None) or pieces()
    prior = -7.0
    total = prior + math.fsum(p.llr for p in parts)  # type: ignore[attr-defined]
    people = members(n, name.split("-", maxsplit=1)[0])
    values: dict[str, object] = {
        "id": name,
        "kind": "extraction ring",
        "word": "likely",
        "probability": logistic(total),
        "log_odds": total,
        "prior_log_odds": prior,
        "chance": 1 / 9_000,
        "null_model": "stratified permutation within hour, template popularity, volume and tenant; 999 draws",
        "sentence": (
            f"{n:,} accounts fill one template with disjoint slices of one task list; "
            "96% moved to a new model within 5 h of its release."
        ),
        "pieces": parts,
        "members": people,
        "exchanges": sum(m.attributed for m in people),
        "first_at_us": START,
        "last_at_us": START + 335 * HOUR,
        "taken": (
            Taken("graded reasoning", 291_000, 0.71),
            Taken("step-by-step reasoning", 98_000, 0.24),
            Taken("tool traces", 12_000, 0.03),
        ),
        "templates": (template(),),
        "timeline": timeline(336, 1200, seed),
        "pivots": (("model-a", START + HOUR, 0.97), ("model-b", START + 210 * HOUR, 0.96)),
        "share_in_view": 0.82,
        "proposal": Proposal(
            "review",
            "ring.likely",
            "default",
            "Likely, few signs against: ask the account holders before anything is limited.",
        ),
        "links": links(n, min(3 * n, 3_000) if ties is None else ties, seed),
        "bridges": ((f"{name.split('-', maxsplit=1)[0]}-00003", "reed-00001", 0.8),),
    }
    values.update(more)
    return Campaign(**values)  # type: ignore[arg-type]


def coverage() -> tuple[Coverage, ...]:
    return (
        Coverage(
            "disjoint slots",
            "One template, disjoint slots",
            True,
            (),
            "A task list dealt out to many accounts.",
            "1 in 2,000 groups of 20",
            ("a class that works on one exercise sheet",),
            "one template per account",
        ),
        Coverage(
            "one queue",
            "One queue",
            True,
            (),
            "Content that could be swapped between accounts.",
            "5% of groups of 5 at 5 prompts",
            ("one product behind several keys", "a narrow class"),
            "sharding the harvest by topic",
        ),
        Coverage(
            "one purse",
            "One purse",
            True,
            (),
            "Joint pauses and joint turns.",
            "1 in 500 groups",
            ("a provider's outage",),
            "idle capacity",
        ),
        Coverage(
            "infrastructure",
            "Address and client in common",
            False,
            ("ip", "tls"),
            "Addresses, TLS clients and user agents shared.",
            "not measured here",
            ("a university's proxy",),
            "one address per account",
        ),
        Coverage(
            "payment",
            "Payment in common",
            False,
            ("payment",),
            "Payment instruments shared by accounts.",
            "not measured here",
            ("a family",),
            "one card per account",
        ),
    )


def log() -> LogSummary:
    return LogSummary(
        exchanges=1_000_000,
        accounts=24_310,
        organisations=3_120,
        first_at_us=START,
        last_at_us=START + 336 * HOUR - 1,
        set_aside=212,
        duplicates=41,
        set_aside_reasons=(("no time", 180), ("invalid UTF-8", 32)),
        sources=("logs/march.parquet",),
        columns=("id", "at", "account", "prompt", "model", "latency_ms"),
        missing=("ip", "tls", "payment"),
        timeline=tuple((START + h * HOUR, 2_900 + (h % 24) * 10) for h in range(336)),
        models=(("model-a", START), ("model-b", START + 205 * HOUR)),
    )


def findings(**more: object) -> Findings:
    fleet = (
        piece("one queue", 1.9, "Content is exchangeable between the accounts."),
        piece("public harness", -2.4, "All of them run a public evaluation harness.", raw=-3.9),
    )
    values: dict[str, object] = {
        "log": log(),
        "campaigns": (
            campaign(),
            campaign(
                "reed-relay",
                212,
                seed=3,
                kind="relay or reseller",
                chance=0.004,
                word="likely",
                share_in_view=None,
                sentence="212 accounts send through one pool of workers, with end users mixed among them.",
            ),
            campaign(
                "flint-probe",
                38,
                seed=5,
                chance=0.016,
                templates=(),
                pivots=(),
                taken=(Taken("self-instruct generation", 9_000, 0.8),),
                sentence="38 accounts deal out one list of seed tasks and stop together every night.",
            ),
        ),
        "considered": (
            campaign(
                "moss-class",
                24,
                seed=9,
                word="possible",
                kind="undetermined",
                chance=1.7,
                pieces=fleet,
                templates=(),
                sentence="24 accounts work on one exercise sheet in the same hours.",
            ),
            campaign(
                "sand-suite",
                9,
                seed=11,
                word="unlikely",
                kind="legitimate fleet",
                chance=6.0,
                pieces=fleet,
                templates=(),
                declared="Evaluation team A",
                sentence="9 accounts run a public evaluation suite.",
            ),
        ),
        "coverage": coverage(),
        "chance_total": 0.02,
        "settings": {"threshold": 0.95, "seed": 1, "draws": 999, "imprints_only": False},
        "version": "0.1.0",
        "imprint_key_id": "k-3f2a",
        "seconds": 41.2,
        "peak_bytes": 2_040_109_466,
        "labels_note": None,
    }
    values.update(more)
    return Findings(**values)  # type: ignore[arg-type]


def quiet() -> Findings:
    """A log without any campaign."""
    return findings(campaigns=(), considered=(), chance_total=0.03)


@cache
def crowd(accounts: int = 20_000) -> Findings:
    """Twelve rings that hold 20,000 accounts and 40,000 ties."""
    names = (
        "alder",
        "birch",
        "cedar",
        "dune",
        "elm",
        "fern",
        "gorse",
        "heath",
        "iris",
        "juniper",
        "kelp",
        "larch",
    )
    weight = [2.0 ** (-i / 2.2) for i in range(len(names))]
    sizes = [int(accounts * w / sum(weight)) for w in weight]
    sizes[0] += accounts - sum(sizes)
    rings = tuple(
        campaign(f"{name}-ring", size, seed=i, ties=2 * size)
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    )
    return findings(campaigns=rings, log=dataclasses.replace(log(), accounts=26_000, exchanges=9_000_000))


def poisoned(text: str) -> Findings:
    """Findings in which every string that a log could supply is `text`."""
    base = campaign(n=12, ties=30)
    tainted = dataclasses.replace(
        base,
        sentence=text,
        null_model=text,
        declared=text,
        pieces=tuple(dataclasses.replace(p, evidence=text, sentence=text) for p in base.pieces),
        members=tuple(
            dataclasses.replace(m, account=f"{text}{i}", organisation=text, ties=(text,))
            for i, m in enumerate(base.members)
        ),
        taken=(Taken(text, 3, 0.5),),
        templates=(
            Template(
                text,
                (text, text),
                (Slot(2, (text, text)),),
                9,
                4,
                0.5,
                ((f"{text}0", (text,)), (f"{text}1", (text,))),
            ),
        ),
        pivots=((text, START, 0.5),),
        proposal=Proposal(text, text, text, text),
        links=tuple((a, b, w, text) for a, b, w, _ in base.links),
        bridges=((f"{text}0", text, 1.0),),
    )
    seen = tuple(
        dataclasses.replace(
            c,
            title=text,
            sees=text,
            false_positive_rate=text,
            innocent_causes=(text,),
            evasion_cost=text,
            missing=(text,),
        )
        for c in coverage()
    )
    read = dataclasses.replace(
        log(),
        sources=(text,),
        columns=(text,),
        missing=(text,),
        models=((text, START),),
        set_aside_reasons=((text, 3),),
    )
    return findings(
        campaigns=(tainted,),
        considered=(dataclasses.replace(tainted, word="possible"),),
        coverage=seen,
        log=read,
        settings={text: text},
        version=text,
        imprint_key_id=text,
        labels_note=text,
        notes=(text,),
    )

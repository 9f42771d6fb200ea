"""Single accounts that are possible on their own evidence: a table, sentences, and what they don't prove."""

from __future__ import annotations

from headwater.detect import AccountVerdict, Findings
from headwater.explain import words
from headwater.report import Column, Section, Table, Text

ROWS = 100
NO_FINDING = (
    "One account may be a benchmark, a batch job or a zealous student: alone it is never more than possible, and "
    "nothing follows from that but a look."
)


def told(verdict: AccountVerdict) -> list[str]:
    """What was seen of the account, strongest first, each with what it weighs."""
    return [
        f"{words.sentence(p.sentence)} ({p.llr:+.1f} nats, {p.evidence})" for p in verdict.pieces if p.counted
    ]


def alone(findings: Findings) -> Section | None:
    """Accounts in no reported campaign that are possible on their own; None where there is none."""
    shown = [verdict for verdict in findings.accounts if verdict.campaign is None]
    if not shown:
        return None
    rest = len(shown) - ROWS
    table = Table(
        "Accounts that show what a harvest shows, strongest first",
        [
            Column("Account", "name"),
            Column("Verdict"),
            Column("Exchanges", "number"),
            Column("Probability", "number"),
            Column("What was seen"),
        ],
        [
            [
                v.account,
                v.word,
                v.exchanges,
                words.probability(v.probability),
                words.short(" ".join(told(v)), 400),
            ]
            for v in shown[:ROWS]
        ],
        note=f"{words.many(rest, 'more account')} in campaigns.json." if rest > 0 else "",
        long=len(shown) > 15,
    )
    return Section("alone", "Single accounts", [Text(NO_FINDING), table], menu="Single accounts")


def line(findings: Findings) -> list[str]:
    """One line for a terminal."""
    count = sum(verdict.campaign is None for verdict in findings.accounts)
    if not count:
        return []
    return [
        f"{words.many(count, 'account')} in no campaign possible on single-account evidence: listed, no finding"
    ]

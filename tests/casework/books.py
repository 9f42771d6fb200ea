"""Casebooks for tests: small findings, a pack that says one thing, and clocks that the test moves."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

from explain.builders import campaign, findings
from headwater.casework import Batch, Casebook, CasebookSettings, new_casebook, open_casebook
from headwater.detect import Findings

BEGIN = 1_790_000_000_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
SETTINGS = CasebookSettings(
    operator="Example AI", appeals="https://example.com/appeals", origin="example.com/desk"
)


def pack(
    rung: str = "quarantine",
    *,
    person: bool = True,
    extra: str = "",
    defaults: str = "",
    when: str = "probability >= 0.9173",
) -> bytes:
    """A pack whose one rule proposes `rung`."""
    return f"""
name: one-thing
defaults:
  clause: "Terms of service, section 4"
{defaults}
rules:
  - id: rule-seventeen
    rung: {rung}
    when: {when}
    reason: Internal reasoning that customers never read.
    person_required: {str(person).lower()}
    reason_class: linked-accounts
{extra}
""".encode()


def secrets() -> Callable[[int], bytes]:
    """Secrets that differ, and are the same in each run."""
    count = itertools.count(1)
    return lambda length: next(count).to_bytes(length, "big")


def report(accounts: int = 3, **more: object) -> Findings:
    """Findings with one campaign of so many accounts: `birch-00000`, …"""
    return findings(campaigns=(campaign(n=accounts, **more),), considered=())


def made(folder: Path, rules: bytes | None = None, **settings: object) -> Casebook:
    """A new casebook, open."""
    chosen = dataclasses.replace(SETTINGS, **settings)  # type: ignore[arg-type]
    secret = secrets()
    new_casebook(folder, chosen, rules or pack(), BEGIN, secret=secret)
    return open_casebook(folder, chosen, secret=secret)


def proposed(book: Casebook, accounts: int = 3, at_us: int = BEGIN) -> Batch:
    """Steps for a campaign of so many accounts."""
    return book.propose(report(accounts), "alice", at_us)


def records(book: Casebook) -> list[tuple[str, dict[str, object]]]:
    """Kind and body of every record in the log, in its order."""
    import json

    from headwater.casework.log import held

    with book.store.read() as tx:
        found = held(tx, limit=100_000)
    return [(one.kind, json.loads(one.record)["body"]) for one in found if one.record]

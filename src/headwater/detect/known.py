"""What the operator knows already: partners, red teams, evaluators, customers with many keys.

Declared in a TOML file, they turn into a piece of evidence against a campaign, shown like any other. They never delete
anything: an evaluator whose traffic is a harvest is still seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from headwater.errors import ConfigurationError, Where
from headwater.toml import load_toml

KINDS = ("partner", "red team", "evaluator", "reseller", "fleet")


@dataclass(frozen=True)
class Declaration:
    """One declared party: its accounts and organisations, what it is, and until when the declaration holds."""

    name: str
    kind: str
    accounts: frozenset[str]
    organisations: frozenset[str]
    until: date | None
    note: str

    def covers(self, account: str, organisation: str | None) -> bool:
        """Whether it names this account, or the organisation that the account belongs to."""
        return account in self.accounts or organisation in self.organisations

    def holds(self, at_us: int) -> bool:
        """Whether the declaration is still valid at this time (µs UTC)."""
        return self.until is None or datetime.fromtimestamp(at_us / 1e6, UTC).date() <= self.until


def load_known(path: Path) -> tuple[Declaration, ...]:
    """Read `known.toml`: a list `[[known]]` with name, kind, accounts and/or organisations, until, note.

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` for what it holds.
    """
    data = load_toml(path)
    rows = data.get("known", [])
    if not isinstance(rows, list) or set(data) - {"known"}:
        raise ConfigurationError(
            "holds something else than a list of [[known]] tables",
            where=Where(str(path)),
            hint="write one [[known]] table for each party",
        )
    return tuple(_declaration(row, Where(str(path), at + 1)) for at, row in enumerate(rows))


def _declaration(row: object, where: Where) -> Declaration:
    if not isinstance(row, dict):
        raise ConfigurationError("is no table", where=where)
    allowed = {"name", "kind", "accounts", "organisations", "until", "note"}
    for key in row:
        if key not in allowed:
            raise ConfigurationError(
                "is no field of a declaration",
                where=Where(where.file, where.row, str(key)),
                hint=f"fields: {', '.join(sorted(allowed))}",
            )
    kind = row.get("kind")
    if kind not in KINDS:
        raise ConfigurationError(
            "has no known kind",
            where=Where(where.file, where.row, "kind"),
            hint=f"one of: {', '.join(KINDS)}",
        )
    lists = {}
    for key in ("accounts", "organisations"):
        values = row.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
            raise ConfigurationError("is no list of names", where=Where(where.file, where.row, key))
        lists[key] = frozenset(values)
    if not (lists["accounts"] or lists["organisations"]):
        raise ConfigurationError(
            "names neither accounts nor organisations",
            where=where,
            hint="add accounts = [...] or organisations = [...]",
        )
    for key in ("name", "note"):
        if not isinstance(row.get(key, ""), str):
            raise ConfigurationError("is no text", where=Where(where.file, where.row, key))
    until = row.get("until")
    if until is not None and not isinstance(until, date):
        raise ConfigurationError(
            "is no date", where=Where(where.file, where.row, "until"), hint="until = 2027-01-31"
        )
    if isinstance(until, datetime):
        until = until.date()
    return Declaration(
        name=str(row.get("name", kind)),
        kind=str(kind),
        accounts=lists["accounts"],
        organisations=lists["organisations"],
        until=until,
        note=str(row.get("note", "")),
    )

"""What is known of accounts beside their campaigns: a table that the operator gives, row by row into facts.

Rows that can't be used are set aside and counted, with file, row and field; an account that isn't in it is one of which
nothing is known, by which no rule that asks for something fires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import SetAside, TimeFormatError, files, instant, records
from headwater.policy import FACTS, AccountFacts, possible

DAY_US: Final = 86_400_000_000
#: Beside the facts themselves: the day of acceptance, for the days since.
_ACCEPTED: Final = "terms_accepted_at"
#: What logs call the fact `purpose` (`headwater investigate --accounts`); it counts before that.
_PROGRAMME: Final = "programme"
#: Nobody is held to be known by the name of a price.
_NAMED: Final = "is a name and no level from 0 to 3; left empty"
#: Facts that a table may give; the casebook counts the others itself, and adds to `notices`.
GIVEN: Final = ("tier", "customer", "purpose", "region", "terms_accepted_days", "notices")

_COLUMNS: Final = (*GIVEN, _ACCEPTED, _PROGRAMME, "account")


@dataclass(frozen=True)
class Known:
    """Facts by account, and columns of the table that mean nothing here."""

    facts: Mapping[str, AccountFacts]
    passed_over: tuple[str, ...] = ()


def read_known(paths: Iterable[str | Path], aside: SetAside, at_us: int) -> Known:
    """What tables (CSV, JSON lines, Parquet) say of accounts as of `at_us`; the first row of an account counts.

    Raises `UnreadableInput` for a file without a column `account`.
    """
    facts: dict[str, AccountFacts] = {}
    other: dict[str, None] = {}
    for file in files(paths):
        seen = False
        for found in records(file):
            if isinstance(found, BadRow):
                aside.add(found)
                continue
            where, record = found
            if not isinstance(record, dict):
                aside.add(BadRow("is not an object", where))
                continue
            if not seen and "account" not in record:
                raise _no_accounts(file.name, record)
            seen = True
            row = _row(record, where, aside, at_us)
            other |= dict.fromkeys(name for name in record if name not in _COLUMNS)
            if row is None:
                continue
            account, known = row
            if account in facts:
                aside.add(
                    BadRow("is in the table more than once; the first row counts", _at(where, "account"))
                )
            facts.setdefault(account, known)
    return Known(facts, tuple(other))


def _row(
    record: Mapping[str, Any], where: Where, aside: SetAside, at_us: int
) -> tuple[str, AccountFacts] | None:
    account = record.get("account")
    if isinstance(account, int) and not isinstance(account, bool):
        account = str(account)
    if not isinstance(account, str) or not account:
        aside.add(BadRow("is missing", _at(where, "account"), "name the account as the log does"))
        return None
    made: dict[str, Any] = {}
    for name in GIVEN:
        column = _PROGRAMME if name == "purpose" and record.get(_PROGRAMME) else name
        value = record.get(column)
        if value is None or value == "":
            continue
        if name == "tier" and _named(value):
            aside.note(_NAMED, _at(where, name))
            continue
        try:
            made[name] = _value(name, value)
        except ValueError as fault:
            if name == "purpose":  # it covers no account then; what else is known of this one still counts
                aside.note(f"{fault}; left empty", _at(where, column))
                continue
            aside.add(BadRow(str(fault), _at(where, name), _hint(name)))
            return None
    if (accepted := record.get(_ACCEPTED)) not in (None, ""):
        try:
            days = max(0, (at_us - instant(accepted)[0]) // DAY_US)
            made["terms_accepted_days"] = min(days, int(FACTS["terms_accepted_days"].most))
        except TimeFormatError as fault:
            aside.add(BadRow(str(fault), _at(where, _ACCEPTED), "a day such as 2026-03-01"))
            return None
    return account, AccountFacts(**made)


def _named(value: object) -> bool:
    """Whether a tier is one of those that are sold: `plus`, `enterprise`."""
    return isinstance(value, str) and not value.strip().lstrip("+-").replace(".", "", 1).isdigit()


def _value(name: str, value: object) -> object:
    """A fact's value as its type; `ValueError` says what is wrong, without the value."""
    fact = FACTS[name]
    if fact.type == "text":
        if not isinstance(value, str):
            raise ValueError(f"is {_described(value)}, not a text")
        text = value.strip()
        text = text.upper() if name == "region" else text
        if fact.words and text not in fact.words:
            raise ValueError(f"is none of its words, a text of {len(text)} characters")
        if not possible(fact, text):
            raise ValueError(f"is a text of {len(text)} characters that can't be used")
        return text
    try:
        number = int(str(value).strip()) if isinstance(value, (str, int)) else int(float(str(value)))
    except (ValueError, OverflowError):
        raise ValueError(f"is {_described(value)}, not a whole number") from None
    if isinstance(value, bool) or (isinstance(value, float) and number != value):
        raise ValueError(f"is {_described(value)}, not a whole number")
    if not fact.least <= number <= fact.most:
        raise ValueError(f"is not between {fact.least:g} and {fact.most:g}")
    return number


def _hint(name: str) -> str | None:
    fact = FACTS[name]
    if name == "region":
        return "two letters of ISO 3166-1, such as DE"
    return f"one of {', '.join(fact.words)}" if fact.words else fact.says


def _described(value: object) -> str:
    return f"a text of {len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"


def _at(where: Where, field: str) -> Where:
    return Where(where.file, where.row, field)


def _no_accounts(file: str, record: Mapping[str, Any]) -> UnreadableInput:
    near = get_close_matches("account", [str(name) for name in record], n=1)
    hint = f"is it {near[0]}? name the column account" if near else "the table needs a column account"
    return UnreadableInput("is no table of accounts", where=Where(file, None, "account"), hint=hint)


assert {field.name for field in fields(AccountFacts)} >= set(GIVEN)

"""Whom a policy is replayed over: accounts of campaigns that were found, or facts that were recorded, one by one.

Every file here comes from outside: a row that can't be used ends the reading and is named. What a policy makes of it is
decided in `decision`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from headwater.detect import Campaign, Findings
from headwater.errors import BadRow, HeadwaterError, UnreadableInput, UsageError, Where
from headwater.policy.facts import AccountFacts, Facts, facts_of, facts_of_member

_OUTCOMES = ("upheld", "reversed")
#: Records of the same facts that are read once: many accounts of one campaign have the same.
_MOST_REMEMBERED = 131_072


class Subject(msgspec.Struct, frozen=True, gc=False):
    """One account in one campaign; `exchanges` of it are attributed, `declared` names the declaration that names it.

    `file` and `row` say where it was recorded.
    """

    account: str
    campaign: str
    facts: Facts
    exchanges: int = 0
    declared: str = ""
    file: str = ""
    row: int = 0

    def placed(self, error: UsageError) -> HeadwaterError:
        """An error in its facts, with the place where they were recorded."""
        if not self.file or error.where.file is not None:
            return error
        return UnreadableInput(
            error.what, where=Where(self.file, self.row, f"facts.{error.where.field}"), hint=error.hint
        )


def subjects_of(
    findings: Findings, known: Mapping[str, AccountFacts] | None = None, *, considered: bool = False
) -> Iterator[Subject]:
    """Every account of every reported campaign of `findings`, with what is `known` of it; of groups that were only
    `considered` too, where that is asked for."""
    known = known or {}
    for campaign in (*findings.campaigns, *(findings.considered if considered else ())):
        base, declared = facts_of(campaign), _declared(campaign)
        for at, member in enumerate(campaign.members):
            facts = facts_of_member(base, member, known.get(member.account))
            by = campaign.declared or declared.get(at, "")
            yield Subject(member.account, campaign.id, facts, member.attributed, by)


def _declared(campaign: Campaign) -> dict[int, str]:
    """Members that a declaration names which speaks for the campaign as a whole or doesn't."""
    return {at: each.declared for each in reversed(campaign.undecided) for at in each.accounts}


#: The facts as they stand in a file: their own types and defaults, and nothing else.
_FactsRecord = msgspec.defstruct(
    "Facts",
    [
        (field.name, {"str": str, "int": int, "float": float, "bool": bool}[str(field.type)])
        if field.default is dataclasses.MISSING
        else (
            field.name,
            {"str": str, "int": int, "float": float, "bool": bool}[str(field.type)],
            field.default,
        )
        for field in dataclasses.fields(Facts)
    ],
    forbid_unknown_fields=True,
)


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    account: str
    facts: msgspec.Raw
    campaign: str = ""
    exchanges: int = 0
    declared: str = ""


def read_facts(path: Path) -> Iterator[Subject]:
    """Recorded facts, one JSON object a line: `account`, `facts` by name; campaign, exchanges, declared where known.

    Raises `UnreadableInput` naming file, row and field of the first that can't be used.
    """
    decode, name = msgspec.json.Decoder(_Record).decode, str(path)
    facts_in = lru_cache(_MOST_REMEMBERED)(_facts_in)
    for row, line in _lines(path):
        field = ""
        try:
            record = decode(line)
            field = "facts"
            facts = facts_in(bytes(record.facts))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unusable(Where(name, row), field, error) from None
        yield Subject(record.account, record.campaign, facts, record.exchanges, record.declared, name, row)


_decode_facts = msgspec.json.Decoder(_FactsRecord).decode


def _facts_in(data: bytes) -> Facts:
    return Facts(*msgspec.structs.astuple(_decode_facts(data)))


def _unusable(where: Where, field: str, error: Exception) -> UnreadableInput:
    if isinstance(error, msgspec.ValidationError):
        # msgspec ends its message with the path of the field; the value itself is never in it.
        what, _, path = str(error).partition(" - at `$")
        named = f"{field}{path.rstrip('`')}".lstrip(".")
        return UnreadableInput(
            f"is no record of facts ({what[:1].lower()}{what[1:]})",
            where=Where(where.file, where.row, named or None),
            hint='{"account": "a", "facts": {"word": "likely", …}}',
        )
    return UnreadableInput("is not JSON", where=where, hint="one JSON object a line")


#: Bytes of the longest record.
_MOST_BYTES = 1 << 16


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            row = 0
            while line := file.readline(_MOST_BYTES + 1):
                row += 1
                if len(line) > _MOST_BYTES:
                    raise UnreadableInput(
                        f"is longer than {_MOST_BYTES >> 10} KiB",
                        where=Where(str(path), row),
                        hint="one record a line",
                    )
                if line.strip():
                    yield row, line
    except OSError as error:
        raise UnreadableInput(
            "cannot be read", where=Where(str(path)), hint="name a report folder, or a file of facts"
        ) from error


def read_outcomes(path: Path) -> dict[str, frozenset[str]]:
    """What became of steps on accounts, by account: `upheld`, `reversed`. Rows: account, outcome."""
    found: dict[str, frozenset[str]] = {}
    for where, record in _rows(path):
        account = _account(record, where)
        outcome = record.get("outcome")
        if outcome not in _OUTCOMES:
            raise UnreadableInput(
                "has no known outcome",
                where=dataclasses.replace(where, field="outcome"),
                hint=" or ".join(_OUTCOMES),
            )
        found[account] = found.get(account, frozenset()) | {str(outcome)}
    return found


def _account(record: Mapping[str, Any], where: Where) -> str:
    account = record.get("account")
    if not isinstance(account, str) or not account:
        raise UnreadableInput(
            "names no account",
            where=dataclasses.replace(where, field="account"),
            hint="each row names one, as the log does",
        )
    return account


def _rows(path: Path) -> Iterator[tuple[Where, dict[str, Any]]]:
    from headwater.exchange import files, records  # with Parquet: whoever only decides does without

    for file in files([path]):
        for found in records(file):
            if isinstance(found, BadRow):
                raise UnreadableInput(found.what, where=found.where, hint=found.hint)
            where, record = found
            if not isinstance(record, dict):
                raise UnreadableInput("is no object", where=where, hint="one object or row an account")
            yield where, record

"""Who gets which mark: what a keyring's table `[embed]` says, with keys of accounts derived when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, Protocol

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.mark.embed.rule import Rule, rule_of
from headwater.mark.embed_table import EmbedTable
from headwater.mark.keyring import Keyring, load_keyring
from headwater.mark.marks import Accounts
from headwater.mark.own import Layered, LayeredTilt
from headwater.mark.scheme import MarkKey

#: Accounts whose derived keys are kept.
KEPT: Final = 4096


class Wanted(Protocol):
    """What a verified ticket says: whose answer it is and which layer it gets.

    `layer`: `default`, `flagged` (the account's radioactive layer) or `none` (this answer is left unmarked).
    `epoch`: "" for the keyring's.
    """

    @property
    def account(self) -> str:
        """Whose answer it is: an opaque id."""
        ...

    @property
    def epoch(self) -> str:
        """The period of the account's key."""
        ...

    @property
    def layer(self) -> str:
        """Which mark it gets."""
        ...


@dataclass(frozen=True)
class Asked:
    """What a program that is trusted asks for itself, where a ticket would say it: see `Wanted`."""

    account: str
    layer: Literal["default", "flagged", "none"] = "flagged"
    epoch: str = ""


class Embedding:
    """The default mark, the accounts' layer and its epoch. Never shows keys.

    `ticket_file`: where keys of tickets are, None where tickets aren't used. May be asked by several threads.
    """

    def __init__(self, table: EmbedTable, default: Rule | None, master: MarkKey | None) -> None:
        self.ticket_file = table.ticket_file
        self._table, self._default, self._master = table, default, master
        self._derived = lru_cache(KEPT)(self._of_account)

    def rule(self, ticket: Wanted | None = None) -> Rule | None:
        """The rule of one answer; None: it is left unmarked. Derived keys are kept for the accounts asked about last.

        Raises `UsageError` where there is no ticket and the keyring refuses such answers (`unsigned = "refuse"`), and
        for an epoch or a layer that the keyring doesn't have.
        """
        if ticket is None:
            if self._table.unsigned == "refuse":
                raise UsageError("this answer has no ticket, and the keyring refuses those without one")
            return self._default
        if ticket.layer == "none":
            return None
        if ticket.layer == "default":
            return self._default
        accounts = self._table.flagged
        if ticket.layer != "flagged" or accounts is None:
            what = (
                "no such layer" if ticket.layer != "flagged" else "the keyring has no accounts for this layer"
            )
            raise UsageError(what, hint="name [[accounts]] as `flagged` in [embed]")
        epoch = ticket.epoch or self._table.epoch
        if epoch not in accounts.epochs:
            raise UsageError(
                "the keyring doesn't list this epoch, so such a mark couldn't be read",
                hint="add the epoch to the list of the accounts",
            )
        return self._derived(accounts, ticket.account, epoch)

    def _of_account(self, accounts: Accounts, account: str, epoch: str) -> Rule:
        return rule_of(accounts.scheme, accounts.key(account, epoch), self._master)


def embedding(keyring: Keyring, *, day: date | None = None) -> Embedding:
    """What `keyring` says in `[embed]`. Contexts that the coin gives to the master get its `[[mark]]`, if there is one.

    Raises `ConfigurationError` where it has no such table, where a mark in it is revoked, is one that an engine writes
    itself or (with `day`) isn't used on that day.
    """
    table = keyring.embed
    if table is None:
        hint = "add [embed] with default = the name of a [[mark]]"
        raise ConfigurationError("doesn't say what to write", where=Where(str(keyring.path)), hint=hint)
    default, flagged = None, table.flagged
    if table.default is not None:
        _usable(keyring, "default", table.default.revoked)
        if day is not None and not table.default.used_on(day):
            raise _wrong(keyring, "default", f"this mark isn't used on {day}: see its from and until")
        try:
            default = rule_of(table.default.scheme, table.default.key)
        except UsageError as error:
            raise _wrong(keyring, "default", error.what, error.hint) from None
    master = None
    if flagged is not None:
        _usable(keyring, "flagged", flagged.revoked)
        master = _master(keyring, flagged)
        try:
            rule_of(flagged.scheme, flagged.key("", table.epoch), master)
        except UsageError as error:
            raise _wrong(keyring, "flagged", error.what, error.hint) from None
    return Embedding(table, default, master)


def load_embedding(
    path: Path, environment: Mapping[str, str] | None = None, *, day: date | None = None
) -> Embedding:
    """The embedding of the keyring at `path` on `day` (default: today, UTC); no tokenizers, no lists of accounts.

    Raises as `load_keyring` and `embedding` do.
    """
    keyring = load_keyring(path, environment, writing=True)
    return embedding(keyring, day=datetime.now(UTC).date() if day is None else day)


def _master(keyring: Keyring, flagged: Accounts) -> MarkKey | None:
    """The key of the master's layer that goes with the accounts': same scheme, same settings, same coin."""
    for mark in keyring.current():
        layered = isinstance(mark.scheme, Layered | LayeredTilt) and mark.scheme.layer == "master"
        if layered and replace(mark.scheme, layer="account") == flagged.scheme:  # type: ignore[type-var]
            return mark.key
    return None


def _usable(keyring: Keyring, field: str, revoked: bool) -> None:
    if revoked:
        hint = (
            "others may have its key: make a new one (headwater keys mark-new), and keep this one for reading"
        )
        raise _wrong(keyring, field, "is revoked, so it isn't written any more", hint)


def _wrong(keyring: Keyring, field: str, what: str, hint: str | None = None) -> ConfigurationError:
    return ConfigurationError(what, where=Where(str(keyring.path), field=f"embed.{field}"), hint=hint)

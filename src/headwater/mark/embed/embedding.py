"""Who gets which mark: what a keyring's table `[embed]` says, with keys of accounts derived when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headwater.mark.embed.rule import Rule

if TYPE_CHECKING:
    from headwater.mark.keyring import Keyring


class Wanted(Protocol):
    """What a verified ticket says: whose answer it is and which layer it gets.

    `layer`: `default`, `flagged` (the account's radioactive layer) or `none` (this answer is left unmarked).
    `epoch`: "" for the keyring's.
    """

    @property
    def account(self) -> str: ...
    @property
    def epoch(self) -> str: ...
    @property
    def layer(self) -> str: ...


class Embedding:
    """The default mark, the accounts' layer and its epoch. Never shows keys.

    `ticket_file`: where keys of tickets are, None where tickets aren't used.
    """

    ticket_file: Path | None

    def rule(self, ticket: Wanted | None = None) -> Rule | None:
        """The rule of one answer; None: it is left unmarked. Derived keys are kept for the accounts asked about last.

        Raises `UsageError` where there is no ticket and the keyring refuses such answers (`unsigned = "refuse"`), and
        for an epoch or a layer that the keyring doesn't have.
        """
        raise NotImplementedError


def embedding(keyring: Keyring) -> Embedding:
    """What `keyring` says in `[embed]`. Raises `ConfigurationError` where it has no such table."""
    raise NotImplementedError


def load_embedding(path: Path, environment: Mapping[str, str] | None = None) -> Embedding:
    """The embedding of the keyring in the file at `path`; tokenizers aren't read. Errors as of `load_keyring`."""
    raise NotImplementedError

"""Admin keys: who may act over the admin API, under which name, with which scopes, until when.

    hwadmin_v1_8fK2mQx0Zr4TnB_<33 letters and digits, 192 random bits>_1c291ca3

The form of customers' keys under another prefix. Shown once; what is kept is an HMAC under the identity store's pepper.
They are made on the command line only: no key over the network makes another.
"""

from __future__ import annotations

import hmac
import re
import secrets as system
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

import msgspec

from headwater.console.scopes import chosen
from headwater.control.identity import TOPIC, new_key, parse_key
from headwater.errors import ConflictError, UsageError, Where
from headwater.keys import Pepper
from headwater.store import Store, Transaction

PREFIX: Final = "hwadmin"
FORM: Final = "v1"
#: Microseconds by which the time of last use may lag behind.
COARSE_US: Final = 3_600_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
#: Names of these begin so: nobody may pass for one.
_PROVIDER: Final = "provider."
_COLUMNS: Final = "id, name, digest, pepper, scopes, created_us, expires_us, revoked_us, used_us"
_PURPOSE: Final = b"headwater admin key\0"
_NOBODY: Final = bytes(32)


class Unfit(Enum):
    """Why a key isn't accepted; the last two only whoever has the secret learns."""

    UNKNOWN = "the admin key isn't known"
    REVOKED = "the admin key was revoked"
    ENDED = "the admin key has ended"


@dataclass(frozen=True)
class AdminKey:
    """An admin key: its public id, the name under which it acts, its scopes; times in microseconds UTC."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int | None = None
    revoked_us: int | None = None
    used_us: int | None = None
    digest: bytes = field(default=b"", repr=False)
    pepper: str = field(default="", repr=False)

    def ended(self, at_us: int) -> bool:
        """Whether it is no longer accepted."""
        return self.revoked_us is not None or (self.expires_us is not None and self.expires_us <= at_us)

    def told(self) -> dict[str, Any]:
        """The key as others may read it."""
        names = ("id", "name", "scopes", "created_us", "expires_us", "revoked_us", "used_us")
        return {name: msgspec.to_builtins(getattr(self, name)) for name in names}


class AdminKeys:
    """The admin keys in a store that has the console's tables."""

    def __init__(
        self,
        store: Store,
        peppers: Sequence[Pepper],
        secret: Callable[[int], bytes] = system.token_bytes,
    ) -> None:
        self._store = store
        self._peppers = {pepper.id: pepper for pepper in peppers}
        self._newest = peppers[0]
        self._secret = secret

    def new(
        self, name: str, scopes: Iterable[str], by: str, at_us: int, *, expires_us: int | None = None
    ) -> tuple[AdminKey, str]:
        """Make a key that acts as `name`; with its text, to be shown once.

        Raises `ConflictError` where a key that is still good has this name.
        """
        _check_name(name, "name")
        _check_name(by, "by")
        if expires_us is not None and expires_us <= at_us:
            raise UsageError("the key would end before it begins", where=Where(field="expires"))
        text = new_key(PREFIX, FORM, self._secret)
        parts = parse_key(text)
        digest = _digest(self._newest, parts.secret)
        key = AdminKey(
            parts.public, name, chosen(scopes), at_us, expires_us, digest=digest, pepper=self._newest.id
        )
        with self._store.write() as tx:
            if any(not one.ended(at_us) for one in _all(tx) if one.name == name):
                hint = "revoke it first, or choose another name"
                raise ConflictError("an admin key of this name is good", where=Where(field="name"), hint=hint)
            values = (key.id, name, digest, key.pepper, ",".join(key.scopes), at_us, expires_us, None, None)
            tx.run("INSERT INTO console_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            _tell(tx, "made", by, None, key, at_us)
        return key, text

    def revoke(self, name: str, by: str, at_us: int) -> AdminKey:
        """End a key now, by its id or its name; one that was revoked before stays as it is."""
        _check_name(by, "by")
        with self._store.write() as tx:
            found = [one for one in _all(tx) if name in (one.id, one.name)]
            live = [one for one in found if not one.ended(at_us)] or found[-1:]
            if not live:
                hint = "`headwater admin key list --all` shows them"
                raise UsageError("there is no such admin key", where=Where(field="name"), hint=hint)
            key = live[0]
            if key.revoked_us is None:
                before, key = key, replace(key, revoked_us=at_us)
                tx.run("UPDATE console_keys SET revoked_us = ? WHERE id = ?", (at_us, key.id))
                _tell(tx, "revoked", by, before, key, at_us)
        return key

    def all(self) -> list[AdminKey]:
        """All keys, by name."""
        with self._store.read() as tx:
            return _all(tx)

    def match(self, text: str, at_us: int) -> AdminKey | Unfit:
        """The key that `text` is, or why it isn't accepted; takes as long for an id that isn't known."""
        try:
            parts = parse_key(text)
        except UsageError:
            return Unfit.UNKNOWN
        with self._store.read() as tx:
            found = tx.row(f"SELECT {_COLUMNS} FROM console_keys WHERE id = ?", (parts.public,))
        key = _key(found) if found is not None else AdminKey("", "", (), 0, digest=_NOBODY)
        pepper = self._peppers.get(key.pepper)
        right = hmac.compare_digest(_digest(pepper or self._newest, parts.secret), key.digest)
        if not right or pepper is None or (parts.prefix, parts.environment) != (PREFIX, FORM):
            return Unfit.UNKNOWN
        if key.revoked_us is not None:
            return Unfit.REVOKED
        if key.ended(at_us):
            return Unfit.ENDED
        if key.used_us is None or at_us >= key.used_us + COARSE_US:
            with self._store.write() as tx:
                tx.run("UPDATE console_keys SET used_us = ? WHERE id = ?", (at_us, key.id))
        return key


def _check_name(name: str, field: str) -> None:
    if not _NAME.fullmatch(name) or name.startswith(_PROVIDER):
        hint = "1 to 63 letters, digits or . _ @ -, the first a letter or digit; not provider.…"
        raise UsageError(f"can't act, a name of {len(name)} characters", where=Where(field=field), hint=hint)


def _digest(pepper: Pepper, secret: bytes) -> bytes:
    # Another purpose than customers' keys have: a digest of theirs is none of ours.
    return hmac.digest(pepper.secret, _PURPOSE + secret, "sha256")


def _all(tx: Transaction) -> list[AdminKey]:
    return [_key(row) for row in tx.rows(f"SELECT {_COLUMNS} FROM console_keys ORDER BY name, created_us")]


def _key(row: tuple[Any, ...]) -> AdminKey:
    number, name, digest, pepper, scopes, created_us, expires_us, revoked_us, used_us = row
    return AdminKey(
        number,
        name,
        tuple(scopes.split(",")),
        created_us,
        expires_us,
        revoked_us,
        used_us,
        bytes(digest),
        pepper,
    )


def _tell(tx: Transaction, what: str, by: str, before: AdminKey | None, after: AdminKey, at_us: int) -> None:
    """Leave word for the casebook's log, in the form of a change of identities."""
    payload = {
        "change": None,
        "batch": None,
        "kind": "admin-key",
        "id": after.id,
        "what": what,
        "by": by,
        "reason": "",
        "undoes": None,
        "before": before.told() if before else None,
        "after": after.told(),
        "changed": ["revoked_us"] if before else [],
    }
    tx.later(TOPIC, "", msgspec.json.encode(payload), at_us)

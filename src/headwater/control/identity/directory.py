"""A snapshot of accounts, keys, links and tiers in memory, which a relay asks at every request and brings up to date.

What comes together for one key (its account, its organisation, the tier of both) is put together when the key is first
used after a change. Use from one thread. How a credential is checked stands in `authenticate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from headwater.control.identity.api_key import Keyed
from headwater.control.identity.ledger import Head, Kept
from headwater.control.identity.principal import FOREVER_US, Principal, Refusal
from headwater.control.identity.rows import Account, Key, Link, Organisation, decoded, link_id
from headwater.control.identity.source import Networks
from headwater.control.identity.tiers import Tier, highest
from headwater.keys import Pepper

_NO_PEPPER: Final = bytes(32)


class KeyEntry:
    """What is looked up for a key: all that a check of it needs, ready."""

    __slots__ = (
        "asns", "before", "body", "digest", "ends_us", "generation", "keyed", "networks", "outcome", "used_us",
    )  # fmt: skip

    def __init__(self, body: bytes, keyed: Mapping[str, Keyed], missing: Keyed) -> None:
        key: Key = decoded("key", body)
        self.body = body
        #: What stands before the public id, behind the prefix, which may have been another when it was made.
        self.before = f"_{key.environment}_".encode()
        # Without its pepper no secret fits: the check is done all the same, and fails.
        self.keyed = keyed.get(key.pepper, missing)
        self.digest = key.digest
        ends = key.ends_us()
        self.ends_us = FOREVER_US if ends is None else ends
        self.networks = Networks(key.networks) if key.networks else None
        self.asns = frozenset(key.asns) if key.asns else None
        self.outcome: Principal | Refusal = Refusal.UNKNOWN
        self.generation = -1
        self.used_us = 0

    @property
    def key(self) -> Key:
        """The row."""
        row: Key = decoded("key", self.body)
        return row


class Directory:
    """All that a relay knows of who may come. `head`: the change up to which it is current.

    Rows are held as they are kept, and read when somebody comes: most keys of a large store aren't in use.
    """

    #: Kinds of rows that it holds.
    KINDS: Final = ("account", "organisation", "key", "link", "tier")

    def __init__(self, peppers: Sequence[Pepper], tiers: Mapping[str, Tier]) -> None:
        self.head = Head(0, 0, 0)
        self.generation = 0
        #: Public id → its key, as it is kept until it is first asked for.
        self.entries: dict[bytes, KeyEntry | bytes] = {}
        self.tiers: dict[str, Tier] = dict(tiers)
        self.dummy = Keyed(Pepper(_NO_PEPPER))
        self._shipped = dict(tiers)
        self._keyed = {pepper.id: Keyed(pepper) for pepper in peppers}
        self._bodies: dict[str, dict[str, bytes]] = {kind: {} for kind in self.KINDS if kind != "key"}

    def load(self, rows: Iterable[Kept], head: Head) -> None:
        """Begin anew with these rows."""
        self.entries.clear()
        self.tiers = dict(self._shipped)
        for held in self._bodies.values():
            held.clear()
        self.apply(rows, head)

    def apply(self, rows: Iterable[Kept], head: Head) -> None:
        """Take rows that have changed, as they are now."""
        for kind, name, body in rows:
            if kind == "key":
                self._set_key(name.encode(), body)
            elif kind in self._bodies:
                _put(self._bodies[kind], name, body)
            if kind == "tier":
                self.tiers[name] = self._shipped[name] if body is None else decoded("tier", body)
        self.head = head
        self.generation += 1

    def entry(self, public: bytes) -> KeyEntry | None:
        """The key with a public id."""
        found = self.entries.get(public)
        if isinstance(found, bytes):
            self.entries[public] = found = KeyEntry(found, self._keyed, self.dummy)
        return found

    def resolve(self, entry: KeyEntry) -> Principal | Refusal:
        """Who comes with a key, as things stand now."""
        key = entry.key
        found = self.principal(key.account, "key")
        if isinstance(found, Principal):
            found = msgspec.structs.replace(
                found, key=key.id, scopes=frozenset(key.scopes), environment=key.environment
            )
        entry.outcome, entry.generation = found, self.generation
        return found

    def principal(self, account: str, how: str) -> Principal | Refusal:
        """Who an account is: with its tier, its organisation and its means of payment."""
        row: Account | None = self._row("account", account)
        if row is None:
            return Refusal.NO_ACCOUNT
        if row.state != "active":
            return Refusal.SUSPENDED if row.state == "suspended" else Refusal.CLOSED
        tier, payment = str(row.tier), row.payment
        if row.organisation is not None:
            organisation: Organisation | None = self._row("organisation", row.organisation)
            if organisation is None or organisation.state != "active":
                return Refusal.ORGANISATION
            tier = highest(tier, organisation.tier)
            payment = payment or organisation.payment
        return Principal(
            account=row.id, organisation=row.organisation, tier=self.tiers[tier], payment=payment, how=how
        )

    def linked(self, kind: str, issuer: str, name: str) -> str | None:
        """The account that a name elsewhere is linked to."""
        found: Link | None = self._row("link", link_id(kind, issuer, name))
        return None if found is None else found.account

    def rows(self) -> list[Kept]:
        """All rows that it holds, in order: what a comparison with the store needs."""
        held = [Kept(kind, name, body) for kind, rows in self._bodies.items() for name, body in rows.items()]
        for public, entry in self.entries.items():
            held.append(Kept("key", public.decode(), entry if isinstance(entry, bytes) else entry.body))
        return sorted(held)

    def _row(self, kind: str, name: str) -> Any:
        body = self._bodies[kind].get(name)
        return None if body is None else decoded(kind, body)

    def _set_key(self, public: bytes, body: bytes | None) -> None:
        old = self.entries.pop(public, None)
        if body is not None:
            self.entries[public] = body
            if isinstance(old, KeyEntry) and (entry := self.entry(public)):
                entry.used_us = old.used_us


def _put(held: dict[str, bytes], name: str, body: bytes | None) -> None:
    if body is None:
        held.pop(name, None)
    else:
        held[name] = body

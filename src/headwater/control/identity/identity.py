"""The identity store: accounts, organisations, keys, links and tiers, and the one door to them for everybody who acts.

Each method that changes something is one transaction with its history and its message for the rooms above; each can be
undone. Relays hold a `Directory`, which `refresh` brings up to date. Nothing here reads a clock.
"""

from __future__ import annotations

import secrets as system
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hmac import compare_digest
from types import TracebackType
from typing import Any, Final

from headwater.control.identity import accounts, api_keys, ledger
from headwater.control.identity.api_key import Parts, secret_digest
from headwater.control.identity.api_keys import Issued
from headwater.control.identity.directory import Directory
from headwater.control.identity.fields import key_label, label, person
from headwater.control.identity.ledger import Change, Hand, Kept
from headwater.control.identity.rows import Account, Key, Link, Organisation, Verification
from headwater.control.identity.settings import IdentitySettings
from headwater.control.identity.tiers import TIERS, Tier, changed, shipped_tiers
from headwater.control.identity.verification import Asserted, take
from headwater.errors import ConflictError, UsageError
from headwater.keys import Pepper
from headwater.store import Store, Waiting

#: Microseconds by which the time of last use may lag behind.
COARSE_US: Final = 3_600_000_000
#: What the name of who acts begins with, where a provider does.
_PROVIDER: Final = "provider."


class Identity:
    """An open identity store; `new_identity` makes one, `open_identity` opens it. Peppers: the newest first."""

    def __init__(
        self,
        store: Store,
        settings: IdentitySettings,
        peppers: tuple[Pepper, ...],
        secret: Callable[[int], bytes] = system.token_bytes,
    ) -> None:
        self.store = store
        self.settings = settings
        self.peppers = peppers
        self._secret = secret

    # Accounts and organisations

    def new_account(
        self,
        name: str,
        by: str,
        at_us: int,
        *,
        tier: str = "anonymous",
        organisation: str | None = None,
        payment: str | None = None,
        label: str = "",
        reason: str = "",
    ) -> Account:
        """Make an account; raises ConflictError where there is one, UsageError where a field can't be used."""
        entries = {"tier": tier, "organisation": organisation, "payment": payment, "label": label}
        with self._change(by, at_us, reason) as hand:
            return accounts.new_account(hand, name, entries)

    def change_account(
        self, name: str, by: str, at_us: int, entries: Mapping[str, Any], *, reason: str = ""
    ) -> Account:
        """Change an account's tier, organisation, payment, label or state; None takes the second and third away."""
        with self._change(by, at_us, reason) as hand:
            return accounts.change_account(hand, name, entries)

    def new_organisation(
        self,
        name: str,
        by: str,
        at_us: int,
        *,
        tier: str = "anonymous",
        payment: str | None = None,
        label: str = "",
        reason: str = "",
    ) -> Organisation:
        """Make an organisation."""
        entries = {"tier": tier, "payment": payment, "label": label}
        with self._change(by, at_us, reason) as hand:
            return accounts.new_organisation(hand, name, entries)

    def change_organisation(
        self, name: str, by: str, at_us: int, entries: Mapping[str, Any], *, reason: str = ""
    ) -> Organisation:
        """Change an organisation's tier, payment, label or state."""
        with self._change(by, at_us, reason) as hand:
            return accounts.change_organisation(hand, name, entries)

    def link(
        self, account: str, kind: str, issuer: str, name: str, by: str, at_us: int, *, reason: str = ""
    ) -> Link:
        """Link a name that an account has elsewhere; a name belongs to one account only."""
        with self._change(by, at_us, reason) as hand:
            return accounts.link(hand, account, kind, issuer, name)

    def unlink(
        self, account: str, kind: str, issuer: str, name: str, by: str, at_us: int, *, reason: str = ""
    ) -> Link:
        """Take a link away."""
        with self._change(by, at_us, reason) as hand:
            return accounts.unlink(hand, account, kind, issuer, name)

    def forget(self, name: str, by: str, at_us: int, *, reason: str = "") -> None:
        """Erase an account with its keys, links and history. This alone has no undo."""
        with self._change(by, at_us, reason) as hand:
            accounts.found(hand.tx, "account", name)
            ledger.forget(hand, name)
        # Another process may still read what was there before: the next scrub takes it.
        with suppress(ConflictError):
            self.store.scrub()

    # Keys

    def new_key(
        self,
        account: str,
        by: str,
        at_us: int,
        *,
        environment: str | None = None,
        reason: str = "",
        entries: Mapping[str, Any] | None = None,
    ) -> Issued:
        """Make a key for an account; its text is in what comes back, and nowhere else, ever.

        `entries`: scopes, label, expires_us, networks, asns.
        """
        environment = environment or self.settings.environments[0]
        with self._change(by, at_us, reason) as hand:
            return api_keys.new(hand, account, environment, self._minting(), entries or {})

    def change_key(
        self, name: str, by: str, at_us: int, entries: Mapping[str, Any], *, reason: str = ""
    ) -> Key:
        """Change a key's scopes, label, expires_us, networks or asns; `name`: its id, or ACCOUNT/LABEL."""
        with self._change(by, at_us, reason) as hand:
            return api_keys.change(hand, name, entries)

    def rotate_key(self, name: str, by: str, at_us: int, *, overlap_us: int, reason: str = "") -> Issued:
        """Make a key in place of another, which ends after `overlap_us` if not before."""
        with self._change(by, at_us, reason) as hand:
            return api_keys.rotate(hand, name, self._minting(), overlap_us)

    def revoke_key(self, name: str, by: str, at_us: int, *, reason: str = "") -> Key:
        """End a key at once."""
        with self._change(by, at_us, reason) as hand:
            return api_keys.revoke(hand, name)

    def used(self, seen: Mapping[str, int]) -> None:
        """Write down when keys (by id) were last used; what is newer by less than an hour is left as it is."""
        sql = (
            "INSERT INTO identity_used SELECT ?, ? WHERE EXISTS"
            " (SELECT 1 FROM identity_rows WHERE kind = 'key' AND id = ?)"
            " ON CONFLICT (key) DO UPDATE SET at_us = excluded.at_us"
            f" WHERE excluded.at_us >= identity_used.at_us + {COARSE_US}"
        )
        if seen:
            with self.store.write() as tx:
                tx.many(sql, ((key, at_us, key) for key, at_us in seen.items()))

    # Tiers

    def tiers(self) -> Mapping[str, Tier]:
        """The table in force, from the lowest tier to the highest."""
        with self.store.read() as tx:
            own = {tier.name: tier for tier in ledger.all_of(tx, "tier")}
        return {name: own.get(name, tier) for name, tier in shipped_tiers().items()}

    def change_tier(
        self, name: str, by: str, at_us: int, entries: Mapping[str, Any], *, reason: str = ""
    ) -> Tier:
        """Change entries of a tier; values are as in TOML."""
        if name not in TIERS:
            raise UsageError("there is no such tier", hint=f"tiers: {', '.join(TIERS)}")
        with self._change(by, at_us, reason) as hand:
            tier = changed(ledger.get(hand.tx, "tier", name) or shipped_tiers()[name], entries)
            hand.put(tier, "changed")
        return tier

    def adopt_tiers(self, tiers: Mapping[str, Tier], by: str, at_us: int, *, reason: str = "") -> list[str]:
        """Put a whole table in force; the names of the tiers that it changed."""
        different = []
        with self._change(by, at_us, reason) as hand:
            for name, shipped in shipped_tiers().items():
                if tiers[name] != (ledger.get(hand.tx, "tier", name) or shipped):
                    hand.put(tiers[name], "adopted")
                    different.append(name)
        return different

    # Verifications

    def verified(self, asserted: Asserted, at_us: int) -> bool:
        """Take what a provider asserts (or takes back); False where this webhook was taken before."""
        with self._change(f"{_PROVIDER}{key_label(asserted.provider)}", at_us, asserted.what) as hand:
            return take(hand, asserted)

    # What is there, and what was

    def get(self, kind: str, name: str) -> Any:
        """A row of a kind of `KINDS`; UsageError where there is none."""
        with self.store.read() as tx:
            return accounts.found(tx, kind, name)

    def key(self, name: str) -> Key:
        """A key by its id, or by ACCOUNT/LABEL."""
        with self.store.read() as tx:
            return api_keys.named(tx, name)

    def matching(self, parts: Parts) -> Key | None:
        """The key that was made with these parts, its secret included; None where it's none of ours."""
        with self.store.read() as tx:
            key: Key | None = ledger.get(tx, "key", parts.public)
        peppers = {pepper.id: pepper for pepper in self.peppers}
        if key is None or key.pepper not in peppers or key.environment != parts.environment:
            return None
        right = compare_digest(secret_digest(peppers[key.pepper], parts.secret), key.digest)
        return key if right else None

    def all(self, kind: str) -> list[Any]:
        """All rows of a kind, in order of id."""
        with self.store.read() as tx:
            return ledger.all_of(tx, kind)

    def page(self, kind: str, *, after: str = "", limit: int, owner: str | None = None) -> list[Any]:
        """Rows of a kind (of one owner) whose ids come after `after`, in order of id, at most `limit`."""
        with self.store.read() as tx:
            return ledger.page_of(tx, kind, after=after, limit=limit, owner=owner)

    def version(self, kind: str, name: str) -> int:
        """The number of the newest change to a row: two readers who saw the same number saw the same row."""
        with self.store.read() as tx:
            return ledger.version(tx, kind, name)

    def keys(self, account: str) -> list[Key]:
        """The keys of an account."""
        return self._owned(account, "key")

    def links(self, account: str) -> list[Link]:
        """The links of an account."""
        return self._owned(account, "link")

    def verifications(self, account: str) -> list[Verification]:
        """What providers asserted of an account."""
        return self._owned(account, "verification")

    def members(self, organisation: str) -> list[Account]:
        """The accounts of an organisation."""
        return self._owned(organisation, "account")

    def last_used(self, key: str | None = None) -> dict[str, int]:
        """When keys (or one) were last used, to within an hour, by id; a key that never was isn't in it."""
        sql = "SELECT key, at_us FROM identity_used"
        with self.store.read() as tx:
            return dict(tx.rows(sql) if key is None else tx.rows(f"{sql} WHERE key = ?", (key,)))

    def history(
        self,
        *,
        kinds: tuple[str, ...] = (),
        row: str | None = None,
        by: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Change]:
        """The newest changes (with numbers below `before`), newest first."""
        with self.store.read() as tx:
            return ledger.changes(tx, kinds=kinds, row=row, by=by, before=before, limit=limit)

    def batch(self, change: int) -> list[Change]:
        """A change with all that was made together with it, newest first; nothing where there is none."""
        with self.store.read() as tx:
            return ledger.batch_of(tx, change)

    def undo(
        self, change: int, by: str, at_us: int, *, kinds: tuple[str, ...] = (), reason: str = ""
    ) -> list[Change]:
        """Undo a change, with all that was made together with it; the changes that were undone."""
        with self._change(by, at_us, reason) as hand:
            return ledger.undo(hand, change, kinds)

    # For relays and for the rooms above

    def directory(self) -> Directory:
        """A snapshot of all that a relay needs."""
        directory = Directory(self.peppers, shipped_tiers())
        self._load(directory)
        return directory

    def refresh(self, directory: Directory) -> bool:
        """Bring a snapshot up to date; whether anything had changed. Costs one query where nothing has."""
        with self.store.read() as tx:
            head = ledger.head(tx)
            if head == directory.head:
                return False
            touched = ledger.touched(tx, directory.head)
            if touched is not None:
                rows = [Kept(kind, name, ledger.body(tx, kind, name)) for kind, name in touched]
        if touched is None:
            self._load(directory)
        else:
            directory.apply(rows, head)
        return True

    def waiting(self, limit: int) -> list[Waiting]:
        """Messages for the rooms above that nobody has taken yet, oldest first."""
        with self.store.read() as tx:
            return tx.waiting(limit, ledger.TOPIC)

    def done(self, ids: list[int]) -> None:
        """Take messages out of the outbox that the room above has written down."""
        with self.store.write() as tx:
            tx.done(ids)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Identity:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, directory: Directory) -> None:
        with self.store.read() as tx:
            rows = (row for kind in Directory.KINDS for row in ledger.each_of(tx, kind))
            directory.load(rows, ledger.head(tx))

    def _owned(self, owner: str, kind: str) -> list[Any]:
        with self.store.read() as tx:
            return ledger.owned(tx, owner, kind)

    def _minting(self) -> api_keys.Minting:
        return api_keys.Minting(
            self.settings.prefix, self.settings.environments, self.peppers[0], self._secret
        )

    @contextmanager
    def _change(self, by: str, at_us: int, reason: str) -> Iterator[Hand]:
        by, reason = person(by), label(reason, "reason")
        with self.store.write() as tx:
            yield Hand(tx, by, reason, at_us)

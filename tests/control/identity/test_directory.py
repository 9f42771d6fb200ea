"""A snapshot, brought up to date after any changes, holds what the store holds; every undo restores the rows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from control.identity.worlds import HOME, at, credential, drawn, made
from headwater.control.identity import (
    KINDS,
    TIERS,
    Asserted,
    Identity,
    IdentitySettings,
    Principal,
    Refusal,
    Refused,
    open_identity,
)
from headwater.errors import ConflictError, HeadwaterError
from headwater.store import Store

ACCOUNTS = st.sampled_from(["a", "b", "acme"])
ORGANISATIONS = st.sampled_from(["acme", "other"])
TIER = st.sampled_from([name for name in TIERS if name != "contracted"])
LABELS = st.sampled_from(["", "ci", "dev"])


def rows(identity: Identity) -> dict[tuple[str, str], Any]:
    """Every row as it is kept."""
    with identity.store.read() as tx:
        found = tx.rows("SELECT kind, id, owner, body FROM identity_rows")
    return {(kind, name): (owner, bytes(body)) for kind, name, owner, body in found}


class Anything(RuleBasedStateMachine):
    """Changes of all kinds in any order, by two who have the store open, with a snapshot that follows."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.one = made(folder)
        self.two = open_identity(folder / "identity", IdentitySettings(), secret=drawn("two"))
        self.directory = self.one.directory()
        self.now = 1
        self.deliveries = 0
        self.states: dict[int, dict[tuple[str, str], Any]] = {}

    def teardown(self) -> None:
        if hasattr(self, "one"):
            self.one.close()
            self.two.close()
            self.folder.cleanup()

    def done(self, act: Any) -> None:
        """Do something that may be refused; a refusal changes nothing, and what is done can be undone."""
        before, self.now = rows(self.one), self.now + 1
        try:
            act()
        except HeadwaterError:
            assert rows(self.one) == before
            return
        (newest, *_) = self.one.history(limit=1) or (None,)
        if newest is not None and newest.batch not in self.states:
            self.states[newest.batch] = before

    @rule(name=ACCOUNTS, tier=TIER, organisation=st.none() | ORGANISATIONS)
    def account(self, name: str, tier: str, organisation: str | None) -> None:
        self.done(lambda: self.one.new_account(name, "ann", self.now, tier=tier, organisation=organisation))

    @rule(name=ORGANISATIONS, tier=TIER)
    def organisation(self, name: str, tier: str) -> None:
        self.done(lambda: self.two.new_organisation(name, "bob", self.now, tier=tier))

    @rule(
        name=ACCOUNTS,
        entries=st.fixed_dictionaries(
            {},
            optional={
                "tier": TIER,
                "state": st.sampled_from(["active", "suspended", "closed", "gone"]),
                "organisation": st.none() | ORGANISATIONS,
                "payment": st.none() | st.just("fp_0123456789abcdef"),
            },
        ),
    )
    def change_account(self, name: str, entries: dict[str, Any]) -> None:
        self.done(lambda: self.two.change_account(name, "bob", self.now, entries))

    @rule(name=ORGANISATIONS, state=st.sampled_from(["active", "suspended"]), tier=TIER)
    def change_organisation(self, name: str, state: str, tier: str) -> None:
        self.done(lambda: self.one.change_organisation(name, "ann", self.now, {"state": state, "tier": tier}))

    @rule(account=ACCOUNTS, label=LABELS)
    def key(self, account: str, label: str) -> None:
        self.done(lambda: self.one.new_key(account, "ann", self.now, entries={"label": label}))

    @rule(data=st.data(), what=st.sampled_from(["rotate", "revoke", "change"]))
    def change_key(self, data: st.DataObject, what: str) -> None:
        keys = self.one.all("key")
        if not keys:
            return
        name = data.draw(st.sampled_from(keys)).id
        acts = {
            "rotate": lambda: self.two.rotate_key(name, "bob", self.now, overlap_us=5),
            "revoke": lambda: self.one.revoke_key(name, "ann", self.now),
            "change": lambda: self.one.change_key(name, "ann", self.now, {"networks": ["203.0.113.0/24"]}),
        }
        self.done(acts[what])

    @rule(account=ACCOUNTS, name=st.sampled_from(["sub1", "sub2"]))
    def link(self, account: str, name: str) -> None:
        self.done(lambda: self.one.link(account, "token", "https://issuer", name, "ann", self.now))

    @rule(name=st.sampled_from(list(TIERS)), limit=st.integers(0, 9))
    def tier(self, name: str, limit: int) -> None:
        self.done(lambda: self.two.change_tier(name, "bob", self.now, {"requests_per_day": limit}))

    @rule(account=ACCOUNTS, tier=TIER, outcome=st.sampled_from(["verified", "reversed"]))
    def verified(self, account: str, tier: str, outcome: Any) -> None:
        self.deliveries += 1
        asserted = Asserted("persona", f"msg_{self.deliveries}", f"case-{account}", account, tier, outcome)
        self.done(lambda: self.one.verified(asserted, self.now))

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        history = self.one.history(limit=30)
        if history:
            change = data.draw(st.sampled_from(history)).id
            self.done(lambda: self.one.undo(change, "ann", self.now))

    @rule()
    def undo_the_newest(self) -> None:
        """The newest change can be undone whatever it was, and then all rows are what they were before it."""
        history = self.one.history(limit=1)
        if not history or history[0].batch not in self.states or history[0].what == "forgotten":
            return
        before = self.states[history[0].batch]
        self.done(lambda: self.one.undo(history[0].id, "ann", self.now))
        assert rows(self.one) == before

    @precondition(lambda self: self.now % 5 == 0)
    @rule(name=ACCOUNTS)
    def forget(self, name: str) -> None:
        def act() -> None:
            self.one.forget(name, "ann", self.now)
            self.states.clear()

        self.done(act)

    @rule()
    def follow(self) -> None:
        self.one.refresh(self.directory)
        assert not self.two.refresh(self.directory)
        assert self.directory.rows() == self.one.directory().rows()
        assert self.directory.tiers == self.one.tiers()

    @invariant()
    def every_owner_is_there(self) -> None:
        if not hasattr(self, "one"):
            return
        held = rows(self.one)
        for (kind, _), (owner, _) in held.items():
            if owner:
                assert ("organisation" if kind == "account" else "account", owner) in held


Anything.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_any_sequence_of_changes = Anything.TestCase


def test_the_kinds_are_those_of_the_store() -> None:
    assert set(KINDS) == {"account", "organisation", "key", "link", "verification", "tier"}


def test_a_change_reaches_a_key_that_was_in_use(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1, tier="verified-contact")
        text = identity.new_key("bot", "ann", 2).text
        door = at(identity)
        first = door.authenticate(credential(text), HOME, 3)
        assert isinstance(first, Principal)
        identity.change_tier("verified-contact", "ann", 4, {"requests_per_minute": 1})
        assert door.authenticate(credential(text), HOME, 5) == first, "not before the relay has looked"
        assert identity.refresh(door.directory)
        second = door.authenticate(credential(text), HOME, 5)
        assert isinstance(second, Principal)
        assert second.tier.requests_per_minute == 1
        identity.change_account("bot", "ann", 6, {"state": "suspended"})
        identity.refresh(door.directory)
        assert isinstance(door.authenticate(credential(text), HOME, 7), Refused)


def test_a_store_restored_from_a_copy_is_loaded_anew(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("kept", "ann", 1)
        identity.store.copy_to(tmp_path / "copy")
        identity.new_account("lost", "ann", 2)
        identity.new_account("lost-too", "ann", 3)
        directory = identity.directory()
        peppers = identity.peppers
    with Identity(Store.open(tmp_path / "copy", ()), IdentitySettings(), peppers) as restored:
        restored.new_account("new", "ann", 4)
        restored.new_account("newer", "ann", 5)
        restored.new_account("newest", "ann", 6)
        assert restored.refresh(directory)
        assert directory.rows() == restored.directory().rows()
        assert [row.id for row in restored.all("account")] == ["kept", "new", "newer", "newest"]


def test_what_was_changed_since_is_not_undone(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        identity.change_account("bot", "ann", 2, {"label": "one"})
        identity.change_account("bot", "ann", 3, {"label": "two"})
        with pytest.raises(ConflictError, match="changed since") as error:
            identity.undo(2, "ann", 4)
        assert error.value.hint == "undo change 3 first"
        identity.undo(3, "ann", 5)
        identity.undo(2, "ann", 6)
        assert identity.get("account", "bot").label == ""
        identity.undo(identity.history()[0].id, "ann", 7)
        assert identity.get("account", "bot").label == "one", "an undo can be undone"


def test_an_account_with_keys_is_not_unmade(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        identity.new_key("bot", "ann", 2)
        with pytest.raises(ConflictError, match="still has a key"):
            identity.undo(1, "ann", 3)


def test_what_is_forgotten_is_nowhere(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("very-private-name", "ann", 1, label="secret-label", reason="secret-reason")
        identity.new_key("very-private-name", "ann", 2, entries={"label": "secret-label"})
        identity.undo(2, "ann", 3)
        identity.link("very-private-name", "certificate", "", "DNS:secret-label", "ann", 4)
        identity.forget("very-private-name", "ann", 5)
        with pytest.raises(ConflictError, match="forgotten"):
            identity.undo(1, "ann", 6)
    held = b"".join(path.read_bytes() for path in (tmp_path / "identity").iterdir())
    assert b"very-private-name" not in held
    assert b"secret-" not in held


def test_a_key_that_was_unmade_is_unknown(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        text = identity.new_key("bot", "ann", 2).text
        door = at(identity)
        identity.undo(2, "ann", 3)
        identity.refresh(door.directory)
        assert door.directory.rows() == identity.directory().rows()
        assert door.authenticate(credential(text), HOME, 4) == Refused(Refusal.UNKNOWN)


def test_what_a_row_rested_on_must_be_there_again(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_organisation("acme", "ann", 1)
        identity.new_account("bot", "ann", 2, organisation="acme")
        identity.change_account("bot", "ann", 3, {"organisation": None})
        identity.undo(1, "ann", 4)
        with pytest.raises(ConflictError, match="its organisation is no longer there"):
            identity.undo(3, "ann", 5)
        identity.undo(identity.history()[0].id, "ann", 6)
        identity.undo(3, "ann", 7)
        assert identity.get("account", "bot").organisation == "acme"

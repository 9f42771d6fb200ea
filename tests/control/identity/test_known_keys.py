"""A key that was right before is looked at as closely as one that is seen for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from control.identity.worlds import DAY_US, at, made, seen_from
from headwater.control.identity import Authenticator, Credential, Identity, Principal, Refusal, Refused

NOW = 20_000 * DAY_US
HOUR_US = DAY_US // 24
HERE, THERE = seen_from("203.0.113.9", 64500), seen_from("198.51.100.7", 64501)


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    with made(tmp_path) as identity:
        identity.new_organisation("acme", "ann", NOW)
        identity.new_account("bot", "ann", NOW, tier="verified-payment", organisation="acme")
        yield identity


def known(identity: Identity, **entries: Any) -> tuple[Authenticator, Credential, str]:
    """A door that has let a key in twice, the key, and its id."""
    issued = identity.new_key("bot", "ann", NOW, entries=entries)
    door, shown = at(identity), Credential(issued.text.encode())
    for _ in range(2):
        assert isinstance(door.authenticate(shown, HERE, NOW), Principal)
    return door, shown, issued.key.id


@pytest.mark.parametrize(
    "entries",
    [{"networks": ["203.0.113.0/24"]}, {"asns": [64500]}, {"networks": ["203.0.113.0/24"], "asns": [64500]}],
)
def test_elsewhere_it_is_refused(identity: Identity, entries: dict[str, Any]) -> None:
    door, shown, key = known(identity, **entries)
    assert door.authenticate(shown, THERE, NOW) == Refused(Refusal.SOURCE, key, "bot")
    assert isinstance(door.authenticate(shown, HERE, NOW), Principal)


def test_it_ends_in_time(identity: Identity) -> None:
    ends_us = NOW + HOUR_US // 2
    door, shown, key = known(identity, expires_us=ends_us)
    assert isinstance(door.authenticate(shown, HERE, ends_us - 1), Principal)
    assert door.authenticate(shown, HERE, ends_us) == Refused(Refusal.EXPIRED, key, "bot")


CHANGES: dict[str, tuple[Callable[[Identity, str], object], Refusal]] = {
    "its account is suspended": (
        lambda store, _: store.change_account("bot", "ann", NOW, {"state": "suspended"}),
        Refusal.SUSPENDED,
    ),
    "its organisation is suspended": (
        lambda store, _: store.change_organisation("acme", "ann", NOW, {"state": "suspended"}),
        Refusal.ORGANISATION,
    ),
    "it is revoked": (lambda store, key: store.revoke_key(key, "ann", NOW), Refusal.EXPIRED),
    "it is narrowed": (
        lambda store, key: store.change_key(key, "ann", NOW, {"networks": ["198.51.100.0/24"]}),
        Refusal.SOURCE,
    ),
    "its account is forgotten": (lambda store, _: store.forget("bot", "ann", NOW), Refusal.UNKNOWN),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_counts_at_the_next_request(identity: Identity, what: str) -> None:
    change, expected = CHANGES[what]
    door, shown, key = known(identity)
    change(identity, key)
    identity.refresh(door.directory)
    for _ in range(2):
        found = door.authenticate(shown, HERE, NOW)
        assert isinstance(found, Refused)
        assert found.reason is expected


def test_another_tier_counts_at_the_next_request_and_the_way_back_too(identity: Identity) -> None:
    door, shown, _ = known(identity)
    for state, tier in (("suspended", None), ("active", "verified-payment"), ("active", "contracted")):
        identity.change_account("bot", "ann", NOW, {"state": state, **({"tier": tier} if tier else {})})
        identity.refresh(door.directory)
        for _ in range(2):
            found = door.authenticate(shown, HERE, NOW)
            assert (found.tier.name if isinstance(found, Principal) else None) == tier
            assert found == at(identity).authenticate(shown, HERE, NOW)


def test_no_key_is_kept(identity: Identity) -> None:
    """What is known again is a digest that says nothing of the key, and is another one in another process."""
    door, shown, _ = known(identity)
    other = at(identity)
    other.authenticate(shown, HERE, NOW)
    kept, elsewhere = set(door._seen), set(other._seen)
    assert len(kept) == len(elsewhere) == 1
    assert not kept & elsewhere
    assert shown.bearer is not None
    secret = shown.bearer.split(b"_")[3]
    assert not any(secret in digest for digest in kept)

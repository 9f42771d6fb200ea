"""Who is let in, and who isn't: keys in all their states, proxies, certificates, nobody at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.identity.worlds import DAY_US, HOME, at, credential, made, seen_from
from headwater.control.identity import (
    Authenticator,
    Credential,
    Identity,
    IdentitySettings,
    Principal,
    Refusal,
    Refused,
    Sources,
    certificate_names,
    new_key,
)
from headwater.control.identity import api_key as form
from headwater.errors import UsageError

NOW = 20_000 * DAY_US


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", NOW, tier="verified-payment")
        yield identity


def reason(found: Principal | Refused) -> Refusal:
    assert isinstance(found, Refused)
    return found.reason


def test_a_key_says_who_asks(identity: Identity) -> None:
    identity.new_organisation("acme", "ann", NOW, tier="verified-organisation", payment="fp_0123456789abcdef")
    identity.change_account("bot", "ann", NOW, {"organisation": "acme"})
    issued = identity.new_key(
        "bot", "ann", NOW, environment="test", entries={"scopes": ["generate", "batch"]}
    )
    found = at(identity).authenticate(credential(issued.text), HOME, NOW)
    assert isinstance(found, Principal)
    assert (found.account, found.organisation, found.key) == ("bot", "acme", issued.key.id)
    assert (found.tier.name, found.payment) == ("verified-organisation", "fp_0123456789abcdef")
    assert (found.environment, found.how) == ("test", "key")
    assert found.may("batch")
    assert not found.may("files")


def test_a_key_of_before_with_scopes_that_are_no_more_does_what_it_did(identity: Identity) -> None:
    """They allowed nothing; its row stays as it is, and the key that takes its place is without them."""
    issued = identity.new_key("bot", "ann", NOW)
    old = msgspec.structs.replace(issued.key, scopes=("generate", "admin:read", "admin:write"))
    with identity._change("ann", NOW, "") as hand:
        hand.put(old, "changed")
    found = at(identity).authenticate(credential(issued.text), HOME, NOW)
    assert isinstance(found, Principal)
    assert found.may("generate")
    assert not found.may("files")
    assert identity.key(issued.key.id) == old
    identity.change_key(issued.key.id, "ann", NOW, {"label": "ci"})
    rotated = identity.rotate_key(issued.key.id, "ann", NOW, overlap_us=0)
    assert rotated.key.scopes == ("generate",)
    identity.undo(identity.history(limit=1)[0].id, "ann", NOW)
    assert identity.key(issued.key.id).scopes == old.scopes
    with pytest.raises(UsageError, match="no such scope"):
        identity.new_key("bot", "ann", NOW, entries={"scopes": ["admin:read"]})


def test_a_key_ends_when_it_says(identity: Identity) -> None:
    issued = identity.new_key("bot", "ann", NOW, entries={"expires_us": NOW + DAY_US})
    door = at(identity)
    assert isinstance(door.authenticate(credential(issued.text), HOME, NOW + DAY_US - 1), Principal)
    late = door.authenticate(credential(issued.text), HOME, NOW + DAY_US)
    assert late == Refused(Refusal.EXPIRED, issued.key.id, "bot")


def test_both_keys_are_good_while_they_overlap(identity: Identity) -> None:
    old = identity.new_key("bot", "ann", NOW, entries={"label": "ci", "networks": ["203.0.113.0/24"]})
    new = identity.rotate_key("bot/ci", "ann", NOW, overlap_us=DAY_US)
    door = at(identity)
    assert (new.key.replaces, new.key.networks, new.key.label) == (old.key.id, ("203.0.113.0/24",), "ci")
    for text, moment, good in ((old, NOW, True), (old, NOW + DAY_US, False), (new, NOW + DAY_US, True)):
        assert isinstance(door.authenticate(credential(text.text), HOME, moment), Principal) is good


def test_a_revoked_key_is_good_for_nothing(identity: Identity) -> None:
    issued = identity.new_key("bot", "ann", NOW)
    identity.revoke_key(issued.key.id, "ann", NOW, reason="seen in a repository")
    assert reason(at(identity).authenticate(credential(issued.text), HOME, NOW)) is Refusal.EXPIRED


@pytest.mark.parametrize(
    ("entries", "address", "asn", "good"),
    [
        ({"networks": ["198.51.100.0/24"]}, "198.51.100.7", None, True),
        ({"networks": ["198.51.100.0/24"]}, "::ffff:198.51.100.7", None, True),
        ({"networks": ["198.51.100.0/24"]}, "198.51.101.7", None, False),
        ({"networks": ["2001:db8::/48", "198.51.100.7"]}, "2001:db8::9", None, True),
        ({"networks": ["2001:db8::/48", "198.51.100.7"]}, "2001:db9::9", None, False),
        ({"asns": [64500]}, "198.51.100.7", 64500, True),
        ({"asns": [64500]}, "198.51.100.7", 64501, False),
        ({"asns": [64500]}, "198.51.100.7", None, False),
        ({"asns": [64500], "networks": ["198.51.100.0/24"]}, "203.0.113.9", 64500, False),
    ],
)
def test_a_key_may_be_for_some_places_only(
    identity: Identity, entries: dict[str, list[str]], address: str, asn: int | None, good: bool
) -> None:
    issued = identity.new_key("bot", "ann", NOW, entries=entries)
    found = at(identity).authenticate(credential(issued.text), seen_from(address, asn), NOW)
    assert isinstance(found, Principal) if good else reason(found) is Refusal.SOURCE


@pytest.mark.parametrize(
    ("entries", "expected"),
    [({"state": "suspended"}, Refusal.SUSPENDED), ({"state": "closed"}, Refusal.CLOSED)],
)
def test_only_who_has_the_secret_learns_the_state_of_an_account(
    identity: Identity, entries: dict[str, str], expected: Refusal
) -> None:
    issued = identity.new_key("bot", "ann", NOW)
    identity.change_account("bot", "ann", NOW, entries)
    door = at(identity)
    assert reason(door.authenticate(credential(issued.text), HOME, NOW)) is expected
    wrong = forged(issued.text)
    found = door.authenticate(credential(wrong), HOME, NOW)
    assert found == Refused(Refusal.SECRET)
    assert Refusal.SECRET.told == Refusal.UNKNOWN.told == Refusal.CHECKSUM.told == "credential"


def test_an_organisation_that_is_suspended_takes_its_accounts_with_it(identity: Identity) -> None:
    identity.new_organisation("acme", "ann", NOW)
    identity.change_account("bot", "ann", NOW, {"organisation": "acme"})
    issued = identity.new_key("bot", "ann", NOW)
    identity.change_organisation("acme", "ann", NOW, {"state": "suspended"})
    assert reason(at(identity).authenticate(credential(issued.text), HOME, NOW)) is Refusal.ORGANISATION


def forged(text: str) -> str:
    """The key with another secret and the right checksum."""
    body = text[: form.AT_SECRET] + "0" * form.SECRET_CHARS
    return f"{body}_{form.checksum(body.encode())}"


def test_a_key_has_one_spelling(identity: Identity) -> None:
    text = identity.new_key("bot", "ann", NOW).text
    door = at(identity)
    body = text.replace("_live_", "_test_").rpartition("_")[0]
    for wrong in (
        forged(text),
        f"{body}_{form.checksum(body.encode())}",
        f"{text}\n",
        f" {text}",
        text.upper(),
    ):
        assert isinstance(door.authenticate(credential(wrong), HOME, NOW), Refused)


@given(st.data())
def test_no_changed_character_passes(data: st.DataObject) -> None:
    door, text = KNOWN
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[place]))
    wrong = text[:place] + bytes([byte]) + text[place + 1 :]
    assert isinstance(door.authenticate(Credential(wrong), HOME, NOW), Refused)
    assert isinstance(door.authenticate(Credential(text), HOME, NOW), Principal)


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert isinstance(KNOWN[0].authenticate(Credential(data), HOME, NOW), Refused)


def test_hostile_credentials(identity: Identity) -> None:
    door = at(identity)
    for text, expected in (
        (b"", Refusal.MALFORMED),
        (b"x" * 1_000_000, Refusal.TOO_LARGE),
        (b"." * 1_000_000, Refusal.TOO_LARGE),
        ("hw_live_ｆullwidth".encode(), Refusal.MALFORMED),
        (b"\xff\xfe" * 40, Refusal.MALFORMED),
        (b"hw_live_" + b"\0" * 57, Refusal.MALFORMED),
        (b"a.b.c", Refusal.MALFORMED),
        (new_key("hw", "live", bytes).encode(), Refusal.UNKNOWN),
    ):
        assert reason(door.authenticate(Credential(text), HOME, NOW)) is expected


def test_an_unknown_key_costs_the_same_hmac(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """By construction, not by a clock: each answer comes after exactly one HMAC and one comparison."""
    text = identity.new_key("bot", "ann", NOW).text
    door = at(identity)
    unknown = new_key("hw", "live", bytes)
    calls: list[str] = []
    digest, compare = form.Keyed.digest, door.authenticate.__globals__["compare_digest"]
    monkeypatch.setattr(
        form.Keyed, "digest", lambda self, secret: calls.append("hmac") or digest(self, secret)
    )
    monkeypatch.setitem(
        door.authenticate.__globals__, "compare_digest", lambda a, b: calls.append("compare") or compare(a, b)
    )
    for shown in (text, forged(text), unknown):
        calls.clear()
        door.authenticate(credential(shown), HOME, NOW)
        assert calls == ["hmac", "compare"]


def test_a_key_without_its_pepper_opens_nothing(identity: Identity) -> None:
    from headwater.keys import Pepper

    text = identity.new_key("bot", "ann", NOW).text
    identity.peppers = (Pepper(b"another pepper of thirty-two byt", 2),)
    assert reason(at(identity).authenticate(credential(text), HOME, NOW)) is Refusal.SECRET


def test_an_old_pepper_still_serves_old_keys(identity: Identity) -> None:
    from headwater.keys import Pepper

    old = identity.new_key("bot", "ann", NOW).text
    identity.peppers = (Pepper(b"another pepper of thirty-two byt", 2), *identity.peppers)
    new = identity.new_key("bot", "ann", NOW).text
    door = at(identity)
    for text in (old, new):
        assert isinstance(door.authenticate(credential(text), HOME, NOW), Principal)


def test_a_proxy_is_believed_where_it_is_trusted(tmp_path: Path) -> None:
    settings = IdentitySettings(trusted_proxies=("10.0.0.0/8",), account_header="x-account")
    with made(tmp_path, settings) as identity:
        identity.new_account("bot", "ann", NOW)
        text = identity.new_key("bot", "ann", NOW).text
        door, sources = at(identity), Sources(settings.trusted_proxies)
    inside, outside = sources.of("10.1.2.3", "203.0.113.9"), sources.of("203.0.113.9")
    found = door.authenticate(Credential(asserted="bot"), inside, NOW)
    assert isinstance(found, Principal)
    assert found.how == "proxy"
    assert reason(door.authenticate(Credential(asserted="bot"), outside, NOW)) is Refusal.AMBIGUOUS
    shown = Credential(text.encode(), "nobody")
    assert door.authenticate(shown, inside, NOW) == Refused(Refusal.NO_ACCOUNT)


def test_a_certificate_is_believed_where_it_is_linked(tmp_path: Path) -> None:
    with made(tmp_path, IdentitySettings(certificates=True)) as identity:
        for account in ("bot", "other"):
            identity.new_account(account, "ann", NOW)
            identity.link(account, "certificate", "", f"URI:spiffe://example.com/{account}", "ann", NOW)
        door = at(identity)
    names = [f"URI:spiffe://example.com/{account}" for account in ("bot", "other")]
    shown = {
        "subject": (),
        "subjectAltName": (("DNS", "bot.example.com"), ("URI", "spiffe://example.com/bot")),
    }
    assert certificate_names(shown) == ("DNS:bot.example.com", names[0])
    assert certificate_names({}) == certificate_names(None) == ()
    found = door.authenticate(Credential(names=certificate_names(shown)), HOME, NOW)
    assert isinstance(found, Principal)
    assert (found.account, found.how) == ("bot", "certificate")
    assert reason(door.authenticate(Credential(names=tuple(names)), HOME, NOW)) is Refusal.AMBIGUOUS
    for strange in ("DNS:*.example.com", "URI:spiffe://example.com/BOT", "DNS:spiffe://example.com/bot"):
        assert reason(door.authenticate(Credential(names=(strange,)), HOME, NOW)) is Refusal.CERTIFICATE


def test_nobody_is_let_in_where_that_is_allowed(tmp_path: Path, identity: Identity) -> None:
    assert reason(at(identity).authenticate(Credential(), HOME, NOW)) is Refusal.MISSING
    door = Authenticator(identity.directory(), IdentitySettings(anonymous=True))
    here, near = (door.authenticate(Credential(), seen_from(f"203.0.113.{n}"), NOW) for n in (1, 2))
    assert isinstance(here, Principal)
    assert here == near
    assert (here.account, here.tier.name) == ("anonymous:203.0.113.0/24", "anonymous")
    assert isinstance(door.authenticate(Credential(b"wrong"), HOME, NOW), Refused), (
        "a wrong key isn't passed over"
    )


def test_when_a_key_was_used_is_told_once_an_hour(identity: Identity) -> None:
    issued = identity.new_key("bot", "ann", NOW)
    door = at(identity)
    for minute in range(0, 121, 5):
        door.authenticate(credential(issued.text), HOME, NOW + minute * 60_000_000)
        if minute == 0:
            identity.used(door.take_used())
            assert identity.last_used() == {issued.key.id: NOW}
            assert door.take_used() == {}
    identity.used({**door.take_used(), "nobody": NOW})
    assert identity.last_used() == {issued.key.id: NOW + 65 * 60_000_000}
    identity.used({issued.key.id: NOW + 70 * 60_000_000})
    assert identity.last_used() == {issued.key.id: NOW + 65 * 60_000_000}, "other relays tell of it too"


def _known() -> tuple[Authenticator, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as identity:
        identity.new_account("bot", "ann", NOW)
        text = identity.new_key("bot", "ann", NOW).text
        return at(identity), text.encode()


KNOWN = _known()

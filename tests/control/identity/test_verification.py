"""Step-up verification: a webhook raises a tier, its reversal restores it, and a person has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.identity.worlds import DAY_US, made
from headwater.control.identity import (
    TIERS,
    Account,
    Asserted,
    Delivered,
    Identity,
    PluginError,
    Receiver,
    VerificationProvider,
    WebhookFault,
    plug_in,
    sign_webhook,
)
from headwater.errors import UsageError

SECRET = b"a webhook secret of our test"
NOW_S = 1_700_000_000


class _Event(msgspec.Struct):
    type: str
    data: dict[str, str]


class Reference:
    """A plug-in as its author would write it: `identity.verified` and `identity.reversed` of a check."""

    #: What the provider calls a check → the tier that it speaks for.
    TIERS = {"mail": "verified-contact", "company": "verified-organisation", "boss": "contracted"}  # noqa: RUF012

    def read(self, delivered: Delivered, body: bytes) -> Asserted | WebhookFault | None:
        """What a webhook asserts."""
        try:
            event = msgspec.json.decode(body, type=_Event)
            outcome: Any = event.type.removeprefix("identity.")
            data = event.data
            if outcome not in ("verified", "reversed"):
                return None
            tier = self.TIERS[data["check"]]
            return Asserted("", "", data["case"], data["account"], tier, outcome, data["check"])
        except (msgspec.MsgspecError, KeyError):
            return WebhookFault.CONTENT


PROVIDER: VerificationProvider = Reference()
RECEIVER = Receiver("reference", PROVIDER, [SECRET], "verified-organisation")


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        identity.new_account("other", "ann", 1)
        yield identity


def sent(name: str, kind: str, check: str = "company", case: str = "case-1", account: str = "bot") -> Any:
    body = msgspec.json.encode({"type": kind, "data": {"case": case, "account": account, "check": check}})
    return RECEIVER.read(sign_webhook(SECRET, name, NOW_S, body), body, NOW_S * 1_000_000)


def take(identity: Identity, name: str, kind: str, **rest: str) -> bool:
    return identity.verified(sent(name, f"identity.{kind}", **rest), NOW_S * 1_000_000)


def tier(identity: Identity, account: str = "bot") -> str:
    found: Account = identity.get("account", account)
    return found.tier


def test_a_verification_raises_the_tier_and_says_who_when_and_what(identity: Identity) -> None:
    assert take(identity, "m1", "verified")
    assert tier(identity) == "verified-organisation"
    (one,) = identity.verifications("bot")
    assert (one.provider, one.reference, one.at_us, one.asserted) == (
        "reference",
        "case-1",
        NOW_S * 1_000_000,
        "company",
    )
    assert {change.by for change in identity.history(limit=2)} == {"provider.reference"}


def test_the_same_webhook_is_taken_once(identity: Identity) -> None:
    assert take(identity, "m1", "verified")
    version = identity.history(limit=1)
    assert not take(identity, "m1", "verified")
    assert not take(identity, "m1", "reversed"), "a replay with another content would need another signature"
    assert identity.history(limit=1) == version


def test_a_reversal_restores_the_tier_before(identity: Identity) -> None:
    identity.change_account("bot", "ann", 2, {"tier": "verified-payment"})
    take(identity, "m1", "verified")
    assert tier(identity) == "verified-organisation"
    take(identity, "m2", "reversed")
    assert tier(identity) == "verified-payment"


def test_a_reversal_that_comes_first_counts(identity: Identity) -> None:
    take(identity, "m2", "reversed")
    take(identity, "m1", "verified")
    assert tier(identity) == "anonymous"


def test_a_person_has_the_last_word(identity: Identity) -> None:
    take(identity, "m1", "verified")
    identity.change_account("bot", "ann", 2, {"tier": "anonymous"}, reason="sold on")
    assert tier(identity) == "anonymous"
    take(identity, "m2", "verified", check="mail", case="case-2")
    assert tier(identity) == "verified-contact", "what was verified since counts, what was before doesn't"
    take(identity, "m3", "reversed")
    assert tier(identity) == "verified-contact"


def test_an_undo_restores_the_account_and_what_was_asserted(identity: Identity) -> None:
    before = (identity.get("account", "bot"), identity.verifications("bot"))
    take(identity, "m1", "verified")
    identity.undo(identity.history(limit=1)[0].id, "ann", 3)
    assert (identity.get("account", "bot"), identity.verifications("bot")) == before


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["verified", "reversed"]),
            st.sampled_from(["1", "2", "3"]),
            st.sampled_from(["mail", "company"]),
        ),
        max_size=8,
    )
)
def test_when_all_is_taken_back_the_tier_is_what_a_person_gave(
    events: list[tuple[str, str, str]],
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as identity:
        identity.new_account("bot", "ann", 1, tier="verified-payment")
        for at, (kind, case, check) in enumerate(events):
            take(identity, f"m{at}", kind, case=case, check=check)
            standing = {one.tier for one in identity.verifications("bot") if one.state == "standing"}
            assert tier(identity) == max({"verified-payment", *standing}, key=list(TIERS).index)
        for case in ("1", "2", "3"):
            take(identity, f"last-{case}", "reversed", case=case)
        assert tier(identity) == "verified-payment"


def test_a_contract_is_no_webhooks_to_assert(identity: Identity) -> None:
    with pytest.raises(UsageError, match="above what this provider may assert"):
        sent("m1", "identity.verified", check="boss")
    made = Asserted("reference", "m1", "case-1", "bot", "contracted", "verified")
    with pytest.raises(UsageError, match="no tier that a provider can assert"):
        identity.verified(made, NOW_S * 1_000_000)
    assert tier(identity) == "anonymous"


def test_a_reference_belongs_to_one_account(identity: Identity) -> None:
    take(identity, "m1", "verified")
    with pytest.raises(UsageError, match="of another account"):
        take(identity, "m2", "verified", account="other")
    with pytest.raises(UsageError, match="no such account"):
        take(identity, "m3", "verified", account="nobody", case="case-9")
    assert take(identity, "m3", "verified", case="case-9"), "what was refused wasn't taken"


def test_a_stranger_asserts_nothing(identity: Identity) -> None:
    body = b'{"type":"identity.verified","data":{}}'
    headers = sign_webhook(b"another secret of 24 bytes", "m1", NOW_S, body)
    assert RECEIVER.read(headers, body, NOW_S * 1_000_000) is WebhookFault.SIGNATURE
    assert sent("m1", "identity.verified", check="nothing") is WebhookFault.CONTENT
    assert sent("m1", "identity.opened") is None


def test_a_plug_in_speaks_for_its_own_provider_only() -> None:
    class Liar:
        def read(self, delivered: Delivered, body: bytes) -> Asserted:
            return Asserted("another", "m9", "case-1", "bot", "verified-contact", "verified")

    body, at_us = b"{}", NOW_S * 1_000_000
    said = Receiver("mine", Liar(), [SECRET], "verified-contact").read(
        sign_webhook(SECRET, "m1", NOW_S, body), body, at_us
    )
    assert isinstance(said, Asserted)
    assert (said.provider, said.delivery) == ("mine", "m1")


@pytest.mark.parametrize("answer", ["raises", 7, ("a", "tuple")])
def test_a_plug_in_that_fails_is_named_and_what_it_was_given_is_not(answer: object) -> None:
    class Broken:
        def read(self, delivered: Delivered, body: bytes) -> Any:
            if answer == "raises":
                raise KeyError(body.decode())
            return answer

    body = b'{"name": "a person"}'
    with pytest.raises(PluginError, match="the plug-in of mine") as told:
        Receiver("mine", Broken(), [SECRET], "verified-contact").read(
            sign_webhook(SECRET, "m1", NOW_S, body), body, NOW_S * 1_000_000
        )
    assert "person" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ == (answer == "raises")


def test_the_highest_tier_bounds_what_is_asserted_and_not_what_is_taken_back() -> None:
    low = Receiver("mine", PROVIDER, [SECRET], "verified-contact")

    def read(kind: str) -> object:
        body = msgspec.json.encode(
            {"type": kind, "data": {"case": "1", "account": "bot", "check": "company"}}
        )
        return low.read(sign_webhook(SECRET, "m1", NOW_S, body), body, NOW_S * 1_000_000)

    with pytest.raises(UsageError, match="above what this provider may assert"):
        read("identity.verified")
    assert isinstance(read("identity.reversed"), Asserted)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "identity.verified"}, WebhookFault.CONTENT),
        ({"type": "identity.verified", "data": {"account": "bot", "reference": "1"}}, WebhookFault.CONTENT),
        ({"type": "check.opened", "data": 7}, None),
        ([], WebhookFault.CONTENT),
        (
            {
                "type": "identity.verified",
                "data": {"account": "bot", "reference": "1", "tier": "verified-contact"},
            },
            Asserted("", "m1", "1", "bot", "verified-contact", "verified"),
        ),
    ],
)
def test_the_standard_plug_in(event: object, expected: object) -> None:
    assert plug_in("standard").read(Delivered("m1", NOW_S), msgspec.json.encode(event)) == expected
    assert plug_in("standard").read(Delivered("m1", NOW_S), b"\xff") is WebhookFault.CONTENT


def test_a_plug_in_that_is_not_installed_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no plug-in") as told:
        plug_in("nothing")
    assert "standard" in (told.value.hint or "")


def test_ids_of_webhooks_are_kept_for_a_week(identity: Identity) -> None:
    take(identity, "m1", "verified")
    week = NOW_S * 1_000_000 + 8 * DAY_US
    identity.verified(Asserted("reference", "m2", "case-2", "bot", "verified-contact", "verified"), week)
    with identity.store.read() as tx:
        assert tx.rows("SELECT id FROM identity_webhooks") == [("m2",)]

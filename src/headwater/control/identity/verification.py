"""Step-up verification: what a provider asserts of an account raises its tier, and what it takes back lowers it again.

A provider is anything with the Protocol below: a signed webhook comes in, an assertion comes out (`providers` sees to
that). Its documents stay with it: who, when and what was asserted is all that is kept.

The tier in force is the highest of what a person granted last and of the verifications that stand. Once a person sets
the tier, verifications from before no longer count: a provider can't raise what a person has lowered.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

from headwater.control.identity.fields import account_id, key_label, label, outside_name
from headwater.control.identity.ledger import Hand, get, owned
from headwater.control.identity.rows import Account, Verification
from headwater.control.identity.tiers import CONTRACTED, TIERS, highest
from headwater.control.identity.webhook import Delivered, WebhookFault
from headwater.errors import UsageError, Where

#: Tiers that a provider can assert.
ASSERTABLE: Final = tuple(name for name in TIERS if name != CONTRACTED)
#: Microseconds that the id of a webhook is kept, so that it is taken once; its own time window is far shorter.
KEPT_US: Final = 7 * 86_400 * 1_000_000


class Asserted(msgspec.Struct, frozen=True):
    """What a provider says of an account: `tier` is verified (or no longer), under a reference of the provider's own.

    `provider`, `delivery` (the webhook's id): put in by who received it, whatever a plug-in says. `what`: in a few
    words, without any data of a person.
    """

    provider: str
    delivery: str
    reference: str
    account: str
    tier: str
    outcome: Literal["verified", "reversed"]
    what: str = ""


class VerificationProvider(Protocol):
    """Reads what a provider's webhooks say. It is given those only whose signature and time are right."""

    def read(self, delivered: Delivered, body: bytes) -> Asserted | WebhookFault | None:
        """What a webhook asserts; None where it says nothing of an account's tier (a check that began, say);
        `WebhookFault.CONTENT` where it isn't what the provider sends."""


def take(hand: Hand, asserted: Asserted) -> bool:
    """Write down what was asserted, and give the account the tier that follows; False where it was taken before.

    Raises `UsageError` where there is no such account, or the tier is none that a provider can assert.
    """
    row = _row(asserted, hand.at_us)
    if not _first(hand, asserted):
        return False
    account = get(hand.tx, "account", asserted.account)
    if account is None:
        raise UsageError("there is no such account", where=Where(field="account"))
    known: Verification | None = get(hand.tx, "verification", row.id)
    if known is not None and known.account != row.account:
        raise UsageError("the provider's reference is of another account", where=Where(field="reference"))
    if asserted.outcome == "verified":
        if known is None:
            hand.put(row, "verified")
    elif known is None:
        # Taken back before it came: webhooks come in any order.
        hand.put(msgspec.structs.replace(row, state="reversed"), "reversed")
    elif known.state == "standing":
        hand.put(msgspec.structs.replace(known, state="reversed"), "reversed")
    _settle(hand, account, asserted.outcome)
    return True


def set_by_hand(hand: Hand, account: Account, tier: str) -> Account:
    """The account with a tier that a person gives; verifications from before no longer count."""
    for one in owned(hand.tx, account.id, "verification"):
        if one.state == "standing":
            hand.put(msgspec.structs.replace(one, state="superseded"), "superseded")
    changed: Account = msgspec.structs.replace(account, tier=tier, granted=tier)
    return changed


def _settle(hand: Hand, account: Account, what: str) -> None:
    standing = [one.tier for one in owned(hand.tx, account.id, "verification") if one.state == "standing"]
    hand.put(msgspec.structs.replace(account, tier=highest(account.granted, *standing)), what)


def _row(asserted: Asserted, at_us: int) -> Verification:
    if asserted.tier not in ASSERTABLE:
        hint = f"tiers: {', '.join(ASSERTABLE)}"
        raise UsageError("no tier that a provider can assert", where=Where(field="tier"), hint=hint)
    return Verification(
        provider=key_label(asserted.provider),
        reference=outside_name(asserted.reference, "reference"),
        account=account_id(asserted.account),
        tier=asserted.tier,  # type: ignore[arg-type]
        at_us=at_us,
        asserted=label(asserted.what, "what"),
    )


def _first(hand: Hand, asserted: Asserted) -> bool:
    """Whether a webhook comes for the first time."""
    hand.tx.run("DELETE FROM identity_webhooks WHERE at_us < ?", (hand.at_us - KEPT_US,))
    sql = "INSERT INTO identity_webhooks VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
    return hand.tx.run(sql, (asserted.provider, asserted.delivery, hand.at_us)) == 1

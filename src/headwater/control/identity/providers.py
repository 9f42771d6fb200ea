"""Providers that verify, as they are installed: a plug-in reads what a webhook says once its signature was checked.

Plug-ins are found through entry points (`headwater.verification`), Headwater's own alike. One never sees a webhook that
isn't signed, names neither who sent it nor its id, and can't assert a tier above the one that the operator allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Annotated, Final, Literal

import msgspec

from headwater.control.identity.tiers import RANK
from headwater.control.identity.verification import Asserted, VerificationProvider
from headwater.control.identity.webhook import Delivered, WebhookFault, verify_webhook
from headwater.errors import UsageError, Where

GROUP: Final = "headwater.verification"
_Text = Annotated[str, msgspec.Meta(max_length=512)]


class PluginError(Exception):
    """What a plug-in did that it may not; never with what it was given."""


class Receiver:
    """Takes the webhooks of one provider. `secrets`: all that count now; `highest`: the highest tier it may assert."""

    def __init__(
        self, name: str, plug_in: VerificationProvider, secrets: Sequence[bytes], highest: str
    ) -> None:
        self.name, self._plug_in, self._secrets, self._highest = name, plug_in, tuple(secrets), highest

    def read(self, headers: Mapping[str, str], body: bytes, at_us: int) -> Asserted | WebhookFault | None:
        """What a webhook asserts, the fault where it can't be trusted or read, None where it asserts nothing.

        `headers` by their names in small letters. Raises `UsageError` for a tier above the one that is allowed,
        `PluginError` where the plug-in fails.
        """
        delivered = verify_webhook(headers, body, self._secrets, at_us)
        if not isinstance(delivered, Delivered):
            return delivered
        try:
            said = self._plug_in.read(delivered, body)
        except Exception as error:  # a stranger's code may raise anything, with the body in its message
            raise PluginError(f"the plug-in of {self.name} failed ({type(error).__name__})") from None
        if said is None or isinstance(said, WebhookFault):
            return said
        if not isinstance(said, Asserted):
            raise PluginError(f"the plug-in of {self.name} answered no assertion")
        if said.outcome == "verified" and RANK.get(said.tier, 0) > RANK[self._highest]:
            hint = f"up to {self._highest}"
            raise UsageError("above what this provider may assert", where=Where(field="tier"), hint=hint)
        return msgspec.structs.replace(said, provider=self.name, delivery=delivered.id)

    def __repr__(self) -> str:
        return f"Receiver({self.name})"


def plug_in(name: str) -> VerificationProvider:
    """The installed plug-in of this name, made anew; `UsageError` where there is none or it can't be loaded."""
    found = {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda one: one.value)}
    if name not in found:
        hint = f"installed: {', '.join(sorted(found)) or 'none'}"
        raise UsageError("no plug-in for verification is called so", where=Where(field="plugin"), hint=hint)
    try:
        factory: Callable[[], VerificationProvider] = found[name].load()
        made = factory()
    except Exception as error:  # a stranger's code may raise anything while it is imported
        what = f"the plug-in {name} ({found[name].value}) can't be loaded ({type(error).__name__})"
        raise UsageError(what, hint="mend it, or take the package away that declares it") from None
    if not callable(getattr(made, "read", None)):
        raise UsageError(
            f"what {name} names ({found[name].value}) has no `read`", where=Where(field="plugin")
        )
    return made


class _Data(msgspec.Struct, frozen=True):
    account: _Text
    reference: _Text
    tier: _Text
    what: _Text = ""


class _Event(msgspec.Struct, frozen=True):
    type: _Text
    data: _Data


class _Kind(msgspec.Struct, frozen=True):
    type: _Text


#: Type of an event → what it says; others say nothing to us.
_OUTCOMES: Final[Mapping[str, Literal["verified", "reversed"]]] = {
    "identity.verified": "verified",
    "identity.reversed": "reversed",
}
_KIND: Final = msgspec.json.Decoder(_Kind).decode
_EVENT: Final = msgspec.json.Decoder(_Event).decode


class Standard:
    """The plug-in `standard`, for who writes webhooks to Headwater: an event with `account`, `reference` and `tier`."""

    def read(self, delivered: Delivered, body: bytes) -> Asserted | WebhookFault | None:
        """See `VerificationProvider`."""
        try:
            outcome = _OUTCOMES.get(_KIND(body).type)
            if outcome is None:
                return None
            data = _EVENT(body).data
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return WebhookFault.CONTENT
        return Asserted("", delivered.id, data.reference, data.account, data.tier, outcome, data.what)

"""Webhooks of providers that verify accounts: what one asserts raises an account's tier, and lowers it again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from headwater.console.api import schemas
from headwater.console.api.base import NOTE, SIGNED, Paths, desk_of
from headwater.console.problem import KINDS, Problem
from headwater.control.identity import PluginError

paths = Paths("verifications")


@paths("POST", "/verifications/{provider}", scope=SIGNED, response=schemas.WebhookTaken)
def take_webhook(request: HttpRequest, provider: str) -> Any:
    """Take a provider's webhook, signed as Standard Webhooks says: the account's tier is what follows.

    Each is taken once. Relays know within a second.
    """
    desk = desk_of(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        asserted = desk.asserted(provider, headers, request.body)
    except PluginError as error:
        request.scope[NOTE]["fault"] = str(error)
        raise Problem("fault", KINDS["fault"].meaning) from None
    request.scope[NOTE]["name"] = f"provider.{provider}"
    if asserted is None:
        return {"outcome": "passed-over"}
    return {"outcome": "taken" if desk.identity.verified(asserted, desk.at_us) else "repeated"}

"""LiteLLM's `custom_auth` with Headwater's keys: `custom_auth: headwater.integrations.litellm_auth.user_api_key_auth`.

It has no parameters in LiteLLM's configuration, so the service is named by the environment (`decision_client`).
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from litellm.proxy._types import UserAPIKeyAuth

from headwater.integrations.decision_client import DecisionClient, ServiceGoneError, ServiceSettings
from headwater.integrations.litellm_requests import denial, undecided

#: One client for each event loop.
_CLIENTS: dict[int, DecisionClient] = {}


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    """LiteLLM's `custom_auth`: who shows a Headwater key is its account. What it may have is decided per request."""
    client = _auth_client()
    address = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for")
    headers = [("x-forwarded-for", forwarded)] if forwarded else []
    question = {"identify": True, "address": address, "credential": api_key or "", "headers": headers}
    try:
        who = await client.decide(question)
    except ServiceGoneError as error:
        client.say(str(error))
        raise undecided() from None
    if not who.allowed:
        raise denial(who)
    # LiteLLM keeps and logs this: a digest, never the key.
    digest = hashlib.sha256(f"headwater {api_key}".encode()).hexdigest()
    return UserAPIKeyAuth(api_key=digest, user_id=who.account, org_id=who.organisation)


def _auth_client() -> DecisionClient:
    loop = id(asyncio.get_running_loop())
    if loop not in _CLIENTS:
        _CLIENTS[loop] = DecisionClient(ServiceSettings.of())
    return _CLIENTS[loop]

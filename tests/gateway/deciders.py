"""A decision service in one loop: `async with deciding(folder, …) as service`, with accounts and their keys."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.doors import QUICK, Client
from headwater.control import ControlSettings
from headwater.control.identity import IdentitySettings, open_identity
from headwater.exchange.journal import Accepted, Outcome, Record, follow, relays
from headwater.gateway.composition import IDENTITY, JOURNAL, Gateway, GatewaySettings
from headwater.gateway.deciding.settings import DecideSettings
from headwater.gateway.founding import found
from headwater.gateway.relay.relay import Relay

BY = "tester"
AT_US = 1_790_000_000_000_000
CLIENT = "203.0.113.9"
CHATS = "/v1/chat/completions"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
Told = tuple[int, dict[str, str], bytes]


@dataclass
class Service:
    """A service that answers. `keys`: account → the text of its key."""

    folder: Path
    relay: Relay
    port: int
    token: str
    keys: dict[str, str]
    clients: list[Client] = field(default_factory=list)

    async def send(self, data: bytes) -> Told:
        """One request on a connection of its own: status, headers, body."""
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return await self.clients[-1].ask(data)

    async def proxied(
        self, path: str, account: str | None, body: Any = None, method: str | None = None, **more: str
    ) -> Told:
        """What a proxy that shows the token is told about a client's request; `more`: headers, `_` for `-`."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"x-headwater-token": self.token, "x-forwarded-for": CLIENT}
        if account is not None:
            given["authorization"] = f"Bearer {self.keys[account]}"
        given |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
        if data:
            lines += f"content-length: {len(data)}\r\n"
        method = method or ("POST" if data else "GET")
        return await self.send(f"{method} {path} HTTP/1.1\r\nHost: decisions\r\n{lines}\r\n".encode() + data)

    async def authorize(self, uri: str, account: str | None, method: str = "POST", **more: str) -> Told:
        """What nginx is told."""
        return await self.proxied("/authorize", account, x_original_uri=uri, x_original_method=method, **more)

    async def post(self, path: str, told: Any, token: str | None = None) -> tuple[int, Any]:
        """What a program is answered: status, JSON."""
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        shown = self.token if token is None else token
        head = f"POST {path} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {shown}\r\n"
        status, _, body = await self.send(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return status, json.loads(body)

    async def decided(self, account: str, body: Any = None, **more: Any) -> Any:
        """What is decided about a chat of an account."""
        question = {
            "path": CHATS,
            "address": CLIENT,
            "credential": self.keys[account],
            "body": body or CHAT,
        } | more
        status, told = await self.post("/v1/decisions", question)
        assert status == 200, told
        return told

    async def settled(self, decision: str, **told: Any) -> tuple[int, Any]:
        """What is answered to a settlement."""
        return await self.post(f"/v1/decisions/{decision}/settlement", told)


@asynccontextmanager
async def deciding(
    folder: Path,
    accounts: Mapping[str, str] | None = None,
    tiers: Mapping[str, Mapping[str, Any]] | None = None,
    **given: Any,
) -> AsyncIterator[Service]:
    """A service in a new folder. `accounts`: account → tier; `tiers`: tier → what differs; the rest: settings."""
    if not folder.exists():
        found(folder, "")
    keys = {}
    with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
        for name, entries in (tiers or {}).items():
            identity.change_tier(name, BY, AT_US, entries)
        for account, tier in (accounts or {"alice": "contracted"}).items():
            identity.new_account(account, BY, AT_US, tier=tier)
            keys[account] = identity.new_key(account, BY, AT_US).text
    identity_settings = given.pop("identity", IdentitySettings())
    control = ControlSettings(**given.pop("control", {}))
    decide = DecideSettings(**given.pop("decide", {}))
    given.setdefault("look_s", 0.05)
    settings = GatewaySettings(relay=replace(QUICK, port=0), control=control, decide=decide, **given)
    gateway = Gateway(folder, settings, identity_settings)
    nowhere, routes = gateway.checked_to_decide()
    own = socket.create_server(("127.0.0.1", 0))
    own.setblocking(False)
    relay = Relay(settings.relay, gateway.deciding(), nowhere, routes)
    await relay.listen(own)
    token = next(line for line in (folder / "decisions.token").read_text().splitlines() if line[0] != "#")
    service = Service(folder, relay, own.getsockname()[1], token, keys)
    try:
        yield service
    finally:
        for client in service.clients:
            client.close()
        relay.settings = replace(settings.relay, drain_s=0.5)
        await relay.drain()


def recorded(folder: Path) -> tuple[list[Accepted], list[Outcome]]:
    """What the journal holds, once the service has ended."""
    held: list[Record] = []
    for relay in relays(folder / JOURNAL):
        held += [record for _, record in follow(relay, None)]
    return [one for one in held if isinstance(one, Accepted)], [
        one for one in held if isinstance(one, Outcome)
    ]

"""A whole gateway in front of the stub, in one loop: `async with gate(folder, …) as door`, with accounts and keys."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.doors import QUICK, Client, Watch
from gateway.stub import Script, Stub, model
from headwater.control import ControlSettings
from headwater.control.identity import IdentitySettings, open_identity
from headwater.exchange.journal import Accepted, Outcome, Record, follow, relays
from headwater.gateway.composition import IDENTITY, JOURNAL, Gateway, GatewaySettings
from headwater.gateway.founding import found
from headwater.gateway.relay.relay import Relay
from headwater.gateway.relay.upstream import Upstream

BY = "tester"
AT_US = 1_790_000_000_000_000


@dataclass
class Gate:
    """A gateway that serves. `keys`: account → the text of its key."""

    folder: Path
    relay: Relay
    stub: Stub
    watch: Watch
    port: int
    keys: dict[str, str]
    clients: list[Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    async def client(self) -> Client:
        import asyncio

        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    async def ask(
        self, account: str, path: str, body: bytes | None, more: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """One request of an account, on a connection of its own: status, headers, body."""
        method, length = ("GET", b"") if body is None else ("POST", b"Content-Length: %d\r\n" % len(body))
        head = f"{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.keys[account]}\r\n".encode()
        client = await self.client()
        return await client.ask(head + more + length + b"\r\n" + (body or b""))


@asynccontextmanager
async def gate(
    folder: Path,
    script: Script = model,
    accounts: Mapping[str, str] | None = None,
    tiers: Mapping[str, Mapping[str, Any]] | None = None,
    **given: Any,
) -> AsyncIterator[Gate]:
    """A gateway in a new folder. `accounts`: account → tier; `tiers`: tier → entries that differ; else settings."""
    stub = await Stub(script).start()
    if not folder.exists():
        found(folder, f"http://127.0.0.1:{stub.port}")
    keys = {}
    with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
        for name, entries in (tiers or {}).items():
            identity.change_tier(name, BY, AT_US, entries)
        for account, tier in (accounts or {"alice": "contracted"}).items():
            if account not in {row.id for row in identity.all("account")}:
                identity.new_account(account, BY, AT_US, tier=tier)
            keys[account] = identity.new_key(account, BY, AT_US).text
    control = ControlSettings(**given.pop("control", {}))
    given.setdefault("look_s", 0.05)
    given.setdefault("relay", replace(QUICK, port=0))
    settings = GatewaySettings(upstream=f"http://127.0.0.1:{stub.port}", control=control, **given)
    gateway = Gateway(folder, settings, given.get("identity", IdentitySettings()))
    own = socket.create_server(("127.0.0.1", 0))
    own.setblocking(False)
    watch = Watch()
    relay = Relay(settings.relay, [watch, *gateway.stages()], Upstream.parse(settings.upstream))
    await relay.listen(own)
    door = Gate(folder, relay, stub, watch, own.getsockname()[1], keys)
    try:
        yield door
    finally:
        for client in door.clients:
            client.close()
        relay.settings = replace(settings.relay, drain_s=0.5)
        await relay.drain()
        await stub.stop()


def recorded(folder: Path) -> tuple[list[Accepted], list[Outcome]]:
    """What the journal holds, once the gateway has ended."""
    found: list[Record] = []
    for relay in relays(folder / JOURNAL):
        found += [record for _, record in follow(relay, None)]
    return [one for one in found if isinstance(one, Accepted)], [
        one for one in found if isinstance(one, Outcome)
    ]

"""A worker's relay: settings, routes and stages put together, its clients, and a pool of upstream connections."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headwater.gateway.relay.client import ClientConnection
from headwater.gateway.relay.clock import Clock
from headwater.gateway.relay.cork import Cork
from headwater.gateway.relay.pool import Pool
from headwater.gateway.relay.tls import for_clients, for_upstreams
from headwater.gateway.relay.turn import Turn
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.routes import Route, Routes
from headwater.gateway.settings import RelaySettings
from headwater.gateway.stage import Ended, Passing, Stage

_LOG = logging.getLogger("headwater.gateway")
_BACKLOG = 2048
_TELL_S = 10.0
#: How an IPv6 address begins that stands for one of IPv4.
_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which stages have something to do on a route, and whether the body is held back for them.

    `early`: how many of the first ones are asked before the body is there, since they don't look at it. `ends[n]`: who
    is told of the end where the first n were asked.
    """

    buffer: bool
    early: int
    stages: tuple[Stage, ...]
    heads: tuple[Stage, ...]
    taps: tuple[Stage, ...]
    ends: tuple[tuple[Stage, ...], ...]


class Relay:
    """Serves clients in one event loop. Made in the loop that it serves in."""

    def __init__(
        self,
        settings: RelaySettings,
        stages: Sequence[Stage],
        upstream: Upstream,
        routes: Routes | None = None,
        trusts: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`trusts`: whether an address is a proxy's, behind which there are many clients."""
        self.loop = asyncio.get_running_loop()
        self.settings = settings
        self.upstream = upstream
        self.authority = upstream.authority
        self.routes = routes or Routes()
        self.request_limits = settings.request_limits
        self.clock = Clock(self.loop, _shortest(settings))
        self.cork = Cork(self.loop)
        self.turn = Turn(self.loop, self.cork)
        self.clock.before_look.append(self.turn.run)
        self.pool = Pool(
            upstream, settings, self.clock, self.cork, for_upstreams(settings) if upstream.tls else None
        )
        self.clients: set[ClientConnection] = set()
        self._trusts = trusts
        self._places: dict[str, int] = {}
        self.draining = False
        self._stages = tuple(stages)
        self._plans: dict[Route, Plan] = {}
        self._context = for_clients(settings)
        self._servers: list[asyncio.Server] = []
        self._empty = asyncio.Event()
        self._prefix = os.urandom(6).hex()
        self._count = 0
        #: Bytes of bodies that are held back until they are whole.
        self.buffered = 0
        self._told_s = float("-inf")
        #: For metrics: how requests ended, statuses that were told, requests that run, connections that were refused,
        #: and the upstream's answers of 5xx.
        self.ended = dict.fromkeys(Ended, 0)
        self.statuses = [0] * 1000
        self.running = self.full = self.crowded = self.upstream_faults = 0

    async def listen(self, own: socket.socket) -> None:
        """Take clients from a bound socket, which the relay has from now on."""
        server = await self.loop.create_server(
            lambda: ClientConnection(self), sock=own, backlog=_BACKLOG, ssl=self._context
        )
        self._servers.append(server)
        self.clock.start()
        for stage in self._stages:
            stage.on_start()

    async def drain(self) -> None:
        """Take no more clients or requests, let those in work end for `drain_s` seconds, then end them."""
        self.draining = True
        for server in self._servers:
            server.close()
        for client in [*self.clients]:
            client.stop()
        if self.clients:
            try:
                async with asyncio.timeout(self.settings.drain_s):
                    await self._empty.wait()
            except TimeoutError:
                for client in [*self.clients]:
                    client.kill()
                await asyncio.sleep(0)
        self.pool.close()
        self.clock.stop()
        for stage in reversed(self._stages):
            await stage.on_stop()

    def plan(self, route: Route) -> Plan:
        """What the stages do on a route."""
        plan = self._plans.get(route)
        if plan is None:
            asked = self._doing(route, "on_request", "on_end")
            wants = [stage.wants_body(route) for stage in asked]
            told = self._doing(route, "on_end")
            plan = self._plans[route] = Plan(
                any(stage.wants_body(route) for stage in self._stages),
                wants.index(True) if True in wants else len(wants),
                asked,
                self._doing(route, "on_response_head"),
                self._doing(route, "on_bytes"),
                tuple(
                    tuple(stage for stage in asked[:count] if stage in told)
                    for count in range(len(asked) + 1)
                ),
            )
        return plan

    def counted(self) -> dict[str, int]:
        """What was counted since it began, by the stages, too: by the keys of `metrics.figures`."""
        ended = self.ended
        found = {f"requests_total.{one.value}": count for one, count in ended.items()}
        found |= {f"responses_total.{at}": self.statuses[at] for at in range(100, 600) if self.statuses[at]}
        found |= {
            "requests_running": self.running,
            "connections": len(self.clients),
            "connections_refused_total.all": self.full,
            "connections_refused_total.address": self.crowded,
            "upstream_connections": self.pool.count,
            "upstream_errors_total.failed": ended[Ended.UPSTREAM_FAILED],
            "upstream_errors_total.slow": ended[Ended.UPSTREAM_SLOW],
            "upstream_errors_total.status": self.upstream_faults,
        }
        for stage in self._stages:
            found.update(stage.counted())
        return found

    def tell_unconnected(self, *, full: bool) -> None:
        """Say to the operator that the model server gives no connection, once in a while."""
        now = self.loop.time()
        if now - self._told_s > _TELL_S:
            self._told_s = now
            why = "all connections to it are in use" if full else "it can't be reached"
            _LOG.error("the model server at %s: %s", self.authority.decode(), why)

    def client_came(self, client: ClientConnection, address: str) -> bool:
        """A client has connected; whether there is room for it: in all, and among those of its address."""
        self.clients.add(client)
        if not self._trusts(address):
            place = client.place = place_of(address)
            count = self._places[place] = self._places.get(place, 0) + 1
            if count > self.settings.connections_per_address:
                self.crowded += 1
                return False
        if len(self.clients) > self.settings.connections:
            self.full += 1
            return False
        return True

    def client_lost(self, client: ClientConnection) -> None:
        """A client's connection has ended."""
        self.clients.discard(client)
        if client.place:
            left = self._places[client.place] - 1
            if left:
                self._places[client.place] = left
            else:
                del self._places[client.place]
            client.place = ""
        if self.draining and not self.clients:
            self._empty.set()

    def next_id(self) -> str:
        """A name for an exchange: unique among all workers, and nothing can be learned from it."""
        self._count += 1
        return f"req_{self._prefix}{self._count:012x}"

    def _doing(self, route: Route, *verbs: str) -> tuple[Stage, ...]:
        return tuple(
            stage
            for stage in self._stages
            if any(
                getattr(type(stage), verb, None) is not getattr(Passing, verb) and stage.concerns(route, verb)
                for verb in verbs
            )
        )


def place_of(address: str) -> str:
    """What counts as one address: of IPv6 a network of 64 bits, which is what one customer has at the least."""
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except OSError:
        return address
    return address if packed.startswith(_MAPPED) else packed[:8].hex()


def _shortest(settings: RelaySettings) -> float:
    return min(
        settings.head_s, settings.keep_alive_s, settings.body_s, settings.stage_s, settings.connect_s,
        settings.first_byte_s, settings.idle_s, settings.stall_s, settings.total_s, settings.upstream_keep_s,
        settings.linger_s,
    )  # fmt: skip

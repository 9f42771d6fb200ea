"""`serve`: the whole life of a gateway's data plane, from the port to the last exchange after SIGTERM.

One process a core: each has its own loop, its own stages and its own listening socket on the same port (SO_REUSEPORT);
`workers` watches over them. Stages are made in the process that asks them, so that none shares a connection.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from headwater.errors import UsageError, Where
from headwater.gateway.metrics.board import Board
from headwater.gateway.metrics.listening import Showing, listener
from headwater.gateway.metrics.settings import MetricsSettings
from headwater.gateway.relay.relay import Relay
from headwater.gateway.relay.tls import for_clients, for_upstreams
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.routes import Routes
from headwater.gateway.settings import RelaySettings
from headwater.gateway.stage import Stage
from headwater.gateway.workers import stops, watch

#: Makes a worker's stages; called in the loop that they are asked in.
Stages: TypeAlias = Callable[[], Sequence[Stage]]
#: Objects made and not freed before cycles are looked for: an exchange leaves none behind.
_COLLECT_AFTER: Final = 20_000
_LOOK_S: Final = 0.5
#: A port may be taken for so long by a gateway that ends just now.
_PORT_S: Final = 1.0
_BACKLOG: Final = 2048
#: Files that a worker has open beside its connections.
_OWN_FILES: Final = 100
_LOG: Final = logging.getLogger("headwater.gateway")


@dataclass(frozen=True)
class _Served:
    """What every worker serves."""

    settings: RelaySettings
    stages: Stages
    upstream: Upstream
    routes: Routes | None
    metrics: RelaySettings | None
    board: Board
    trusts: Callable[[str], bool]


def serve(
    settings: RelaySettings,
    stages: Stages,
    upstream: Upstream,
    *,
    routes: Routes | None = None,
    metrics: MetricsSettings | None = None,
    trusts: Callable[[str], bool] = lambda _: False,
    ready: Callable[[str, int], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP, then let exchanges end; the exit code.

    `trusts`: whether an address is a proxy's, whose connections aren't bound. `ready` is told address and port once all
    workers listen; `beside` is called some times a second from then on, to look after what runs beside them, and takes
    no time. Raises `UsageError` where the port can't be had or the extra isn't installed, `ConfigurationError` where a
    file of the settings can't be used. A worker that can't start ends the whole; one that dies later is replaced.
    """
    loops = _loops()
    _make_room(settings)
    for_clients(settings)
    for_upstreams(settings)
    shown = listener(metrics, settings.workers) if metrics is not None and metrics.port else None
    served = _Served(settings, stages, upstream, routes, shown, Board(settings.workers), trusts)
    held = _free(settings)  # with several workers it only keeps the port
    if shown is not None:
        _free(shown, "metrics").close()
    host, port = held.getsockname()[:2]

    def told() -> None:
        if ready is not None:
            ready(host, port)

    def look() -> None:
        if beside is not None:
            beside()

    if settings.workers == 1:
        return _work(served, loops, held, told, look=look)

    def worker(listening: Callable[[], None], alive: int, number: int) -> int:
        own = _bound(settings, port)
        held.close()
        return _work(served, loops, own, listening, number=number, alive=alive)

    return watch(settings.workers, worker, told, look, patience_s=settings.drain_s + 5)


def check(settings: RelaySettings) -> None:
    """See that `serve` could begin, as far as the machine knows now: raises what it does, and keeps nothing."""
    _loops()
    for_clients(settings)
    for_upstreams(settings)
    _free(settings).close()


def _loops() -> Any:
    try:
        import httptools  # noqa: F401
        import uvloop
    except ImportError:
        raise UsageError(
            "the gateway needs uvloop and httptools", hint="pip install 'headwater[gateway]'"
        ) from None
    return uvloop


def _make_room(settings: RelaySettings) -> None:
    """Let processes open as many files as the system allows them to: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    wanted = settings.connections + settings.upstream_connections + _OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        what = "a worker may open %d files, and all its connections would be %d: raise the limit (ulimit -n)"
        _LOG.warning(what, soft, wanted)


def _free(settings: RelaySettings, table: str = "relay") -> socket.socket:
    """A socket on the port of the settings, which is nobody else's; what ends just now is waited for.

    `table`: where the settings stand.
    """
    until = time.monotonic() + _PORT_S
    while True:
        try:
            if settings.workers > 1 and settings.port:
                # Workers of another gateway share theirs with whoever asks: where nobody may share it, it is told.
                _bound(replace(settings, workers=1), settings.port, table).close()
            return _bound(settings, settings.port, table)
        except UsageError as error:
            if time.monotonic() > until or error.where.field != f"{table}.port":
                raise
            time.sleep(0.05)


def _bound(settings: RelaySettings, port: int, table: str = "relay") -> socket.socket:
    """A socket on the port, which the workers share."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if settings.workers > 1:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind((settings.host, port))
        if settings.workers == 1:
            own.listen(_BACKLOG)  # so that a port that is taken is told now
    except OSError as error:
        own.close()
        what = f"can't listen ({error.strerror})"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            hint = "an address of this machine; 0.0.0.0 or :: for all"
            raise UsageError(what, where=Where(field=f"{table}.host"), hint=hint) from None
        hint = "choose another port, or stop what has it"
        raise UsageError(what, where=Where(field=f"{table}.port"), hint=hint) from None
    own.setblocking(False)
    return own


def _work(
    served: _Served,
    loops: Any,
    own: socket.socket,
    listening: Callable[[], None],
    *,
    number: int = 0,
    alive: int | None = None,
    look: Callable[[], None] | None = None,
) -> int:
    """One worker's life. `alive`: a descriptor that ends with the process that must live on; `look`: as `beside`."""

    async def run() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in stops():
            loop.add_signal_handler(each, stop.set)
        if alive is not None:
            loop.add_reader(alive, stop.set)
        relay = Relay(served.settings, served.stages(), served.upstream, served.routes, served.trusts)
        await relay.listen(own)
        showing = Showing(served.board, served.board.row(number), relay.counted)
        if served.metrics is not None:
            await showing.start(served.metrics, _bound(served.metrics, served.metrics.port, "metrics"))
        gc.collect()
        gc.freeze()  # what was loaded stays; looking it over again would cost more than all it finds
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        listening()
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if look is not None else None):
                    await stop.wait()
            if look is not None and not stop.is_set():
                look()
        if alive is not None:
            loop.remove_reader(alive)
        await relay.drain()
        await showing.stop()
        return 0

    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        return int(runner.run(run()))

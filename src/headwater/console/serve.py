"""`serve`: the admin API's whole life, from the port to the last request after SIGTERM, on uvicorn.

A process of its own, beside the relay's: what is done here is never in a request's way. Where there is a casebook, a
thread sees to it that every change reaches its log.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.console.application import application, configure
from headwater.console.desk import Office
from headwater.console.follower import Follower
from headwater.console.settings import ConsoleSettings
from headwater.errors import ConfigurationError, UsageError, Where, unreadable


def serve(
    office: Office,
    log: Callable[[str], None],
    ready: Callable[[str, int], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, then let requests end; the exit code.

    `log` is told a line for each request; `ready` address and port once it listens. Raises `UsageError` where the port
    can't be had or the extra isn't installed, `ConfigurationError` where the certificate can't be used.
    """
    configure()
    import uvicorn

    from headwater.console.wire import bounded

    settings = office.settings
    _check_certificate(settings)
    own = _bound(settings)
    _hand_on(log)
    config = uvicorn.Config(
        application(office, log),
        http=bounded(settings.connections, settings.receive_s),
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=settings.head_bytes,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
        ssl_certfile=settings.certificate or None,
        ssl_keyfile=settings.certificate_key or None,
    )
    server = uvicorn.Server(config)
    host, port = own.getsockname()[:2]
    try:
        with Follower(
            office, log
        ):  # which ends while the signal is being handled: a wish that isn't is repeated
            _run(server, own, lambda: ready(host, port) if ready else None)
    except KeyboardInterrupt:
        # The signal that uvicorn caught, and raises again when everything has ended.
        if not server.should_exit:
            raise
    finally:
        own.close()
    return 0


def _run(server: Any, own: socket.socket, listening: Callable[[], None]) -> None:
    started = server.startup

    async def startup(*args: Any, **kwargs: Any) -> None:
        await started(*args, **kwargs)
        listening()

    server.startup = startup
    server.run(sockets=[own])


def _bound(settings: ConsoleSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((settings.host, settings.port))
        own.listen(128)  # so that a port that is taken is told now
    except OSError as error:
        own.close()
        hint = "choose another port, or stop what has it"
        where = Where(field="admin.port")
        raise UsageError(f"can't listen ({error.strerror})", where=where, hint=hint) from None
    own.setblocking(False)
    return own


def _check_certificate(settings: ConsoleSettings) -> None:
    if not settings.certificate:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.certificate, settings.certificate_key or None)
    except ssl.SSLError:
        what = "is no certificate with its key, or they don't belong together"
        raise ConfigurationError(what, where=Where(settings.certificate)) from None
    except OSError as error:
        raise unreadable(Path(settings.certificate_key or settings.certificate), error) from None


def _hand_on(log: Callable[[str], None]) -> None:
    """What uvicorn has to warn of goes where everything goes, without traces, which may quote a request."""

    class Handed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log(record.getMessage().strip().partition("\n")[0])

    logger = logging.getLogger("uvicorn")
    logger.handlers[:] = [Handed(logging.WARNING)]
    logger.propagate = False
    logger.setLevel(logging.WARNING)

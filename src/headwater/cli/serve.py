"""`headwater serve`: the gateway in front of a model server, and the process beside it that rotates its journal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import now_us
from headwater.cli.gateways import at_gateway, casebook_settings, imprint_key, settings_of
from headwater.cli.options import PATH, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.gateway.composition import Gateway, GatewaySettings

_FIRST = "first"
_BY = "first-start"
#: Seconds between two starts of the rotation, and for it to end in.
_AGAIN_S, _PATIENCE_S = 2.0, 10.0


@click.command()
@click.option(
    "--upstream", metavar="URL", help="The model server; kept in the folder's settings on the first start."
)
@partial(at_gateway, text="The gateway's folder, made on the first start; also HEADWATER_GATEWAY.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes, one a core.")
@click.option("--casebook", type=PATH, metavar="DIR", help="The casebook whose standing steps count.")
@click.option(
    "--budgets",
    envvar="HEADWATER_GATEWAY_BUDGETS",
    metavar="URL",
    help="Where budgets are kept: node, redis://… or postgresql://…; also HEADWATER_GATEWAY_BUDGETS.",
)
@click.option(
    "--decide",
    is_flag=True,
    help="Answer other programs' gateways instead: a decision service, on one process.",
)
@click.option(
    "--no-rotation", is_flag=True, help="Leave the journal as it is; `headwater journal rotate` reads it."
)
@click.option("--verbose", is_flag=True, help="Log each request that is denied, and why.")
@manners
def command(
    terminal: Terminal,
    *,
    folder: Path,
    upstream: str | None,
    decide: bool,
    no_rotation: bool,
    verbose: bool,
    **given: Any,
) -> int:
    """Serve a model with identity, budgets and a journal in front of it.

    On the first start the folder is made, with an account and its API key, which is printed once. Then any client of
    OpenAI's or Anthropic's API works with http://127.0.0.1:8080 as its base URL. Ends after SIGTERM, SIGHUP or Ctrl-C,
    once the requests in work have ended; settings are read at the start.

    With --decide nothing is forwarded: nginx, Envoy, LiteLLM or a program of yours asks what is granted. They show
    the token in the folder's decisions.token.
    """
    from headwater.gateway.alone import hold

    _log(verbose=verbose)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        _begin(terminal, folder, upstream, given, decide=decide)
    gateway = _gateway(folder, upstream, given, decide=decide)
    with hold(folder, alone=gateway.alone):
        return _serve(terminal, gateway, decide=decide, rotates=gateway.settings.record and not no_rotation)


def _serve(terminal: Terminal, gateway: Gateway, *, decide: bool, rotates: bool) -> int:
    from headwater.gateway.serve import serve

    stages, routes, does = gateway.stages, None, f"in front of {gateway.settings.upstream}"
    if decide:
        target, routes = gateway.checked_to_decide()
        stages, does = gateway.deciding, "for decisions"
    else:
        target = gateway.checked()
    if rotates and gateway.settings.rotation.keep == "imprints":
        name = gateway.settings.imprint_key_file
        imprint_key(gateway.folder / name if name else None)  # else prompts would lie in the journal for ever
    rotation = _Rotation(gateway.folder, gateway.settings.rotate_s)

    def ready(host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if gateway.settings.relay.certificate else "http"
        terminal.say(clean(f"serving {scheme}://{shown}:{port} {does}"))

    beside = rotation.look if rotates else None
    try:
        settings = gateway.settings
        return serve(
            settings.relay,
            stages,
            target,
            routes=routes,
            metrics=settings.metrics,
            trusts=gateway.trusts if not decide else _everybody,
            ready=ready,
            beside=beside,
        )
    finally:
        rotation.end()


def _everybody(_address: str) -> bool:
    """Who asks a decision service is the operator's own."""
    return True


def _begin(
    terminal: Terminal, folder: Path, upstream: str | None, given: dict[str, Any], *, decide: bool
) -> None:
    """Make the folder, and show its first key; what would keep the gateway from starting is told before that."""
    from headwater.gateway.composition import GatewaySettings, check_before_founding
    from headwater.gateway.founding import found_with_key
    from headwater.gateway.serve import check

    if upstream is None and not decide:
        hint = "headwater serve --upstream http://127.0.0.1:8000"
        raise UsageError("say which model server stands behind the gateway", hint=hint)
    settings = _changed(GatewaySettings(), upstream, given)
    check_before_founding(settings, folder, decide=decide)
    check(settings.relay)
    casebook_settings(folder, settings)
    key = found_with_key(folder, upstream or "", _FIRST, _BY, now_us())
    terminal.out(f"{key}\n")
    terminal.say(clean(f"made {folder}, with the account {_FIRST} and this key, which is shown once"))


def _gateway(folder: Path, upstream: str | None, given: dict[str, Any], *, decide: bool) -> Gateway:
    from headwater.cli import identities
    from headwater.control import Effects
    from headwater.gateway.composition import IDENTITY, Gateway

    settings = _changed(settings_of(folder), upstream, given)
    if not settings.upstream and not decide:
        raise UsageError("say which model server stands behind the gateway", hint="--upstream URL")
    told = casebook_settings(folder, settings)
    if told is not None and not settings.control.appeals:
        settings = replace(settings, control=replace(settings.control, appeals=told.appeals))
    effects = Effects() if told is None else told.effects
    return Gateway(folder, settings, identities.settings_of(folder / IDENTITY), effects)


def _changed(settings: GatewaySettings, upstream: str | None, given: dict[str, Any]) -> GatewaySettings:
    """The settings with what the command line says instead."""
    relay = {name: given[name] for name in ("host", "port", "workers") if given[name] is not None}
    own: dict[str, Any] = {"relay": replace(settings.relay, **relay)}
    if upstream:
        own["upstream"] = upstream
    if given["casebook"]:
        own["casebook"] = str(Path(given["casebook"]).absolute())
    if given["budgets"]:
        own["budgets"] = given["budgets"]
    return replace(settings, **own)


class _Rotation:
    """The process that makes the journal Parquet: begun again where it has ended, and ended with this one."""

    def __init__(self, folder: Path, every_s: float) -> None:
        self._words = ["journal", "rotate", "--folder", str(folder), "--every", str(every_s), "--quiet"]
        self._process: subprocess.Popen[bytes] | None = None
        self._again = 0.0

    def look(self) -> None:
        """See that it runs; not too often, so that a fault doesn't take the machine."""
        if (self._process is None or self._process.poll() is not None) and time.monotonic() >= self._again:
            self._again = time.monotonic() + _AGAIN_S
            words = [sys.executable, "-m", "headwater.cli", *self._words, "--parent", str(os.getpid())]
            with suppress(OSError):  # no memory, no process: the next time
                self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def end(self) -> None:
        """End it; whatever it is at is taken up again by the next one."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _log(*, verbose: bool) -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("headwater.gateway").setLevel(logging.INFO if verbose else logging.WARNING)

"""A gateway's folder, made on its first start: settings, an identity store, a first account with its key."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from headwater.control.identity import IdentitySettings, new_identity, open_identity
from headwater.errors import UsageError, Where
from headwater.gateway.composition import IDENTITY, SETTINGS
from headwater.gateway.relay.upstream import Upstream

_TOML = """# What isn't here has its default: see docs/reference/gateway-settings.md.
upstream = "{upstream}"
"""


def found(folder: Path, upstream: str) -> None:
    """Make a gateway's folder, with an identity store in which there is nobody yet; its owner's alone.

    `upstream`: empty for a decision service, behind which there is no model server.

    Raises `UsageError` where something is there already, `ConfigurationError` where `upstream` is no model server's.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists already", where=Where(str(folder)), hint="choose a new folder")
    if upstream:
        Upstream.parse(upstream)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".gateway-", dir=folder.parent))
    try:
        (fresh / SETTINGS).write_text(_TOML.format(upstream=upstream), "utf-8")
        new_identity(fresh / IDENTITY, IdentitySettings())
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def first_key(folder: Path, account: str, by: str, at_us: int) -> str:
    """Make an account without limits of its own, and a key for it: the key's text, which is kept nowhere."""
    with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
        identity.new_account(account, by, at_us, tier="contracted", reason="made on the first start")
        return identity.new_key(account, by, at_us, reason="made on the first start").text

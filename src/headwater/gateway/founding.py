"""A gateway's folder, made on its first start: settings, an identity store, a first account with its key."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.control.identity import IdentitySettings, new_identity, open_identity
from headwater.errors import HeadwaterError, UsageError, Where
from headwater.gateway.composition import IDENTITY, SETTINGS
from headwater.gateway.relay.upstream import Upstream

_TOML = """# What isn't here has its default: see docs/reference/gateway-settings.md.
upstream = "{upstream}"
"""


def found(folder: Path, upstream: str) -> None:
    """Make a gateway's folder, with an identity store in which there is nobody yet; its owner's alone.

    `upstream`: empty for a decision service, behind which there is no model server. Raises `UsageError` where something
    is there already, `ConfigurationError` where that is no model server, `HeadwaterError` where it can't be made.
    """
    with _made(folder, upstream):
        pass


def found_with_key(folder: Path, upstream: str, account: str, by: str, at_us: int) -> str:
    """As `found`, with an account without limits of its own, and a key for it: its text, which is kept nowhere."""
    reason = "made on the first start"
    with _made(folder, upstream) as fresh, open_identity(fresh / IDENTITY, IdentitySettings()) as identity:
        identity.new_account(account, by, at_us, tier="contracted", reason=reason)
        return identity.new_key(account, by, at_us, reason=reason).text


@contextmanager
def _made(folder: Path, upstream: str) -> Iterator[Path]:
    """A gateway's folder under another name, so that it is there as a whole or not at all."""
    if upstream:
        Upstream.parse(upstream)
    fresh: Path | None = None
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError("exists already", where=Where(str(folder)), hint="choose a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".gateway-", dir=folder.parent))
        (fresh / SETTINGS).write_text(_TOML.format(upstream=upstream), "utf-8")
        new_identity(fresh / IDENTITY, IdentitySettings())
        yield fresh
        fresh.rename(folder)
    except OSError as error:
        what = f"cannot be made ({error.strerror or type(error).__name__})"
        hint = "choose a folder that you may write in: --folder DIR"
        raise HeadwaterError(what, where=Where(str(folder)), hint=hint) from None
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)

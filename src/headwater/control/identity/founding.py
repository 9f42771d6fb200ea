"""An identity folder, made and opened: pepper, settings and store, all of them or none.

identity.sqlite   accounts, organisations, keys, tiers, and every change to them
pepper.key        what secrets of API keys are hashed under; keep a copy apart from the store
identity.toml     how keys look, who may come without one, which proxies and issuers are trusted
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headwater.control.identity.identity import Identity
from headwater.control.identity.settings import IdentitySettings
from headwater.control.identity.tables import MIGRATIONS
from headwater.errors import UnreadableInput, UsageError, Where
from headwater.keys import Pepper, load_peppers, save_pepper
from headwater.store import Store

STORE: Final = "identity.sqlite"
SETTINGS: Final = "identity.toml"
PEPPER: Final = "pepper.key"


def new_identity(
    folder: Path, settings: IdentitySettings, *, secret: Callable[[int], bytes] = secrets.token_bytes
) -> str:
    """Make an identity store in a new folder; the id of its pepper. Raises `UsageError` where something is there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists already", where=Where(str(folder)), hint="choose a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".identity-", dir=folder.parent))
    try:
        pepper = Pepper(secret(32))
        save_pepper(pepper, fresh / PEPPER)
        (fresh / SETTINGS).write_text(_toml(settings), "utf-8")
        Store.open(fresh / STORE, MIGRATIONS).close()
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return pepper.id


def new_pepper(folder: Path, *, secret: Callable[[int], bytes] = secrets.token_bytes) -> Path:
    """Make the next generation of the pepper in a store's folder; the file. Keys that are there keep theirs."""
    version = load_peppers(folder)[0].version + 1
    path = folder / f"pepper-{version}.key"
    save_pepper(Pepper(secret(32), version), path)
    return path


def open_identity(
    folder: Path, settings: IdentitySettings, *, secret: Callable[[int], bytes] = secrets.token_bytes
) -> Identity:
    """The identity store in `folder`, with the settings that its file gives.

    Raises `UnreadableInput` where there is none, `ConfigurationError` where it can't be used as it is.
    """
    if not (folder / STORE).is_file():
        hint = "`headwater account init DIR` makes one"
        raise UnreadableInput("is no identity store", where=Where(str(folder)), hint=hint)
    peppers = load_peppers(folder)
    return Identity(Store.open(folder / STORE, MIGRATIONS, must_exist=True), settings, peppers, secret)


def _toml(settings: IdentitySettings) -> str:
    return f"""# Who may come, and how. What isn't here has its default: see docs/how-to/manage-accounts-and-keys.md.
prefix = "{settings.prefix}"
environments = [{", ".join(f'"{name}"' for name in settings.environments)}]
"""

"""A casebook's folder, made and opened: keys, settings, pack, store and log, all of them or none."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from headwater.casework.casebook import POLICY, Casebook
from headwater.casework.log import MIGRATIONS as LOG
from headwater.casework.log import Log
from headwater.casework.proposing import PACK
from headwater.casework.pseudonym import pseudonyms
from headwater.casework.settings import CasebookSettings
from headwater.casework.tables import MIGRATIONS
from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where
from headwater.keys import SigningKey, load_signing_key, save_signing_key
from headwater.policy import parse_pack
from headwater.proof import NoteSigner, VerifierKey
from headwater.store import Store

#: Files of a casebook's folder.
STORE: Final = "casebook.sqlite"
SETTINGS: Final = "casebook.toml"
LOG_FOLDER: Final = "log"
SIGNING_KEY: Final = "log.key"
VERIFIER_KEY: Final = "log.vkey"
_ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9./-]{2,99}")
ALL_MIGRATIONS: Final = (*LOG, *MIGRATIONS)


def new_casebook(
    folder: Path,
    settings: CasebookSettings,
    pack: bytes,
    at_us: int,
    *,
    secret: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Make a casebook in a new folder; the log's verifier key, which whoever checks the log needs.

    Raises `UsageError` where something is there already, or the settings lack who and where.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists already", where=Where(str(folder)), hint="choose a new folder")
    _check(settings)
    parsed = parse_pack(pack, POLICY)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".casebook-", dir=folder.parent))
    try:
        (fresh / SETTINGS).write_text(_toml(settings), "utf-8")
        (fresh / POLICY).write_bytes(pack)
        key = SigningKey(secret(32), "log")
        save_signing_key(key, fresh / SIGNING_KEY)
        verifier = VerifierKey(settings.origin, key.public).text()
        (fresh / VERIFIER_KEY).write_text(verifier + "\n", "utf-8")
        with Store.open(fresh / STORE, ALL_MIGRATIONS) as store:
            log = Log.new(fresh / LOG_FOLDER, settings.origin, _signer(settings, key), store, at_us)
            with store.write() as tx:
                pseudonyms(tx, secret)
                tx.create(PACK, parsed.sha256.encode())
                told = {"pack": parsed.name, "pack_sha256": parsed.sha256}
                log.enter(tx, "key", "", {"key": verifier}, at_us, secret)
                log.enter(tx, "policy", "", told, at_us, secret)
            log.drain(at_us)
        fresh.chmod(0o755)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return verifier


def open_casebook(
    folder: Path, settings: CasebookSettings, *, secret: Callable[[int], bytes] = secrets.token_bytes
) -> Casebook:
    """The casebook in `folder`, with the settings that its file gives.

    Raises `UnreadableInput` where there is none, `ConfigurationError` where it can't be used as it is.
    """
    if not (folder / STORE).is_file():
        raise UnreadableInput(
            "is no casebook", where=Where(str(folder)), hint="headwater casebook new DIR makes one"
        )
    _check(settings)
    key = _key(folder / SIGNING_KEY)
    store = Store.open(folder / STORE, ALL_MIGRATIONS, must_exist=True)
    try:
        log = Log.open(folder / LOG_FOLDER, settings.origin, _signer(settings, key), store)
    except BaseException:
        store.close()
        raise
    return Casebook(folder, settings, store, log, secret)


def origin_for(appeals: str, folder: Path) -> str:
    """A name for a new log, from where appeals go and what the folder is called: `example.com/desk`."""
    host = urlsplit(appeals).hostname if "://" in appeals else appeals.rpartition("@")[2]
    made = f"{host or 'localhost'}/{folder.resolve().name}".lower()
    return re.sub(r"[^a-z0-9./-]+", "-", made)[:100]


def _key(path: Path) -> SigningKey:
    """The log's key; no other goes on with its log, so that a lost one is restored and never made anew."""
    if not path.exists():
        hint = "restore it from your copy: a log goes on with the key that it began with, and with no other"
        raise UnreadableInput("the log's key isn't there", where=Where(str(path)), hint=hint)
    return load_signing_key(path, "log")


def _signer(settings: CasebookSettings, key: SigningKey) -> NoteSigner:
    return NoteSigner(settings.origin, key.public, key.sign)


def _check(settings: CasebookSettings) -> None:
    for name, hint in (
        ("operator", "the name that your customers know you by"),
        ("appeals", "a web page or an address where a customer appeals"),
        ("origin", "a name for the log, such as example.com/casebook"),
    ):
        if not getattr(settings, name).strip():
            raise ConfigurationError("this setting is empty", where=Where(SETTINGS, None, name), hint=hint)
    if not _ORIGIN.fullmatch(settings.origin):
        raise ConfigurationError(
            "is no name for a log",
            where=Where(SETTINGS, None, "origin"),
            hint="small letters, digits, dots, dashes and slashes, such as example.com/casebook",
        )


def _toml(settings: CasebookSettings) -> str:
    import json

    told = {
        name: json.dumps(getattr(settings, name), ensure_ascii=False)
        for name in ("operator", "appeals", "origin")
    }
    lines = [
        "# A casebook's settings. What isn't here has its default: see docs/reference/casebook.md.",
        *(f"{name} = {value}" for name, value in told.items()),
        "# The log's name never changes: who checks the log knows it by this name.",
    ]
    return "\n".join(lines) + "\n"

"""What the commands of `headwater log` read: a casebook's log, public keys, policies of trust, a log's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from headwater.cli.options import PATH, F
from headwater.errors import ConfigurationError, UnreadableInput, Where, unreadable

if TYPE_CHECKING:
    from headwater.casework.log import Fetch, Log
    from headwater.proof import Trust, VerifierKey

T = TypeVar("T")

_MOST_TEXT = 1_000_000


def casebook(command: F) -> F:
    """Add `--casebook`."""
    return click.option(
        "--casebook",
        "folder",
        type=PATH,
        metavar="DIR",
        envvar="HEADWATER_CASEBOOK",
        required=True,
        help="The casebook's folder (or HEADWATER_CASEBOOK).",
    )(command)


def trusted(command: F) -> F:
    """Add `--key` and `--trust`."""
    for option in (
        click.option(
            "--trust", type=PATH, metavar="FILE", help="Logs, witnesses and quorum (c2sp.org/tlog-policy)."
        ),
        click.option("--key", metavar="VKEY", help="The log's public key, or a file with it."),
    ):
        command = option(command)
    return command


class OpenLog:
    """The log of a casebook, with its key where something is to be signed."""

    def __init__(self, folder: Path, *, sign: bool = False) -> None:
        from headwater.casework import LOG_FOLDER, SIGNING_KEY, STORE, VERIFIER_KEY
        from headwater.casework.log import MIGRATIONS, Log
        from headwater.keys import load_signing_key
        from headwater.proof import NoteSigner
        from headwater.store import Store

        if not (folder / STORE).is_file():
            hint = "`headwater casebook new DIR` makes one"
            raise UnreadableInput("is no casebook", where=Where(str(folder)), hint=hint)
        origin = vkey(str(folder / VERIFIER_KEY)).name
        signer = None
        if sign:
            key = load_signing_key(folder / SIGNING_KEY, "log")
            signer = NoteSigner(origin, key.public, key.sign)
        self._store = Store.open(folder / STORE, MIGRATIONS, must_exist=True)
        try:
            self._log = Log.open(folder / LOG_FOLDER, origin, signer, self._store)
        except BaseException:
            self._store.close()
            raise

    def __enter__(self) -> Log:
        return self._log

    def __exit__(self, *_error: object) -> None:
        self._store.close()


def fetch_of(place: Path | str) -> Fetch:
    """Reads the files of a log in a folder or at an address."""
    if isinstance(place, str):
        from headwater.cli.web import from_url

        return from_url(place)
    from headwater.casework.log import from_folder

    return from_folder(place)


def trust_of(key: str | None, trust: Path | None) -> Trust:
    """Whom `--key` or `--trust` says is trusted."""
    from headwater.proof import Trust

    if (key is None) == (trust is None):
        raise click.UsageError("give one of --key and --trust: whom you trust is not in the log itself")
    if key is not None:
        return checked(lambda: Trust((vkey(key),)))
    assert trust is not None
    return checked(lambda: Trust.parse(content(trust)), trust)


def vkey(said: str) -> VerifierKey:
    """A public key as it's written, or from a file that holds one."""
    from headwater.proof import VerifierKey

    path = Path(said)
    if "+" in said and not path.is_file():
        return checked(lambda: VerifierKey.parse(said))
    text = content(path).decode("utf-8", "replace").strip()
    return checked(lambda: VerifierKey.parse(text), path)


def checked(make: Callable[[], T], path: Path | None = None) -> T:
    """What `make` makes, with what it rejects worded."""
    from headwater.proof import Rejected

    try:
        return make()
    except Rejected as error:
        where = Where(str(path)) if path else None
        raise ConfigurationError(str(error), where=where, hint="a key looks like name+1a2b3c4d+A…") from None


def certificates(path: Path) -> bytes:
    """A file of trusted certificates; one without any is a mistake, and nothing that speaks against a log."""
    data = content(path)
    if b"-----BEGIN CERTIFICATE-----" not in data:
        hint = "name the authority's root certificates in PEM"
        raise ConfigurationError("holds no certificate", where=Where(str(path)), hint=hint)
    return data


def content(path: Path) -> bytes:
    """A small file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_TEXT + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > _MOST_TEXT:
        raise UnreadableInput("is too large", where=Where(str(path)))
    return data


def when(at_us: int) -> str:
    """A time that a log tells, in UTC to the second; any number that a hostile one may hold."""
    from datetime import UTC, datetime, timedelta

    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"{at_us} µs after 1970"

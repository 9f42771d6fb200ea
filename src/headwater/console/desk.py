"""What one request works with: an open store, who acts, the time, and what it expects of its change.

Opened when the request comes and closed when it is answered, in one thread: a store isn't shared between threads, and
opening one costs a millisecond.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headwater.console.admin_keys import AdminKey, AdminKeys, Unfit
from headwater.console.guard import ANY, Guard, GuardedStore, RepeatedError
from headwater.console.problem import KINDS, Problem, sentence
from headwater.console.settings import ConsoleSettings
from headwater.console.tables import ALL
from headwater.console.throttle import Throttle
from headwater.console.till import Till
from headwater.console.verifiers import receivers
from headwater.control.identity import (
    LARGEST_BODY,
    STORE,
    Asserted,
    Change,
    Identity,
    IdentitySettings,
    Receiver,
    Sources,
    WebhookFault,
    decoded,
)
from headwater.errors import UsageError
from headwater.keys import Pepper, load_peppers

if TYPE_CHECKING:
    from headwater.casework import Casebook, CasebookSettings

T = TypeVar("T")
#: Kinds of rows → how they are called where there is none.
_CALLED: Final = {"organisation": "organisation", "account": "account", "key": "key", "link": "link"}
_LONGEST_TOKEN: Final = 128


@dataclass(frozen=True)
class Books:
    """Where the casebook is, and its settings."""

    folder: Path
    settings: CasebookSettings

    def open(self) -> Casebook:
        """The casebook; close it."""
        from headwater.casework import open_casebook

        return open_casebook(self.folder, self.settings)


def now_us() -> int:
    """The time, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Office:
    """What all requests share: settings, the identity store's folder and peppers, and where the casebook is.

    Peppers are read once, as relays do: a new one counts when they are started again; so are secrets of webhooks.
    `receivers`: by name, who takes the webhooks of providers that verify; those that fail have a throttle of their own,
    so that nobody keeps admin keys out with them. `till`: where the gateway over these accounts counts, if one is set.
    """

    settings: ConsoleSettings
    folder: Path
    identity: IdentitySettings
    peppers: tuple[Pepper, ...]
    books: Books | None
    throttle: Throttle
    sources: Sources
    receivers: Mapping[str, Receiver]
    webhooks: Throttle
    till: Till | None = None
    clock: Callable[[], int] = now_us

    @classmethod
    def of(
        cls,
        settings: ConsoleSettings,
        folder: Path,
        identity: IdentitySettings,
        books: Books | None = None,
        till: Till | None = None,
    ) -> Office:
        """The office over the identity store in `folder`, whose tables are brought up to date."""
        peppers = load_peppers(folder)
        GuardedStore.open(folder / STORE, ALL, must_exist=True).close()
        throttle, webhooks = (Throttle(settings.failures_a_minute, time.monotonic) for _ in range(2))
        sources, takes = Sources(identity.trusted_proxies), receivers(settings)
        return cls(settings, folder, identity, peppers, books, throttle, sources, takes, webhooks, till)

    @contextmanager
    def store(self) -> Iterator[GuardedStore]:
        """The store, open for one thread."""
        with GuardedStore.open(self.folder / STORE, ALL, must_exist=True) as store:
            assert isinstance(store, GuardedStore)
            yield store


@dataclass
class Done:
    """A change that was made: the row after it, the number that undoes it, the row's version."""

    row: Any
    change: int | None
    version: int
    repeated: bool = False
    changes: Sequence[Change] = ()


@dataclass
class Desk:
    """One request's: `source` is the address that it comes from, `key` whose admin key it shows, once that is known."""

    office: Office
    store: GuardedStore
    source: str
    at_us: int
    key: AdminKey | None = None
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        self.identity = Identity(self.store, self.office.identity, self.office.peppers)

    @property
    def by(self) -> str:
        """Who acts."""
        assert self.key is not None
        return self.key.name

    def authenticate(self, token: str) -> AdminKey:
        """The admin key that is shown; raises `Problem` where it isn't good, or too many weren't."""
        throttle = self.office.throttle
        if wait := throttle.wait_s(self.source, token):
            headers = {"Retry-After": str(wait)}
            raise Problem("too-many-failures", KINDS["too-many-failures"].meaning, headers=headers)
        found = AdminKeys(self.store, self.office.peppers).match(token, self.at_us)
        if isinstance(found, Unfit):
            throttle.failed(self.source, token)
            headers = {"WWW-Authenticate": 'Bearer realm="headwater", error="invalid_token"'}
            detail = f"{found.value[:1].upper()}{found.value[1:]}."
            raise Problem("unauthenticated", detail, headers=headers)
        throttle.passed(token)
        self.key = found
        return found

    def asserted(self, provider: str, headers: Mapping[str, str], body: bytes) -> Asserted | None:
        """What a provider's webhook asserts, None: nothing; raises `Problem` where it can't be trusted or read."""
        throttle = self.office.webhooks
        if wait := throttle.wait_s(self.source, ""):
            detail = "Too many webhooks from this address couldn't be trusted."
            raise Problem("too-many-failures", detail, headers={"Retry-After": str(wait)})
        receiver = self.office.receivers.get(provider)
        if receiver is None:
            throttle.failed(self.source, "")
            raise Problem("not-found", "No provider of this name is configured here.")
        said = receiver.read(headers, body, self.at_us)
        if said is WebhookFault.TOO_LARGE:
            raise Problem("too-large", f"The body has more than {LARGEST_BODY:,} bytes.")
        if said is WebhookFault.CONTENT:
            raise Problem("invalid", f"{sentence(said.value)} Nothing was done.")
        if isinstance(said, WebhookFault):
            throttle.failed(self.source, "")
            raise Problem("untrusted-webhook", sentence(said.value))
        return said

    def found(self, kind: str, name: str) -> Any:
        """The row that a path names; a problem where there is none."""
        try:
            return self.identity.key(name) if kind == "key" else self.identity.get(kind, name)
        except UsageError:
            raise Problem("not-found", f"There is no such {_CALLED.get(kind, kind)}.") from None

    def seen(self, kind: str, name: str) -> tuple[Any, int]:
        """The row that a path names, and its version. The version is read first: it is never newer than the row."""
        version = self.identity.version(kind, name)
        return self.found(kind, name), version

    def change(self, act: Callable[[], T], guard: Guard) -> Done:
        """Make a change under what the request expects of it; what was made, now or when the request came before."""
        self.store.guard = guard
        try:
            row = act()
        except RepeatedError as repeated:
            changes = self.identity.batch(repeated.change)
            return Done(None, repeated.change, 0, repeated=True, changes=changes[::-1])
        finally:
            self.store.guard = None
        return Done(row, guard.change, guard.version, changes=guard.made)

    def casebook(self) -> Casebook:
        """The casebook, to be closed; a problem where none is configured."""
        if self.office.books is None:
            raise Problem("not-found", "No casebook is configured here.")
        return self.office.books.open()


@contextmanager
def fields_as(**names: str) -> Iterator[None]:
    """Name the fields of an error as the request does."""
    try:
        yield
    except UsageError as error:
        if error.where.field in names:
            error.where = replace(error.where, field=names[error.where.field])
        raise


def row_made(done: Done, kind: str) -> tuple[Any, int]:
    """The row of a kind that a request made, now or when it came first, and its version then."""
    for one in done.changes:
        if one.kind == kind and one.after is not None:
            return decoded(kind, one.after), one.id
    raise Problem("forgotten", KINDS["forgotten"].meaning)


def versions_of(header: str | None) -> frozenset[str] | None:
    """The versions that If-Match names; a weak one is never the same (RFC 9110, section 13.1.1)."""
    if header is None:
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if tags == [ANY]:
        return frozenset((ANY,))
    for tag in tags:
        strong = tag.removeprefix("W/")
        if len(strong) < 2 or strong[0] != '"' or strong[-1] != '"' or '"' in strong[1:-1]:
            raise Problem("malformed", "If-Match is a list of entity tags in quotation marks, or *.")
    return frozenset(tags)


def token_of(header: str | None) -> str | None:
    """What Idempotency-Key says, with or without the quotation marks of a structured field."""
    if header is None:
        return None
    token = header.strip()
    if len(token) > 1 and token[0] == token[-1] == '"':
        token = token[1:-1]
    if (
        not 1 <= len(token) <= _LONGEST_TOKEN
        or not token.isascii()
        or not token.isprintable()
        or '"' in token
    ):
        detail = f"Idempotency-Key is 1 to {_LONGEST_TOKEN} printable characters."
        raise Problem("malformed", detail)
    return token


def request_digest(method: str, path: str, body: bytes) -> bytes:
    """A digest that two requests share if and only if they ask for the same."""
    parts = (method.encode(), path.encode("utf-8", "surrogatepass"), body)
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def reason_of(header: str | None, written: str | None) -> str:
    """Why, from the header Headwater-Reason (UTF-8) or the field `reason`; a problem where they differ."""
    told = ""
    if header is not None:
        try:
            told = header.encode("latin-1").decode("utf-8")
        except UnicodeError:
            raise Problem("malformed", "Headwater-Reason isn't UTF-8.") from None
    if told and written and told != written:
        errors = [{"field": "reason", "detail": "says something else than Headwater-Reason"}]
        raise Problem("invalid", "Headwater-Reason and the field reason differ.", errors=errors)
    return told or written or ""

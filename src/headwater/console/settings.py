"""What an operator sets about the admin API: where it listens, for whom, and how much it takes at most.

Every default is safe: only this machine reaches it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from headwater.control.identity import ASSERTABLE
from headwater.errors import ConfigurationError, Where
from headwater.setting import setting

#: Names by which this machine reaches itself.
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_VERIFIER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


def _says(doc: str) -> msgspec.Meta:
    return msgspec.Meta(description=doc)


class Verifier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that verifies accounts by signed webhooks, one `[[admin.verifiers]]` in the file."""

    name: Annotated[
        str, _says("Its name, in the path of its webhooks and in the history: a-z, 0-9, dashes; up to 32.")
    ]
    secret_file: Annotated[
        str,
        _says(
            "File with the secret of its webhooks (`whsec_…`), for its owner only; two lines: either counts."
        ),
    ]
    plugin: Annotated[str, _says("The installed plug-in that reads its webhooks.")] = "standard"
    highest: Annotated[str, _says("The highest tier that it may assert.")] = "verified-organisation"

    def __post_init__(self) -> None:
        if not _VERIFIER.fullmatch(self.name):
            self._refuse("name", "a provider's name is a-z, 0-9 and dashes, at most 32 characters")
        if self.highest not in ASSERTABLE:
            self._refuse("highest", "no tier that a provider can assert")

    @staticmethod
    def _refuse(name: str, what: str) -> None:
        raise ConfigurationError(what, where=Where(field=f"admin.verifiers.{name}"))


@dataclass(frozen=True)
class ConsoleSettings:
    """The settings of one console; bytes and seconds are in the names."""

    host: str = setting("127.0.0.1", "Address to listen on; another than this machine's own needs TLS.")
    port: int = setting(8089, "Port to listen on; 0 takes a free one.", "from 0 to 65535")
    certificate: str = setting(
        "", "PEM file with the certificate chain to serve TLS with; empty: plain HTTP."
    )
    certificate_key: str = setting("", "PEM file with the certificate's key; empty: it is in `certificate`.")
    plain_http: bool = setting(
        False, "Listen without TLS beyond this machine, because something in front ends TLS."
    )
    hosts: tuple[str, ...] = setting(
        (), "Names by which it is reached, beside the address it listens on; requests for others are refused."
    )
    connections: int = setting(200, "Connections held at most.", "1 or more")
    at_once: int = setting(8, "Requests answered at once; others wait.", "1 or more")
    waiting: int = setting(64, "Requests that wait at most; others are told to come again.", "0 or more")
    head_bytes: int = setting(16_384, "Bytes of a request's head, at most.", "from 1024 to 131072")
    body_bytes: int = setting(262_144, "Bytes of a request's body, at most.", "1 or more")
    receive_s: float = setting(10.0, "Seconds for a request's head, and again for its body.", "above 0")
    drain_s: float = setting(10.0, "Seconds that requests may go on after SIGTERM.", "0 or more")
    failures_a_minute: int = setting(
        20,
        "Wrong admin keys from one address a minute, at most; and webhooks that can't be trusted.",
        "1 or more",
    )
    verifiers: tuple[Verifier, ...] = setting((), "Providers that verify accounts by signed webhooks.")
    gateway: str = setting(
        "", "Folder of the gateway over the same accounts, whose budgets can be looked at; empty: none."
    )
    follow_s: float = setting(
        0.5, "Seconds between looks for changes that the casebook's log lacks.", "above 0"
    )

    def __post_init__(self) -> None:
        least = {
            "port": 0,
            "waiting": 0,
            "drain_s": 0,
            "head_bytes": 1024,
            "receive_s": 0.001,
            "follow_s": 0.001,
        }
        most = {"port": 65_535, "head_bytes": 131_072}
        for name, entry in self.__dataclass_fields__.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            # NaN compares with nothing.
            if not least.get(name, 1) <= value <= most.get(name, 2**53):
                what = f"must be {entry.metadata['range']}"
                raise ConfigurationError(what, where=Where(field=f"admin.{name}"))
        names = [one.name for one in self.verifiers]
        if len(set(names)) < len(names):
            raise ConfigurationError("two have one name", where=Where(field="admin.verifiers"))
        if self.certificate_key and not self.certificate:
            where = Where(field="admin.certificate_key")
            raise ConfigurationError("stands without its certificate", where=where)
        if not self.local and not self.certificate and not self.plain_http:
            what = "others could read admin keys on the way: this address isn't this machine's own, and there is no TLS"
            hint = "set certificate; or plain_http = true where something in front ends TLS"
            raise ConfigurationError(what, where=Where(field="admin.host"), hint=hint)

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def names(self) -> frozenset[str]:
        """The names that a request's Host may say."""
        return frozenset(name.lower() for name in (*LOCAL_NAMES, self.host, *self.hosts))


@dataclass(frozen=True)
class ConsoleFile:
    """The file of settings: one table, `[admin]`."""

    admin: ConsoleSettings = field(default_factory=ConsoleSettings)

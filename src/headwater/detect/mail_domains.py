"""Mail domains: providers of disposable addresses that are widely known, and what the operator says of others.

The bundled list is short on purpose: providers that offer nothing else. Services that forward to a person's own
address (a privacy relay of a phone or a browser) are not on it. The operator's table adds domains and takes them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from headwater.detect.given import rows_of
from headwater.errors import ConfigurationError, Where

KINDS = ("disposable", "ordinary")


@dataclass(frozen=True)
class Domains:
    """The operator's own table: kind by domain."""

    kind: dict[str, str]

    def __len__(self) -> int:
        return len(self.kind)


def load_domains(path: Path) -> Domains:
    """Read a table (CSV or TSV) with a header of domain and kind (disposable, ordinary).

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` for what it holds.
    """
    kinds: dict[str, str] = {}
    for row, (text, kind) in rows_of(path, ("domain", "kind")):
        domain = plain(text)
        if not domain or "@" in domain or any(c.isspace() for c in domain):
            raise ConfigurationError(
                "is no mail domain",
                where=Where(str(path), row, "domain"),
                hint="the part of an address after the @, like example.org",
            )
        if kind not in KINDS:
            raise ConfigurationError(
                "has no known kind", where=Where(str(path), row, "kind"), hint=f"one of: {', '.join(KINDS)}"
            )
        if kinds.setdefault(domain, kind) != kind:
            raise ConfigurationError(
                "gives a domain another kind than a row above",
                where=Where(str(path), row, "domain"),
                hint="keep one of the two",
            )
    return Domains(kinds)


def plain(domain: str) -> str:
    """A domain as it is compared: without case, blanks and a dot at its end."""
    return domain.strip().casefold().rstrip(".")


def kind_of(domains: Sequence[str | None], given: Domains | None = None) -> npt.NDArray[np.object_]:
    """What is known of each domain (n): a kind, or None. The nearest domain above it that is listed decides."""
    own = given.kind if given else {}
    out = np.full(len(domains), None, object)
    for at, domain in enumerate(domains):
        rest = plain(domain or "")[:253]
        while rest:
            kind = own.get(rest) or ("disposable" if rest in bundled() else None)
            if kind is not None:
                out[at] = kind
                break
            rest = rest.partition(".")[2]
    return out


@cache
def bundled() -> frozenset[str]:
    """The domains of the list that comes with Headwater."""
    text = files("headwater.detect").joinpath("mail_domains.txt").read_text("utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))

"""What may be written of accounts, organisations and keys: names, labels, persons, networks, scopes; no more.

Errors describe a value by its length, never by itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Final

from headwater.control.identity.payment import looks_like_card
from headwater.errors import UsageError, Where

#: Scope → what a key with it may do.
SCOPES: Final[Mapping[str, str]] = {
    "generate": "Have answers generated (chat, completions, responses, messages).",
    "embed": "Have texts embedded.",
    "models": "List models.",
    "files": "Upload, list and read files.",
    "batch": "Begin, list and read batches.",
}
#: What a key may do where nobody says otherwise.
USUAL_SCOPES: Final = tuple(SCOPES)
#: Scopes that there were, and that allowed nothing. Keys that were made with them stay as they are; a token that names
#: no other is still one that names scopes, and may do nothing.
RETIRED_SCOPES: Final = frozenset(("admin:read", "admin:write"))
#: Names that no account can have: the account of those who come anonymously begins so.
ANONYMOUS_PREFIX: Final = "anonymous:"
MOST_LISTED: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_KEY_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PERSON: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_LONGEST_LABEL: Final = 200
_LONGEST_NAME: Final = 512
_MOST_ASN: Final = 2**32 - 1


def account_id(text: str, field: str = "account") -> str:
    """The id of an account or organisation."""
    if not _ID.fullmatch(text):
        what = f"not an id, a text of {len(text)} characters"
        hint = "1 to 128 letters, digits or . _ @ + -, the first a letter or digit"
        raise UsageError(what, where=Where(field=field), hint=hint)
    return text


def person(name: str) -> str:
    """The name of somebody who acts."""
    if not name:
        raise UsageError("say who acts", hint="--by NAME, or HEADWATER_PERSON")
    if not _PERSON.fullmatch(name):
        what = f"not a person's name, a text of {len(name)} characters"
        raise UsageError(what, hint="1 to 64 letters, digits or . _ @ -")
    return name


def label(text: str, field: str = "label") -> str:
    """Words of the operator's own; no card number, and nothing that acts on a screen."""
    where = Where(field=field)
    if len(text) > _LONGEST_LABEL or not text.isprintable():
        what = f"not a label, a text of {len(text)} characters"
        raise UsageError(what, where=where, hint=f"up to {_LONGEST_LABEL} characters on one line")
    if looks_like_card(text):
        hint = "a label says what an account is for"
        raise UsageError("looks like a card number, which must not be kept", where=where, hint=hint)
    return text


def key_label(text: str) -> str:
    """The label of a key, by which it can be named beside its account; it may be empty."""
    if text and not _KEY_LABEL.fullmatch(text):
        what = f"not a label for a key, a text of {len(text)} characters"
        hint = "1 to 32 small letters, digits and dashes, such as ci"
        raise UsageError(what, where=Where(field="label"), hint=hint)
    return text


def outside_name(text: str, field: str) -> str:
    """A name that somebody else gave: a subject, an issuer, a name of a certificate."""
    if not text or len(text) > _LONGEST_NAME or not text.isprintable():
        what = f"can't be a name, a text of {len(text)} characters"
        raise UsageError(what, where=Where(field=field), hint=f"1 to {_LONGEST_NAME} printable characters")
    return text


def scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Scopes in the order of their table, each once."""
    asked = set(names)
    if not asked or asked - set(SCOPES):
        what = "a key needs a scope" if not asked else "there is no such scope"
        raise UsageError(what, where=Where(field="scopes"), hint=f"scopes: {', '.join(SCOPES)}")
    return tuple(name for name in SCOPES if name in asked)


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Networks in their canonical form, in order, each once; an address is a network of one."""
    found = set()
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError:
            what = f"not a network, a text of {len(text)} characters"
            hint = "such as 203.0.113.0/24 or 2001:db8::/48, without bits behind the mask"
            raise UsageError(what, where=Where(field="networks"), hint=hint) from None
        if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
            hint = "write the IPv4 network itself"
            raise UsageError("an IPv4 network written as IPv6", where=Where(field="networks"), hint=hint)
        found.add(network)
    if len(found) > MOST_LISTED:
        raise UsageError(f"more than {MOST_LISTED} networks", where=Where(field="networks"))
    return tuple(
        map(str, sorted(found, key=lambda one: (one.version, int(one.network_address), one.prefixlen)))
    )


def asns(numbers: Iterable[int]) -> tuple[int, ...]:
    """Numbers of autonomous systems, in order, each once."""
    found = sorted(set(numbers))
    if len(found) > MOST_LISTED or any(not 1 <= one <= _MOST_ASN for one in found):
        hint = f"up to {MOST_LISTED} numbers from 1 to {_MOST_ASN}, such as 64500"
        raise UsageError("not a list of autonomous systems", where=Where(field="asns"), hint=hint)
    return tuple(found)

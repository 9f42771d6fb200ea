"""TDM reservation protocol: whether the rights to mine text are reserved, and where a policy says more.

Source: W3C TDM Reservation Protocol, final community group report (w3c/tdm-reservation-protocol @1a547b5d). Three
places: `/.well-known/tdmrep.json`, HTTP headers, HTML metadata; the later ones replace the earlier. A policy isn't
fetched: that there is one is a condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser

import msgspec

from headwater.errors import UnreadableInput, Where
from headwater.provenance.terms.model import Signal
from headwater.provenance.terms.signals.aipref import QUOTED
from headwater.provenance.terms.signals.robots import matches

MOST_BYTES = 1024 * 1024
_MOST_RULES = 10_000


class _Rule(msgspec.Struct, frozen=True):
    location: str
    reservation: object = msgspec.field(name="tdm-reservation", default=None)
    policy: object = msgspec.field(name="tdm-policy", default=None)


_DECODER = msgspec.json.Decoder(list[_Rule])


def read_tdmrep(data: bytes, *, path: str | None = None, where: str = "tdmrep.json") -> tuple[Signal, ...]:
    """What a `tdmrep.json` says: a signal for each rule, or for a `path` that of the first rule that matches.

    Raises `UnreadableInput` where it isn't a list of rules.
    """
    if len(data) > MOST_BYTES:
        raise UnreadableInput(f"is larger than {MOST_BYTES // 1024} KiB", where=Where(where))
    try:
        rules = _DECODER.decode(data)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise UnreadableInput(
            f"is not a list of TDM rules: {what}", where=Where(where, field=place.rstrip("`") or None)
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableInput("is not JSON", where=Where(where)) from None
    if len(rules) > _MOST_RULES:
        raise UnreadableInput(f"has more than {_MOST_RULES:,} rules", where=Where(where))
    if path is not None:
        rules = [rule for rule in rules if matches(rule.location, path)][:1]
    return tuple(
        _signal(rule.reservation, rule.policy, scope=rule.location[:QUOTED], where=where) for rule in rules
    )


def read_tdm_headers(headers: Mapping[str, str], *, where: str = "HTTP headers") -> Signal | None:
    """What the headers `tdm-reservation` and `tdm-policy` say; None without the first."""
    low = {name.lower(): value.strip() for name, value in headers.items()}
    if "tdm-reservation" not in low:
        return None
    return _signal(low["tdm-reservation"], low.get("tdm-policy"), scope="", where=where)


def read_tdm_html(html: str, *, where: str = "HTML metadata") -> Signal | None:
    """What `<meta name="tdm-reservation">` and `<meta name="tdm-policy">` in a page's head say."""
    reader = _Metas()
    reader.feed(html[:MOST_BYTES])
    return read_tdm_headers(reader.found, where=where)


class _Metas(HTMLParser):
    """The two meta elements of a page's head; a page's body can't speak for it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}
        self.body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.body = self.body or tag == "body"
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "").strip().lower()
        if tag == "meta" and not self.body and name in ("tdm-reservation", "tdm-policy"):
            self.found.setdefault(name, values.get("content", ""))


def _signal(reservation: object, policy: object, *, scope: str, where: str) -> Signal:
    """1 reserves, 0 doesn't, everything else is as if nothing were said."""
    value = str(reservation).strip() if not isinstance(reservation, bool) else ""
    address = str(policy).strip()[:QUOTED] if isinstance(policy, str) and policy.strip() else ""
    words = f"tdm-reservation: {value}" if value in ("0", "1") else ""
    if value == "0":
        return Signal(kind="tdmrep", says="allowed", scope=scope, where=where, quote=words)
    if value != "1":
        return Signal(kind="tdmrep", says="unsaid", scope=scope, where=where)
    if address:
        return Signal(
            kind="tdmrep",
            says="conditional",
            scope=scope,
            where=where,
            quote=f"{words}, tdm-policy: {address}"[:QUOTED],
            conditions=("on the terms of the TDM policy that it points to, which wasn't read here",),
        )
    return Signal(kind="tdmrep", says="not-allowed", scope=scope, where=where, quote=words)

"""RSL 1.0: an XML file of licences for content, read for what it says of training.

Source: rslstandard.org/rsl (Recommendation, 2025-11-06). Each `<license>` of a `<content>` is an offer of its own:
what one of them permits may be had. Within one, what is prohibited counts before what is permitted. A file with a
document type is refused, so that no entity is ever expanded; size, depth and number of elements are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from headwater.errors import UnreadableInput, Where
from headwater.provenance.terms.model import Says, Signal
from headwater.provenance.terms.signals.robots import matches

MOST_BYTES = 1024 * 1024
_MOST_ELEMENTS = 20_000
_DEEPEST = 16
_MOST_TEXT = 4096
_TRAIN = frozenset({"all", "ai-all", "ai-train", "train-ai"})
_NAMESPACES = ("https://rslstandard.org/rsl", "")
#: Kinds of payment that ask for no money, and what they ask for instead.
_FREE = {"free": "", "attribution": "name the source"}


class _Licence:
    def __init__(self) -> None:
        self.permits: set[str] | None = None
        self.prohibits: set[str] = set()
        self.limits: list[str] = []
        self.payments: list[str] = []


class _Content:
    def __init__(self, url: str, server: bool) -> None:
        self.url, self.server = url, server
        self.licences: list[_Licence] = []


def read_rsl(data: bytes, *, path: str | None = None, where: str = "RSL") -> tuple[Signal, ...]:
    """What an RSL file says of training, a signal for each content; for a `path` that of the longest match only.

    Raises `UnreadableInput` where it isn't RSL, has a document type, or is too large.
    """
    contents = _Reader(where).read(data)
    if path is not None:
        fitting = [each for each in contents if matches(_path(each.url), path)]
        contents = sorted(fitting, key=lambda each: -len(_path(each.url)))[:1]
    return tuple(_signal(each, where) for each in contents)


def _path(url: str) -> str:
    """The path of a content's address: RSL takes a path or a whole URL."""
    if "://" not in url:
        return url or "/"
    return "/" + url.partition("://")[2].partition("/")[2]


def _signal(content: _Content, where: str) -> Signal:
    scope = content.url[:200]
    offers = [offer for licence in content.licences for offer in _offers(licence)]
    if not content.licences:
        return Signal(kind="rsl", says="unsaid", scope=scope, where=where)
    if not offers:
        words = "no licence of it permits ai-train"
        return Signal(kind="rsl", says="not-allowed", scope=scope, where=where, quote=words)
    duties, conditions, quote = min(offers, key=lambda offer: (len(offer[1]), len(offer[0])))
    if content.server:
        conditions = (*conditions, "after getting the licence from the licence server that it names")
    says: Says = "conditional" if conditions or duties else "allowed"
    return Signal(
        kind="rsl",
        says=says,
        scope=scope,
        where=where,
        quote=quote,
        duties=duties,
        conditions=conditions,
    )


def _offers(licence: _Licence) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """The duties and conditions under which a licence permits training; nothing where it doesn't."""
    if licence.prohibits & _TRAIN or (licence.permits is not None and not licence.permits & _TRAIN):
        return
    words = "permits ai-train" if licence.permits is not None else "permits every use"
    limits = tuple(dict.fromkeys(licence.limits))
    payments = licence.payments or ["free"]  # a licence that names no payment is free
    money = [payment for payment in payments if payment not in _FREE]
    duties = tuple(dict.fromkeys(_FREE[payment] for payment in payments if _FREE.get(payment)))
    paid = tuple(f"for a payment ({payment or 'of a kind that is not said'})" for payment in money)
    yield duties, (*paid, *limits), f"{words}; payment {', '.join(payments)}"


class _Reader:
    """Expat with handlers that stop at the first thing a licence doesn't need."""

    def __init__(self, where: str) -> None:
        self.where = Where(where)
        self.contents: list[_Content] = []
        self.stack: list[str] = []
        self.elements = 0
        self.text = ""
        self.attributes: dict[str, str] = {}

    def read(self, data: bytes) -> list[_Content]:
        if len(data) > MOST_BYTES:
            raise UnreadableInput(f"is larger than {MOST_BYTES // 1024} KiB", where=self.where)
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._no_doctype
        parser.EntityDeclHandler = self._no_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise UnreadableInput(f"is not XML (line {error.lineno})", where=self.where) from None
        return self.contents

    def _no_doctype(self, *_: object) -> None:
        raise UnreadableInput(
            "has a document type, which RSL doesn't need",
            where=self.where,
            hint="remove the DOCTYPE: entities are never expanded",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self.elements += 1
        if self.elements > _MOST_ELEMENTS or len(self.stack) >= _DEEPEST:
            raise UnreadableInput("has more elements, or deeper ones, than RSL needs", where=self.where)
        if not self.stack and (local != "rsl" or namespace not in _NAMESPACES):
            raise UnreadableInput("is XML, but not RSL", where=self.where, hint="its root is <rsl>")
        self.stack.append(local if namespace in _NAMESPACES else "")
        self.text, self.attributes = "", attributes
        if local == "content" and self.stack == ["rsl", "content"]:
            self.contents.append(_Content(attributes.get("url", "/"), "server" in attributes))
        elif local == "license" and self.stack == ["rsl", "content", "license"]:
            self.contents[-1].licences.append(_Licence())
        elif local == "payment" and self.stack[:3] == ["rsl", "content", "license"]:
            self.contents[-1].licences[-1].payments.append(attributes.get("type", "").strip().lower()[:40])

    def _characters(self, text: str) -> None:
        if len(self.text) < _MOST_TEXT:
            self.text += text

    def _end(self, _: str) -> None:
        local = self.stack.pop()
        if self.stack != ["rsl", "content", "license"] or local not in ("permits", "prohibits"):
            return
        licence = self.contents[-1].licences[-1]
        words = {word for word in self.text.lower().replace(",", " ").split() if word}
        kind = self.attributes.get("type", "usage").strip().lower()
        if kind != "usage":
            what = " ".join(sorted(words))[:100]
            licence.limits.append(f"{'only' if local == 'permits' else 'not'} for {kind[:20]} {what}")
        elif local == "permits":
            licence.permits = (licence.permits or set()) | words
        else:
            licence.prohibits |= words

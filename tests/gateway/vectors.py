"""The corpora of tests/vectors/http, and readers that are fed in pieces."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from headwater.gateway.wire.head import RequestHead, ResponseHead
from headwater.gateway.wire.limits import WireLimits
from headwater.gateway.wire.reader import Event, RequestReader, ResponseReader
from headwater.gateway.wire.refusal import Refusal
from headwater.gateway.wire.states import State

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "http"


@dataclass(frozen=True)
class Case:
    """One entry of a corpus."""

    name: str
    source: str
    data: bytes
    refused: str | None
    forwarded: tuple[bytes, ...]


def cases(name: str) -> list[Case]:
    """A corpus, by its file's name."""
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))["case"]
    return [
        Case(
            one["name"],
            one["source"],
            one["bytes"].encode("latin-1"),
            one.get("refused"),
            tuple(text.encode("latin-1") for text in one.get("forwarded", ())),
        )
        for one in read
    ]


def fed(reader: RequestReader | ResponseReader, pieces: Iterable[bytes]) -> list[Event]:
    """All events of all messages, neighbouring pieces of a body joined."""
    found: list[Event] = []
    for piece in pieces:
        events = reader.feed(piece)
        while True:
            for event in events:
                if isinstance(event, bytes) and found and isinstance(found[-1], bytes):
                    found[-1] += event
                else:
                    found.append(event)
            if reader.state is not State.DONE:
                break
            events = reader.next_message()
    return found


def requests(data: bytes, cuts: Iterable[int] = (), limits: WireLimits | None = None) -> list[Event]:
    """What a client's bytes say, cut at the given places."""
    return fed(RequestReader(limits or WireLimits()), pieces(data, cuts))


def responses(data: bytes, cuts: Iterable[int] = ()) -> list[Event]:
    """What a server's bytes say, cut at the given places."""
    return fed(ResponseReader(WireLimits(body_bytes=1 << 62)), pieces(data, cuts))


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes in order, cut."""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def heads(events: list[Event]) -> list[RequestHead | ResponseHead]:
    """The heads among events."""
    return [event for event in events if isinstance(event, RequestHead | ResponseHead)]


def refusal(events: list[Event]) -> str | None:
    """The fault's name, if the events end with one."""
    return events[-1].fault.name if events and isinstance(events[-1], Refusal) else None

"""A fuzz target on the parser's path: bytes that pass are read in one way, by us, by us cut elsewhere, by h11.

With atheris (optional) its coverage leads the search; without it the corpora of tests/vectors/http are mutated.

    python benchmarks/gateway/fuzz.py [--seconds 60] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import h11

from gateway.vectors import cases, heads, requests, responses
from headwater.gateway.wire.head import RequestHead
from headwater.gateway.wire.limits import WireLimits
from headwater.gateway.wire.reader import END, Event
from headwater.gateway.wire.refusal import Refusal
from headwater.gateway.wire.writer import request_head

LIMITS = WireLimits(head_bytes=2048, target_bytes=512, fields=32, body_bytes=1024)


def look(data: bytes) -> None:
    """Fails where `data` can be read in two ways."""
    cut = [data[0] if data else 0, len(data) // 2, len(data) * 3 // 4]
    events = requests(data, (), LIMITS)
    assert requests(data, cut, LIMITS) == events, data
    assert responses(data, cut) == responses(data), data
    for head, body in messages(events):
        peer = h11.Connection(h11.SERVER)
        written = request_head(head.method, head.target, b"upstream", head.fields, len(body)) + body
        peer.receive_data(written)
        told = peer.next_event()
        assert isinstance(told, h11.Request), data
        assert (told.method, told.target) == (head.method, head.target), data
        read = b""
        while isinstance(part := peer.next_event(), h11.Data):
            read += part.data
        assert isinstance(part, h11.EndOfMessage), data
        assert read == body, data
        assert peer.trailing_data == (b"", False), data


def messages(events: list[Event]) -> list[tuple[RequestHead, bytes]]:
    """The whole requests among events."""
    found: list[tuple[RequestHead, bytes]] = []
    head, body = None, b""
    for event in events:
        if isinstance(event, RequestHead):
            head, body = event, b""
        elif isinstance(event, bytes):
            body += event
        elif event is END and head is not None:
            found.append((head, body))
    return found


def mutated(draw: random.Random, corpus: list[bytes]) -> bytes:
    """Something near to a message of the corpus, or to two of them."""
    data = bytearray(draw.choice(corpus))
    if draw.random() < 0.3:
        other = draw.choice(corpus)
        data[draw.randrange(len(data) + 1) :] = other[draw.randrange(len(other)) :]
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(4)
        if kind == 0:
            data[at : at + 1] = bytes([draw.choice(b"\r\n\t \x00:;,0123456789abcxX\xff")])
        elif kind == 1:
            data[at:at] = draw.choice(
                [b"\r\n", b"\n", b"\r", b" ", b"0\r\n\r\n", b"chunked", b"Content-Length: 3\r\n"]
            )
        elif kind == 2:
            del data[at : at + draw.randrange(1, 6)]
        else:
            data[at:at] = data[max(0, at - draw.randrange(1, 30)) : at]
    return bytes(data)


def main() -> None:
    """Search, until something is found or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    corpus = [case.data for case in cases("requests") + cases("responses")]
    try:
        import atheris
    except ImportError:
        draw, count, until = random.Random(asked.seed), 0, time.monotonic() + asked.seconds
        passed = 0
        while time.monotonic() < until:
            data = mutated(draw, corpus)
            look(data)
            count += 1
            events = requests(data, (), LIMITS)
            passed += bool(heads(events)) and not isinstance(events[-1], Refusal)
        print(f"{count} inputs, {passed} of them passed, nothing found")
        return
    folder = Path("out/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    for at, data in enumerate(corpus):
        (folder / f"seed-{at}").write_bytes(data)
    atheris.instrument_all()
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={int(asked.seconds)}", f"-seed={asked.seed}", str(folder)], look
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()

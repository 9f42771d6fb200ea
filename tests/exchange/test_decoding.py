"""JSON that a model server may have read: what hides nothing from it hides nothing from who reads the journal."""

from __future__ import annotations

import json

import pytest

from headwater.exchange import DecodingError, decode, read_request

PROMPT = b'"messages": [{"role": "user", "content": "Hi"}]'


def deeper(frames: int, data: bytes) -> object:
    """Decoded below so many frames more."""
    return deeper(frames - 1, data) if frames else decode(data)


@pytest.mark.parametrize(
    ("junk", "read"),
    [
        (b"1e999", float("inf")),
        (b"-1e999", float("-inf")),
        (b"1" * 5_000, None),
        (b"-" + b"1" * 5_000, None),
        (b"NaN", None),
        (b'"\\ud800"', "\ud800"),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_a_field_of_no_meaning_hides_no_other(junk: bytes, read: object) -> None:
    held = decode(b'{"model": "m", "junk": %b, %b}' % (junk, PROMPT))
    assert held == {"model": "m", "junk": read, "messages": [{"role": "user", "content": "Hi"}]}


def test_what_a_relay_can_read_is_read_below_many_frames() -> None:
    """A relay's stack is short where it reads, a rotation's is longer."""
    body = b'{"model": "m", "junk": %b, %b}' % (b"[" * 880 + b"]" * 880, PROMPT)
    read_request(body, "chat")
    held = deeper(100, body)
    assert isinstance(held, dict)
    assert held["messages"] == json.loads(b"{%b}" % PROMPT)["messages"]
    with pytest.raises(DecodingError, match="too deep"):
        decode(b"[" * 5_000 + b"]" * 5_000)

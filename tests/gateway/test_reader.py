"""Bytes in, events out: any bytes, cut anywhere, say the same, and nothing but events ever comes out."""

from __future__ import annotations

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.vectors import Case, cases, heads, pieces, refusal, requests, responses
from headwater.gateway.wire.head import CHUNKED, RequestHead
from headwater.gateway.wire.limits import WireLimits
from headwater.gateway.wire.reader import END, Event, RequestReader, ResponseReader
from headwater.gateway.wire.refusal import Fault, Refusal
from headwater.gateway.wire.states import TABLE, State, Step

REQUESTS = cases("requests")
RESPONSES = cases("responses")

#: Pieces that HTTP is made of, so that random bytes come near to it.
PARTS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n", b"POST /v1/x?a=b HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 \r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n", b"Host: a\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Connection: x, Upgrade\r\n", b"Upgrade: h2c\r\n",
        b"Expect: 100-continue\r\n", b"X: y\r\n", b"X-Headwater-A: b\r\n", b"\r\n", b"abc", b"3\r\n", b"3\r\nabc\r\n",
        b"0\r\n", b"0\r\n\r\n", b"\r", b"\n", b" ", b":", b";", b"\x00", b"\xff", b"a" * 40,
    ]
)  # fmt: skip
BYTES = st.one_of(st.lists(PARTS, max_size=12).map(b"".join), st.binary(max_size=80))
CUTS = st.lists(st.integers(0, 1 << 16), max_size=12)
SMALL = WireLimits(head_bytes=200, target_bytes=64, fields=4, body_bytes=100)


def named(case: Case) -> str:
    return case.name


def test_the_corpus_is_large_and_says_where_ideas_come_from() -> None:
    assert len(REQUESTS) >= 60
    assert len({case.name for case in REQUESTS}) == len(REQUESTS)
    assert all(case.source for case in REQUESTS + RESPONSES)
    assert all((case.refused is None) is bool(case.forwarded) for case in REQUESTS)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_a_request_of_the_corpus_is_read_as_it_says(case: Case) -> None:
    whole = requests(case.data)
    assert refusal(whole) == case.refused
    if case.forwarded:
        assert len(heads(whole)) == len(case.forwarded)
    assert requests(case.data, range(len(case.data))) == whole


@pytest.mark.parametrize("case", RESPONSES, ids=named)
def test_a_response_of_the_corpus_is_refused(case: Case) -> None:
    whole = responses(case.data)
    assert refusal(whole)
    assert responses(case.data, range(len(case.data))) == whole


@pytest.mark.parametrize("limits", [WireLimits(), SMALL], ids=["wide", "narrow"])
@settings(max_examples=300)
@given(BYTES, CUTS)
@example(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 170, [60])
@example(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" * 3, [54, 108])
def test_cuts_change_nothing_of_requests(limits: WireLimits, data: bytes, cuts: list[int]) -> None:
    assert requests(data, cuts, limits) == requests(data, (), limits)


@settings(max_examples=300)
@given(BYTES, CUTS)
def test_cuts_change_nothing_of_responses(data: bytes, cuts: list[int]) -> None:
    assert responses(data, cuts) == responses(data)


class OneByOne(ResponseReader):
    """Reads chunks one after the other."""

    __slots__ = ()

    def _split_chunks(self, events: list[Event]) -> bool:
        return False


CHUNKS = st.lists(
    st.one_of(
        st.sampled_from([b"data: a\n\n", b"\r\n", b"0", b"5\r\nhello\r\n", b"a\r\n\r\n", b"x" * 4100]),
        st.binary(max_size=30),
    ),
    max_size=8,
)


@settings(max_examples=500)
@given(
    CHUNKS,
    st.sampled_from([b"%x", b"%X", b"%02x", b"%09x"]),
    st.sampled_from([b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0", b"", b"00\r\n\r\n", b"3\r\nab"]),
    st.one_of(BYTES, st.just(b"")),
    CUTS,
)
@example([b"data: a\n\n", b"b"], b"%x", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [])
def test_chunks_that_are_read_at_once_are_those_that_are_read_one_by_one(
    chunks: list[bytes], size: bytes, end: bytes, behind: bytes, cuts: list[int]
) -> None:
    body = b"".join(size % len(chunk) + b"\r\n" + chunk + b"\r\n" for chunk in chunks) + end + behind
    for limits in (WireLimits(), WireLimits(body_bytes=50)):
        readers = ResponseReader(limits), OneByOne(limits)
        for piece in pieces(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, cuts):
            one, other = (joined(reader.feed(piece)) for reader in readers)
            assert one == other
            assert readers[0].state is readers[1].state
            assert readers[0].held == readers[1].held


def joined(events: list[Event]) -> tuple[bytes, list[Event]]:
    """The bytes of the body, and the events beside them."""
    body = b"".join(event for event in events if isinstance(event, bytes))
    return body, [event for event in events if not isinstance(event, bytes)]


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b\r\nX: y"]), st.binary(max_size=40)), min_size=1, max_size=6
    ),
    st.lists(st.integers(0, 1 << 12), max_size=3),
)
def test_a_head_like_the_last_is_read_like_any_other(
    sent: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    """One reader that sees heads again and again says what a fresh reader says of each."""
    told = [
        b"POST /v1/x HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\nZ: 1\r\n\r\n%b" % (host, len(body), body)
        for host, body in sent
    ]
    again = RequestReader(WireLimits())
    for one in told:
        found = []
        for piece in pieces(one, cuts):
            found += again.feed(piece)
        assert found[-1] is END
        fresh = requests(one)
        assert found[0] == fresh[0]
        assert b"".join(event for event in found if isinstance(event, bytes)) == b"".join(
            event for event in fresh if isinstance(event, bytes)
        )
        assert again.next_message() == []


HEADS = st.sampled_from(
    [
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nZ: 1\r\n\r\n%b",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0%d\r\nZ: 1\r\n\r\n%b",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: %d\r\n\r\n%b",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\nContent-Length: %d\r\n\r\n%b",
        b"GET /v1/x HTTP/1.1\r\nHost: a\r\nX: %d%b\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%bG",
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nContent-Length: 1\r\n\r\n%b",
    ]
)


@settings(max_examples=500)
@given(st.lists(st.tuples(HEADS, st.sampled_from([b"a", b"bb", b"c" * 12])), min_size=1, max_size=8))
def test_what_follows_a_head_like_the_last_is_still_read_by_two(sent: list[tuple[bytes, bytes]]) -> None:
    """llhttp isn't fed what was seen before; what it says of everything else stays what a new one says."""
    reader, closed = RequestReader(WireLimits()), False
    for head, body in sent:
        one = head % (len(body), body)
        found, fresh = reader.feed(one), RequestReader(WireLimits()).feed(one)
        if closed:
            assert refusal(found)
            return
        assert found == fresh
        if found[-1] is not END or reader.held or (isinstance(found[0], RequestHead) and found[0].close):
            return
        assert reader.next_message() == []
        closed = b"Proxy-Connection" in head  # for llhttp


@pytest.mark.parametrize(
    "between", [b"100 Continue\r\nConnection: close", b"103 \r\nProxy-Connection: close"]
)
def test_a_response_behind_an_end_is_refused_however_often_it_was_seen(between: bytes) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
    reader = ResponseReader(WireLimits())
    assert len(reader.feed(whole)) == 3
    reader.next_message()
    reader.answers(b"POST")
    assert reader.feed(b"HTTP/1.1 " + between + b"\r\n\r\n") == []
    assert refusal(reader.feed(whole)) == "PARSERS_DISAGREE"


def test_the_same_head_has_no_body_where_head_was_asked_for() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    reader = ResponseReader(WireLimits())
    for _ in range(2):
        reader.answers(b"GET")
        assert reader.feed(head + b"ab")[1:] == [b"ab", END]
        reader.next_message()
    reader.answers(b"HEAD")
    assert len(reader.feed(head + b"ab")) == 2  # the head and its end: what follows answers nothing
    assert reader.held == 2


@settings(max_examples=300)
@given(BYTES)
def test_h11_reads_what_passes_in_the_same_way(data: bytes) -> None:
    """A second parser, of other people's making, reads every message that passes as we do."""
    events = requests(data, (), SMALL)
    found = heads(events)
    if not found or isinstance(events[-1], Refusal) or events[-1] is not END:
        return
    peer = h11.Connection(h11.SERVER)
    peer.receive_data(data)
    for at, head in enumerate(found):
        assert isinstance(head, RequestHead)
        if b"upgrade" in data.lower() and at:
            return  # h11 stops for good where a client asks for another protocol
        told = peer.next_event()
        assert isinstance(told, h11.Request)
        assert (told.method, told.target) == (head.method, head.target)
        body = b""
        while not isinstance(told := peer.next_event(), h11.EndOfMessage):
            if isinstance(told, h11.Data):
                body += told.data
            else:
                return  # a pause for an upgrade
        if head.length != CHUNKED:
            assert len(body) == head.length
        if peer.our_state is h11.MUST_CLOSE or head.close:
            return
        peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        peer.send(h11.EndOfMessage())
        if peer.our_state is not h11.DONE:
            return
        peer.start_next_cycle()


@pytest.mark.parametrize(
    ("limits", "data", "fault"),
    [
        (WireLimits(head_bytes=100), b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"b" * 200, Fault.HEAD_TOO_LARGE),
        (WireLimits(head_bytes=100), b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"b" * 99 + b"\r\n\r\n",
         Fault.HEAD_TOO_LARGE),
        (WireLimits(fields=3), b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: b\r\n" * 3 + b"\r\n", Fault.TOO_MANY_FIELDS),
        (WireLimits(target_bytes=9), b"GET /123456789 HTTP/1.1\r\nHost: a\r\n\r\n", Fault.TARGET_TOO_LONG),
        (WireLimits(body_bytes=4), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", Fault.BODY_TOO_LARGE),
        (WireLimits(body_bytes=4),
         b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\naa\r\n3\r\n",
         Fault.BODY_TOO_LARGE),
    ],
)  # fmt: skip
def test_limits_hold(limits: WireLimits, data: bytes, fault: Fault) -> None:
    assert refusal(requests(data, (), limits)) == fault.name


@pytest.mark.parametrize(
    ("method", "status", "head", "body"),
    [
        (b"HEAD", b"200", b"Content-Length: 9\r\n", b""),
        (b"POST", b"204", b"Content-Length: 9\r\n", b""),
        (b"GET", b"304", b"Content-Length: 9\r\n", b""),
        (b"GET", b"200", b"Content-Length: 2\r\n", b"ab"),
        (b"GET", b"200", b"Transfer-Encoding: chunked\r\n", b"2\r\nab\r\n0\r\n\r\n"),
    ],
)
def test_a_body_is_there_or_not_by_method_and_status(
    method: bytes, status: bytes, head: bytes, body: bytes
) -> None:
    reader = ResponseReader(WireLimits())
    for _ in range(3):
        reader.answers(method)
        events = reader.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 %b x\r\n%b\r\n%b" % (status, head, body))
        assert events[-1] is END
        assert b"".join(event for event in events if isinstance(event, bytes)) == (b"ab" if body else b"")
        assert reader.next_message() == []


def test_a_body_without_length_ends_with_its_connection() -> None:
    reader = ResponseReader(WireLimits())
    assert len(reader.feed(b"HTTP/1.1 200 OK\r\n\r\nab")) == 2
    assert reader.feed(b"c") == [b"c"]
    assert reader.closed() == [END]
    cut = ResponseReader(WireLimits())
    cut.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")
    assert cut.closed() == [Refusal(Fault.CUT_OFF)]


def test_every_state_can_be_reached_and_left_as_the_table_says() -> None:
    seen, waiting = set(), [State.HEAD]
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting += TABLE[state].values()
    assert seen == set(State) - {State.REFUSED}
    assert {step for row in TABLE.values() for step in row} == set(Step)

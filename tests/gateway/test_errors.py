"""Errors in the words that clients' libraries read, and limits in three dialects: known answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.gateway import Dialect, Kind, Limit, Problem, Stream, rate_headers
from headwater.gateway.wire.errors import in_stream, render
from headwater.gateway.wire.rate_headers import anthropic_headers, duration, ietf_headers, openai_headers

QUOTA = Problem(
    Kind.QUOTA,
    "The day's tokens are used up.",
    retry_after_s=7200,
    extensions=(("violated_policies", ("daily",)), ("decision_id", "d-1")),
)
AT_US = 1_795_809_499_300_000  # 2026-11-27T18:38:19.3Z
LIMITS = [
    Limit("requests", 60, 59, 1_000_000, 60),
    Limit("tokens", 100_000, 417, 362_500_000, 3600),
    Limit("output-tokens", 10, 0, 1, 60),
    Limit("concurrent-requests", 8, 3, 0, 1),
]


def test_openais_words() -> None:
    told = render(QUOTA, Dialect.OPENAI, "req_1")
    assert told.status == 429
    assert json.loads(told.body) == {
        "error": {
            "message": "The day's tokens are used up.",
            "type": "insufficient_quota",
            "param": None,
            "code": "insufficient_quota",
            "violated_policies": ["daily"],
            "decision_id": "d-1",
        }
    }
    assert dict(told.headers) == {
        b"Content-Type": b"application/json",
        b"x-request-id": b"req_1",
        b"Cache-Control": b"no-store",
        b"Retry-After": b"7200",
        b"x-should-retry": b"false",
    }


def test_anthropics_words() -> None:
    told = render(QUOTA, Dialect.ANTHROPIC, "req_1")
    assert told.status == 429
    assert json.loads(told.body) == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "The day's tokens are used up.",
            "violated_policies": ["daily"],
            "decision_id": "d-1",
        },
        "request_id": "req_1",
    }
    assert dict(told.headers)[b"request-id"] == b"req_1"
    assert render(Problem(Kind.UNAVAILABLE, "Full."), Dialect.ANTHROPIC, "r").status == 529


def test_rfc_9457() -> None:
    told = render(QUOTA, Dialect.OWN, "req_1")
    assert dict(told.headers)[b"Content-Type"] == b"application/problem+json"
    assert json.loads(told.body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "The quota is used up",
        "status": 429,
        "detail": "The day's tokens are used up.",
        "instance": "urn:headwater:request:req_1",
        "violated-policies": ["daily"],
        "decision_id": "d-1",
    }
    assert json.loads(render(Problem(Kind.NOT_FOUND, "No."), Dialect.OWN, "r").body)["type"] == "about:blank"


@pytest.mark.parametrize(
    ("problem", "final"),
    [
        (Problem(Kind.BLOCKED, "No."), True),
        (Problem(Kind.UNAUTHENTICATED, "No."), True),
        (Problem(Kind.RATE_LIMITED, "No.", retry_after_s=2), False),
        (Problem(Kind.RATE_LIMITED, "No.", retry_after_s=61), True),
        (Problem(Kind.RATE_LIMITED, "No."), False),
        (Problem(Kind.UPSTREAM, "No."), False),
        (Problem(Kind.UNAVAILABLE, "No.", retry_after_s=1), False),
    ],
)
def test_what_is_final_says_so(problem: Problem, final: bool) -> None:
    for dialect in Dialect:
        fields = dict(render(problem, dialect, "r").headers)
        assert (fields.get(b"x-should-retry") == b"false") is final


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words_in_every_dialect(kind: Kind, dialect: Dialect) -> None:
    told = render(Problem(kind, "What happened."), dialect, "r")
    assert 400 <= told.status < 600
    assert b"What happened." in told.body
    for stream in (Stream.DATA, Stream.NAMED):
        event = in_stream(Problem(kind, "What\nhappened."), dialect, stream, "r")
        *names, data, end, after = event.split(b"\n")
        assert names == ([b"event: error"] if dialect is not Dialect.OPENAI or stream is Stream.NAMED else [])
        assert "What\nhappened." in json.dumps(json.loads(data.removeprefix(b"data: "))).replace("\\n", "\n")
        assert (end, after) == (b"", b"")


def test_limits_in_openais_dialect() -> None:
    assert openai_headers(LIMITS) == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-limit-tokens", b"100000"),
        (b"x-ratelimit-remaining-tokens", b"417"),
        (b"x-ratelimit-reset-tokens", b"6m2.5s"),
    ]


def test_limits_in_anthropics_dialect() -> None:
    assert anthropic_headers(LIMITS[1:3], AT_US) == [
        (b"anthropic-ratelimit-tokens-limit", b"100000"),
        (b"anthropic-ratelimit-tokens-remaining", b"417"),
        (b"anthropic-ratelimit-tokens-reset", b"2026-11-27T20:04:22Z"),
        (b"anthropic-ratelimit-output-tokens-limit", b"10"),
        (b"anthropic-ratelimit-output-tokens-remaining", b"0"),
        (b"anthropic-ratelimit-output-tokens-reset", b"2026-11-27T19:58:20Z"),
    ]


def test_limits_in_the_ietfs_dialect() -> None:
    assert ietf_headers(LIMITS[:2]) == [
        (b"RateLimit-Policy", b'"requests";q=60;qu="requests";w=60, "tokens";q=100000;qu="headwater-tokens";w=3600'),
        (b"RateLimit", b'"requests";r=59;t=1, "tokens";r=417;t=363'),
    ]  # fmt: skip
    assert ietf_headers([]) == []


def test_native_headers_stand_beside_the_ietfs() -> None:
    names = [name for name, _ in rate_headers(LIMITS, Dialect.ANTHROPIC, AT_US)]
    assert names[-2:] == [b"RateLimit-Policy", b"RateLimit"]
    assert rate_headers(LIMITS, Dialect.OWN, AT_US) == ietf_headers(LIMITS)
    assert rate_headers([], Dialect.OPENAI, AT_US) == []


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0s"), (1, "1ms"), (20_000, "20ms"), (999_999, "1s"), (1_500_000, "1.5s"), (360_000_000, "6m0s"),
     (3_600_000_000, "1h0m0s"), (90_061_001_000, "25h1m1.001s")],
)  # fmt: skip
def test_durations(us: int, text: str) -> None:
    assert duration(us) == text


@given(
    st.lists(
        st.builds(
            Limit,
            st.sampled_from(["requests", "tokens", "input-tokens", "concurrent-requests"]),
            st.integers(0, 10**12),
            st.integers(0, 10**12),
            st.integers(0, 10**13),
            st.integers(1, 10**7),
        ),
        max_size=4,
    )
)
def test_all_of_it_are_headers(limits: list[Limit]) -> None:
    from headwater.gateway import field

    for dialect in Dialect:
        for name, value in rate_headers(limits, dialect, AT_US):
            field(name, value)


@pytest.mark.parametrize(
    "wrong",
    [("bytes", 1, 1, 1, 1), ("tokens", -1, 1, 1, 1), ("tokens", 1, 10**15, 1, 1), ("tokens", 1, 1, 1, 0)],
)
def test_limits_that_cant_be_meant(wrong: tuple[str, int, int, int, int]) -> None:
    with pytest.raises(UsageError):
        Limit(*wrong)

"""Times in every form that logs use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.times import TimeFormatError, described, instant, micros

BERLIN = ZoneInfo("Europe/Berlin")
US = 1_772_600_767_123_456  # 2026-03-04T05:06:07.123456Z


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("2026-03-04T05:06:07.123456Z", 0),
        ("2026-03-04T05:06:07.123456789Z", 0),
        ("2026-03-04t06:06:07.123456+01:00", 0),
        ("2026-03-04 05:06:07.123456+00", 0),
        ("2026-03-04 05:06:07.123456 UTC", 0),
        ("2026-03-04 05:06:07.123456 +0000 UTC", 0),
        ("  2026-03-04T05:06:07.123Z ", 456),
        ("Wed, 04 Mar 2026 05:06:07 GMT", 123_456),
        ("20260304T050607Z", 123_456),
        ("1772600767123456", 0),
        ("1772600767123", 456),
        ("1772600767", 123_456),
        ("1772600767.123456", 0),
        ("1772600767123456000", 0),
    ],
)
def test_forms_with_a_zone(text: str, lost: int) -> None:
    assert instant(text) == (US - lost, False)


@pytest.mark.parametrize("value", [1_772_600_767.123456, 1_772_600_767_123, US, US * 1000, 1_772_600_767])
def test_the_unit_of_an_epoch_is_told_by_its_size(value: float) -> None:
    found, naive = instant(value)
    assert found // 1_000_000 == US // 1_000_000
    assert not naive


@pytest.mark.parametrize(
    ("unit", "value"), [("s", 20), ("ms", 20_000), ("us", 20_000_000), ("ns", 20_000_000_000)]
)
def test_a_unit_that_is_given_counts(unit: str, value: int) -> None:
    assert instant(value, unit=unit) == (20_000_000, False)


@pytest.mark.parametrize("text", ["2026-07-04 05:06:07", "20260704050607", "2026-07-04T05:06:07"])
def test_times_without_a_zone_say_so(text: str) -> None:
    utc, berlin = instant(text), instant(text, zone=BERLIN)
    assert utc == (micros(datetime(2026, 7, 4, 5, 6, 7, tzinfo=UTC)), True)
    assert berlin == (utc[0] - 2 * 3_600_000_000, True)


@given(
    st.integers(100_000_000, 4_000_000_000),
    st.integers(0, 999_999),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_a_time_is_itself_in_every_form(seconds: int, fraction: int, zone: timezone) -> None:
    aware = datetime.fromtimestamp(seconds, zone).replace(microsecond=fraction)
    exact = micros(aware)
    assert instant(aware) == instant(aware.isoformat()) == instant(str(exact)) == (exact, False)
    assert instant(format_datetime(aware))[0] == exact // 1_000_000 * 1_000_000
    if abs(exact) >= 10**14:
        assert instant(exact) == instant(exact * 1000) == (exact, False)


@given(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text()
    | st.binary()
    | st.lists(st.integers())
)
def test_anything_is_a_time_or_a_fault_that_quotes_nothing(value: object) -> None:
    try:
        found, _ = instant(value)
    except TimeFormatError as fault:
        words = str(fault)
    else:
        words = "is a time"
        assert abs(found) <= 1 << 62
    assert words.startswith("is ")
    if isinstance(value, str) and len(value) > 4:
        assert value not in words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true or false"),
        ("", "empty text"),
        ("x" * 1234, "text of length 1,234"),
        (3, "a number"),
        ([1, 2], "a list of length 2"),
        ({"a": 1}, "an object of size 1"),
        (b"x", "a value of type bytes"),
    ],
)
def test_a_value_is_described_by_type_and_length(value: object, words: str) -> None:
    assert described(value) == words

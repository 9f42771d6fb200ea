"""Token appetite: output per exchange and per input token, against the median customer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from headwater.detect.evidence.traffic import appetite

USUAL = 300 + PLACE


def test_long_answers_to_short_requests() -> None:
    log = made(input_tokens=USUAL, output_tokens=np.where(SHOWN, 10 * USUAL, USUAL))
    assert shows(appetite.trait, log) == [0, 1, 2, 3, 4]
    assert np.allclose(read(appetite.trait, log).value[:5], np.log2(10), atol=0.01)


def test_everybody_takes_as_much_without_it() -> None:
    assert shows(appetite.trait, made(input_tokens=USUAL, output_tokens=USUAL)) == []


def test_long_answers_to_long_requests_are_a_document_at_work() -> None:
    longer = np.where(SHOWN, 10 * USUAL, USUAL)
    assert shows(appetite.trait, made(input_tokens=longer, output_tokens=longer)) == []


def test_short_requests_alone_are_a_chat() -> None:
    log = made(input_tokens=np.where(SHOWN, USUAL // 10, USUAL), output_tokens=USUAL)
    assert shows(appetite.trait, log) == []


def test_an_organisation_of_many_keys_does_not_say_what_is_usual() -> None:
    ring = ACCOUNT < 20
    known = {"organisation": ["one" if a < 20 else None for a in range(30)]}
    log = made(input_tokens=USUAL, output_tokens=np.where(ring, 10 * USUAL, USUAL), known=known)
    assert shows(appetite.trait, log) == list(range(20))


def test_counts_that_nobody_can_mean_stay_finite() -> None:
    most = np.full(len(ACCOUNT), 2**63 - 1)
    reading = read(appetite.trait, made(input_tokens=most, output_tokens=most))
    assert np.isfinite(reading.value).all()
    assert np.isnan(read(appetite.trait, made(input_tokens=-most, output_tokens=USUAL)).value).all()


def test_few_known_tokens_say_nothing() -> None:
    log = made(input_tokens=pa.array(USUAL, mask=PLACE >= 9), output_tokens=USUAL)
    assert np.isnan(read(appetite.trait, log).value).all()

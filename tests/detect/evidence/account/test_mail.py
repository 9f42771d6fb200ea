"""Mail domains: disposable ones, the operator's word first, and new ones that several customers share."""

from __future__ import annotations

import numpy as np
import pytest

from detect.evidence.account.people import SIZE, after, people, read, shown
from headwater.detect.evidence.account import mail
from headwater.detect.mail_domains import Domains, kind_of

COMMON = ["gmail.com", "outlook.com", "qq.com", "mail.ru", "yandex.com", "proton.me"] * 10
OLD = [after(-30 - i) for i in range(SIZE)]


@pytest.mark.parametrize("domain", ["mailinator.com", " MAILINATOR.com. ", "a.b.mailinator.com"])
def test_a_disposable_domain(domain: str) -> None:
    reading = read(mail.trait, people(known={"email_domain": [domain] * 2 + COMMON[2:]}))
    assert shown(reading) == [0, 1]
    assert (reading.value[2:] == 0).all()


def test_the_operators_word_comes_first() -> None:
    own = Domains({"mailinator.com": "ordinary", "burn.example": "disposable"})
    known = {"email_domain": ["mailinator.com", "x.burn.example", *COMMON[2:]]}
    assert shown(read(mail.trait, people(known=known), domains=own)) == [1]
    assert kind_of(["a.mailinator.com", "com", "", None], own).tolist() == ["ordinary", None, None, None]


def test_a_new_domain_that_six_customers_share() -> None:
    domains, created = ["fresh.example"] * 6 + COMMON[6:], [after(1)] * 6 + OLD[6:]
    assert shown(read(mail.trait, people(known={"email_domain": domains, "created_at": created}))) == list(
        range(6)
    )
    own = Domains({"fresh.example": "ordinary"})
    known = {"email_domain": domains, "created_at": created}
    assert shown(read(mail.trait, people(known=known), domains=own)) == []


def test_new_but_not_shared_shared_but_not_new_or_one_organisation() -> None:
    def told(count: int, old: int, **more: list[str | None]) -> list[int]:
        domains, created = (
            ["fresh.example"] * count + COMMON[count:],
            [after(1)] * (count - old) + OLD[count - old :],
        )
        return shown(read(mail.trait, people(known={"email_domain": domains, "created_at": created, **more})))

    assert told(6, 0) == list(range(6))
    assert told(4, 0) == []
    assert told(6, 1) == []
    assert told(6, 0, organisation=["org"] * 6 + [None] * 54) == []


def test_in_a_young_service_every_domain_is_new() -> None:
    known = {"email_domain": COMMON, "created_at": [after(1)] * SIZE}
    assert shown(read(mail.trait, people(known=known))) == []
    # Where half of the others are new, six new ones are no wonder.
    half = {"email_domain": ["fresh.example"] * 6 + COMMON[6:], "created_at": [after(1)] * 33 + OLD[33:]}
    assert shown(read(mail.trait, people(known=half))) == []


def test_no_dates_no_domains_and_one_account() -> None:
    assert shown(read(mail.trait, people(known={"email_domain": COMMON}))) == []
    assert np.isnan(
        read(mail.trait, people(known={"email_domain": [None, " ", "."] + [None] * 57})).value
    ).all()
    assert read(mail.trait, people(1, known={"email_domain": ["x" * 10**6]})).value.tolist() == [0]

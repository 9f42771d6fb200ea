"""Single accounts in report, terminal and explain: listed as possible, with what was seen, and no finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explain.builders import findings
from headwater.detect import AccountVerdict, Findings, Piece
from headwater.explain import dumps, loads
from headwater.explain.account import explain_account, explain_untied
from headwater.explain.alone import NO_FINDING, alone, line


@pytest.fixture
def found() -> Findings:
    piece = Piece("repeats", "intent", 2.0, 3.1, True, "It is among those who ask the same again.", 0.001)
    verdict = AccountVerdict("acct-single", "Acme", "possible", 0.6, 0.4, -6.9, (piece,), 412)
    return replace(
        findings(), accounts=(verdict, replace(verdict, account="acct-held", campaign="warm-river"))
    )


def test_the_report_lists_those_in_no_campaign_and_says_that_nothing_follows(found: Findings) -> None:
    section = alone(found)
    assert section is not None
    text = repr(section)
    assert "acct-single" in text
    assert "acct-held" not in text
    assert NO_FINDING in text
    assert alone(replace(found, accounts=())) is None


def test_the_terminal_counts_them(found: Findings) -> None:
    (said,) = line(found)
    assert said.startswith("1 account in no campaign")
    assert line(replace(found, accounts=())) == []


def test_explain_tells_what_was_seen_of_an_account_in_no_group(found: Findings) -> None:
    story = repr(explain_untied(found, "acct-single", 412))
    assert "ask the same again" in story
    assert NO_FINDING in story
    member = found.campaigns[0].members[0].account
    assert NO_FINDING not in repr(explain_account(found, member))


def test_the_document_keeps_them_and_hides_their_names_on_request(found: Findings) -> None:
    assert loads(dumps(found)).accounts == found.accounts
    hidden = dumps(found, details=False)
    assert b"acct-single" not in hidden
    assert b"Acme" not in hidden
    assert loads(hidden).accounts[0].exchanges == 412

"""A customer learns the rung, the reason class, the clause, the times and the way to appeal, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from casework.books import BEGIN, made, pack, proposed
from explain.builders import hostile
from headwater.casework import NEEDED, PLACEHOLDERS, Texts, Told, load_texts, our_texts
from headwater.errors import HeadwaterError
from headwater.policy import FACTS, REASON_CLASSES, SHIPPED, Rule, Rung, shipped

AT = 1_790_000_000_000_000
DAY = 86_400_000_000
TOLD = Told(
    operator="Example AI",
    appeals="https://example.com/appeals",
    reference="step-abcdefabcdef",
    rung=Rung.SUSPEND,
    reason_class="linked-accounts",
    clause="Terms of service",
    persons=1,
    begins_us=AT,
    until_us=AT + 30 * DAY,
    appeal_by_us=AT + 30 * DAY,
    answer_days=14,
)
#: Rule ids and facts that are words of plain English, which a text may use in another sense.
PLAIN = {
    *(name for name in FACTS if "_" not in name),
    "ask",
    "hold",
    "stop",
    "watch",
    "close",
    "fleet",
    "reseller",
    "terms",
}


def letters(rule: Rule) -> list[str]:
    """Every notice that a step by `rule` can lead to."""
    told = replace(TOLD, rung=rule.rung, reason_class=rule.reason_class, clause=rule.clause)
    kinds = [rule.rung.word, *(kind for kind in NEEDED if kind not in {r.word for r in Rung})]
    made = [our_texts().notice(kind, told, AT, answer="We looked again.") for kind in kinds]
    return [f"{one.subject}\n{one.text}" for one in made]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_notice_of_a_shipped_pack_tells_rule_fact_or_threshold(name: str) -> None:
    pack = shipped(name)
    conditions = " ".join(condition.text for condition in pack.conditions())
    figures = {
        figure for figure in re.findall(r"\d+(?:\.\d+)?", conditions) if len(figure) > 2 or "." in figure
    }
    ids = {rule.id for rule in (*pack.rules, *pack.limits)}
    for rule in (each for each in pack.rules if each.rung > Rung.OBSERVE):
        for text in letters(rule):
            for secret in (ids | set(FACTS)) - PLAIN | figures:
                assert not re.search(rf"(?<![\w.-]){re.escape(secret)}(?![\w.-])", text), (rule.id, secret)
            assert rule.reason not in text
            assert not re.search(r"\brule\b|\bthreshold\b|\bprobability\b|\bscore\b", text)


def test_other_ids_facts_and_thresholds_give_the_same_notices(tmp_path: Path) -> None:
    """What a customer reads doesn't depend on them in any way, not even by the choice of words."""
    other = pack(when="word == 'likely' && groups >= 2").replace(b"rule-seventeen", b"another")
    letters_of = []
    for number, rules in enumerate((pack(), other.replace(b"Internal reasoning", b"Other reasoning"))):
        with made(tmp_path / f"desk-{number}", rules) as book:
            (kept,) = proposed(book, accounts=1).steps
            book.confirm(kept.id, "bob", BEGIN)
            book.reverse(kept.id, "bob", BEGIN, "why")
            statement = book.statement(kept.id)
            assert statement is not None
            told = [f"{one.subject}\n{one.text}" for one in book.notices(kept.id)]
            letters_of.append([each.replace(kept.id, "REF") for each in (*told, statement.decode())])
    assert letters_of[0] == letters_of[1]
    assert len(letters_of[0]) == 3


def test_a_notice_of_a_rung_says_all_that_a_customer_needs() -> None:
    for rung in Rung:
        if rung is Rung.OBSERVE:
            continue
        notice = our_texts().notice(rung.word, replace(TOLD, rung=rung), AT)
        whole = f"{notice.subject}\n{notice.text}"
        for needed in (
            "step-abcdefabcdef",
            REASON_CLASSES["linked-accounts"],
            "Terms of service",
            "2026-10-21",
            "https://example.com/appeals",
            "14 days",
            "Example AI",
        ):
            assert needed in whole, (rung, needed)
        assert not re.search(r"\billegal|\bguilty|\boffence|\bcrime", whole)


def test_our_texts_hold_no_figures_and_pass_their_own_check(tmp_path: Path) -> None:
    for kind, text in our_texts().of.items():
        assert not re.search(r"\d", text), kind
        (tmp_path / f"{kind}.txt").write_text(text, "utf-8")
    assert load_texts(tmp_path) == our_texts()


@pytest.mark.parametrize("persons", [0, 1, 2])
def test_how_it_was_decided_is_said(persons: int) -> None:
    text = our_texts().notice("suspend", replace(TOLD, persons=persons), AT).text
    assert ("no person has looked at it yet", "a person decided it", "two persons decided it")[
        persons
    ] in text


@given(hostile, hostile)
def test_what_goes_into_a_notice_stays_text(clause: str, answer: str) -> None:
    notice = our_texts().notice("appeal-upheld", replace(TOLD, clause=clause), AT, answer=answer)
    assert "\n" not in notice.subject
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", notice.subject + notice.text)
    if "{" in answer and answer.isprintable():
        assert answer in notice.text


@pytest.mark.parametrize(
    ("name", "text", "what", "hint", "row"),
    [
        ("suspnd.txt", "Subject: a\n", "no such notice", "suspend.txt", None),
        ("suspend.txt", "Dear customer\n", "begins with its subject", "Subject:", 1),
        ("suspend.txt", "Subject: {referense}\n", "no such placeholder", "{reference}", 1),
        ("suspend.txt", "Subject: a\n{clause.__class__}\n", "no such placeholder", "", 2),
        ("suspend.txt", "Subject: a\n{clause\n", "a brace stands alone", "", 2),
        ("suspend.txt", "Subject: {reference}\n", "{reason} is missing", "needs to know", None),
        ("ended.txt", "Subject: a\n" + "x" * 70_000, "longer than", "", None),
    ],
)
def test_a_text_of_ones_own_is_checked(
    tmp_path: Path, name: str, text: str, what: str, hint: str, row: int | None
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(HeadwaterError, match=re.escape(what)) as caught:
        load_texts(tmp_path)
    assert hint in (caught.value.hint or "")
    assert caught.value.where.row == row
    assert name in str(caught.value.where.file)


def test_a_text_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "ended.txt").write_text("Subject: Done {reference}\r\nOn {at}.\r\n", "utf-8")
    texts = load_texts(tmp_path)
    assert isinstance(texts, Texts)
    notice = texts.notice("ended", TOLD, AT)
    assert (notice.subject, notice.text) == ("Done step-abcdefabcdef", "On 2026-09-21 14:13 UTC.\n")
    assert texts.of["ban"] == our_texts().of["ban"]
    with pytest.raises(HeadwaterError, match="does not exist"):
        load_texts(tmp_path / "nothing")


def test_every_placeholder_is_used_and_known() -> None:
    used = {name for text in our_texts().of.values() for name in re.findall(r"\{([^}]*)\}", text)}
    assert used == set(PLACEHOLDERS)

"""`explain` in sentences: why, how often by chance, what speaks against, what is not proved."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings

from explain.builders import campaign, findings, hostile, piece, poisoned
from headwater.detect import NO_RULE, Piece, Proposal
from headwater.errors import UsageError
from headwater.explain import Story, explain_account, explain_campaign, rings_of

#: Words that a report must not use of an account or a person.
JUDGING = re.compile(
    r"\b(guilty|illegal|criminal|theft|steal|stole|stolen|thief|fraud|attacker|malicious|abuser)\w*\b", re.I
)


def said(story: Story, heading: str) -> str:
    return " ".join(s for p in story.passages if p.heading == heading for s in p.sentences)


def test_a_campaign_s_story_has_all_its_parts() -> None:
    story = explain_campaign(findings(), "birch-harvest")
    assert [p.heading for p in story.passages] == [
        "What was found",
        "Verdict",
        "Why",
        "Seen, and not counted",
        "How often chance would make it",
        "What speaks against",
        "What was not in the log",
        "What it doesn't prove",
        "What would be proportionate",
    ]
    assert all(p.sentences for p in story.passages)
    assert "one such ring in 9,000 logs" in said(story, "How often chance would make it")
    assert "stratified permutation" in said(story, "How often chance would make it")
    assert "multiplies the odds by 490 (+6.20 nats; capped and weighed, +9.81 before; p = 0.001)" in said(
        story, "Why"
    )
    assert "divides the odds by 3.2" in said(story, "What speaks against")
    assert "Known innocent causes of “One queue”" in said(story, "What speaks against")
    assert "for want of ip and tls" in said(story, "What was not in the log")
    assert "A person decides" in said(story, "What would be proportionate")
    assert "default" in said(story, "What would be proportionate")


def test_a_ring_that_chance_makes_is_called_no_finding() -> None:
    story = explain_campaign(findings(), "moss-class")
    assert "(considered, not reported)" in story.title
    assert "about 1.7 such rings: taken alone, this one is no finding" in said(
        story, "How often chance would make it"
    )


def test_nothing_is_attributed_to_a_group_that_was_only_considered() -> None:
    """As accounts.parquet has it: `attributed` is 0 without a campaign."""
    (ring,) = [ring for ring in findings().considered if ring.id == "moss-class"]
    assert ring.members[0].attributed
    text = explain_account(findings(), ring.members[0].account).text()
    assert "is attributed: this group was only considered." in text
    assert "attributed to the campaign" not in text


def test_declared_parties_and_uncounted_pieces_against_are_said() -> None:
    against = said(explain_campaign(findings(), "sand-suite"), "What speaks against")
    assert "declared as known: Evaluation team A." in against
    odd = (
        piece("a", 2.0, "Seen", group="g"),
        piece("b", -3.0, "Weak against", group="h"),
        piece("c", 0.0, "Weaker", group="h", counted=False, raw=-1.0),
        piece("d", 0.0, "Barred", group="g", counted=False, raw=-2.0),
    )
    told = said(
        explain_campaign(findings(campaigns=(campaign("elm-ring", 4, pieces=odd),)), "elm-ring"),
        "What speaks against",
    )
    assert "Weaker. This is not counted: another piece of its group says more once both are weighed." in told
    assert "Barred. This is not counted: evidence of its kind may not count in this direction." in told


def test_nothing_against_is_not_called_proof() -> None:
    only = (piece("one queue", 9.0, "Exchangeable"),)
    told = said(
        explain_campaign(findings(campaigns=(campaign("elm-ring", 4, pieces=only),)), "elm-ring"),
        "What speaks against",
    )
    assert "not the same as none existing" in told


FOR, LITTLE, MUCH = piece("a", 0.5, "Seen"), piece("b", -0.4, "Odd"), piece("c", -3.0, "Own topics")


@pytest.mark.parametrize(
    ("word", "pieces", "told"),
    [
        ("unlikely", (FOR,), "What speaks for one hand is too little, set against how rare"),
        ("unlikely", (FOR, LITTLE), "What speaks for one hand, less what speaks against it, is too little,"),
        (
            "unlikely",
            (FOR, MUCH),
            "What was found speaks against one hand behind these accounts more than for",
        ),
        (
            "unrelated",
            (FOR, MUCH),
            "What was found speaks against one hand behind these accounts more than for",
        ),
        ("inconclusive", (FOR,), "What speaks for one hand leaves the question open,"),
        ("inconclusive", (FOR, LITTLE), "less what speaks against it, leaves the question open,"),
    ],
)
def test_a_low_verdict_says_that_something_speaks_against_only_where_it_does(
    word: str, pieces: tuple[Piece, ...], told: str
) -> None:
    ring = campaign("elm-ring", 4, pieces=pieces, word=word)
    story = explain_campaign(findings(campaigns=(), considered=(ring,)), "elm-ring")
    assert told in said(story, "Verdict")
    assert ("against one hand" in said(story, "Verdict")) == (MUCH in pieces)


@pytest.mark.parametrize(
    ("probability", "groups", "known", "why"),
    [
        (0.999, ("time",), True, "One kind of evidence carries it, and a report needs two"),
        (0.999, ("client", "intent"), True, "One kind of evidence carries it, and a report needs two"),
        (0.999, ("time", "content"), False, "none of them is named as its member"),
        (0.7, ("time", "content"), True, "stays below the threshold"),
        (0.999, ("time", "content"), True, "stays below the threshold"),
    ],
)
def test_possible_says_what_held_it_back(
    probability: float, groups: tuple[str, ...], known: bool, why: str
) -> None:
    pieces = tuple(Piece(group, group, 3.0, 3.0, True, "It speaks for one hand.") for group in groups)
    ring = dataclasses.replace(
        campaign("elm-ring", 4, pieces=pieces, word="possible"), probability=probability, told=known
    )
    story = explain_campaign(findings(campaigns=(), considered=(ring,)), "elm-ring")
    assert why in said(story, "Verdict")


def test_what_would_speak_for_it_and_is_not_counted_is_told_with_the_reason() -> None:
    text = said(explain_campaign(findings(), "birch-harvest"), "Seen, and not counted")
    assert text.startswith(
        "A template of 31 words that no other account uses. This is not counted: another piece"
    )


def test_who_only_writes_what_the_ring_writes_is_left_out_of_what_is_proposed() -> None:
    story = explain_campaign(findings(), "birch-harvest")
    text = said(story, "What would be proportionate")
    assert "151 of its 1,204 accounts are tied to it by what they ask for alone" in text
    assert "meant for the 1,053 others" in text
    firm = " ".join(explain_account(findings(), "birch-00001").passages[0].sentences)
    assert "copied form" not in firm
    assert "not at hours of its own" in firm


def test_who_joined_after_the_verdict_is_counted_apart() -> None:
    ring = campaign("elm-ring", 4)
    late = (*ring.members[:3], dataclasses.replace(ring.members[3], late=True))
    ring = dataclasses.replace(ring, members=late, judged_with=5)
    text = said(explain_campaign(findings(campaigns=(ring,)), "elm-ring"), "Verdict")
    assert "judged with 5 accounts; 2 of them" in text
    assert "1 account joined after the verdict" in text


def test_a_relay_is_to_be_read_by_exchange() -> None:
    assert "Attribute by exchange, not by account" in said(
        explain_campaign(findings(), "reed-relay"), "Verdict"
    )


def test_where_no_rule_applies_none_is_cited() -> None:
    told = []
    for rule in (NO_RULE, "weak"):
        ring = campaign("elm-ring", 4, proposal=Proposal("observe", rule, "acme", "Watch."))
        story = explain_campaign(findings(campaigns=(ring,)), "elm-ring")
        told.append(said(story, "What would be proportionate"))
    assert "No rule of the policy pack “acme” applies." in told[0]
    assert "no-rule" not in told[0]
    assert "Rule “weak” of the policy pack “acme”." in told[1]


def test_an_account_s_story_gives_its_place_links_and_fillings() -> None:
    story = explain_account(findings(), "birch-00003")
    first = story.passages[0]
    assert first.heading == "In birch-harvest (reported)"
    text = " ".join(first.sentences)
    assert "337 of its 343 exchanges (98%) are attributed" in text
    assert "number 4 of 1,204" in text
    assert "was cut as a bridge" in said(story, "Its strongest links")
    assert "“rubric 3”" in said(story, "What it sent")
    assert "A ring's verdict is not an account's" in said(story, "What it doesn't prove")


def test_an_account_at_the_edge_is_said_to_be_there() -> None:
    text = " ".join(explain_account(findings(), "birch-01200").passages[0].sentences)
    assert "Only what it asks for ties it: a copied form explains that, or a takeover." in text
    assert "weakest ties" in text


def test_an_account_in_two_rings_is_told_twice() -> None:
    ring = campaign(n=5)
    other = dataclasses.replace(ring, id="elm-ring")
    made = findings(campaigns=(ring,), considered=(dataclasses.replace(other, word="possible"),))
    assert [r.id for r, _ in rings_of(made, "birch-00001")] == ["birch-harvest", "elm-ring"]
    headings = [p.heading for p in explain_account(made, "birch-00001").passages]
    assert "In birch-harvest (reported)" in headings
    assert "In elm-ring (considered, not reported)" in headings


@pytest.mark.parametrize(
    ("call", "name", "hint"),
    [
        (explain_campaign, "birch-harvst", "did you mean birch-harvest?"),
        (explain_account, "birch-0004", "did you mean birch-"),
        (explain_account, "nobody-at-all", "spell it as the log does"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(call: object, name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(findings(), name)  # type: ignore[operator]
    assert hint in (caught.value.hint or "")


def test_no_story_judges_a_person_or_calls_a_practice_unlawful() -> None:
    made = findings(labels_note="constructed")
    stories = [explain_campaign(made, r.id) for r in (*made.campaigns, *made.considered)]
    stories.append(explain_account(made, "birch-00003"))
    assert [m[0] for story in stories for m in [JUDGING.search(story.text())] if m] == []


@settings(max_examples=30)
@given(hostile)
def test_hostile_strings_break_no_story(text: str) -> None:
    made = poisoned(text)
    assert explain_campaign(made, made.campaigns[0].id).passages
    lines = explain_account(made, f"{text}3").text().splitlines()
    assert lines


def test_text_is_wrapped() -> None:
    assert max(map(len, explain_campaign(findings(), "birch-harvest").text(60).splitlines())) <= 60

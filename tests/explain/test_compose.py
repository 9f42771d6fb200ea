"""The report's records: what it says, what it cuts, and that it says what was cut."""

from __future__ import annotations

import dataclasses

import pytest

from explain.builders import campaign, crowd, findings, log, piece, quiet
from headwater.explain import board, dumps, page, verdict
from headwater.explain.ringmap import ring_map
from headwater.report import Beside, Block, Fold, Page, Part, Table


def flat(blocks: object) -> list[Block]:
    found: list[Block] = []
    for block in blocks:  # type: ignore[attr-defined]
        found.append(block)
        if isinstance(block, Fold | Part):
            found += flat(block.blocks)
        elif isinstance(block, Beside):
            found += [b for group in block.groups for b in flat(group)]
    return found


def words_of(made: Page) -> str:
    return repr(made)


def test_the_verdict_sentence_counts_and_gives_chance() -> None:
    assert verdict(findings()) == (
        "Three campaigns among 24,310 accounts and 1,000,000 exchanges in 14 days, "
        "where chance alone would make at most 0.02."
    )
    assert verdict(quiet()).startswith("No campaign among 24,310 accounts")
    assert verdict(findings(campaigns=(campaign(n=4),))).startswith("One campaign among")


def test_a_known_group_shows_both_weights_however_far_down_it_stands() -> None:
    others = tuple(campaign(f"moss-{i}", 4, word="possible") for i in range(9))
    weights = (piece("queue", 9.0, "One queue."), piece("declared", -15.0, "Ada.", group="declaration"))
    known = campaign("elm-ring", 4, word="unrelated", pieces=weights, declared="red team: Ada")
    made = page(findings(campaigns=(), considered=(*others, known)))
    (section,) = (s for s in made.sections if s.key == "considered")
    (fold,) = (b for b in section.blocks if isinstance(b, Fold) and "elm-ring" in b.title)
    assert "+9.00" in repr(fold)
    assert "−15.00" in repr(fold)


def test_every_section_is_there() -> None:
    made = page(findings())
    assert [s.key for s in made.sections] == ["c1", "c2", "c3", "considered", "errors", "unseen", "method"]
    parts = [b.title for b in flat(made.sections[0].blocks) if isinstance(b, Part)]
    assert parts == [
        "Evidence for and against",
        "Why",
        "What speaks against",
        "What they have in common",
        "Over time",
        "What was harvested",
        "What it doesn't prove",
        "What would be proportionate",
    ]


def test_a_log_without_campaigns_has_a_report_that_does_not_call_it_proof() -> None:
    made = page(quiet())
    assert made.map is None
    assert made.summary is None
    assert "not proof that there is none" in " ".join(made.lead)


def test_lost_evidence_is_named_with_its_columns() -> None:
    said = words_of(page(findings()))
    assert "2 of 5 kinds of evidence could not be checked" in said
    assert "ip, tls" in said


def test_constructed_labels_are_said_at_the_top() -> None:
    assert page(findings()).notes == []
    assert page(findings(labels_note="Joined from different sources")).notes[0].items == [
        "Joined from different sources."
    ]


def test_members_are_cut_at_fifty_and_the_rest_is_counted() -> None:
    tables = [b for b in flat(page(findings()).sections[0].blocks) if isinstance(b, Table)]
    table = next(t for t in tables if t.caption.startswith("Accounts of the ring"))
    assert len(table.rows) == 50
    assert table.note == "1,154 more accounts in accounts.parquet."


def test_many_campaigns_have_rows_and_the_first_have_sections() -> None:
    rings = tuple(campaign(f"r{i}-ring", 3) for i in range(230))
    made = page(findings(campaigns=rings))
    assert made.summary is not None
    assert len(made.summary.rows) == 200
    assert made.summary.note == "The first 20 have a section below. 30 more campaigns in campaigns.json."
    assert len([s for s in made.sections if s.key.startswith("c") and s.key[1:].isdigit()]) == 20


def test_hidden_texts_leave_numbered_slots() -> None:
    ring = campaign(n=4)
    bare = dataclasses.replace(ring.templates[0], texts=(), fillings=())
    said = words_of(page(findings(campaigns=(dataclasses.replace(ring, templates=(bare,)),))))
    assert "the log kept imprints only" in said
    assert "398,212 fillings" in said


def test_the_map_holds_every_account_of_a_crowd() -> None:
    made = ring_map(crowd(), {})
    assert made is not None
    solid = [d for d in made.discs if d.solid]
    assert sum(len(d.members) for d in solid) == 20_000
    assert sum(len(d.ties) for d in made.discs) <= 40_000
    assert made.field == 26_000 - 20_000 - 33
    assert all(0 <= t.a < len(d.members) and 0 <= t.b < len(d.members) for d in made.discs for t in d.ties)


def test_a_larger_crowd_is_cut_and_the_map_says_so() -> None:
    made = ring_map(
        findings(
            campaigns=(campaign("birch-ring", 30_000, ties=10),),
            considered=(),
            log=dataclasses.replace(log(), accounts=40_000),
        ),
        {},
    )
    assert made is not None
    assert len(made.discs[0].members) == 20_000
    assert "10,000 accounts with the weakest ties are not drawn" in made.sentence


def test_ties_follow_their_accounts_when_members_are_sorted() -> None:
    ring = campaign(n=6, ties=0)
    weakest_first = dataclasses.replace(
        ring, members=tuple(reversed(ring.members)), links=((0, 5, 2.0, "one queue"),)
    )
    made = ring_map(findings(campaigns=(weakest_first,), considered=()), {})
    assert made is not None
    disc = made.discs[0]
    tie = disc.ties[0]
    assert {disc.members[tie.a], disc.members[tie.b]} == {ring.members[5].account, ring.members[0].account}
    assert disc.values[0] == ("rubric 0", "task 0", "JSON")


def test_bridges_join_rings_that_are_drawn() -> None:
    made = ring_map(findings(), {})
    assert made is not None
    assert (0, 1) in made.bridges


@pytest.mark.parametrize("made", [findings(), quiet(), crowd(500)], ids=["full", "quiet", "crowd"])
def test_the_same_findings_give_the_same_page(made: object) -> None:
    assert page(made) == page(made)  # type: ignore[arg-type]


def test_the_board_has_the_terminal_s_shape() -> None:
    made = board(findings(), report="report/report.html")
    assert (
        made.above[0][0]
        == "read 1,000,000 exchanges · 24,310 accounts · 14 days · 212 rows set aside · 41 duplicates dropped"
    )
    assert made.above[1] == ("3 campaigns (at most 0.02 expected by chance)", "41 s · 1.9 GiB")
    assert list(made.rows[0])[1:] == ["birch-harvest", 1204, 392609, "0.996", "≥ 9,000", "graded reasoning"]
    assert made.below[-1] == "report/report.html · next: headwater explain birch-harvest"
    assert any(
        line.startswith("proposed by the policy pack “default”: review for birch-harvest, ")
        for line in made.below
    )
    assert any(
        line.startswith("not in this log: Address and client in common and Payment in common (2 of 5")
        for line in made.below
    )


def test_why_rows_were_set_aside_stands_in_the_terminal_with_the_place_of_the_list() -> None:
    reasons = (("no time", 180), ("invalid UTF-8", 20), ("account: is missing", 9), ("a", 2), ("b", 1))
    made = findings(log=dataclasses.replace(log(), set_aside_reasons=reasons))
    below = board(made, report="out/report.html", set_aside="out/set_aside.jsonl").below
    at = list(below).index("212 rows set aside, listed in out/set_aside.jsonl:")
    assert list(below[at + 1 : at + 5]) == [
        "  180 × no time",
        "  20 × invalid UTF-8",
        "  9 × account: is missing",
        "  … and 2 more reasons",
    ]
    none = dataclasses.replace(log(), set_aside=0, set_aside_reasons=())
    assert not any("set aside" in line for line in board(findings(log=none), set_aside="x").below)


def test_notes_stand_in_terminal_and_report_and_the_rest_is_counted() -> None:
    notes = tuple(f"note {number} on the log" for number in range(10))
    made = findings(notes=notes)
    below = board(made).below
    assert [line for line in below if line.startswith("note: ")] == [f"note: {note}" for note in notes[:5]]
    assert "… and 5 more notes in campaigns.json" in below
    (box,) = [note for note in page(made).notes if note.title == "How the log was read"]
    assert list(box.items) == [f"{note}." for note in notes[:8]] + ["2 more notes in campaigns.json."]
    assert not page(findings()).notes


def test_a_negative_figure_of_the_evidence_has_a_true_minus_where_people_read() -> None:
    """Only there: campaigns.json keeps the sentence as it is."""
    pieces = (
        piece("one queue", 1.9, "Likeness within accounts is z = -1.0."),
        piece("seeds", -0.5, "Seeds differ (-2 of them)."),
    )
    made = findings(campaigns=(campaign(n=12, pieces=pieces),))
    shown = repr(page(made))
    assert "z = −1.0" in shown
    assert "(−2 of them)" in shown
    assert "z = -1.0" not in shown
    assert "(-2 of" not in shown
    assert b"z = -1.0" in dumps(made)

"""Campaigns as records: what was judged, whose exchanges are attributed, what may be shown of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import DAY, HOUR, dealt_log, folded
from headwater.detect.assemble import TEXTS, View, _sample, _sentence, campaigns
from headwater.detect.combine import combine
from headwater.detect.declarations import DECLARED, ORGANISATION
from headwater.detect.evidence.between import queue
from headwater.detect.evidence.content import template
from headwater.detect.evidence.customer import end_users
from headwater.detect.fillings import Filling
from headwater.detect.fold import NO_KEY, Card, Finding, Links
from headwater.detect.fusion import PLAIN
from headwater.detect.harvest import Harvested
from headwater.detect.known import Declaration
from headwater.detect.pipeline import Detection, Judged
from headwater.detect.rings import graph
from headwater.detect.verdict import Piece

STRONG = (
    (template.CARD, Finding(3.0, "They fill one form.")),
    (queue.CARD, Finding(6.0, "One queue.")),
    (replace(queue.CARD, name="pool", group="time"), Finding(2.0, "One pool.", None, {"share_in_view": 0.5})),
)
WEAK = ((template.CARD, Finding(2.0, "They fill one form.")),)


def detection(
    found=STRONG, declared=None, share: float = 1.0, clients: int = 1, intents: bool = True
) -> Detection:
    """One ring of twelve accounts that fill a form in this share of their exchanges, judged by these findings.

    All but the harvest comes from `clients` clients behind each account, and so does one filled exchange in ten.
    """
    rng = np.random.default_rng(1)
    account = np.repeat(np.arange(60), 24)
    form = np.where((account < 12) & (rng.random(len(account)) < share), 5, 0)
    model = (np.arange(len(account)) % 24 > 11).astype(np.int32)
    other = (form == 0) | (rng.random(len(account)) < 0.1)
    asks = np.where(other, rng.integers(0, clients, len(account)) + 1, 99) if clients > 1 else account
    more = {"max_tokens": pa.array(asks.astype(np.int32))}
    made = dealt_log(1, form=form, model=model, intents=np.where(form > 0, int(intents), 0), more=more)
    world = made.world(range(12))
    folded(end_users.test, world, [made.batch(world)])
    harvest = folded(Harvested(), world, [made.batch(world)])
    filled = folded(Filling(), world, [made.batch(world)])
    pairs = np.array([(a, b) for a in range(12) for b in range(a + 1, 12)], np.int32)
    links = Links("template", pairs[:, 0], pairs[:, 1], np.full(len(pairs), 3.0))
    bridge = Links("infrastructure", np.array([3], np.int32), np.array([40], np.int32), np.array([2.0]))
    verdict = combine(found, prior=0.01, threshold=0.99, tested=3, fusion=PLAIN)
    judged = Judged(world.rings[0], verdict, declared, 0)
    ties = graph([links, bridge], np.full(60, -1, np.int32))
    return Detection(world, ties, (judged,), harvest, world.context["ring_of"], (), 3, 5, (), filled)


def one(*args, prompts=None, **more):
    reported, considered, _ = campaigns(detection(*args, **more), prompts)
    (campaign,) = reported or considered
    return campaign


def test_a_strong_ring_is_reported_and_its_ledger_adds_up() -> None:
    reported, considered, attributed = campaigns(detection(), None)
    assert considered == ()
    (campaign,) = reported
    assert campaign.word == "likely"
    assert campaign.log_odds == pytest.approx(campaign.prior_log_odds + sum(p.llr for p in campaign.pieces))
    assert campaign.kind == "extraction ring"
    assert campaign.share_in_view == 0.5
    assert attributed.all()
    assert campaign.exchanges == len(attributed) == sum(m.attributed for m in campaign.members)
    assert [m.account for m in campaign.members] == [f"a{i:05d}" for i in range(12)]
    assert all(0 <= m.first_at_us <= m.last_at_us < 14 * DAY for m in campaign.members)


def test_a_weak_ring_is_only_considered_and_nothing_of_it_is_attributed() -> None:
    reported, considered, attributed = campaigns(detection(WEAK), None)
    assert reported == ()
    assert [c.kind for c in considered] == ["undetermined"]
    assert not attributed.any()


@pytest.mark.parametrize("card", [DECLARED, ORGANISATION], ids=lambda card: card.name)
@pytest.mark.parametrize("room", [25, 0])
def test_what_is_known_of_a_ring_never_deletes_it(
    card: Card, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both weights are shown, however many others were considered; what was nothing before stays nothing."""
    monkeypatch.setattr("headwater.detect.assemble.CONSIDERED", room)
    known = (card, Finding(-15.0, "They are known."))
    reported, (campaign,), attributed = campaigns(detection((*STRONG, known)), None)
    assert (reported, campaign.word) == ((), "unrelated")
    assert {p.evidence: p.llr for p in campaign.pieces if p.counted} == {
        "template": template.CAP,
        "queue": 6.0,
        "pool": 2.0,
        card.name: -15.0,
    }
    assert not attributed.any()
    assert campaigns(detection((*WEAK, known)), None)[:2] == ((), ())


def test_where_too_few_members_can_be_named_nobody_is_accused() -> None:
    reported, (campaign,), attributed = campaigns(replace(detection(), fewest=13), None)
    assert (reported, campaign.word, campaign.reported) == ((), "possible", False)
    assert not attributed.any()
    assert "exchanges would be attributed" in campaign.sentence
    assert not campaign.told
    assert len(campaign.members) == 12, "the group is shown whole: what was judged likely must not vanish"


def test_only_what_fills_the_template_is_attributed_where_the_rest_is_something_else() -> None:
    campaign = one(share=0.2)
    assert campaign.kind == "extraction ring"  # business of their own makes no relay
    every = sum(m.exchanges for m in campaign.members)
    assert every == 12 * 24
    assert campaign.exchanges == sum(m.attributed for m in campaign.members) < 0.3 * every
    assert f"{campaign.exchanges:,} of their {every:,} exchanges" in campaign.sentence


def test_in_a_relay_only_what_its_harvesting_client_sends_is_attributed() -> None:
    """A form that others fill now and then isn't the harvest; what the harvest's client sends is, all of it."""
    seen = detection(share=0.3, clients=16)
    (campaign,), _, attributed = campaigns(seen, None)
    assert campaign.kind == "relay or reseller"
    _, place, times = np.unique(seen.harvest.setup, return_inverse=True, return_counts=True)
    assert (attributed == (place == times.argmax())).all()
    assert 0 < attributed.sum() < (seen.harvest.key != NO_KEY).sum()


def test_accounts_that_act_as_one_are_no_extraction_ring_for_that_alone() -> None:
    """They ask for nothing that training needs, and nothing says that a list is dealt out among them."""
    plain = one(intents=False)
    assert (plain.word, plain.kind) == ("likely", "undetermined")
    dealt = (replace(template.CARD, name="dealt", group="content"), Finding(2.0, "A list is dealt out."))
    assert one((*STRONG, dealt), intents=False).kind == "extraction ring"


def test_a_ring_that_neither_templates_nor_content_can_name_is_at_most_possible() -> None:
    reported, (campaign,), attributed = campaigns(detection(share=0.0), None)
    assert (reported, campaign.word) == ((), "possible")
    assert not attributed.any()


def test_affiliation_decides_the_kind() -> None:
    party = Declaration("Ada", "reseller", frozenset(), frozenset({"x"}), date(2030, 1, 1), "")
    assert one(declared=party).kind == "relay or reseller"
    assert one(declared=party).declared == "reseller: Ada"
    assert one(declared=replace(party, kind="partner")).kind == "legitimate fleet"
    assert one((*STRONG, (ORGANISATION, Finding(-8.0, "One organisation.")))).kind == "legitimate fleet"


def test_timeline_and_pivots_count_every_exchange() -> None:
    campaign = one()
    assert sum(every for _, _, every in campaign.timeline) == 288
    assert all(hour % HOUR == 0 and hits <= every for hour, hits, every in campaign.timeline)
    assert [model for model, _, _ in campaign.pivots] == ["large-1", "large-2"]
    assert campaign.pivots[0][1] <= campaign.pivots[1][1]


def test_names_stay_where_most_members_are_known() -> None:
    earlier = [("brook-gate", frozenset(f"a{i:05d}" for i in range(7)))]
    (campaign,), _, _ = campaigns(detection(), None, earlier)
    assert campaign.id == "brook-gate"
    assert one().id == one(WEAK).id != "brook-gate"


def test_without_prompts_no_text_is_shown() -> None:
    (shown,) = one().templates
    assert (shown.texts, shown.slots, shown.fillings) == ((), (), ())
    assert (shown.exchanges, shown.accounts, shown.share) == (288, 12, 1.0)


def test_with_prompts_the_form_and_its_slots_are_shown() -> None:
    """Texts come from different accounts, and markup in them is text."""

    def prompts(rows):
        return {int(row): f"Please grade this answer with care: <b>{row}</b> =1+1" for row in rows}

    (shown,) = one(prompts=prompts).templates
    assert "".join(shown.texts).startswith("Please grade this answer with care: <b>")
    assert shown.slots[0].distinct > 3
    assert len({account for account, _ in shown.fillings}) == 12


def test_examples_of_two_templates_lie_together_and_not_in_one_hour_alone() -> None:
    """Whoever reads them again opens few places of the log; what changes with time is still seen to change."""
    rng = np.random.default_rng(4)
    size = 20_000
    harvest: Any = SimpleNamespace(
        account=rng.integers(0, 500, size).astype(np.int32),
        at_us=rng.integers(0, 200 * HOUR, size),
        exact=rng.integers(0, 1 << 63, size).astype(np.uint64),
    )
    found: Any = SimpleNamespace(harvest=harvest)
    first, second = np.arange(0, size, 2), np.arange(1, size, 2)
    hours = [set((harvest.at_us[_sample(found, rows)] // HOUR).tolist()) for rows in (first, second)]
    assert hours[0] == hours[1]
    assert 2 <= len(hours[0]) <= 3
    chosen = _sample(found, first)
    assert len(set(harvest.account[chosen].tolist())) == len(chosen) == TEXTS
    assert sorted(_sample(found, rng.permutation(first)).tolist()) == sorted(chosen.tolist())


def test_ties_and_bridges_name_accounts_of_the_log() -> None:
    campaign = one()
    assert len(campaign.links) == 66
    assert all(a < 12 and b < 12 for a, b, _, _ in campaign.links)
    assert campaign.bridges == ()


@pytest.mark.parametrize(
    ("tied", "said"), [(2.0, "payment or access (2 of 12)"), (12.0, "payment or access:")]
)
def test_the_sentence_says_how_many_share_means(tied: float, said: str) -> None:
    piece = Piece(
        "infrastructure", "infrastructure", 1.0, 1.0, True, "", 0.01, {"tied": tied, "members": 12.0}
    )
    turns = Piece("turns", "purse", 1.0, 1.0, True, "", 0.01, {"tied": 1.0, "members": 12.0})
    view = View(np.arange(30), np.ones(30, bool), False, np.zeros(10))
    assert said in _sentence(10, view, (), (turns, piece), "extraction ring")

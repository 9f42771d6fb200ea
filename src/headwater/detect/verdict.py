"""What an investigation concludes: plain records, and nothing that needs an engine to read.

Natural logarithms throughout: a piece of evidence is a log-likelihood ratio in nats, positive where it
speaks for a campaign, negative where it speaks against one. Campaigns, accounts and pieces are plain data;
`explain` words them, `report` draws them, and `policy` turns their facts into a proposal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import msgspec

#: The closed scale of words that goes with the number (after Wikipedia's sockpuppet process).
#: `confirmed` is only ever set by a person.
Word = Literal["confirmed", "likely", "possible", "inconclusive", "unlikely", "unrelated", "stale"]
Kind = Literal["extraction ring", "relay or reseller", "legitimate fleet", "undetermined"]
#: Nats from which a kind of evidence counts as a kind of link of its own.
A_KIND = 1.0
#: Groups that say how accounts are used or opened, not what ties them: customers of one software share such habits.
#: For a ring they are one kind of evidence at most.
HABITS: Final = frozenset({"account", "behaviour", "client", "intent"})
#: The piece that takes a sum of pieces to what such a sum means; it is no evidence of its own.
TOGETHER: Final = "together"
#: What stands for a rule where none of the pack applies.
NO_RULE = "no-rule"
#: Microseconds since 1970 in the years 1 to 9999, which a calendar can show.
Moment = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
#: A campaign's name: also an element of a page and a word on a command line.
Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$", max_length=64)]
#: Which of a campaign's members.
Place = Annotated[int, msgspec.Meta(ge=0)]
#: Evidence whose ties say what accounts ask for; a second tie of another kind says that they act together.
BY_CONTENT: Final = frozenset({"nearness", "prefix", "template"})

#: Words of verdicts that reach the threshold to report. Exchanges are attributed to rings of these alone.
REPORTED = ("confirmed", "likely")


@dataclass(frozen=True)
class Piece:
    """One bar of a waterfall.

    `group` is the dependence group: within one group only the strongest piece counts (`counted`), so that
    one trace seen twice isn't two. `llr` is what the piece adds to the verdict in nats, after cap and weight; it is
    0 where the piece doesn't count. `raw` is the ratio before cap and group. `p_value` is set where the
    piece is a test. `figures` holds the statistic and the sample sizes behind it.
    """

    evidence: str
    group: str
    llr: float
    raw: float
    counted: bool
    sentence: str
    p_value: float | None = None
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def against(self) -> bool:
        """Whether this piece speaks against a campaign."""
        return self.raw < 0


def kinds(pieces: Iterable[Piece]) -> frozenset[str]:
    """The kinds of evidence that carry a ring's verdict: groups of a nat or more, all habits being one."""
    groups = frozenset(p.group for p in pieces if p.llr >= A_KIND) - {TOGETHER}
    return groups - HABITS | ({"habits"} if groups & HABITS else frozenset())


@dataclass(frozen=True)
class Slot:
    """One moving place of a template: how many different fillings the prompts that were read have, and a few."""

    distinct: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """A prompt with moving slots: fixed texts around `slots` (always one more fixed text than slots).

    `texts` and slot examples are empty where the log kept imprints only. `share` is the share of the
    campaign's attributed exchanges that fill it, `accounts` how many of its accounts do, `prompts` how many
    different prompts do; `fillings` and slots are of those that were read (24 at most).
    """

    key: str
    texts: tuple[str, ...]
    slots: tuple[Slot, ...]
    exchanges: int
    accounts: int
    share: float
    #: Pairs of accounts with their differing fillings of the first slot, shown when a tie is hovered.
    fillings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    prompts: int = 0


@dataclass(frozen=True)
class Member:
    """One account of a campaign: its share of the evidence, and how many of its exchanges are attributed.

    `hours` are nats by which these exchanges were sent when the campaign's were, and not at hours of its own.
    """

    account: str
    organisation: str | None
    exchanges: int
    attributed: int
    tie: float
    first_at_us: Moment
    last_at_us: Moment
    ties: tuple[str, ...] = ()
    hours: float = 0.0
    #: whether the ring was judged without it: it fills its templates when it does, and nothing had tied it before
    late: bool = False

    @property
    def firm(self) -> bool:
        """Whether something beside what it asks for ties it: its hours, or means and access that it shares."""
        return self.hours >= A_KIND or not BY_CONTENT.issuperset(self.ties)


@dataclass(frozen=True)
class Taken:
    """What was harvested: a kind of request (an intent, a template, a model), with its count."""

    what: str
    exchanges: int
    share: float


@dataclass(frozen=True)
class Proposal:
    """What would be proportionate under the policy pack: never an action, a person decides.

    `rule` is the id of the rule (or limit) that decided, or `no-rule`, `pack_sha256` the digest of the pack's bytes.
    """

    rung: str
    rule: str
    pack: str
    reason: str
    person_required: bool = True
    pack_sha256: str = ""


@dataclass(frozen=True)
class Undecided:
    """A declaration that names accounts of a ring and speaks for none: it names too few, or ended before the log does.

    `accounts` are those members that it names; `named` of the `judged` accounts that the ring was judged with.
    `ended` is its last day where that is over.
    """

    declared: str
    accounts: tuple[Place, ...]
    named: int
    judged: int
    ended: str | None = None


@dataclass(frozen=True)
class Campaign:
    """One ring with everything that is known for and against it.

    The verdict is `log_odds` = `prior_log_odds` + the sum of `pieces[i].llr`; `probability` is its logistic.
    `chance` is the number of rings at least as strong that this log would show without any campaign, under
    `null_model`. `share_in_view` estimates how much of the ring has been found (1 − R of one pool), where known.
    """

    id: Name
    kind: Kind
    word: Word
    probability: float
    log_odds: float
    prior_log_odds: float
    chance: float
    null_model: str
    sentence: str
    pieces: tuple[Piece, ...]
    members: tuple[Member, ...]
    exchanges: int
    first_at_us: Moment
    last_at_us: Moment
    taken: tuple[Taken, ...] = ()
    templates: tuple[Template, ...] = ()
    #: exchanges per UTC hour: (hour start in µs, attributed, all of the members')
    timeline: tuple[tuple[Moment, int, int], ...] = ()
    #: first use of each model by the ring: (model, µs, share of members that had used it within 24 h)
    pivots: tuple[tuple[str, Moment, float], ...] = ()
    share_in_view: float | None = None
    proposal: Proposal | None = None
    declared: str | None = None
    #: declarations that name some of its accounts and don't decide
    undecided: tuple[Undecided, ...] = ()
    #: sparse links between members for the ring map: (index a, index b, weight in nats, evidence)
    links: tuple[tuple[Place, Place, float, str], ...] = ()
    #: links to accounts of other rings that were cut as bridges
    bridges: tuple[tuple[str, str, float], ...] = ()
    #: accounts that the evidence was judged with; members are those of them that can be named
    judged_with: int = 0
    #: whether members could be told from bystanders; if not, the group is listed as it was proposed
    told: bool = True

    @property
    def reported(self) -> bool:
        """Whether the verdict reached the threshold to report (its word says so)."""
        return self.word in REPORTED

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of evidence that carry it (a nat or more each); a report needs two."""
        return kinds(self.pieces)

    @property
    def firm(self) -> int:
        """How many of its members something beside what they ask for ties to it."""
        return sum(member.firm for member in self.members)


@dataclass(frozen=True)
class AccountVerdict:
    """What single-account evidence says of one account: never more than `possible`, whatever the sum.

    `log_odds` = `prior_log_odds` + the sum of `pieces[i].llr`. `campaign` is the reported campaign that it belongs to.
    """

    account: str
    organisation: str | None
    word: Word
    probability: float
    log_odds: float
    prior_log_odds: float
    pieces: tuple[Piece, ...]
    exchanges: int
    campaign: Name | None = None


@dataclass(frozen=True)
class Coverage:
    """What one kind of evidence could see in this log."""

    evidence: str
    title: str
    available: bool
    missing: tuple[str, ...]
    sees: str
    false_positive_rate: str
    innocent_causes: tuple[str, ...]
    evasion_cost: str


@dataclass(frozen=True)
class LogSummary:
    """What was read: counts, span, what was set aside and why."""

    exchanges: int
    accounts: int
    organisations: int
    first_at_us: Moment
    last_at_us: Moment
    set_aside: int
    duplicates: int
    set_aside_reasons: tuple[tuple[str, int], ...] = ()
    sources: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    #: exchanges per UTC hour over the whole log: (hour start in µs, exchanges)
    timeline: tuple[tuple[Moment, int], ...] = ()
    #: first time each model is seen in the log: (model, µs)
    models: tuple[tuple[str, Moment], ...] = ()


@dataclass(frozen=True)
class Findings:
    """The whole outcome of an investigation, as plain data.

    `campaigns` are those reported; `considered` those that were proposed and did not reach the threshold,
    strongest first. `chance_total` is the number of reported rings expected in a log without any. `notes` are
    sentences on how the log was read: declarations that match nothing, files passed over, values left empty.
    """

    log: LogSummary
    campaigns: tuple[Campaign, ...]
    considered: tuple[Campaign, ...]
    coverage: tuple[Coverage, ...]
    chance_total: float
    settings: dict[str, object]
    version: str
    imprint_key_id: str
    seconds: float = 0.0
    peak_bytes: int = 0
    labels_note: str | None = None
    #: accounts that are at least possible on their own evidence, strongest first (some at most)
    accounts: tuple[AccountVerdict, ...] = ()
    notes: tuple[str, ...] = ()

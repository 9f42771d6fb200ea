"""Facts about an account and its campaign in, a proportionate rung out, with the rule that decided: a pure function.

`pack` reads a YAML file, `decide` applies it to a campaign, a `Decider` to many accounts. How a rung is carried
out is no business of this room, and nothing here ever acts: persons decide, or a pack that they wrote.
"""

from headwater.policy.cases import Case, Result, cases_beside, read_cases, run_cases, untested
from headwater.policy.comparison import Change, compare_packs
from headwater.policy.decision import Decider, Decision, decide, inputs_sha256
from headwater.policy.duties import Asked, Duties
from headwater.policy.examination import Remark, examine
from headwater.policy.facts import FACTS, AccountFacts, Customer, Facts, facts_of, facts_of_member, possible
from headwater.policy.in_force import PolicyInForce, install
from headwater.policy.pack import (
    SHIPPED,
    Limit,
    Overlay,
    Pack,
    Programme,
    Rule,
    default_pack,
    load_pack,
    parse_pack,
    shipped,
)
from headwater.policy.replay import Hit, Moved, Replayed, Row, replay, upper_bound
from headwater.policy.rungs import LASTS_H, MEANING, REASON_CLASS, REASON_CLASSES, RUNGS, Rung
from headwater.policy.subjects import Subject, read_facts, read_outcomes, subjects_of

__all__ = [
    "FACTS",
    "LASTS_H",
    "MEANING",
    "REASON_CLASS",
    "REASON_CLASSES",
    "RUNGS",
    "SHIPPED",
    "AccountFacts",
    "Asked",
    "Case",
    "Change",
    "Customer",
    "Decider",
    "Decision",
    "Duties",
    "Facts",
    "Hit",
    "Limit",
    "Moved",
    "Overlay",
    "Pack",
    "PolicyInForce",
    "Programme",
    "Remark",
    "Replayed",
    "Result",
    "Row",
    "Rule",
    "Rung",
    "Subject",
    "cases_beside",
    "compare_packs",
    "decide",
    "default_pack",
    "examine",
    "facts_of",
    "facts_of_member",
    "inputs_sha256",
    "install",
    "load_pack",
    "parse_pack",
    "possible",
    "read_cases",
    "read_facts",
    "read_outcomes",
    "replay",
    "run_cases",
    "shipped",
    "subjects_of",
    "untested",
    "upper_bound",
]

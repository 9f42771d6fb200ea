"""Facts about a campaign in, a proportionate rung out, with the rule that decided: a pure function.

`pack` reads a YAML file of rules, `decide` applies it. How a rung is carried out is no business of this room,
and nothing here ever acts: a person decides.
"""

from headwater.policy.decision import decide
from headwater.policy.facts import Facts, facts_of
from headwater.policy.pack import Pack, Rule, default_pack, load_pack, parse_pack
from headwater.policy.rungs import MEANING, Rung

__all__ = [
    "MEANING",
    "Facts",
    "Pack",
    "Rule",
    "Rung",
    "decide",
    "default_pack",
    "facts_of",
    "load_pack",
    "parse_pack",
]

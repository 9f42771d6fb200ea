"""Facts and a pack in, a proposal out: the one place where figures are compared with a policy.

Total order: the highest rung whose condition holds wins (the first in the file among equals), then every
limit whose condition holds caps it, and gives the reason. A pure function; what it returns is a proposal, never
an action.
"""

from __future__ import annotations

from headwater.detect import NO_RULE, Proposal
from headwater.policy.facts import Facts
from headwater.policy.pack import Pack
from headwater.policy.rungs import Rung


def decide(facts: Facts, pack: Pack) -> Proposal:
    """What would be proportionate for `facts` under `pack`, with the rule that decided."""
    holding = [rule for rule in pack.rules if rule.holds(facts)]
    # max() keeps the first of equals: the file's order breaks ties.
    deciding = max(holding, key=lambda rule: rule.rung, default=None)
    rung = deciding.rung if deciding else Rung.OBSERVE
    person = deciding.person_required if deciding else False
    rule_id = deciding.id if deciding else NO_RULE
    reason = deciding.reason if deciding else "No rule of the pack asks for more than watching."
    limited = False
    for limit in pack.limits:
        # A limit at the rung itself says better than the rule why it isn't a higher one.
        if (limit.rung < rung or (limit.rung == rung and not limited)) and limit.holds(facts):
            rung, rule_id, reason, limited = limit.rung, limit.id, limit.reason, True
    return Proposal(
        rung=rung.word,
        rule=rule_id,
        pack=pack.name,
        reason=reason,
        person_required=person,
        pack_sha256=pack.sha256,
    )

"""One purse: members pause together while everybody else goes on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from headwater.detect.fold import Card, Finding, World
from headwater.detect.moments import Moments, Timed
from headwater.detect.pace.purse import joint_pauses

CAP, CAP_AGAINST = 3.0, 0.7
FIRST_LOOK, PERMUTATIONS, WORTH_MORE = 39, 499, 0.1

CARD = Card(
    name="purse",
    title="One purse",
    group="purse",
    sees="accounts that fall silent together when each would usually be at work, while everybody else goes on",
    null="each account's series shifted by whole days or weeks, which keeps its volume and rhythm",
    false_positive="on groups of real accounts: see docs/explanation/pace.md (measured by "
    "benchmarks/detection/pace.py)",
    innocent_causes=("a holiday of one region", "an outage of one carrier or cloud", "a shared deadline"),
    evasion_cost="separate payment, limits and deployments for each account",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    source="permutation test of joint silences; docs/explanation/pace.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


class Purse(Timed):
    """Joint silences of each ring."""

    card = CARD
    columns = ()

    def finish(self, state: Moments, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with enough days."""
        table = state.table(world.customer, world.context["ring_of"])
        out = {}
        for at, ring in enumerate(world.rings):
            times, _ = table.of(at, np.unique(world.customer[ring.members]))
            # Few permutations show where nothing is to be found; only the rest is worth many.
            for permutations in (FIRST_LOOK, PERMUTATIONS):
                result = joint_pauses(
                    times,
                    world.activity,
                    world.bin_us,
                    origin_us=world.span_us[0],
                    seed=world.seed,
                    permutations=permutations,
                )
                if not result.enough or result.p_value > WORTH_MORE:
                    break
            if not result.enough:
                continue
            if result.llr > 0:
                sentence = (
                    f"Its accounts fall silent together: {len(result.pauses)} joint pauses in which "
                    f"{result.expected:.0f} requests were due and {result.observed} came, while everybody else went on."
                )
            else:
                sentence = "Its accounts share no pauses beyond what their rhythms give."
            figures = {
                "pauses": float(len(result.pauses)),
                "expected": result.expected,
                "observed": float(result.observed),
                "statistic": result.statistic,
            }
            out[at] = Finding(max(result.llr, -CAP_AGAINST), sentence, result.p_value, figures)
        return out


test = Purse()

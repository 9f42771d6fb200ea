"""Machine-like arrival: the ring's accounts don't sleep, keep a clock, are even, as a dispatcher's are.

Most honest traffic is automated too, so this weighs less than half a nat and only ever beside evidence of a ring. It
is the mean over the ring's customers, never a sum: they share one client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from headwater.detect.fold import Card, Finding, World
from headwater.detect.moments import Moments, Timed
from headwater.detect.objects import some_of
from headwater.detect.pace import ArrivalFeatures, arrival_features, arrival_llr

CAP, CAP_AGAINST = 0.5, 0.7
#: Fewer customers with enough arrivals say nothing of a group; more than the most add nothing to its mean.
FEWEST, MOST = 3, 300
#: Nats from which an account is said to arrive as programs do: three to one.
LIKE = 0.22

CARD = Card(
    name="arrival",
    title="Machine-like arrival",
    group="behaviour",
    sees="accounts that ask at all hours, evenly or by a clock, as programs do",
    null="honest accounts, half of them automated, as three quarters of a ring's are",
    false_positive="not evidence by itself: 10% of 1,135 account-years of people (commit times) lie on the machines' "
    "side, and most honest API traffic is automated; docs/explanation/pace.md",
    innocent_causes=("any product with an API behind it", "batch jobs and schedulers", "monitoring"),
    evasion_cost="keep office hours and think times: throughput falls to a third",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    source="logistic law on quiet hours, spread of gaps and clock; docs/explanation/pace.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


class Arrival(Timed):
    """The mean weight of the arrivals of a ring's customers."""

    card = CARD

    def finish(self, state: Moments, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with enough customers of enough arrivals."""
        table = state.table(world.customer, world.context["ring_of"])
        out = {}
        for at, ring in enumerate(world.rings):
            times, durations = table.of(at, some_of(np.unique(world.customer[ring.members]), MOST))
            found = [
                arrival_features(t, None if durations is None else durations[i]) for i, t in enumerate(times)
            ]
            found = [features for features in found if features.enough]
            if len(found) >= FEWEST:
                out[at] = _finding(found)
        return out


def _finding(found: Sequence[ArrivalFeatures]) -> Finding:
    weights = [arrival_llr(features) for features in found]
    raw = float(np.mean(weights))
    like = sum(weight > LIKE for weight in weights)
    quiet = float(np.median([features.quiet_share for features in found]))
    sentence = (
        f"{like:,} of {len(found):,} customers with enough requests arrive as programs do; in their quietest eight "
        f"hours come {quiet:.0%} of the requests (a third: no hours are quieter). Automation is no sign of extraction."
    )
    figures = {
        "machine_like": float(like),
        "customers": float(len(found)),
        "quiet_share": quiet,
        "gap_spread": float(np.median([features.gap_spread for features in found])),
        "clock": float(np.median([features.clock for features in found])),
        "together": float(max(features.together for features in found)),
    }
    return Finding(raw, sentence, None, figures)


test = Arrival()

"""One pool or one pacer: members are steadier together than apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from headwater.detect.allies import ALLIED
from headwater.detect.beats import DAY_US
from headwater.detect.fold import Card, Finding, World
from headwater.detect.moments import Moments, Timed
from headwater.detect.pace.pool import pool_ratio

CAP, CAP_AGAINST = 5.0, 1.0

CARD = Card(
    name="pool",
    title="One pool or one pacer",
    group="time",
    sees="accounts whose requests together are steadier than they are apart, as one dispatcher's are",
    null="each account's requests shifted by a random lag of its own, small against the daily rhythm",
    false_positive="on groups of real accounts: see docs/explanation/pace.md (measured by "
    "benchmarks/detection/pace.py)",
    innocent_causes=(
        "a shared rate limit",
        "one product's job queue behind several keys",
        "an automation vendor that works through its customers' jobs with their own keys",
    ),
    evasion_cost="random think time and idle capacity: throughput falls in proportion",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    source="variance ratio of superposed point processes against circular shifts; docs/explanation/pace.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


class Pool(Timed):
    """Variance of the ring's total against the sum of its members' variances."""

    card = CARD

    def finish(self, state: Moments, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with enough arrivals."""
        table = state.table(world.customer, world.context["ring_of"])
        allied = world.context.get(ALLIED, ())
        # What was joined by some days is judged by the others.
        fresh = table.where(table.at_us // DAY_US % 2 == 1) if allied else table
        out = {}
        for at, ring in enumerate(world.rings):
            view = fresh if at in allied else table
            times, durations = view.of(at, np.unique(world.customer[ring.members]))
            result = pool_ratio(times, durations, seed=world.seed)
            if not result.enough:
                continue
            if result.llr > 0:
                sentence = (
                    f"Its requests are steadier together than apart: the variance of their sum is {result.ratio:.2f} "
                    f"of what independent accounts give ({result.null_mean:.2f}), so at least about "
                    f"{result.share_in_view:.0%} of one dispatcher's traffic is in view (what accounts send on their "
                    "own lowers this)."
                )
            else:
                sentence = (
                    "Its accounts' requests come independently of each other "
                    f"(variance ratio {result.ratio:.2f})."
                )
            figures = {
                "ratio": result.ratio,
                "null_mean": result.null_mean,
                "null_sd": result.null_sd,
                "share_in_view": result.share_in_view,
                "share_low": result.share_low,
                "share_high": result.share_high,
                "windows": float(result.windows),
                "window_s": result.window_us / 1e6,
                "arrivals": float(result.arrivals),
            }
            out[at] = Finding(max(result.llr, -CAP_AGAINST), sentence, result.p_low, figures)
        return out


test = Pool()

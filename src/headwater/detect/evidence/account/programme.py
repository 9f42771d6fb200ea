"""Entry by one programme: most of a ring came in through education, start-up or research access, and uses it more.

That many came through one programme is what programmes are for. It counts only where they also send more than the
programme's other accounts do, and then little.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from headwater.detect.evidence.account.alike import LEAST_ALIKE, People, most_alike
from headwater.detect.evidence.account.signup import coded
from headwater.detect.fold import Card, Finding, NoRows, Ring, World
from headwater.detect.ordering import ByCode
from headwater.detect.pvalues import calibrated

#: Fewer other customers in the programme can't be compared with.
LEAST_OTHERS = 10

CARD = Card(
    name="programme",
    title="One programme of entry",
    group="account",
    sees="rings most of whose customers came through one access programme and send more than its other customers",
    null="both at once: as many customers outside came through it, and those who did send as much (the weaker of two "
    "p-values: binomial, and the rank sum of volumes)",
    false_positive="not measured yet",
    innocent_causes=("a class or a research group that entered together", "a programme that was just opened"),
    evasion_cost="enter by several ways, or use the access no more than others",
    cap_nats=1.0,
    needs=("account.programme",),
    source="Anthropic, 2026-02-23 (education, security research and start-up programmes as entry)",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Programme(NoRows):
    """Compares a ring's way in, and its use, with everybody else's."""

    card = CARD
    stage = "confirm"

    def finish(self, state: None, world: World) -> Mapping[int, Finding]:
        """A finding for each ring several of whose customers came through one programme."""
        account, programme, _ = coded(world, "programme")
        everybody = np.arange(world.size, dtype=np.int32)
        entry = np.full(world.size, -1, np.int64)
        entry[account] = programme
        # An account without a programme counts too: it came in by the open door.
        people = People.of(everybody, entry, world.customer)
        came = ByCode(entry)
        out = {}
        for at, ring in enumerate(world.rings):
            if np.count_nonzero(entry[ring.members] >= 0) < LEAST_ALIKE:
                continue
            found = most_alike(ring, people, world.customer)
            mine = ring.members[entry[ring.members] == found.value] if found is not None else ring.members[:0]
            if found is None or not found.hits or found.value < 0 or not len(mine):
                continue
            more, others = _more(mine, came.of(found.value), ring, world)
            said = (
                f"{found.hits:,} of its {found.customers:,} customers came through one access programme; of as many "
                f"others {found.expected:.1f} would. "
            )
            figures = {"entered": float(found.hits), "expected": found.expected, "others": float(others)}
            if more is None:
                said += f"{others:,} others came through it, too few to compare their use with."
                out[at] = Finding(0.0, said, None, figures)
                continue
            both = max(found.p_value, more)
            unlike = "more than" if more < 0.05 else "no more than"
            said += f"They send {unlike} the {others:,} others who came through it (p = {more:.2g})."
            out[at] = Finding(max(calibrated(both), -0.2), said, both, figures)
        return out


def _more(
    mine: npt.NDArray[np.int32], came: npt.NDArray[np.int64], ring: Ring, world: World
) -> tuple[float | None, int]:
    """Whether these members send more than others who `came` by their programme (p-value), and how many others."""
    theirs = came[~np.isin(world.customer[came], world.customer[ring.members])]
    ours, others = _by_customer(mine, world), _by_customer(theirs, world)
    return (rank_sum(ours, others) if len(others) >= LEAST_OTHERS else None), len(others)


def _by_customer(accounts: npt.NDArray[np.integer], world: World) -> npt.NDArray[np.float64]:
    """Exchanges of each customer's busiest account."""
    people, place = np.unique(world.customer[accounts], return_inverse=True)
    most = np.zeros(len(people))
    np.maximum.at(most, place, world.volume[accounts].astype(np.float64))
    return most


def rank_sum(ours: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    """P-value of ours being greater than others (Mann–Whitney: normal law, ties and continuity corrected)."""
    n, m = len(ours), len(others)
    _, place, ties = np.unique(np.concatenate([ours, others]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    above = ranks[:n].sum() - n * (n + 1) / 2 - n * m / 2
    spread = n * m / 12 * ((n + m + 1) - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float(ndtr(-(above - 0.5) / np.sqrt(spread))) if spread > 0 and above > 0 else 1.0


test = Programme()

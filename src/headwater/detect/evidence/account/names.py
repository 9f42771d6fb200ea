"""Patterned names: one shape of sign-up name (aaaaa0000) in a ring, rare among everybody else.

Only the shape is known here, never a name: letters of any script are a, digits of any script 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.detect.evidence.account.alike import People, most_alike
from headwater.detect.evidence.account.signup import coded
from headwater.detect.fold import Card, Finding, NoRows, World
from headwater.detect.pvalues import calibrated

CARD = Card(
    name="names",
    title="One shape of name",
    group="account",
    sees="customers of a ring whose sign-up names have one shape (so many letters and digits) that few others have",
    null="who of all customers with a name of that shape is in the ring is chance (Fisher); every shape that "
    "three have is counted as tried",
    false_positive="not measured yet",
    innocent_causes=(
        "student or staff numbers as names",
        "one company's convention",
        "names that a sign-up form suggests",
    ),
    evasion_cost="names of varied make: a list of real ones costs next to nothing",
    cap_nats=1.5,
    needs=("account.name_pattern",),
    source="Anthropic, 2026-02-23; tirreno, rules on sign-up addresses",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Names(NoRows):
    """Compares the commonest shape of name in a ring with everybody else's."""

    card = CARD
    stage = "confirm"

    def finish(self, state: None, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with five customers whose shape of name is known."""
        account, shape, _ = coded(world, "name_pattern")
        people = People.of(account, shape, world.customer)
        out = {}
        for at, ring in enumerate(world.rings):
            found = most_alike(ring, people, world.customer)
            if found is None:
                continue
            if found.hits:
                said = (
                    f"{found.hits:,} of its {found.customers:,} customers with a known name have one of the same "
                    f"shape; of as many others {found.expected:.1f} would."
                )
            else:
                said = f"Of its {found.customers:,} customers with a known name hardly two have one of the same shape."
            figures = {
                "alike": float(found.hits),
                "customers": float(found.customers),
                "expected": found.expected,
            }
            out[at] = Finding(max(calibrated(found.p_value), 0.0), said, found.p_value, figures)
        return out


test = Names()

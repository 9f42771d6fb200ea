"""Mail domains of sign-up: disposable ones, and domains that are new to the service and shared by strangers.

Which provider somebody uses says nothing, nor in which country it is. A domain is new where none of its accounts
existed before the log began, though so many others' did that this is no accident.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.account.signup import created_us, texts
from headwater.detect.fold import Card, NoRows, Reading, World
from headwater.detect.mail_domains import kind_of, plain
from headwater.detect.pairs import pairs

#: Customers of a domain from which it is shared by several, and other customers from which it is known what is usual.
LEAST, LEAST_OTHERS = 5, 20
#: −log10 of the chance that none of so many would be older than the log.
NO_ACCIDENT = 3.0
NOTABLE = 1.0

CARD = Card(
    name="mail",
    title="Disposable or new mail domain",
    group="account",
    sees="accounts signed up with a disposable mail domain (a short list, and the operator's own), or with one that "
    "five customers or more use and none used before the log began",
    null="how many other customers of the log have such a domain",
    false_positive="not measured yet",
    innocent_causes=(
        "privacy",
        "a company, a school or a class that joins as a whole",
        "a provider that has just opened",
    ),
    evasion_cost="addresses at common providers, which are sold by the thousand, or old domains",
    cap_nats=1.0,
    needs=("account.email_domain",),
    source="tirreno, rules E01–E30; Stripe Radar, multi-accounting",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Mail(NoRows):
    """What an account's mail domain is."""

    card = CARD
    stage = "trait"

    def finish(self, state: None, world: World) -> Reading:
        """1 for a disposable domain, up to 1 for a new and shared one, 0 otherwise; NaN where unknown."""
        domains = [plain(d) or None if d else None for d in texts(world, "email_domain")]
        kind = kind_of(domains, world.context.get("domains"))
        known = np.array([d is not None for d in domains], bool)
        value = np.where(known, np.where(kind == "disposable", NOTABLE, 0.0), np.nan)
        undecided = np.flatnonzero(known & (kind == None))  # noqa: E711  (element by element)
        if len(undecided):
            of = np.array([domains[at] for at in undecided.tolist()], object).astype(str)
            value[undecided] = _new(world, undecided, np.unique(of, return_inverse=True)[1])
        return Reading(
            value,
            NOTABLE,
            "signed up with a disposable mail domain or with a new one that several customers share",
        )


def _new(
    world: World, account: npt.NDArray[np.int64], domain: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """How new and shared the domain of each account is (m, from 0 to 1)."""
    created, dated = created_us(world)
    keep = dated[account]
    out = np.zeros(len(account))
    held = pairs(domain[keep], world.customer[account[keep]])
    old = np.zeros(len(held.first), bool)
    old[held.place[created[account[keep]] < world.span_us[0]]] = True
    people = np.bincount(held.first, minlength=int(domain.max()) + 1)
    before = np.bincount(held.first, old, minlength=len(people))
    # What is usual is taken from the other domains: a customer of two domains counts in both, which changes little.
    others = people.sum() - people
    share = (before.sum() - before) / np.maximum(others, 1)
    surprise = -people * np.log10(np.maximum(1 - share, 1e-3))
    new = (people >= LEAST) & (before == 0) & (others >= LEAST_OTHERS)
    out[keep] = np.where(new, np.minimum(surprise / NO_ACCIDENT, NOTABLE), 0.0)[domain[keep]]
    return out


trait = Mail()

"""Fingerprints that contradict the user agent: the client says that it is one program and greets like another.

Which fingerprints go with which program is learned from the log itself: a value is out of place where next to nobody
of the named family shows it and most of another family do. Nothing is looked up, and new programs need no update.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.account.client import family
from headwater.detect.evidence.account.tally import OfTally, Tally, named, values
from headwater.detect.fold import NO_KEY, Batch, Card, Reading, World

#: Kinds of fingerprints that go with a program.
PRINTS = ("tls", "http2", "ja4h")
#: Fewer exchanges with a user agent and a fingerprint say nothing.
LEAST = 5
#: Fewer customers of a family don't show what is usual in it.
LEAST_FAMILY = 10
#: At most this share of a family's other customers shows a value that is out of place in it …
RARE = 0.1
#: … and at least this share of another family's shows it.
USUAL = 0.5
NOTABLE = 0.5

CARD = Card(
    name="contradiction",
    title="Fingerprint contradicts the user agent",
    group="client",
    sees="accounts whose user agent names one program while TLS, HTTP/2 or JA4H (version, cookie, referer) are those "
    "of another",
    null="how many other customers of the log contradict themselves as often",
    false_positive="not measured yet",
    innocent_causes=(
        "a company's proxy that opens and closes TLS for everybody behind it",
        "a program that keeps its library's name as user agent",
        "a privacy extension that changes the user agent",
    ),
    evasion_cost="an HTTP stack that imitates the named program, kept up to date",
    cap_nats=1.5,
    needs=("user_agent",),
    any_of=PRINTS,
    source="FoxIO, JA4+ specification; OWASP AISVS research notes on 11.2 (JA4H)",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


def protocol(ja4h: str) -> str | None:
    """HTTP version, cookie and referer of a JA4H; None for anything else. Method and headers vary with the call."""
    found = re.match(r"\w{2}(\d\d[cn][rn])", ja4h)
    return found[1] if found else None


class Contradiction(OfTally):
    """In what share of its exchanges an account's fingerprint is another program's."""

    card = CARD
    stage = "trait"
    width = 2 + len(PRINTS)
    columns = ("user_agent", *PRINTS)

    def update(self, state: Tally, batch: Batch) -> Tally:
        """Count (account, family, one value for each kind of fingerprint)."""
        product = values(batch, "user_agent", family)
        shown = [values(batch, name, protocol if name == "ja4h" else None) for name in PRINTS]
        seen = np.flatnonzero((product != NO_KEY) & np.any([value != NO_KEY for value in shown], axis=0))
        if len(seen):
            prints = (value[seen] for value in shown)
            state.add(batch.at_us[seen], batch.account[seen], product[seen], *prints)
        return state

    def finish(self, state: Tally, world: World) -> Reading:
        """The greatest share of exchanges out of place by any kind of fingerprint; NaN below LEAST exchanges."""
        value = np.full(world.size, np.nan)
        state.compact()
        for kind in state.rows[2:]:
            tally = Tally(3)
            tally.add_counted(state, kind != NO_KEY.astype(np.int64), *state.rows[:2], kind)
            tally.compact()
            account, product, print_ = tally.rows
            known = np.bincount(account, tally.times, minlength=world.size)
            strange = np.bincount(
                account, tally.times * _out_of_place(world.customer[account], product, print_), world.size
            )
            value = np.fmax(value, np.where(known >= LEAST, strange / np.maximum(known, 1), np.nan))
        return Reading(
            value,
            NOTABLE,
            "name one program while their connection is another's, in at least half of their exchanges",
        )


def _out_of_place(
    customer: npt.NDArray[np.int32], product: npt.NDArray[np.int64], print_: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether a fingerprint (m) is hardly anybody's of the named family and usual in another."""
    if not len(customer):
        return np.zeros(0, bool)
    # A customer counts once in a family, however many accounts or versions it has.
    _, once = np.unique(named(customer, product), return_index=True)
    families, place = np.unique(product, return_inverse=True)
    people = np.bincount(place[once], minlength=len(families))
    pairs, at, where = np.unique(named(product, print_), return_index=True, return_inverse=True)
    _, once = np.unique(named(customer, product, print_), return_index=True)
    shown = np.bincount(where[once], minlength=len(pairs))
    size = people[place[at]]
    share = np.where(size >= LEAST_FAMILY, shown / np.maximum(size, 1), 0.0)
    prints, which = np.unique(print_[at], return_inverse=True)
    most = np.zeros(len(prints))
    np.maximum.at(most, which, share)
    # Without the customer itself; where it is RARE here and USUAL somewhere, that is in another family.
    rare = (size >= LEAST_FAMILY) & ((shown - 1) <= RARE * (size - 1))
    return np.asarray((rare & (most[which] >= USUAL))[where])


trait = Contradiction()

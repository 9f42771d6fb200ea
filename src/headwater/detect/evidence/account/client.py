"""One client: a ring whose customers have the same TLS, HTTP and header fingerprints, few of whom others have.

People of one tool have its client in common. So customers are compared with others of the same user agent, but for
one that is all but the ring's own. The language that a JA4H carries is left out: it must not raise a score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.account.alike import People, most_alike
from headwater.detect.evidence.account.tally import OfTally, Tally, named, values
from headwater.detect.fold import NO_KEY, Batch, Card, Finding, World
from headwater.detect.ordering import by_code
from headwater.detect.pvalues import calibrated

MARKS = ("tls", "ja4h", "http2", "header_order")
#: An account has a client where it shows one in at least so many exchanges, and in this share of them.
LEAST, MOSTLY = 5, 0.5

CARD = Card(
    name="client",
    title="One client in common",
    group="client",
    sees="customers of a ring that have one combination of TLS (JA4, JA3), JA4H, HTTP/2 settings and header order that "
    "few other customers have",
    null="customers outside the ring that name the same program as user agent (one that is all but the ring's: "
    "all): who of them has the combination is chance (Fisher); every combination that three have is counted",
    false_positive="not measured yet",
    innocent_causes=(
        "one program that all of them installed",
        "one company's proxy in front of all of them",
        "one new version that few have yet",
    ),
    evasion_cost="several HTTP stacks, or a library that imitates common ones",
    cap_nats=1.5,
    any_of=MARKS,
    source="FoxIO, JA4+ specification; Glasswally (TLS and HTTP/2 fingerprints)",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


def family(user_agent: str) -> str | None:
    """The products that a user agent names, without versions and comments ("openai/python", "mozilla firefox")."""
    named_ = re.sub(r"\([^()]*\)", " ", user_agent[:512])
    products = re.sub(r"(?:(?<=\s)|/|^)v?\d[\w.+-]*", " ", named_).casefold().split()
    return " ".join(products)[:64] or None


def without_language(ja4h: str) -> str:
    """A JA4H without the four letters of its language."""
    return re.sub(r"^(\w{2}\d\d[cn][rn]\d\d)\w{4}", r"\1", ja4h)


class Client(OfTally):
    """Compares the commonest client of a ring with everybody else's."""

    card = CARD
    stage = "confirm"
    width = 3
    columns = (*MARKS, "user_agent")

    def update(self, state: Tally, batch: Batch) -> Tally:
        """Count (account, combination, family) of rows that show any mark."""
        marks = [values(batch, name, without_language if name == "ja4h" else None) for name in MARKS]
        seen = np.flatnonzero(np.any([mark != NO_KEY for mark in marks], axis=0))
        if len(seen):
            product = values(batch, "user_agent", family)
            one = named(*marks)
            state.add(batch.at_us[seen], batch.account[seen], one[seen], product[seen])
        return state

    def finish(self, state: Tally, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with five customers whose client is known."""
        state.compact()
        account, client = _mostly(state.rows[0], state.rows[1], state.times)
        tool = np.full(world.size, -1, np.int64)
        whose, product = _mostly(state.rows[0], state.rows[2], state.times)
        tool[whose] = product
        people = People.of(account, client, world.customer, tool)
        out = {}
        for at, ring in enumerate(world.rings):
            found = most_alike(ring, people, world.customer)
            if found is None:
                continue
            said = (
                f"{found.hits:,} of its {found.customers:,} customers of whom enough is known have one client (TLS, "
                f"HTTP and header fingerprints); of as many others {found.expected:.1f} would."
                if found.hits
                else f"Of its {found.customers:,} customers of whom enough is known hardly two have one client."
            )
            figures = {
                "alike": float(found.hits),
                "customers": float(found.customers),
                "expected": found.expected,
            }
            out[at] = Finding(max(calibrated(found.p_value), 0.0), said, found.p_value, figures)
        return out


def _mostly(
    account: npt.NDArray[np.int64], value: npt.NDArray[np.int64], times: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Accounts that show one value in most of their exchanges, and that value."""
    order = by_code(account, value)
    account, value, times = account[order], value[order], times[order]
    first = np.flatnonzero((np.diff(account, prepend=-1) != 0) | (np.diff(value, prepend=value[:1]) != 0))
    count = np.add.reduceat(times, first) if len(first) else times
    account, value = account[first], value[first]
    total = np.bincount(account, count, minlength=1)[account] if len(account) else count
    keep = (count >= LEAST) & (count > MOSTLY * total)
    return account[keep].astype(np.int32), value[keep]


test = Client()

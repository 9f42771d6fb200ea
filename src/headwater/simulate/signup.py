"""What a provider knows of accounts at sign-up: money, devices, numbers, addresses, dates.

Ordinary accounts share little, organisations share by nature, and rings share as their scenario says. The
same values and ranges serve all three, so that no value gives a side away.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headwater.simulate.cast import AccountRows, Cast
from headwater.simulate.chance import Ints
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Infrastructure
from headwater.simulate.software import addresses

_DOMAINS = {
    "gmail.com": 0.45, "outlook.com": 0.16, "yahoo.com": 0.08, "qq.com": 0.08, "163.com": 0.06,
    "proton.me": 0.05, "icloud.com": 0.08, "web.de": 0.04,
}  # fmt: skip
_TIERS = {"free": 0.25, "pay-as-you-go": 0.55, "plus": 0.2}
_PROGRAMMES = {"education": 0.6, "start-up": 0.25, "research": 0.15}
_PURPOSES = dict.fromkeys(
    ("chat assistant", "coding help", "research", "study", "customer support", "data processing", "writing"),
    1 / 7,
)


def _some(rng: np.random.Generator, values: list[str], share: float) -> list[str | None]:
    known = (rng.random(len(values)) < share).tolist()
    return [value if there else None for value, there in zip(values, known, strict=True)]


def _pick(rng: np.random.Generator, options: dict[str, float], count: int) -> list[str]:
    names, p = list(options), list(options.values())
    return [names[i] for i in rng.choice(len(names), size=count, p=p).tolist()]


def ordinary(rng: np.random.Generator, cast: Cast, days: float, ips: list[str]) -> AccountRows:
    """Accounts of unrelated persons, one per address: most old, a few new; one in thirty shares a card."""
    count = len(ips)
    fresh = rng.random(count) < 0.2
    created = np.where(fresh, rng.uniform(-5, days * 0.8, count), -rng.exponential(240.0, count) - 5.0) * DAY
    with_neighbour = rng.random(count) < 1 / 30
    holder = np.where(with_neighbour, np.maximum(np.arange(count) - 1, 0), np.arange(count)).tolist()
    cards = cast.marks_of(rng, "pay", count)
    return AccountRows(
        organisation=[None] * count,
        created_s=created,
        tier=_pick(rng, _TIERS, count),
        email_domain=_some(rng, _pick(rng, _DOMAINS, count), 0.97),
        payment=_some(rng, [cards[i] for i in holder], 0.85),
        device=_some(rng, cast.marks_of(rng, "dev", count), 0.8),
        phone=_some(rng, cast.marks_of(rng, "tel", count), 0.7),
        signup_ip=_some(rng, ips, 0.95),
        programme=_some(rng, _pick(rng, _PROGRAMMES, count), 0.08),
        purpose=_some(rng, _pick(rng, _PURPOSES, count), 0.4),
    )


def customers(rng: np.random.Generator, cast: Cast, firm: Ints, label: str, days: float) -> AccountRows:
    """Accounts of organisations (`firm`: which, per account): one contract, domain, bill and address each."""
    count, firms = len(firm), int(firm.max()) + 1
    card, office = cast.marks_of(rng, "pay", firms), addresses(rng, firms, hosted=True)
    names = [f"{label}-{i + 1}" if firms > 1 else label for i in range(firms)]
    opened = rng.uniform(-500, -20, firms)[firm] + rng.exponential(20.0, count)
    own = firm.tolist()
    return AccountRows(
        organisation=[names[i] for i in own],
        created_s=np.minimum(opened, days * 0.5) * DAY,
        tier=["business"] * count,
        email_domain=[f"{names[i]}.example" for i in own],
        payment=[card[i] for i in own],
        device=list(cast.marks_of(rng, "dev", count)),
        phone=[None] * count,
        signup_ip=[office[i] for i in own],
        programme=[None] * count,
        purpose=_some(rng, _pick(rng, _PURPOSES, count), 0.7),
    )


def ring_accounts(
    rng: np.random.Generator, cast: Cast, shared: Infrastructure, ips: list[str], begin_s: float
) -> AccountRows:
    """Accounts of a ring: they share what their scenario says and look ordinary in everything else."""
    count = len(ips)
    rows = ordinary(rng, cast, 0.0, ips)
    created = begin_s - rng.exponential(40.0, count) * DAY - DAY
    if shared.signup_bursts:
        bursts = begin_s - rng.uniform(1.0, 60.0, shared.signup_bursts) * DAY
        created = bursts[rng.integers(0, len(bursts), count)] + rng.exponential(3600.0, count)
    educated = (rng.random(count) < shared.programme_share).tolist()
    return replace(
        rows,
        created_s=created,
        payment=_grouped(rng, cast, "pay", shared.per_payment, rows.payment),
        device=_grouped(rng, cast, "dev", shared.per_device, rows.device),
        phone=_grouped(rng, cast, "tel", shared.per_phone, rows.phone),
        programme=["education" if e else own for e, own in zip(educated, rows.programme, strict=True)],
    )


def _grouped(
    rng: np.random.Generator, cast: Cast, kind: str, per: int, ordinary: list[str | None]
) -> list[str | None]:
    """Values shared by `per` accounts each, dealt at random; the ordinary ones where `per` is below 2."""
    if per < 2:
        return ordinary
    values = cast.marks_of(rng, kind, -(-len(ordinary) // per))
    place = rng.permutation(len(ordinary)).tolist()
    # Who gives no value at all gives none in a ring either.
    return [None if own is None else values[i // per] for i, own in zip(place, ordinary, strict=True)]

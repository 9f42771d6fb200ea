"""Who is in a world: accounts, the clients they send from, and their voices, collected while it is built.

Generators add rows and get numbers back. Nothing here knows what is sent; nothing a row holds (an address, a
name) tells which side it is on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.chance import Floats, Ints
from headwater.simulate.software import SYSTEMS, agents
from headwater.simulate.voices import Voice

Role = Literal["innocent", "ring", "reseller"]
#: Whose habits a client has: what it asks for besides the text follows from them.
Habits = Literal["person", "service", "harness", "ring"]


@dataclass(frozen=True)
class ClientRows:
    """Columns of clients: −1 or NaN means that nothing is asked for. Other numbers point into `software`.

    `tools` is −1 where the habits decide. `contradicts` is the share of these clients whose HTTP fingerprints
    don't fit the software that they name: proxies among innocents, disguises among rings.
    """

    ip: list[str]
    agent: Ints
    system: Ints
    model: Ints
    temperature: Floats
    max_tokens: Ints
    stream: NDArray[np.bool_]
    endpoint: Ints
    tools: Ints
    habits: Habits = "person"
    contradicts: float = 0.015

    def repeated(self, times: int) -> ClientRows:
        """Every client so many times, side by side."""
        columns: dict[str, Any] = {name: np.repeat(getattr(self, name), times) for name in CLIENT_COLUMNS}
        return replace(self, ip=[ip for ip in self.ip for _ in range(times)], **columns)


#: Fields of `ClientRows` that hold one number per client.
CLIENT_COLUMNS = ("agent", "system", "model", "temperature", "max_tokens", "stream", "endpoint", "tools")


@dataclass(frozen=True)
class AccountRows:
    """Columns of accounts; texts are None where the provider doesn't know."""

    organisation: list[str | None]
    created_s: Floats
    tier: list[str]
    email_domain: list[str | None]
    payment: list[str | None]
    device: list[str | None]
    phone: list[str | None]
    signup_ip: list[str | None]
    programme: list[str | None]
    purpose: list[str | None]


class Part(NamedTuple):
    """Which part a run of accounts plays: `ring` is a campaign's number or −1."""

    role: Role
    ring: int
    shape: str
    population: str


@dataclass
class Cast:
    """Everyone so far. Numbers handed out never change.

    `groups` numbers independent organisations and events within a shape (−1: a single person), `held` has the
    second at which the provider held an account.
    """

    clients: list[ClientRows] = field(default_factory=list)
    accounts: list[AccountRows] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    groups: list[Ints] = field(default_factory=list)
    group_counts: dict[str, int] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)
    voices: list[Voice] = field(default_factory=list)
    client_count: int = 0
    account_count: int = 0
    conversation_count: int = 0
    marks: int = 0

    def add_clients(self, rows: ClientRows) -> int:
        """Add clients; the number of the first."""
        self.clients.append(rows)
        self.client_count += len(rows.ip)
        return self.client_count - len(rows.ip)

    def add_accounts(self, rows: AccountRows, part: Part, group: Ints | None = None) -> int:
        """Add accounts that play one part; the number of the first.

        `group` tells the part's independent organisations or events apart (from 0), None single persons.
        """
        self.accounts.append(rows)
        self.parts.append(part)
        known = self.group_counts.get(part.shape, 0)
        if group is not None:
            self.group_counts[part.shape] = known + int(group.max(initial=-1)) + 1
        self.groups.append(np.full(len(rows.organisation), -1) if group is None else group + known)
        self.account_count += len(rows.organisation)
        return self.account_count - len(rows.organisation)

    def add_voices(self, rows: list[Voice]) -> int:
        """Add voices; the number of the first."""
        self.voices.extend(rows)
        return len(self.voices) - len(rows)

    def add_conversations(self, numbers: Ints) -> Ints:
        """Local conversation numbers (−1: none) → numbers unique in the world."""
        if len(numbers) == 0:
            return numbers
        out = np.where(numbers >= 0, numbers + self.conversation_count, -1)
        self.conversation_count += int(numbers.max()) + 1
        return out

    def marks_of(self, rng: np.random.Generator, kind: str, count: int) -> list[str]:
        """`count` new values of a kind (payment, device, …), all different, that look like keyed hashes."""
        low = self.marks
        self.marks += count
        salt = rng.integers(0, 1 << 16, count).tolist()
        # A multiplication by an odd number permutes the 32-bit numbers: no two marks are alike.
        return [f"{kind}_{(low + i) * 2654435761 % (1 << 32):08x}{s:04x}" for i, s in enumerate(salt)]


def person_clients(rng: np.random.Generator, ips: list[str]) -> ClientRows:
    """One client per address: popular software, usual parameters, most at the model's defaults."""
    count = len(ips)
    system = np.where(rng.random(count) < 0.35, 0, rng.integers(-1, len(SYSTEMS), count))
    limits = rng.choice([-1, 256, 512, 1024, 2048, 4096], size=count, p=[0.55, 0.05, 0.1, 0.12, 0.08, 0.10])
    return ClientRows(
        ip=ips,
        agent=agents(rng, count),
        system=np.where(rng.random(count) < 0.4, -1, system),
        model=rng.choice(3, size=count, p=[0.5, 0.35, 0.15]).astype(np.int64),
        temperature=rng.choice([np.nan, 0.0, 0.2, 0.7, 1.0], size=count, p=[0.55, 0.12, 0.08, 0.15, 0.10]),
        max_tokens=limits.astype(np.int64),
        stream=rng.random(count) < 0.55,
        endpoint=rng.choice(3, size=count, p=[0.7, 0.2, 0.1]).astype(np.int64),
        tools=np.full(count, -1, dtype=np.int64),
    )


def same_clients(
    ips: list[str], agent: Ints, habits: Habits = "service", **asked: float | Ints
) -> ClientRows:
    """One client per address, all with the same habits; `asked` sets columns (default: nothing asked for)."""
    count = len(ips)
    whole = {"system": -1, "model": 0, "max_tokens": -1, "endpoint": 0, "tools": -1} | asked
    temperature = whole.pop("temperature", np.nan)
    stream = whole.pop("stream", 0)
    columns: dict[str, Any] = {name: np.full(count, value, dtype=np.int64) for name, value in whole.items()}
    return ClientRows(
        ip=ips,
        agent=agent,
        temperature=np.full(count, temperature, dtype=np.float64),
        stream=np.full(count, stream, dtype=bool),
        habits=habits,
        **columns,
    )

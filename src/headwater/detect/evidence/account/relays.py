"""Exchanges that come through somebody else's address: residential proxies, proxies, VPNs, Tor by the operator's table.

A server in a data centre is where API calls come from; it counts only where the client says that it is a browser.
Where in the world an address is, is never asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.evidence.account.client import family
from headwater.detect.evidence.account.tally import values
from headwater.detect.fold import NO_KEY, Batch, Card, Reading, World
from headwater.detect.networks import NO_ADDRESS, RELAYING, SERVERS, Networks

#: Fewer exchanges from an address in the clear say nothing.
LEAST = 10
NOTABLE = 0.5

CARD = Card(
    name="relays",
    title="Through proxies",
    group="client",
    sees="accounts half of whose exchanges come from ranges that the operator's table names residential proxy, proxy, "
    "VPN or Tor, or from a data centre with a browser's user agent",
    null="how many other customers of like volume come through them as often",
    false_positive="not measured yet; it is that of the table too",
    innocent_causes=(
        "privacy",
        "a company's VPN",
        "networks that are watched or censored",
        "a remote desktop",
    ),
    evasion_cost="addresses that no table knows: clean residential ones cost most",
    cap_nats=1.0,
    needs=("ip", "given.networks"),
    source="MITRE ATLAS AML.T0008.005; OWASP AISVS 11.2.2",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


@dataclass
class _Counted:
    networks: Networks | None
    rows: npt.NDArray[np.int64]
    relayed: npt.NDArray[np.int64]


class Relays:
    """In what share of its exchanges an account comes through somebody else's address."""

    card = CARD
    stage = "trait"
    columns = ("ip", "user_agent")

    def init(self, world: World) -> _Counted:
        """No address seen."""
        none = np.zeros(world.size, np.int64)
        return _Counted(world.context.get("networks"), none, none.copy())

    def update(self, state: _Counted, batch: Batch) -> _Counted:
        """Count rows with an address in the clear, and those relayed."""
        if not state.networks or not batch.has("ip"):
            return state
        found = state.networks.find_column(batch.coded("ip"))
        browser = values(batch, "user_agent", _browser) != NO_KEY
        relayed = state.networks.of_kind(found, RELAYING)
        relayed |= browser & state.networks.of_kind(found, SERVERS)
        counting.count(state.rows, batch.account[found != NO_ADDRESS])
        counting.count(state.relayed, batch.account[relayed])
        return state

    def merge(self, left: _Counted, right: _Counted) -> _Counted:
        """Add two states."""
        return _Counted(left.networks, left.rows + right.rows, left.relayed + right.relayed)

    def finish(self, state: _Counted, world: World) -> Reading:
        """The share of exchanges relayed; NaN below LEAST addresses in the clear."""
        share = state.relayed / np.maximum(state.rows, 1)
        return Reading(
            np.where(state.rows >= LEAST, share, np.nan),
            NOTABLE,
            "come through proxies, VPNs or Tor (or as browsers from data centres) for at least half of their exchanges",
        )


def _browser(user_agent: str) -> str | None:
    return "browser" if (family(user_agent) or "").startswith("mozilla") else None


trait = Relays()

"""What stands against accounts, as last heard: a snapshot that a door refreshes from the casebook.

What was last known stays in force until something else is heard: a casebook that can't be reached frees nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from headwater.control.ladder import Restrictions


class Stands(NamedTuple):
    """What stands against one account: what its steps do (None: nothing), and campaigns that they name."""

    restrictions: Restrictions | None = None
    campaigns: tuple[str, ...] = ()


NOTHING_STANDS: Final = Stands()


class Standings:
    """Account → what stands against it. Use from one thread."""

    def __init__(self) -> None:
        #: Account → what stands against it, where something does; to be read only.
        self.held: dict[str, Stands] = {}

    def of(self, account: str) -> Stands:
        """What stands against an account."""
        return self.held.get(account, NOTHING_STANDS)

    def load(self, held: Mapping[str, Stands]) -> None:
        """All that stands; nothing else does from here on."""
        self.held = dict(held)

    def apply(self, changes: Iterable[tuple[str, Stands | None]]) -> None:
        """What has changed, account by account; None: nothing stands against it any more."""
        for account, stands in changes:
            if stands is None:
                self.held.pop(account, None)
            else:
                self.held[account] = stands

    def due(self, wall_us: int) -> list[str]:
        """Accounts whose steps time has changed meanwhile: to be asked for again, though nothing happened to them."""
        return [
            account
            for account, (restrictions, _) in self.held.items()
            if restrictions is not None
            and restrictions.until_us is not None
            and restrictions.until_us <= wall_us
        ]

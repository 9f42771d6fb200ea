"""The policy that is in force, and how another takes its place: read and checked first, then whole or not at all.

Who watches the file, and how often, is the caller's affair; nothing here waits or reads a clock.
"""

from __future__ import annotations

from pathlib import Path

from headwater.errors import HeadwaterError, UnreadableInput, Where
from headwater.places import together
from headwater.policy.decision import Decider, Decision
from headwater.policy.facts import Facts
from headwater.policy.pack import Pack, load_pack, parse_pack


class PolicyInForce:
    """The pack in a file, ready to decide. A fault in the file later on leaves the last good one in force.

    Threads may share one: a decision is made by one pack, the old or the new, never by half of each. Raises what
    `load_pack` does where the file can't be used at the start.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.decider = Decider(load_pack(path))

    @property
    def pack(self) -> Pack:
        """The pack in force."""
        return self.decider.pack

    def decide(self, facts: Facts) -> Decision:
        """What is proportionate for `facts` under the pack in force; see `Decider.decide`."""
        return self.decider.decide(facts)

    def reload(self) -> HeadwaterError | None:
        """Put in force what the file holds now; where that has a fault, keep the old and return the error.

        The same bytes keep the same decider, with all that it remembers.
        """
        try:
            pack = load_pack(self.path)
            if pack.sha256 != self.pack.sha256:
                self.decider = Decider(pack)
        except HeadwaterError as error:
            return error
        return None


def install(data: bytes, path: Path) -> Pack:
    """Write the pack in `data` to `path`, whole or not at all, and only where it loads.

    Raises `ConfigurationError` for the first fault of the pack, `UnreadableInput` where the folder can't be written to.
    """
    pack = parse_pack(data, str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with together(path.parent) as place:
            place(path.name).write_bytes(data)
    except OSError as error:
        raise UnreadableInput(
            f"cannot be written ({error.strerror or type(error).__name__})",
            where=Where(str(path)),
            hint="check the folder's permissions, and its disk",
        ) from None
    return pack

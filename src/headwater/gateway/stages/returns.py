"""What batches were charged and didn't use comes back once their results are known: see `control.Charge`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.control import Charge, Control, Used
from headwater.gateway.stages.following import has_ended
from headwater.gateway.stages.leases import Leases, steady_us
from headwater.gateway.stages.owners import Owners
from headwater.gateway.stages.passage import Passage

#: How often the store of budgets is asked which period it is, before all of it stays spent.
_TRIES: Final = 5
_DECODE: Final = msgspec.json.Decoder(Charge).decode


class Returns:
    """Gives back, each batch's once."""

    def __init__(self, control: Control, owners: Owners, leases: Leases) -> None:
        self._control, self._owners, self._leases = control, owners, leases

    async def give(self, passage: Passage, batch: str, used: Used) -> None:
        """A batch (our name of it) used so much; `passage`: its owner's, who asks for it just now."""
        held = await self._owners.take_charge(batch)
        if held is None:
            return
        try:
            charge = _DECODE(held)
        except msgspec.MsgspecError:
            return
        for _ in range(_TRIES):
            found = self._control.give_back(passage.principal, passage.source, charge, used, steady_us())
            if found is None:
                return
            await self._leases.send(found.asks)


def used_by(batch: dict[str, Any]) -> Used | None:
    """What an OpenAI batch used in all, as its server says once it has ended; None where it doesn't (yet).

    A batch that has ended without a file of answers used nothing.
    """
    if not has_ended(batch):
        return None
    told, counts = batch.get("usage"), batch.get("request_counts")
    inputs, outputs = (_whole(told, name) for name in ("input_tokens", "output_tokens"))
    if inputs and outputs is not None:
        return Used(input_tokens=inputs, output_tokens=outputs)
    if not batch.get("output_file_id") and not _whole(counts, "completed"):
        return Used()
    return None


def _whole(held: Any, name: str) -> int | None:
    value = held.get(name) if isinstance(held, dict) else None
    return value if type(value) is int and value >= 0 else None

"""What of a decision doesn't depend on the wish: put together once for an account, and kept at hand.

It holds for one principal, and for what stands against its account; `Control` makes another where either has changed.
"""

from __future__ import annotations

from typing import Final

import msgspec

from headwater.control.deciding.holdings import Holding
from headwater.control.deciding.standings import Stands
from headwater.control.deciding.wish import Terms
from headwater.control.identity import RANK, Principal

#: Features that are left out of a request where they may not be had, and which restriction takes them.
_DROPPED: Final = {"logprobs": "logprobs", "raw_reasoning": "reasoning"}
_ANY_LENGTH: Final = 1 << 62


class Ready(msgspec.Struct, frozen=True, eq=False):
    """An account as decisions need it.

    `usual`: no step stands and no limit is 0, so that a usual wish needs few looks (`Control.decide`). `rank`: of its
    tier. `context_tokens`: the longest input that needs no feature. `sliced`: streams are paid slice by slice. `whole`
    and `by_slice`: terms of one answer, its length as the client said, paid at once or slice by slice.
    """

    principal: Principal
    stands: Stands
    holding: Holding
    usual: bool
    rank: int
    context_tokens: int
    sliced: bool
    drop: frozenset[str]
    delay_ms: int
    whole: Terms
    by_slice: Terms


def made_ready(principal: Principal, stands: Stands, holding: Holding, slice_tokens: int) -> Ready:
    """An account made ready."""
    tier, held = principal.tier, stands.restrictions
    drop = frozenset(
        name
        for name, kept in _DROPPED.items()
        if not tier.may(name) or (held is not None and not getattr(held, kept))
    )
    delay_ms = 0 if held is None else held.delay_ms
    context_tokens = None if tier.long_context else tier.context_tokens
    return Ready(
        principal,
        stands,
        holding,
        usual=held is None and not holding.zero and principal.may("generate"),
        rank=RANK[tier.name],
        context_tokens=_ANY_LENGTH if context_tokens is None else context_tokens,
        sliced=not tier.unsliced_streams,
        drop=drop,
        delay_ms=delay_ms,
        whole=Terms(None, drop, 1, delay_ms, 0),
        by_slice=Terms(None, drop, 1, delay_ms, slice_tokens),
    )

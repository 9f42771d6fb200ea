"""What a request asks for, what it gets, and what it used in the end: plain records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from headwater.control.budget import Reservation
from headwater.control.deciding.settings import Model
from headwater.control.identity import Principal

if TYPE_CHECKING:
    from headwater.control.ladder import Restrictions


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, as a door read it.

    `scope`: of `identity.SCOPES`. `input_tokens`: an upper bound, of all lines of a batch together. `output_tokens`:
    the longest that the client allows one answer to be; None: it doesn't say. `answers`: n, or best_of. `requests`:
    lines of a batch. `counts`: whether it takes from budgets. `free`: where not, for how many requests it stands in
    their own limit (`free_per_minute`); 0: it is only looked whether it would be served.
    """

    scope: str
    model: str = ""
    input_tokens: int = 0
    output_tokens: int | None = None
    answers: int = 1
    logprobs: bool = False
    raw_reasoning: bool = False
    stream: bool = False
    requests: int = 1
    counts: bool = True
    free: int = 0


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in truth; tokens of reasoning belong to the output."""

    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 1


class Settled(msgspec.Struct):
    """Tokens that were settled, all together."""

    input_tokens: int = 0
    output_tokens: int = 0


#: For a request that never reached a model: everything comes back, the request too.
NOTHING_USED: Final = Used(requests=0)


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Under which terms a request is served; requests that are served alike share one.

    `max_tokens`: the longest one answer may be (None: what the client said stays). `drop`: features to be left out of
    request and answer. `delay_ms`: what it waits first. `slice_tokens`: output tokens paid for so far, of all answers
    together, before the end of which `extend` is asked; 0: all are.
    """

    max_tokens: int | None = None
    drop: frozenset[str] = frozenset()
    answers: int = 1
    delay_ms: int = 0
    slice_tokens: int = 0


class Admitted(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A request that is served. `restrictions`: None where no step stands; `reservation`: None where nothing counts."""

    principal: Principal
    restrictions: Restrictions | None
    reservation: Reservation | None
    terms: Terms
    model: Model

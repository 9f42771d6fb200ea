"""What the stages tell each other about one request, under one key of `Exchange.kept`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headwater.control import Admitted, Used, Wish
    from headwater.control.identity import Principal, Source
    from headwater.exchange.answer import Answering
    from headwater.exchange.asking import Asked
    from headwater.gateway.stages.drafting import Drafts

PASSAGE: Final = "passage"


class Batch(NamedTuple):
    """A batch that goes to the model server.

    `name`: as its lines are recorded under; `used`: what it counts as once the server has taken it. `record`: writes
    its lines to the journal, before its maker hears of it; whether that could be done. `file`: the one that its maker
    named, where the server is given another. `charge`: a `Charge`, written down.
    """

    name: str
    used: Used
    record: Callable[[], Awaitable[bool]]
    file: str = ""
    charge: bytes = b""


class Passage(Struct, eq=False):
    """One request on its way. What isn't known yet is None.

    `answer` follows the response. `paid`: tokens granted after the first slice; `fed`: whether the piece that is asked
    about was taken in already, and `held` what stands in its place. `carried`: tokens of input that aren't
    in the body, because they are kept upstream. `drafted`: whether several answers were asked for, of which one is
    passed on, and `drafts` holds them. `used`: what was counted in the end.
    """

    principal: Principal
    source: Source
    asked: Asked | None = None
    wish: Wish | None = None
    admitted: Admitted | None = None
    answer: Answering | None = None
    used: Used | None = None
    paid: int = 0
    fed: bool = False
    held: bytes | None = None
    carried: int = 0
    drafted: bool = False
    drafts: Drafts | None = None
    batch: Batch | None = None

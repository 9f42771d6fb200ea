"""What the stages tell each other about one request, under one key of `Exchange.kept`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headwater.control import Admitted, Used
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


class Passage:
    """One request on its way. What isn't known yet is None.

    `answer` follows the response. `paid`: tokens granted after the first slice; `fed`: whether the piece that is asked
    about was taken in already, and `held` what stands in its place. `carried`: tokens of input that aren't
    in the body, because they are kept upstream. `drafted`: whether several answers were asked for, of which one is
    passed on, and `drafts` holds them. `input_tokens` and `output_tokens` are those that were counted in the
    end.
    """

    __slots__ = (
        "admitted",
        "answer",
        "asked",
        "batch",
        "carried",
        "drafted",
        "drafts",
        "fed",
        "held",
        "input_tokens",
        "output_tokens",
        "paid",
        "principal",
        "source",
    )

    def __init__(self, principal: Principal, source: Source) -> None:
        self.principal = principal
        self.source = source
        self.asked: Asked | None = None
        self.admitted: Admitted | None = None
        self.answer: Answering | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.paid = 0
        self.fed = False
        self.held: bytes | None = None
        self.carried = 0
        self.drafted = False
        self.drafts: Drafts | None = None
        self.batch: Batch | None = None

"""What a request asks of `control`, from its route and its body.

The same whether it passes here or another program's gateway asks about it.
"""

from __future__ import annotations

from typing import Final

from headwater.control import ControlSettings, Wish
from headwater.exchange import Asked
from headwater.gateway.routes import Does, Route

#: What routes do that say in their body what they ask for, and the scope that it needs.
ASKED: Final = {Does.GENERATES: "generate", Does.EMBEDS: "embed", Does.COUNTS: "generate"}


def scope_of(route: Route) -> str:
    """The scope that a credential needs for a route."""
    if "/batches" in route.path:
        return "batch"
    if "/files" in route.path:
        return "files"
    if "/models" in route.path:
        return "models"
    return ASKED.get(route.does, "generate")


def wish_of(route: Route, asked: Asked | None, settings: ControlSettings) -> Wish:
    """What is wished; `asked`: what the body asks for, None where nothing is generated."""
    if asked is None:
        return Wish(scope=scope_of(route), counts=False, free=1)
    return Wish(
        scope=ASKED[route.does],
        model=asked.model,
        input_tokens=settings.input_tokens(asked.text_bytes, asked.images),
        output_tokens=asked.output_tokens,
        answers=asked.answers,
        logprobs=asked.logprobs,
        raw_reasoning=asked.raw_reasoning,
        stream=asked.stream
        and not asked.background,  # what goes on in the background can't be stopped slice by slice
        counts=route.does is not Does.COUNTS,
    )

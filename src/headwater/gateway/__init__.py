"""The gateway's data plane: a relay in front of a model server, with stages that decide what becomes of each request.

`wire` is HTTP/1.1 as bytes, `relay` moves them between connections, `stage` says what a stage is, `routes` what
passes. `stages` are ours: who asks, what is granted, what is recorded; nothing is decided here about anybody.
`founding` makes a gateway's folder, `composition` puts a gateway together from its settings, `serve` runs it, and
`alone` says whether another serves from the folder.
"""

from headwater.gateway.routes import ROUTES, Does, Route, Routes
from headwater.gateway.settings import RelaySettings
from headwater.gateway.stage import (
    PASS,
    Answer,
    Cut,
    Ended,
    Exchange,
    Forward,
    Outcome,
    Passing,
    Refuse,
    Shape,
    Stage,
    Wait,
)
from headwater.gateway.wire.dialect import Dialect, Stream
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.rate_headers import Limit, rate_headers
from headwater.gateway.wire.writer import field

__all__ = [
    "PASS",
    "ROUTES",
    "Answer",
    "Cut",
    "Dialect",
    "Does",
    "Ended",
    "Exchange",
    "Forward",
    "Kind",
    "Limit",
    "Outcome",
    "Passing",
    "Problem",
    "Refuse",
    "RelaySettings",
    "Route",
    "Routes",
    "Shape",
    "Stage",
    "Stream",
    "Wait",
    "field",
    "rate_headers",
]

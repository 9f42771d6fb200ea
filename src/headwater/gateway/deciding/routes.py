"""Paths of the decision service: its own, and below /check those of the model servers' table."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from headwater.gateway.routes import ROUTES, Does, Route, Routes
from headwater.gateway.wire.dialect import Dialect

CHECK: Final = "/check"
AUTHORIZE: Final = Route("GET", "/authorize", Dialect.OWN, Does.READS)
DECIDE: Final = Route("POST", "/v1/decisions", Dialect.OWN, Does.CHANGES)
EXTEND: Final = Route("POST", "/v1/decisions/{id}/extension", Dialect.OWN, Does.CHANGES)
SETTLE: Final = Route("POST", "/v1/decisions/{id}/settlement", Dialect.OWN, Does.CHANGES)
#: Path below /check → the path of a model server that is asked about.
CHECKED: Final = {replace(route, path=CHECK + route.path): route for route in ROUTES}
#: For questions about nobody's request, but about who would ask.
ANY: Final = Route("GET", "/v1/models", Dialect.OPENAI, Does.READS)
#: Requests that a model server may be sent, as they are asked about.
PASSING: Final = Routes()


def own_routes() -> Routes:
    """All paths of the service, and no other."""
    return Routes(table=(AUTHORIZE, DECIDE, EXTEND, SETTLE, *CHECKED))

"""The ticket of a request to vLLM: where it stands, and whether it is good when the request is taken in."""

from __future__ import annotations

from typing import Any

from headwater.errors import UsageError
from headwater.integrations.engine_marks import marker
from headwater.mark import TICKET_PARAMETER


def ticket_of(sampling_params: Any) -> object:
    """The ticket in a request's `vllm_xargs`, whatever it is; None where there is none."""
    return (sampling_params.extra_args or {}).get(TICKET_PARAMETER)


def check_ticket(sampling_params: Any) -> None:
    """A request is being taken in. Raises `ValueError`, which vLLM answers with status 400, as `Marker.admit`."""
    found = marker()
    if found is None:
        return
    try:
        found.admit(ticket_of(sampling_params))
    except UsageError as error:
        raise ValueError(error.what) from None

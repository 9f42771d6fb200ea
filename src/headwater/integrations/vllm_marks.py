"""Marks in vLLM: one class for both of its model runners, found by the entry point `vllm.logits_processors`.

vLLM loads it wherever Headwater is installed; without HEADWATER_KEYRING it does nothing. What each runner calls is in
`vllm_marks_v1` and `vllm_marks_v2`; which of them an object is, is told by what it is made of.
"""

from __future__ import annotations

from typing import Any

from vllm.v1.sample.logits_processor import LogitsProcessor

from headwater.integrations.vllm_tickets import check_ticket

_BASES: tuple[type, ...] = (LogitsProcessor,)
try:
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as SecondLogitsProcessor
except ImportError:  # vLLM before the second runner took processors
    pass
else:
    _BASES = (SecondLogitsProcessor, LogitsProcessor)


class Marks(*_BASES):  # type: ignore[misc]
    """Made by vLLM's loaders, which ask for a subclass of their runner's own base; each gets an object of its own."""

    def __new__(cls, vllm_config: Any, state: Any, *more: Any) -> Any:
        """V1 gives a device and whether memory is pinned, V2 the state of its requests."""
        if more:
            from headwater.integrations.vllm_marks_v1 import FirstMarks

            return FirstMarks(vllm_config, state)
        from headwater.integrations.vllm_marks_v2 import SecondMarks

        return SecondMarks(vllm_config, state)

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """See `check_ticket`."""
        check_ticket(sampling_params)

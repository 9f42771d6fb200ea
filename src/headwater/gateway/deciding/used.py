"""What a request used, from what a program says of its end; where it says nothing, what was reserved."""

from __future__ import annotations

from typing import Final

from headwater.control import NOTHING_USED, Admitted, ControlSettings, Used
from headwater.exchange import Asked
from headwater.exchange.answer import Answering
from headwater.gateway.deciding.wording import Settlement

_EVENTS: Final = b"text/event-stream"


class _Told:
    """The head of an answer that a program tells of."""

    def __init__(self, *, stream: bool) -> None:
        self.status = 200
        self._kind = _EVENTS if stream else b"application/json"

    def get(self, name: bytes) -> bytes | None:
        """See `AnswerHead`."""
        return self._kind if name == b"content-type" else None


def used_of(told: Settlement, asked: Asked | None, admitted: Admitted, settings: ControlSettings) -> Used:
    """What counts in the end.

    Numbers that a program names go before those in the answer; a stream that ended early counts by what was written.
    What nobody says counts as reserved: nobody gains by silence.
    """
    if not told.sent:
        return NOTHING_USED
    if told.status is not None and told.status // 100 != 2:
        return Used()
    reserved = reserved_of(admitted, asked, settings)
    inputs, outputs = told.input_tokens, told.output_tokens
    if (
        asked is not None
        and (inputs is None or outputs is None)
        and (told.response or told.events is not None)
    ):
        found = _answered(told, asked)
        inputs = found[0] if inputs is None else inputs
        outputs = found[1] if outputs is None else outputs
    return Used(
        input_tokens=reserved.input_tokens if inputs is None else inputs,
        output_tokens=reserved.output_tokens if outputs is None else outputs,
    )


def reserved_of(admitted: Admitted, asked: Asked | None, settings: ControlSettings) -> Used:
    """What was reserved, as if all of it had been used."""
    if admitted.reservation is None:
        return Used()
    requests, tokens, _, _ = admitted.reservation.taken
    inputs = 0 if asked is None else min(tokens, settings.input_tokens(asked.text_bytes, asked.images))
    return Used(input_tokens=inputs, output_tokens=tokens - inputs, requests=requests)


def _answered(told: Settlement, asked: Asked) -> tuple[int | None, int | None]:
    """Tokens of input and output as an answer tells them, or as far as it was written."""
    stream = told.events is not None
    data = told.events.encode() if told.events is not None else bytes(told.response)
    answer = Answering(_Told(stream=stream), asked.endpoint, hide_usage=False, hide_reasoning=False)
    for event in data.split(b"\n\n") if stream else [data]:
        if event:
            answer.feed(event + b"\n\n" if stream else event)
    usage = answer.usage
    if usage is None:
        return None, answer.written if stream else None
    return usage[0] or None, max(usage[1], answer.written) if told.cancelled and stream else usage[1]

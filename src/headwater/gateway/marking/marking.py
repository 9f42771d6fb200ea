"""Puts a ticket into a request's body, in the engine's own parameter, in place of whatever a client sent there.

Not every endpoint of an engine takes one: accounts with a layer of their own don't get those. Engines load what is
named in `custom_logit_processor` as code: a client's is refused where its body is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from headwater.control.identity import Principal
from headwater.errors import Where
from headwater.exchange import Asked, UnreadableRequestError
from headwater.gateway.marking.settings import MarksSettings
from headwater.gateway.wire.errors import Kind, Problem
from headwater.keys import load_ticket_keys
from headwater.policy import RUNGS

if TYPE_CHECKING:
    from headwater.control import Restrictions

#: How SGLang names a class of ours: a pickle that imports `headwater.integrations.sglang.Marks`, as its `to_str` says.
SGLANG_PROCESSOR: Final = '{"callable": "' + b"cheadwater.integrations.sglang\nMarks\n.".hex() + '"}'
Layer: TypeAlias = Literal["default", "flagged", "none"]

#: Where an engine takes its parameters, by its name in the settings.
_FIELDS: Final = {"vllm": "vllm_xargs", "sglang": "custom_params"}
_PROCESSOR: Final = "custom_logit_processor"
#: Kinds of bodies that an engine takes a ticket in; in others it drops what it doesn't know.
_TAKES: Final = {
    "vllm": frozenset(("chat", "completion", "responses")),
    "sglang": frozenset(("chat", "completion")),
}
_GENERATES: Final = frozenset(("chat", "completion", "responses", "messages"))
#: What an answer is written from, one of them; engines' errors quote a body that has none.
_FROM: Final = {
    "chat": ("messages",),
    "completion": ("prompt", "prompt_embeds"),
    "responses": ("input",),
    "messages": ("messages",),
}
#: Ways of writing in which engines call nobody's processor.
_BEAMS: Final = "use_beam_search"
_UNMARKED: Final = Problem(
    Kind.INVALID, "This endpoint isn't available for this account.", "feature_not_available"
)
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_NOT_ITS: Final = "{} isn't an object"


class Marking:
    """Signs tickets and puts them where the engine looks for them."""

    def __init__(self, settings: MarksSettings, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """`folder`: the gateway's, where `key_file` lies; `clock`: seconds since 1970 UTC.

        Raises `ConfigurationError` where the keys can't be used.
        """
        from headwater.mark import TICKET_PARAMETER, Ticket, TicketSigner

        self._ticket, self._name = Ticket, TICKET_PARAMETER
        self._signer = TicketSigner(load_ticket_keys(folder / settings.key_file)[0])
        self._settings, self._clock = settings, clock
        self._field, self._takes = _FIELDS[settings.upstream], _TAKES[settings.upstream]
        self._processor = msgspec.Raw(_ENCODE(SGLANG_PROCESSOR)) if settings.upstream == "sglang" else None
        self._from = RUNGS[settings.flagged_from] if settings.flagged_from else None

    def clean(self, asked: Asked) -> bool:
        """Take out what a client sent in our name; whether it did.

        Raises `UnreadableRequestError` for parameters of another type, a body without what an answer is written from,
        and beam search, which engines don't mark.
        """
        fields, needed = asked.fields, _FROM.get(asked.endpoint, ())
        if needed and fields.keys().isdisjoint(needed):
            raise UnreadableRequestError(f"{needed[0]} is missing", where=Where(field=needed[0]))
        if _BEAMS in fields and bytes(fields.pop(_BEAMS)) not in (b"false", b"null"):
            raise UnreadableRequestError(f"{_BEAMS} isn't available", where=Where(field=_BEAMS))
        if self._field not in fields:
            return False
        try:
            held = _OBJECT(fields[self._field]) or {}
        except (msgspec.MsgspecError, RecursionError, ValueError):
            where = Where(field=self._field)
            raise UnreadableRequestError(_NOT_ITS.format(self._field), where=where) from None
        found = held.pop(self._name, None) is not None
        if held:
            fields[self._field] = msgspec.Raw(_ENCODE(held))
        else:
            del fields[self._field]
        return found

    def refusal(
        self, endpoint: str, principal: Principal, restrictions: Restrictions | None
    ) -> Problem | None:
        """Why an account gets no answer here: its answers have its own layer, which this endpoint can't write."""
        if endpoint not in _GENERATES or endpoint in self._takes:
            return None
        return _UNMARKED if self.layer(principal, restrictions) == "flagged" else None

    def put(
        self,
        asked: Asked,
        principal: Principal,
        restrictions: Restrictions | None,
        request: str,
        *,
        batch: bool = False,
    ) -> None:
        """Put the ticket of one answer in, where the engine takes one; `clean` was called.

        `request`: the request's id; `batch`: a batch's line.
        """
        if asked.endpoint not in self._takes:
            return
        settings, now = self._settings, int(self._clock())
        lasts = settings.batch_lifetime_s if batch else settings.lifetime_s
        ticket = self._ticket(
            account=principal.account,
            layer=self.layer(principal, restrictions),
            issued=now,
            expires=now + lasts,
            epoch=settings.epoch,
            request=request,
        )
        text = msgspec.Raw(b'"%b"' % self._signer.sign(ticket).encode("ascii"))
        fields = asked.fields
        if self._field in fields:
            held = _OBJECT(fields[self._field]) or {}
            fields[self._field] = msgspec.Raw(_ENCODE({**held, self._name: text}))
        else:
            fields[self._field] = msgspec.Raw(b'{"%b":%b}' % (self._name.encode("ascii"), text))
        if self._processor is not None:
            fields[_PROCESSOR] = self._processor

    def layer(self, principal: Principal, restrictions: Restrictions | None) -> Layer:
        """Which mark an account's answers get now: `default`, `flagged` or `none`."""
        settings, tier = self._settings, principal.tier.name
        raised = restrictions is not None and self._from is not None and restrictions.rung >= self._from
        if raised or tier in settings.flagged_tiers:
            return "flagged"
        return "none" if tier in settings.unmarked_tiers and restrictions is None else "default"


def marking_of(settings: MarksSettings, folder: Path) -> Marking | None:
    """What puts tickets in, None where no engine writes marks."""
    return Marking(settings, folder) if settings.upstream != "none" else None

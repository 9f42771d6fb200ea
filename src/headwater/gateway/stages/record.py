"""The last stage: what was accepted is in the journal before it goes upstream, and how it ended after that.

Bodies are kept as they passed; rotation, in another process, reads them. Batches are recorded line by line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from headwater.exchange import ENDPOINTS
from headwater.exchange.journal import REFUSED, UNRECORDED, Accepted
from headwater.exchange.journal import Outcome as Ending
from headwater.gateway.stage import PASS, Ended, Exchange, OnRequest, Outcome, Passing, Refuse
from headwater.gateway.stages.heads import ByHead
from headwater.gateway.stages.journalling import Journalling
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import Field

_UNRECORDED: Final = Problem(Kind.UNAVAILABLE, "Requests can't be recorded at the moment.", retry_after_s=5)
_RECORDED: Final = frozenset(path for path in ENDPOINTS if not path.endswith("count_tokens"))
_PIECES: Final = "journal"
_OK: Final = 200
_ENDED: Final = frozenset(("completed", "failed", "incomplete", "cancelled"))
#: So many pieces of an answer are kept before it is looked whether it's too long.
_FEW: Final = 16


class _Status(Struct):
    status: str | None = None


class Record(Passing):
    """Writes the journal."""

    def __init__(self, journalling: Journalling, answer_bytes: int) -> None:
        """`answer_bytes`: most that is kept of an answer; one that is longer is recorded without its text."""
        self._journalling = journalling
        self._append = journalling.append
        self._most = answer_bytes
        self._told = ByHead(_told)

    def on_start(self) -> None:
        """Looks after the journal's files."""
        self._journalling.start()

    def counted(self) -> Mapping[str, int]:
        """Records, and those that couldn't be written."""
        return self._journalling.counted()

    async def on_stop(self) -> None:
        """Writes what waits."""
        await self._journalling.stop()

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Recorded, or refused where that can't be."""
        endpoint = ENDPOINTS.get(exchange.route.path)
        if not exchange.body or exchange.route.path not in _RECORDED:
            return PASS
        passage: Passage = exchange.kept[PASSAGE]
        who = passage.principal
        agent, order = self._told.of(exchange.head.fields)
        ticket = self._append(
            Accepted(
                exchange.id,
                exchange.began_us,
                who.account,
                organisation=who.organisation,
                endpoint=endpoint,
                batch=False,
                ip=passage.source.address,
                user_agent=agent,
                header_order=order,
                key=who.key,
                body=exchange.body,
            )
        )
        if ticket == REFUSED:
            return Refuse(_UNRECORDED)
        if ticket != UNRECORDED:
            exchange.kept[_PIECES] = []
        return PASS

    def on_bytes(self, exchange: Exchange, data: bytes) -> None:
        """Keeps the answer until it has ended."""
        pieces = exchange.kept.get(_PIECES)
        if pieces is not None:
            pieces.append(data)
            if len(pieces) > _FEW and exchange.received > self._most:
                pieces.clear()  # it won't be recorded, and nobody knows how long it gets

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """Records how it ended."""
        pieces = exchange.kept.get(_PIECES)
        if pieces is None:
            return
        passage: Passage = exchange.kept[PASSAGE]
        body = b"".join(pieces) if outcome.received_bytes <= self._most else None
        asked, used = passage.asked, passage.used
        if asked is not None and asked.background and outcome.status == _OK and not _has_ended(body or b""):
            return  # its answer is recorded when it is read
        self._append(
            Ending(
                exchange.id,
                outcome.ended_us,
                status=outcome.status or None,
                latency_ms=(outcome.ended_us - outcome.began_us) / 1000,
                input_tokens=None if used is None else used.input_tokens,
                output_tokens=None if used is None else used.output_tokens,
                cancelled=outcome.ended is Ended.CLIENT_GONE,
                body=body or None,
            )
        )


def _told(fields: list[Field]) -> tuple[str | None, str]:
    """User agent, and the names of the headers in their order."""
    agent = next((value for lower, _, value in fields if lower == b"user-agent"), None)
    text = None if agent is None else agent.decode("latin-1")
    return text, ",".join(line.partition(b":")[0].decode("latin-1") for _, line, _ in fields)


def _has_ended(body: bytes) -> bool:
    """Whether an answer that is made in the background was told to its end."""
    if body.lstrip().startswith((b"event:", b"data:")):
        return any(b'"response.%b"' % word in body for word in (b"completed", b"failed", b"incomplete"))
    try:
        return decode(body, type=_Status).status in _ENDED
    except MsgspecError:
        return False

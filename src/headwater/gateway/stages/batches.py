"""Batches are budgeted and recorded line by line: they are the cheapest way to much, and would pass every other limit.

OpenAI's batch names a file, which is read from the model server; where its lines go on otherwise than they were written
(held to a length, without what a tier lacks), a file of our making takes its place. Anthropic's batch is in the body.
What is reserved for a batch counts as spent once the model server has taken it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from headwater.control import Admitted, Control, ControlSettings, Denied, Used, Wish
from headwater.control.budget import Refill
from headwater.errors import BadRow
from headwater.exchange import Asked, UnreadableRequestError, read_request, write_request
from headwater.exchange.journal import REFUSED, Accepted, lines_of_batch
from headwater.gateway.routes import Does, Route
from headwater.gateway.stage import PASS, Exchange, Forward, OnRequest, Passing, Refuse, Wait
from headwater.gateway.stages.fetching import FetchFailed, Fetching
from headwater.gateway.stages.journalling import Journalling
from headwater.gateway.stages.leases import Leases, steady_us
from headwater.gateway.stages.owners import Owned, Owners
from headwater.gateway.stages.passage import PASSAGE, Batch, Passage
from headwater.gateway.stages.refusing import refuse
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem

_STATE: Final = "batches"
_MOST_LINES: Final = 100_000
_GONE: Final = Problem(Kind.UPSTREAM, "The model server doesn't give the batch's file.")
_UNRECORDED: Final = Problem(Kind.UNAVAILABLE, "Requests can't be recorded at the moment.", retry_after_s=5)
_LINE: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class _Work:
    """What is known of one batch on its way."""

    def __init__(self) -> None:
        self.problem: Problem | None = None
        self.read = False
        self.lines: list[Accepted] = []
        self.asked: list[Asked] = []
        self.raw: list[bytes] = []
        self.admitted: Admitted | None = None
        self.file: str | None = None
        self.sent = False


class Batches(Passing):
    """Decides about batches. Stands before `Grant`, which settles them."""

    def __init__(
        self,
        control: Control,
        settings: ControlSettings,
        leases: Leases,
        owners: Owners,
        fetching: Fetching,
        journalling: Journalling | None,
    ) -> None:
        self._control, self._settings, self._leases = control, settings, leases
        self._owners, self._fetching, self._journalling = owners, fetching, journalling

    def concerns(self, route: Route, verb: str) -> bool:
        """Requests that begin a batch."""
        return route.does is Does.BATCHES

    def wants_body(self, route: Route) -> bool:
        """Bodies that begin a batch."""
        return route.does is Does.BATCHES

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Reads the lines, asks about all of them together, and writes anew what changes."""
        if exchange.route.does is not Does.BATCHES:
            return PASS
        work: _Work | None = exchange.kept.get(_STATE)
        if work is None:
            work = exchange.kept[_STATE] = _Work()
            return Wait(asyncio.ensure_future(self._read(exchange, work)))
        if work.problem is not None:
            return Refuse(work.problem)
        if work.admitted is None and (answer := self._asked(exchange, work)) is not None:
            return answer
        return self._forward(exchange, work)

    async def _read(self, exchange: Exchange, work: _Work) -> None:
        """The lines, wherever they are."""
        try:
            data = await self._lines(exchange)
        except FetchFailed:
            work.problem = _GONE
        except _NotABatchError as error:
            work.problem = error.problem
        else:
            await asyncio.to_thread(_taken, work, data, _common(exchange))

    async def _lines(self, exchange: Exchange) -> bytes:
        if exchange.route.dialect is Dialect.ANTHROPIC:
            return exchange.body
        try:
            name = _LINE(exchange.body).get("input_file_id")
            file = msgspec.json.decode(name or b"null", type=str)
        except msgspec.MsgspecError:
            raise _NotABatchError("The body names no file (input_file_id).", "input_file_id") from None
        owner = await self._owners.of(file)
        passage: Passage = exchange.kept[PASSAGE]
        if owner is None or owner.account != passage.principal.account:
            raise _NotABatchError("There is no such file.", "input_file_id")
        from urllib.parse import quote

        return await self._fetching.get(f"/v1/files/{quote(file, safe='')}/content", Dialect.OPENAI)

    def _asked(self, exchange: Exchange, work: _Work) -> OnRequest | None:
        """What `Control` says of the whole; None where it is granted."""
        passage: Passage = exchange.kept[PASSAGE]
        found = self._control.decide(
            passage.principal, passage.source, self._wish(work), exchange.began_us, steady_us()
        )
        if isinstance(found, Refill):
            return Wait(self._leases.send(found.asks))
        if isinstance(found, Denied):
            return refuse(found, passage.principal.account)
        if self._leases.budgets.hungry:
            self._leases.hungry()
        work.admitted = passage.admitted = found
        inputs = sum(self._settings.input_tokens(one.text_bytes, one.images) for one in work.asked)
        longest = found.terms.max_tokens
        outputs = sum(one.answers * _length(one, longest) for one in work.asked)
        passage.batch = Batch(
            exchange.id, Used(input_tokens=inputs, output_tokens=outputs, requests=len(work.asked))
        )
        return None

    def _wish(self, work: _Work) -> Wish:
        lengths = [one.output_tokens for one in work.asked if one.endpoint != "embeddings"]
        said = [length for length in lengths if length is not None]
        # A line that says nothing may be as long as is granted.
        longest = max(said, default=0) if len(said) == len(lengths) else None
        return Wish(
            scope="batch",
            model=work.asked[0].model,
            input_tokens=sum(self._settings.input_tokens(one.text_bytes, one.images) for one in work.asked),
            output_tokens=longest,
            answers=max(one.answers for one in work.asked),
            logprobs=any(one.logprobs for one in work.asked),
            raw_reasoning=any(one.raw_reasoning for one in work.asked),
            requests=len(work.asked),
        )

    def _forward(self, exchange: Exchange, work: _Work) -> OnRequest:
        terms = work.admitted.terms if work.admitted is not None else None
        assert terms is not None
        if exchange.route.dialect is Dialect.ANTHROPIC:
            return self._recorded(exchange, work) or Forward(
                body=_body(exchange.body, _written(work, terms.max_tokens, terms.drop))
            )
        changes = terms.max_tokens is not None or any(_drops(one, terms.drop) for one in work.asked)
        if changes and work.file is None and not work.sent:
            work.sent = True
            data = b"".join([line + b"\n" for line in _written(work, terms.max_tokens, terms.drop)])
            return Wait(asyncio.ensure_future(self._upload(exchange, work, data)))
        if work.problem is not None:
            return Refuse(work.problem)
        if refused := self._recorded(exchange, work):
            return refused
        if work.file is None:
            return PASS
        return Forward(body=_ENCODE({**_LINE(exchange.body), "input_file_id": work.file}))

    async def _upload(self, exchange: Exchange, work: _Work, data: bytes) -> None:
        try:
            said = msgspec.json.decode(await self._fetching.upload("batch.jsonl", data, "batch"))
            work.file = str(said["id"])
        except (FetchFailed, msgspec.MsgspecError, KeyError, TypeError):
            work.problem = _GONE
            return
        passage: Passage = exchange.kept[PASSAGE]
        await self._owners.own(work.file, Owned(passage.principal.account, "file"), exchange.began_us)

    def _recorded(self, exchange: Exchange, work: _Work) -> Refuse | None:
        if self._journalling is None:
            return None
        for line in work.lines:
            if self._journalling.append(line) == REFUSED:
                return Refuse(_UNRECORDED)
        return None


class _NotABatchError(Exception):
    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(Kind.INVALID, message, param=param)


def _common(exchange: Exchange) -> Accepted:
    """What the records of all lines have in common."""
    passage: Passage = exchange.kept[PASSAGE]
    who = passage.principal
    agent = exchange.head.get(b"user-agent")
    return Accepted(
        exchange.id, exchange.began_us, who.account, organisation=who.organisation, key=who.key,
        ip=passage.source.address, user_agent=None if agent is None else agent.decode("latin-1"),
    )  # fmt: skip


def _taken(work: _Work, data: bytes, common: Accepted) -> None:
    """Read every line; the first that can't be read is told by its number."""
    models = set()
    for row, line in enumerate(lines_of_batch(data, common.id, common), 1):
        if isinstance(line, BadRow) or line.body is None or line.endpoint is None:
            work.problem = Problem(Kind.INVALID, f"Line {row} of the batch is no request that can be read.")
            return
        if row > _MOST_LINES:
            work.problem = Problem(Kind.INVALID, f"A batch has {_MOST_LINES:,} lines at most.")
            return
        try:
            asked = read_request(line.body, line.endpoint)
        except (UnreadableRequestError, KeyError) as error:
            what = (
                error.what if isinstance(error, UnreadableRequestError) else "it asks for something unknown"
            )
            work.problem = Problem(Kind.INVALID, f"Line {row} of the batch can't be read: {what}.")
            return
        models.add(asked.model)
        work.lines.append(line)
        work.asked.append(asked)
    if not work.asked:
        work.problem = Problem(Kind.INVALID, "The batch has no lines.")
    elif len(models) > 1:
        work.problem = Problem(Kind.INVALID, "All lines of a batch ask the same model.")
    work.raw = [one for one in data.split(b"\n") if one.strip()]


def _written(work: _Work, longest: int | None, drop: frozenset[str]) -> list[bytes]:
    """The bodies as they go on; for OpenAI's file each in its line."""
    bodies = [
        write_request(one, max_tokens=_held_to(one, longest), drop=drop if _drops(one, drop) else ())
        for one in work.asked
    ]
    if work.asked[0].endpoint == "messages":
        return bodies
    return [
        _ENCODE({**_LINE(raw), "body": msgspec.Raw(body)}) for raw, body in zip(work.raw, bodies, strict=True)
    ]


def _body(body: bytes, bodies: list[bytes]) -> bytes:
    """Anthropic's body with other params."""
    held = _LINE(body)
    requests = msgspec.json.decode(held["requests"], type=list[dict[str, msgspec.Raw]])
    changed = [{**one, "params": msgspec.Raw(params)} for one, params in zip(requests, bodies, strict=True)]
    return _ENCODE({**held, "requests": changed})


def _held_to(asked: Asked, longest: int | None) -> int | None:
    if longest is None or asked.endpoint == "embeddings":
        return None
    return longest if asked.output_tokens is None else min(asked.output_tokens, longest)


def _length(asked: Asked, longest: int | None) -> int:
    if asked.endpoint == "embeddings":
        return 0
    held = _held_to(asked, longest)
    return (asked.output_tokens or 0) if held is None else held


def _drops(asked: Asked, drop: frozenset[str]) -> bool:
    wanted: dict[str, Any] = {"logprobs": asked.logprobs, "raw_reasoning": asked.raw_reasoning}
    return any(wanted.get(name) for name in drop)

"""Batches are budgeted and recorded line by line: they are the cheapest way to much, and would pass every other limit.

OpenAI's batch names a file, which is read from the model server; where its lines go on otherwise than they were written
(held to a length, without what a tier lacks), a file of our making takes its place. Anthropic's batch is in the body.
What is reserved for a batch counts as spent once the model server has taken it, until its results are known.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import msgspec

from headwater.control import NOTHING_USED, Admitted, Control, ControlSettings, Denied, Used, Wish
from headwater.control.budget import Refill
from headwater.exchange import Asked
from headwater.exchange.journal import REFUSED, Accepted
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Does, Route
from headwater.gateway.stage import Exchange, Forward, OnRequest, Outcome, Passing, Refuse, Wait
from headwater.gateway.stages.fetching import FetchFailed, Fetching
from headwater.gateway.stages.journalling import Journalling
from headwater.gateway.stages.leases import Leases, steady_us
from headwater.gateway.stages.limits import RateLines
from headwater.gateway.stages.lines import (
    ENDPOINTS,
    MESSAGES,
    LineError,
    Sums,
    body_lines,
    body_with,
    file_lines,
    recorded,
    summed,
    written,
)
from headwater.gateway.stages.owners import Owned, Owners
from headwater.gateway.stages.passage import PASSAGE, Batch, Passage
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem

_STATE: Final = "batches"
#: Seconds after which the relay hears that the work goes on.
_STEP_S: Final = 2.0
#: Lines that are recorded in one go.
_SLICE: Final = 100
_CROWDED_S: Final = 0.005
_MOST_MODELS: Final = 32
#: Batches that are read or written at a time; the others wait.
_AT_A_TIME: Final = 2
_FILE: Final = "input_file_id"
_GONE: Final = Problem(Kind.UPSTREAM, "The model server doesn't give the batch's file.")
_NOT_TAKEN: Final = Problem(Kind.UPSTREAM, "The model server doesn't take the batch's file.")
_NO_FILE: Final = Problem(Kind.NOT_FOUND, "There is no such file.", "object_not_found", _FILE)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class _Work:
    """What is known of one batch on its way. `task`: what is being done; `problem`: why it can't go on."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.task: asyncio.Task[None] | None = None
        self.problem: Problem | None = None
        #: What a batch's own body says, and the file that it names.
        self.fields: dict[str, msgspec.Raw] = {}
        self.named = ""
        self.lines: BinaryIO | list[msgspec.Raw] = []
        self.sums: Sums | None = None
        self.admitted: Admitted | None = None
        #: The file of our making.
        self.file = ""
        self.body = b""
        self.over = False

    def each(self) -> Iterable[bytes]:
        """The lines."""
        return map(bytes, self.lines) if isinstance(self.lines, list) else file_lines(self.lines)


class Batches(Passing):
    """Decides about batches, and settles them: what stands behind it only sees them pass."""

    def __init__(
        self,
        control: Control,
        settings: ControlSettings,
        leases: Leases,
        owners: Owners,
        fetching: Fetching,
        journalling: Journalling | None,
        lines: RateLines,
        marking: Marking | None = None,
    ) -> None:
        """`marking`: where answers are marked."""
        self._control, self._settings, self._leases = control, settings, leases
        self._owners, self._fetching, self._journalling = owners, fetching, journalling
        self._lines, self._marking = lines, marking
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    def concerns(self, route: Route, verb: str) -> bool:
        """Requests that begin a batch."""
        return route.does is Does.BATCHES

    def wants_body(self, route: Route) -> bool:
        """Bodies that begin a batch."""
        return route.does is Does.BATCHES

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Reads the lines, asks about all of them together, and writes anew what changes."""
        work: _Work | None = exchange.kept.get(_STATE)
        if work is None:
            if (refused := self._unfit(exchange)) is not None:
                return refused
            try:
                work = exchange.kept[_STATE] = _begun(exchange)
            except LineError as error:
                return Refuse(Problem(Kind.INVALID, f"{error}.", param=_param(exchange.route)))
            return self._doing(work, partial(self._read, exchange, work))
        if work.task is not None and not work.task.done():
            return _going_on(work.task)
        if work.task is not None:
            work.task.result()  # what it raised ends the request
        if work.problem is not None:
            return Refuse(work.problem)
        if work.admitted is None:
            if (answer := self._decided(exchange, work)) is not None:
                return answer
            return self._doing(work, partial(self._write, exchange, work))
        return Forward(body=work.body)

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        """A batch that was taken counts as what was reserved for it; one that wasn't, as nothing."""
        work: _Work | None = exchange.kept.get(_STATE)
        if work is None:
            return
        work.over = True
        taken = outcome.upstream_status // 100 == 2
        passage: Passage = exchange.kept[PASSAGE]
        if work.admitted is not None and passage.batch is not None:
            passage.admitted = None
            used = passage.batch.used if taken or _may_have_taken(outcome) else NOTHING_USED
            self._control.settle(work.admitted, used, steady_us())
        if not taken and work.file:
            self._remove(work)

    # Reading.

    def _unfit(self, exchange: Exchange) -> OnRequest | None:
        """What is refused before a file is read for it: as the smallest of batches would be, which takes nothing."""
        passage: Passage = exchange.kept[PASSAGE]
        wish = Wish(scope="batch", output_tokens=0)
        found = self._control.decide(passage.principal, passage.source, wish, exchange.began_us, steady_us())
        if isinstance(found, Denied):
            return self._lines.refuse(found, exchange, passage.principal)
        if isinstance(found, Refill):
            return Wait(self._leases.send(found.asks))
        if found.reservation is not None:
            self._control.settle(found, NOTHING_USED, steady_us())
        return None

    async def _read(self, exchange: Exchange, work: _Work) -> None:
        """The lines, wherever they are, and what they ask for."""
        passage: Passage = exchange.kept[PASSAGE]
        account = passage.principal.account
        if work.named:
            owner = await self._owners.of(work.named)
            if owner is None or owner.account != account or owner.kind == "ours":
                work.problem = _NO_FILE
                return
            file = work.lines = tempfile.TemporaryFile()  # noqa: SIM115  (it lasts as long as the batch's work)
            try:
                await self._fetching.download(f"/v1/files/{quote(work.named, safe='')}/content", file)
            except FetchFailed:
                work.problem = _GONE
                return
        try:
            check = None if self._marking is None else self._marking.clean
            sums = await asyncio.to_thread(summed, work.each(), work.path, self._settings, check)
        except LineError as error:
            work.problem = Problem(Kind.INVALID, str(error), param=_param(exchange.route))
            return
        owners = await self._owners.all_of([*sums.named])
        for owner, (row, count) in zip(owners, sums.named.values(), strict=True):
            if owner is None or owner.account != account or owner.kind == "ours":
                told = f"Line {row} of the batch names an object that isn't there."
                work.problem = Problem(Kind.NOT_FOUND, told, "object_not_found")
                return
            sums.carried += owner.tokens * count
        work.sums = sums

    # Deciding.

    def _decided(self, exchange: Exchange, work: _Work) -> OnRequest | None:
        """What `Control` says of the whole; None where it is granted."""
        passage: Passage = exchange.kept[PASSAGE]
        sums = work.sums
        assert sums is not None
        model = self._priced(exchange, sums)
        if not isinstance(model, str):
            return model
        found = self._control.decide(
            passage.principal, passage.source, _wish(sums, model), exchange.began_us, steady_us()
        )
        if isinstance(found, Refill):
            return Wait(self._leases.send(found.asks))
        if isinstance(found, Denied):
            return self._lines.refuse(found, exchange, passage.principal)
        if self._leases.budgets.hungry:
            self._leases.hungry()
        kind = ENDPOINTS.get(work.path, "messages")
        if self._marking is not None and (
            problem := self._marking.refusal(kind, passage.principal, found.restrictions)
        ):
            self._control.settle(found, NOTHING_USED, steady_us())
            return Refuse(problem)
        work.admitted = passage.admitted = found
        used = Used(input_tokens=sums.inputs, output_tokens=sums.outputs(_longest(work)), requests=len(sums))
        file = work.named

        async def record() -> bool:
            return await self._recorded(exchange, work)

        charge = _ENCODE(self._control.charged(found, used))
        passage.batch = Batch(exchange.id, used, record, file, charge)
        return None

    def _priced(self, exchange: Exchange, sums: Sums) -> str | OnRequest:
        """The model that costs most, where all may be used; a batch is counted as if it asked that one only."""
        passage: Passage = exchange.kept[PASSAGE]
        if len(sums.models) > (_MOST_MODELS if exchange.route.dialect is Dialect.ANTHROPIC else 1):
            return Refuse(Problem(Kind.INVALID, "The lines of a batch ask too many models."))
        prices = {}
        for name in sums.models:
            wish = Wish(scope="batch", model=name, counts=False)
            found = self._control.decide(
                passage.principal, passage.source, wish, exchange.began_us, steady_us()
            )
            if isinstance(found, Denied):
                return self._lines.refuse(found, exchange, passage.principal)
            model = self._settings.model(name)
            prices[name] = (0, 0) if model is None else (model.input, model.output)
        dearest = max(prices, key=lambda name: prices[name])
        if any(price[1] > prices[dearest][1] for price in prices.values()):
            told = "These models can't be asked in one batch: give each a batch of its own."
            return Refuse(Problem(Kind.INVALID, told))
        return dearest

    # Going on.

    async def _write(self, exchange: Exchange, work: _Work) -> None:
        """The batch as it goes on."""
        admitted, sums, passage = work.admitted, work.sums, exchange.kept[PASSAGE]
        assert admitted is not None
        assert sums is not None
        longest, drop = _longest(work), admitted.terms.drop

        def hold(asked: Asked) -> int | None:
            if asked.endpoint == "embeddings" or longest is None:
                return None
            return longest if asked.output_tokens is None else min(asked.output_tokens, longest)

        lines = written(work.each(), work.path, hold, drop, self._marks(exchange, admitted))
        if work.path == MESSAGES:
            work.body = await asyncio.to_thread(lambda: body_with(exchange.body, lines))
            return
        same = self._marking is None and sums.plain and not sums.open and not (drop and sums.special)
        if same and (longest is None or max(sums.said) <= longest):
            passage.batch = passage.batch._replace(file="")
            work.body = _ENCODE(work.fields)
            return
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(lambda: file.writelines(line + b"\n" for line in lines))
            try:
                said = msgspec.json.decode(await self._fetching.upload("batch.jsonl", file, "batch"))
                work.file = str(said["id"])
            except (FetchFailed, msgspec.MsgspecError, KeyError, TypeError):
                work.problem = _NOT_TAKEN
                return
        if work.over:
            self._remove(work)
            return
        await self._owners.own(work.file, Owned(passage.principal.account, "ours"), exchange.began_us)
        work.body = _ENCODE({**work.fields, _FILE: work.file})

    def _marks(self, exchange: Exchange, admitted: Admitted) -> Callable[[Asked], None] | None:
        """Puts a line's ticket in, where answers are marked; it names the batch."""
        marking = self._marking
        if marking is None:
            return None

        def mark(asked: Asked) -> None:
            marking.clean(asked)
            marking.put(asked, admitted.principal, admitted.restrictions, exchange.id, batch=True)

        return mark

    async def _recorded(self, exchange: Exchange, work: _Work) -> bool:
        """Write the lines to the journal, some at a time: others have their turn, and the disk keeps up."""
        journalling = self._journalling
        if journalling is None:
            return True
        for row, line in enumerate(recorded(work.each(), work.path, exchange.id, _common(exchange)), 1):
            if journalling.append(line) == REFUSED:
                return False
            if row % _SLICE == 0:
                await asyncio.sleep(0)
                while journalling.journal.crowded:
                    await asyncio.sleep(_CROWDED_S)
        return True

    def _remove(self, work: _Work) -> None:
        """A file of our making that no batch has come of."""
        file, work.file = work.file, ""
        self._owners.gone(file)
        task = asyncio.ensure_future(
            self._fetching.delete(f"/v1/files/{quote(file, safe='')}", Dialect.OPENAI)
        )
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _doing(self, work: _Work, what: Callable[[], Coroutine[Any, Any, None]]) -> Wait:
        async def in_turn() -> None:
            async with self._turns:
                if not work.over:  # its client is gone
                    await what()

        work.task = asyncio.ensure_future(in_turn())
        return _going_on(work.task)


def _going_on(task: asyncio.Task[None]) -> Wait:
    """Wait a while; the relay asks again, so that long work isn't taken for a standstill."""
    return Wait(asyncio.ensure_future(asyncio.wait({task}, timeout=_STEP_S)))


def _begun(exchange: Exchange) -> _Work:
    """What a batch's own body says; raises `LineError`."""
    if exchange.route.dialect is Dialect.ANTHROPIC:
        work = _Work(MESSAGES)
        work.lines = body_lines(exchange.body)
        return work
    try:
        fields = _FIELDS(exchange.body)
        path, named = _TEXT(fields["endpoint"]), _TEXT(fields[_FILE])
    except (msgspec.MsgspecError, KeyError, RecursionError, ValueError):
        raise LineError("The body doesn't name a file (input_file_id) and an endpoint") from None
    if path not in ENDPOINTS:
        raise LineError(f"A batch's endpoint is one of {', '.join(ENDPOINTS)}")
    if any(name.casefold() != name and name.casefold() in (_FILE, "endpoint") for name in fields):
        raise LineError("A name in the body is spelt in another way")
    work = _Work(path)
    work.fields, work.named = fields, named
    return work


def _param(route: Route) -> str:
    return "requests" if route.dialect is Dialect.ANTHROPIC else _FILE


def _wish(sums: Sums, model: str) -> Wish:
    """All lines together. Where each says how long its answer may be, the mean of that is reserved for each."""
    lines, answers = len(sums), max(sums.answers)
    output = None if sums.open else -(-sums.outputs(None) // (lines * answers))
    return Wish(
        scope="batch",
        model=model,
        input_tokens=sums.inputs,
        output_tokens=output,
        answers=answers,
        logprobs=sums.logprobs,
        raw_reasoning=sums.raw_reasoning,
        requests=lines,
    )


def _longest(work: _Work) -> int | None:
    """The longest that one answer may be; None where what the lines say is short enough."""
    admitted, sums = work.admitted, work.sums
    assert admitted is not None
    assert sums is not None
    if sums.open:
        return admitted.terms.max_tokens
    return None if admitted.restrictions is None else admitted.restrictions.max_tokens


def _may_have_taken(outcome: Outcome) -> bool:
    """Whether a batch was sent, and no answer says what became of it."""
    return outcome.sent and outcome.upstream_status == 0


def _common(exchange: Exchange) -> Accepted:
    """What the records of all lines have in common."""
    passage: Passage = exchange.kept[PASSAGE]
    who = passage.principal
    agent = exchange.head.get(b"user-agent")
    return Accepted(
        exchange.id, exchange.began_us, who.account, organisation=who.organisation, key=who.key,
        ip=passage.source.address, user_agent=None if agent is None else agent.decode("latin-1"),
    )  # fmt: skip

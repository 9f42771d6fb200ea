"""Decides about requests that are asked about, and holds what was granted until it is settled, or is over.

Belongs to one event loop. What nobody settles counts as spent after `control.request_s`, and its slot comes back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import msgspec

from headwater.control import NOTHING_USED, Admitted, Control, ControlSettings, Denied, Used, Wish
from headwater.control.budget import Refill, Reservation
from headwater.control.identity import Credential, Principal, Refusal
from headwater.exchange import ENDPOINTS, Asked, UnreadableRequestError, read_request
from headwater.exchange.journal import REFUSED, UNRECORDED, Accepted
from headwater.exchange.journal import Outcome as Ending
from headwater.gateway.deciding.asking import Question
from headwater.gateway.deciding.settings import DecideSettings
from headwater.gateway.deciding.used import reserved_of, used_of
from headwater.gateway.deciding.wording import Settlement
from headwater.gateway.marking.marking import Marking
from headwater.gateway.routes import Does
from headwater.gateway.stage import Wait
from headwater.gateway.stages.journalling import Journalling
from headwater.gateway.stages.leases import Leases, steady_us, tokens_of
from headwater.gateway.stages.objects import named_in
from headwater.gateway.stages.refusing import refuse
from headwater.gateway.stages.wishing import ASKED, wish_of
from headwater.gateway.wire.errors import Kind, Problem

_FULL: Final = Problem(Kind.UNAVAILABLE, "Too many requests haven't ended yet.", retry_after_s=5)
_UNRECORDED: Final = Problem(Kind.UNAVAILABLE, "Requests can't be recorded at the moment.", retry_after_s=5)
#: Told to the program, not to its client: it chooses the names.
TAKEN: Final = Problem(Kind.INVALID, "A decision of this id is open for another account.", param="id")
_NO_OBJECTS: Final = Problem(Kind.BLOCKED, "Stored objects aren't offered here.", "feature_not_available")
_NOT_ITS: Final = Problem(
    Kind.INVALID, "Parameters of the engine's marks can't be sent by a client.", "parameter_not_allowed"
)
_NO_BATCHES: Final = Problem(Kind.BLOCKED, "Batches aren't offered here.", "feature_not_available")
_NO_LENGTH: Final = "The request doesn't say how long its answer may be: name it, {} tokens at most."
_NO_BOUND: Final = "The request doesn't say how long its answer may be."
_TOO_LONG: Final = "The answer may be {} tokens long at most."
_NO_LOGPROBS: Final = Problem(
    Kind.BLOCKED, "Token probabilities (logprobs) aren't available now.", "feature_not_available"
)
_NO_REASONING: Final = Problem(
    Kind.BLOCKED, "Reasoning as the model wrote it isn't available now.", "feature_not_available"
)


class Open:
    """One request that was asked about. `reservation` is held as long as it isn't settled.

    `name`: of the exchange that asked; `record`: the same, once that is in the journal. `lost`: its slot is gone.
    """

    __slots__ = (
        "admitted",
        "asked",
        "began_us",
        "id",
        "lost",
        "name",
        "principal",
        "question",
        "record",
        "waited",
    )

    def __init__(self, question: Question, id: str, name: str, began_us: int) -> None:
        self.question, self.id, self.name, self.began_us = question, id, name, began_us
        self.record = ""
        self.principal: Principal | None = None
        self.asked: Asked | None = None
        self.admitted: Admitted | None = None
        self.waited = self.lost = False

    @property
    def reservation(self) -> Reservation | None:
        """What it holds."""
        return None if self.admitted is None else self.admitted.reservation


class Decisions:
    """All requests that were asked about and haven't ended."""

    def __init__(
        self,
        control: Control,
        settings: ControlSettings,
        decide: DecideSettings,
        leases: Leases,
        journalling: Journalling | None,
        answer_bytes: int,
        marking: Marking | None = None,
    ) -> None:
        """`answer_bytes`: most that is recorded of an answer; one that is longer is recorded without its text."""
        self.control, self.settings, self._decide = control, settings, decide
        self._leases, self._journalling, self._most = leases, journalling, answer_bytes
        self._marking = marking
        self._open: dict[str, Open] = {}
        self._holding: dict[Reservation, Open] = {}
        leases.lapsed = self._lapsed

    def start(self) -> None:
        """Look after budgets and journal from now on."""
        self._leases.start()
        if self._journalling is not None:
            self._journalling.start()

    def counted(self) -> dict[str, int]:
        """Figures for metrics."""
        journal = {} if self._journalling is None else self._journalling.counted()
        return {**tokens_of(self.control), **self._leases.counted(), **journal}

    async def stop(self) -> None:
        """Write what waits and give back what was leased."""
        if self._journalling is not None:
            await self._journalling.stop()
        await self._leases.stop()

    def who(self, entry: Open) -> Principal | Problem:
        """Who asks, or why nobody is let in; nothing counts."""
        if entry.principal is None:
            credential = entry.question.credential
            if isinstance(credential, Refusal):
                credential = Credential(b"")  # answered as any other credential that is no good
            found = self.control.who(credential, entry.question.source, entry.began_us)
            if isinstance(found, Denied):
                return refuse(found, "").problem
            entry.principal = found
        return entry.principal

    def decide(self, entry: Open, *, checked: bool) -> Admitted | Problem | Wait:
        """Whether a request is served. `checked`: nobody will settle it, nor change its body: its bound counts.

        `Wait`: the same is to be asked again.
        """
        if entry.admitted is not None:
            return entry.admitted  # it has waited as long as a step says
        problem = self._read(entry, checked=checked)
        if problem is not None:
            return problem
        assert entry.principal is not None
        question = entry.question
        wish = self._wish(entry, checked=checked)
        if isinstance(wish, Problem):
            return wish
        found = self.control.decide(entry.principal, question.source, wish, entry.began_us, steady_us())
        if isinstance(found, Refill):
            return Wait(self._leases.send(found.asks))
        if isinstance(found, Denied):
            return refuse(found, entry.principal.account).problem
        entry.admitted = found
        if self._leases.budgets.hungry:
            self._leases.hungry()
        problem = _undone(entry, self._decide) if checked else self._unmarked(entry, found)
        problem = problem or self._recorded(entry)
        if problem is not None:
            self._release(entry)
            return problem
        if checked:
            self._spent(entry)
        elif found.reservation is not None:
            problem = self.again(entry)  # the name may have been taken while this one waited for a lease
            if problem is not None:
                self._release(entry)
                return problem
            self._open[entry.id] = self._holding[found.reservation] = entry
        return found

    def sent(self, entry: Open) -> None:
        """What was asked for has been told on: nothing of its text is kept while it is open."""
        entry.question = entry.question._replace(body=b"")
        if entry.asked is not None:
            entry.asked.fields = {}

    def of(self, id: str) -> Open | None:
        """A request that hasn't ended; None where there is none of this name."""
        return self._open.get(id)

    def again(self, entry: Open) -> Problem | None:
        """A request may be asked about once more under its name: what it held is taken back.

        Only by who is let in, and for the account that it was granted to (`TAKEN` where it was another's).
        """
        before = self._open.get(entry.id)
        if before is None:
            return None
        who = self.who(entry)
        if isinstance(who, Problem):
            return who
        if before.principal is None or before.principal.account != who.account:
            return TAKEN
        self._release(before)
        return None

    def extend(self, entry: Open) -> int | Problem | Wait:
        """The next slice of a stream: how many tokens more."""
        assert entry.admitted is not None
        if entry.lost:
            return Problem(Kind.UNAVAILABLE, "The request was ended: its place was needed.", retry_after_s=5)
        more = self.control.extend(entry.admitted, time.time_ns() // 1000, steady_us())
        if isinstance(more, Refill):
            return Wait(self._leases.send(more.asks))
        return refuse(more, entry.admitted.principal.account).problem if isinstance(more, Denied) else more

    def settle(self, entry: Open, told: Settlement) -> Used:
        """It has ended: what was used of what it held."""
        admitted = entry.admitted
        assert admitted is not None
        used = used_of(told, entry.asked, admitted, self.settings)
        self.control.settle(admitted, used, steady_us())
        self._forget(entry)
        self._ended(entry, used, told)
        return used

    def _read(self, entry: Open, *, checked: bool) -> Problem | None:
        """Who asks, and for what. `checked`: the body can't be changed."""
        question = entry.question
        who = self.who(entry)
        if isinstance(who, Problem):
            return who
        route = question.route
        if route.does is Does.BATCHES:
            return _NO_BATCHES
        if not self._decide.stored_objects and (
            _stored(question) or (question.body and named_in(question.body))
        ):
            return _NO_OBJECTS
        if question.body and entry.asked is None and route.does in ASKED:
            try:
                entry.asked = read_request(question.body, ENDPOINTS[route.path])
                if self._marking is not None and self._marking.clean(entry.asked) and checked:
                    return _NOT_ITS
            except UnreadableRequestError as error:
                return Problem(Kind.INVALID, f"{error.what}.", param=error.where.field)
        return None

    def _wish(self, entry: Open, *, checked: bool) -> Wish | Problem:
        route, asked = entry.question.route, entry.asked
        if asked is None and route.does in (Does.GENERATES, Does.EMBEDS):
            # The proxy passes no body on: the request counts, what is asked for isn't known.
            return Wish(scope=ASKED[route.does], output_tokens=0, counts=True)
        if not checked:
            return (
                _FULL
                if len(self._open) >= self._decide.open_decisions
                else wish_of(route, asked, self.settings)
            )
        wish = msgspec.structs.replace(wish_of(route, asked, self.settings), stream=False)
        if self._decide.count_tokens or not wish.counts:
            return wish
        return msgspec.structs.replace(wish, input_tokens=0, output_tokens=0)

    def _unmarked(self, entry: Open, admitted: Admitted) -> Problem | None:
        """Why an answer that would have its account's layer isn't given: its endpoint takes no ticket."""
        asked = entry.asked
        if self._marking is None or asked is None or entry.question.route.does is not Does.GENERATES:
            return None
        return self._marking.refusal(asked.endpoint, admitted.principal, admitted.restrictions)

    def _recorded(self, entry: Open) -> Problem | None:
        question, who = entry.question, entry.principal
        route = question.route
        if self._journalling is None or route.does not in ASKED or route.does is Does.COUNTS or who is None:
            return None
        ticket = self._journalling.append(
            Accepted(
                entry.name,
                entry.began_us,
                who.account,
                organisation=who.organisation,
                endpoint=ENDPOINTS[route.path],
                batch=False,
                ip=question.source.address,
                user_agent=question.agent,
                header_order=question.order,
                key=who.key,
                body=question.body or None,
            )
        )
        if ticket == REFUSED:
            return _UNRECORDED
        entry.record = "" if ticket == UNRECORDED else entry.name
        return None

    def _spent(self, entry: Open) -> None:
        """Nobody will say how it ends: what was reserved counts, and its slot comes back now."""
        admitted = entry.admitted
        assert admitted is not None
        self.control.settle(admitted, reserved_of(admitted, entry.asked, self.settings), steady_us())
        self._ended(entry, None, None)

    def _release(self, entry: Open) -> None:
        admitted = entry.admitted
        if admitted is None:
            return
        self.control.settle(admitted, NOTHING_USED, steady_us())
        self._forget(entry)
        self._ended(entry, NOTHING_USED, Settlement(sent=False))

    def _ended(self, entry: Open, used: Used | None, told: Settlement | None) -> None:
        """What is known of its end goes into the journal."""
        if self._journalling is None or not entry.record:
            return
        record, entry.record = entry.record, ""
        body = b""
        if told is not None:
            body = told.events.encode() if told.events is not None else bytes(told.response)
        self._journalling.append(
            Ending(
                record,
                time.time_ns() // 1000,
                status=told.status if told else None,
                latency_ms=told.latency_ms if told else None,
                input_tokens=used.input_tokens if used else None,
                output_tokens=used.output_tokens if used else None,
                cancelled=(told.cancelled or not told.sent) if told else None,
                body=body if 0 < len(body) <= self._most else None,
            )
        )

    def _forget(self, entry: Open) -> None:
        if self._open.get(entry.id) is entry:
            del self._open[entry.id]
        if entry.reservation is not None:
            self._holding.pop(entry.reservation, None)

    def _lapsed(self, over: Iterable[Reservation]) -> None:
        """Reservations that nobody settled in time, and those whose slot is another's now."""
        for reservation in over:
            entry = self._holding.get(reservation)
            if entry is None:
                continue
            if reservation in self._leases.budgets.open:
                entry.lost = True
            else:
                self._forget(entry)
                self._ended(entry, None, None)


def _stored(question: Question) -> bool:
    """Whether a path is about stored objects."""
    does, path = question.route.does, question.route.path
    return does in (Does.UPLOADS, Does.CHANGES) or (does is Does.READS and not path.startswith("/v1/models"))


def _length_field(asked: Asked) -> str:
    """The field that would say how long an answer may be."""
    return "max_output_tokens" if asked.endpoint == "responses" else "max_tokens"


def _undone(entry: Open, decide: DecideSettings) -> Problem | None:
    """Why a request is refused whose terms would need another body, which who asks can't change."""
    asked, admitted = entry.asked, entry.admitted
    if asked is None or admitted is None:
        return None
    if asked.logprobs and "logprobs" in admitted.terms.drop:
        return _NO_LOGPROBS
    if asked.raw_reasoning and "raw_reasoning" in admitted.terms.drop:
        return _NO_REASONING
    if entry.question.route.does is not Does.GENERATES:
        return None
    held = admitted.restrictions
    most = None if held is None else held.max_tokens
    said = asked.output_tokens
    if most is not None and said is not None and said > most:
        return Problem(Kind.INVALID, _TOO_LONG.format(most), "answer_too_long", asked.limits[0])
    if said is None and (most is not None or decide.need_length):
        bound = most if most is not None else admitted.terms.max_tokens
        told = _NO_LENGTH if bound is not None else _NO_BOUND
        return Problem(Kind.INVALID, told.format(bound), "answer_length_missing", _length_field(asked))
    return None

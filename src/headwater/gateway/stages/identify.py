"""The first stage: who asks. Credentials and what is ours to say end here; the upstream is shown a key of its own."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from headwater.control import Control, Denied, Reason, Wish
from headwater.control.identity import (
    CARRIERS,
    Credential,
    Refusal,
    Source,
    Sources,
    account_of,
    bearer_of,
    certificate_names,
    is_ours,
    plain_name,
)
from headwater.gateway.routes import Route
from headwater.gateway.stage import Exchange, Forward, OnRequest, Passing
from headwater.gateway.stages.keeping import Keeping
from headwater.gateway.stages.leases import steady_us
from headwater.gateway.stages.passage import PASSAGE, Passage
from headwater.gateway.stages.refusing import refuse
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.head import Field
from headwater.gateway.wire.writer import field, header_lines

#: Heads that are remembered: a client sends the same one with each request of a connection.
_KEPT: Final = 1024
_LONGEST_KEPT: Final = 4_096
_FORWARDED: Final = b"x-forwarded-for"
#: Answers are read as they pass: no model server may pack them, whatever the client could unpack.
_PLAIN: Final = field(b"Accept-Encoding", b"identity")
#: Whose account a request is upstream is said by the operator's key, not by a client.
_THEIRS: Final = frozenset((b"openai-organization", b"openai-project", b"anthropic-workspace-id"))
_NO_WISH: Final = Wish(scope="")


class _Shown(NamedTuple):
    """What a head shows of who asks. `fields` is held so that its identity stays its own."""

    fields: list[Field]
    credential: Credential | Refusal
    source: Source
    forward: Forward
    kept: bool


class Identify(Passing):
    """Finds out who asks, or refuses."""

    def __init__(
        self,
        control: Control,
        sources: Sources,
        keeping: Keeping,
        *,
        account_header: str = "",
        upstream_key: str = "",
    ) -> None:
        """`keeping` keeps what `control` knows current; `upstream_key`: what the model server is shown, if anything."""
        self._control, self._sources, self._keeping = control, sources, keeping
        self._account_header = account_header.encode()
        bearer = field(b"Authorization", b"Bearer " + upstream_key.encode()) if upstream_key else None
        plain = field(b"x-api-key", upstream_key.encode()) if upstream_key else None
        self._keys: dict[Dialect, tuple[Field, ...]] = {
            Dialect.OPENAI: (_PLAIN, bearer) if bearer else (_PLAIN,),
            Dialect.ANTHROPIC: (_PLAIN, plain) if plain else (_PLAIN,),
        }
        self._theirs = _THEIRS if upstream_key else frozenset()
        self._known: dict[tuple[int, Route, str], _Shown] = {}

    def on_start(self) -> None:
        """Keeps what is known current."""
        self._keeping.start()

    async def on_stop(self) -> None:
        """Lets go of it."""
        await self._keeping.stop()

    def on_request(self, exchange: Exchange) -> OnRequest:
        """Passes who is known on, without credentials."""
        known = self._shown(exchange)
        credential, source = known.credential, known.source
        if isinstance(credential, Refusal):
            credential = Credential(b"")  # answered as any other credential that is no good
        found = self._control.who(credential, source, exchange.began_us)
        if isinstance(found, Denied):
            return refuse(found, "")
        exchange.kept[PASSAGE] = Passage(found, source)
        if not known.kept:
            self._keep(exchange, known)
        return known.forward

    def still(self, exchange: Exchange) -> Denied | None:
        """Why a request that runs is served no longer, now that something has changed; None where it is."""
        passage: Passage = exchange.kept[PASSAGE]
        who, known = passage.principal, self._shown(exchange)
        if isinstance(known.credential, Credential):
            # A token is short-lived: it has to be right when a request begins.
            at_us = exchange.began_us if who.how == "token" else time.time_ns() // 1000
            found = self._control.who(known.credential, known.source, at_us)
            if isinstance(found, Denied):
                return found
        # A wish in no scope: nothing is ever granted, and what stands against the account is told before that.
        denied = self._control.decide(who, known.source, _NO_WISH, exchange.began_us, steady_us())
        return denied if isinstance(denied, Denied) and denied.why is not Reason.SCOPE else None

    def _shown(self, exchange: Exchange) -> _Shown:
        head = exchange.head
        known = self._known.get((id(head.fields), exchange.route, exchange.client[0]))
        return self._read(exchange) if known is None or known.fields is not head.fields else known

    def _read(self, exchange: Exchange) -> _Shown:
        head = exchange.head
        pairs = [(lower, value) for lower, _, value in head.fields]
        withheld = [(lower, value) for lower, _, value in head.withheld]
        forwarded = b",".join(value for lower, value in withheld if lower == _FORWARDED)
        source = self._sources.of(exchange.client[0], forwarded.decode("latin-1"))
        everything = pairs + withheld
        asserted = account_of(everything, self._account_header, source.trusted)
        bearer = bearer_of(pairs)
        credential: Credential | Refusal
        if isinstance(asserted, Refusal):
            credential = asserted
        elif isinstance(bearer, Refusal):
            credential = bearer
        else:
            credential = Credential(bearer, asserted, certificate_names(exchange.certificate))
        drop = frozenset(
            lower
            for lower, _ in pairs
            if plain_name(lower) in CARRIERS or is_ours(lower, self._account_header) or lower in self._theirs
        )
        add = self._keys[_dialect(exchange)]
        return _Shown(head.fields, credential, source, Forward(drop, add), kept=False)

    def _keep(self, exchange: Exchange, shown: _Shown) -> None:
        """Remember a head of somebody who was let in; no stranger's, and none that takes much room."""
        if exchange.certificate is not None:  # what it says belongs to the connection, not to the head
            return
        if sum(len(line) for _, line, _ in shown.fields) > _LONGEST_KEPT:
            return
        if len(self._known) >= _KEPT:
            self._known.clear()
        key = (id(shown.fields), exchange.route, exchange.client[0])
        change = shown.forward
        lines = header_lines(shown.fields, change.drop, change.add)
        self._known[key] = shown._replace(kept=True, forward=Forward(change.drop, change.add, lines=lines))


def _dialect(exchange: Exchange) -> Dialect:
    if exchange.route.dialect is Dialect.ANTHROPIC:
        return Dialect.ANTHROPIC
    shared = exchange.route.shared and exchange.head.get(b"anthropic-version") is not None
    return Dialect.ANTHROPIC if shared else Dialect.OPENAI

"""The order in which a request is looked at: who asks, what stands against the account, scope, features, budgets.

Budgets come last, so that who is refused pays nothing. One object a process, used from one thread. `wall_us` is the
time since 1970 (UTC), `steady_us` that of a clock that never steps, both in µs.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from headwater.control.budget import Amounts, Budgets, Refill, Refused, Seen, Why
from headwater.control.deciding.denial import TOLD, Denied, Reason
from headwater.control.deciding.holdings import LIMIT_OF, Figure, Holding, Holdings
from headwater.control.deciding.settings import ControlSettings, Model
from headwater.control.deciding.standings import Standings, Stands
from headwater.control.deciding.wish import Admitted, Terms, Used, Wish
from headwater.control.identity import RANK, TIERS, Authenticator, Credential, Principal, Source
from headwater.control.identity import Refused as NotLetIn

#: Scopes whose requests have answers of a length.
_ANSWERED: Final = ("generate", "batch")
#: Feature → how a client knows it, and which field of a wish asks for it.
_WORDS: Final = {
    "logprobs": "Token probabilities (logprobs)",
    "several_answers": "Several answers to one request (n, best_of)",
    "raw_reasoning": "Reasoning as the model wrote it",
    "long_context": "An input of this length",
    "batch": "Batches",
}
_DROPPED: Final = ("logprobs", "raw_reasoning")


class Control:
    """Decides about requests."""

    def __init__(
        self, authenticator: Authenticator, budgets: Budgets, settings: ControlSettings, standings: Standings
    ) -> None:
        self._authenticator, self._budgets = authenticator, budgets
        self._settings, self._standings = settings, standings
        self._holdings = Holdings(budgets, settings)
        self._denials = 0

    def who(self, credential: Credential, source: Source, wall_us: int) -> Principal | Denied:
        """Who asks, or why nobody is let in."""
        found = self._authenticator.authenticate(credential, source, wall_us)
        if isinstance(found, NotLetIn):
            return self._denied(Reason(found.reason.told), cause=found.reason.value)
        return found

    def decide(
        self, principal: Principal, source: Source, wish: Wish, wall_us: int, steady_us: int
    ) -> Admitted | Denied | Refill:
        """Whether a wish is granted, and how. `Refill`: nothing was taken; send what it names and ask again."""
        stands = self._standings.of(principal.account)
        model = self._settings.model(wish.model)
        refused = (
            self._not_now(stands, counts=wish.counts)
            or self._out_of_scope(principal, wish)
            or self._not_offered(principal, wish, model)
        )
        if refused is not None:
            return refused
        assert model is not None
        if not wish.counts:
            return Admitted(principal, stands.restrictions, None, self._terms(principal, stands, wish), model)
        holding = self._holdings.of(principal, stands, source)
        return self._reserved(principal, stands, source, wish, model, holding, steady_us)

    def extend(self, admitted: Admitted, wall_us: int, steady_us: int) -> int | Denied | Refill:
        """Pay for the next slice of a stream: how many tokens more, of all answers together."""
        refused = self._not_now(self._standings.of(admitted.principal.account), counts=True)
        if refused is not None:
            return refused
        tokens = self._settings.slice_tokens * admitted.terms.answers
        held = admitted.reservation
        if held is None:
            return tokens
        if held not in self._budgets.open:
            return self._denied(Reason.ENDED)
        more = Amounts(0, tokens, admitted.model.micros(0, tokens), 0)
        answer = self._budgets.extend(held, more, steady_us)
        if isinstance(answer, Refused):
            return self._spent(answer)
        return answer if isinstance(answer, Refill) else tokens

    def settle(self, admitted: Admitted, used: Used, steady_us: int) -> None:
        """What was used in truth, on every way out; a second time does nothing. See `NOTHING_USED`."""
        if admitted.reservation is None:
            return
        tokens = used.input_tokens + used.output_tokens
        spend = admitted.model.micros(used.input_tokens, used.output_tokens)
        self._budgets.settle(admitted.reservation, Amounts(used.requests, tokens, spend, 0), steady_us)

    def standing(self, who: Admitted | Principal, steady_us: int) -> list[Figure]:
        """How the tier's limits stand, for rate headers; no other budget is ever seen there."""
        principal = who.principal if isinstance(who, Admitted) else who
        part = self._holdings.account(principal, self._standings.of(principal.account))
        return self._holdings.figures(part, steady_us)

    def _not_now(self, stands: Stands, *, counts: bool) -> Denied | None:
        restrictions = stands.restrictions
        if restrictions is None:
            return None
        cause = ", ".join(restrictions.step_ids)
        if not restrictions.served:
            return self._denied(Reason.SUSPENDED, cause=cause)
        if restrictions.held and counts:
            return self._denied(Reason.HELD, cause=cause)
        if restrictions.proof and counts:
            return self._denied(Reason.STEP_UP, cause=cause)
        return None

    def _out_of_scope(self, principal: Principal, wish: Wish) -> Denied | None:
        if principal.may(wish.scope):
            return None
        return self._denied(Reason.SCOPE, f"What this request does needs a key with the scope {wish.scope}.")

    def _not_offered(self, principal: Principal, wish: Wish, model: Model | None) -> Denied | None:
        tier = principal.tier
        if model is None:
            return self._denied(Reason.MODEL, "This model isn't offered here.")
        if RANK[tier.name] < RANK[model.tier]:
            return self._denied(Reason.MODEL, f"This model needs {_tiers(model.tier)}.")
        asked = {
            "batch": wish.scope == "batch" and wish.counts,
            "several_answers": wish.answers > 1,
            "logprobs": wish.logprobs,
            "raw_reasoning": wish.raw_reasoning,
            "long_context": tier.context_tokens is not None and wish.input_tokens > tier.context_tokens,
        }
        for feature, wanted in asked.items():
            if wanted and not tier.may(feature):
                why = Reason.CONTEXT if feature == "long_context" else Reason.FEATURE
                return self._denied(why, self._feature(feature))
        return None

    def _feature(self, feature: str) -> str:
        tiers = self._authenticator.directory.tiers
        having = [name for name in TIERS if tiers[name].may(feature)]
        if not having:
            return f"{_WORDS[feature]}: not offered here."
        return f"{_WORDS[feature]}: this needs {_tiers(having[0])}."

    def _terms(self, principal: Principal, stands: Stands, wish: Wish) -> Terms:
        """The terms but for lengths: what a step takes, or a tier lacks, is left out, asked for or not."""
        held, tier = stands.restrictions, principal.tier
        drop = {name for name in _DROPPED if not tier.may(name)}
        if held is not None:
            kept = {"logprobs": held.logprobs, "raw_reasoning": held.reasoning}
            drop |= {name for name in _DROPPED if not kept[name]}
        delay_ms = 0 if held is None else held.delay_ms
        return Terms(drop=frozenset(drop), answers=max(1, wish.answers), delay_ms=delay_ms)

    def _reserved(
        self, principal: Principal, stands: Stands, source: Source, wish: Wish, model: Model,
        holding: Holding, steady_us: int,
    ) -> Admitted | Denied | Refill:  # fmt: skip
        plain = self._terms(principal, stands, wish)
        lines, inputs = max(1, wish.requests), max(0, wish.input_tokens)
        count = plain.answers * lines
        longest, held_to, sliced = self._lengths(principal, stands, wish, model, holding, count)
        if longest is None:
            return self._denied(Reason.BUDGET_TOO_LARGE)
        first = self._settings.slice_tokens if sliced else longest
        terms = Terms(held_to, plain.drop, plain.answers, plain.delay_ms, first * count if sliced else 0)
        tokens = inputs + first * count
        estimate = Amounts(lines, tokens, model.micros(inputs, first * count))
        seen = Seen(source.host, "" if source.asn is None else str(source.asn))
        never = _never(holding.account.zero, estimate, seen)
        if never:
            return self._denied(Reason.BUDGET_TOO_LARGE, violated=never)
        cells = holding.lines if wish.scope == "batch" else holding.cells
        lasts_us = self._settings.request_s * 1_000_000
        answer = self._budgets.reserve(cells, estimate, steady_us, seen=seen, lasts_us=lasts_us)
        if isinstance(answer, Refill):
            return answer
        if isinstance(answer, Refused):
            return self._spent(answer)
        return Admitted(principal, stands.restrictions, answer, terms, model)

    def _lengths(
        self, principal: Principal, stands: Stands, wish: Wish, model: Model, holding: Holding, count: int
    ) -> tuple[int | None, int | None, bool]:
        """(the longest answer that is reserved, what answers are to be held to, whether it is paid slice by slice).

        The first is None where not even one token fits; the second where the client's own word is enough.
        """
        if wish.scope not in _ANSWERED:
            return max(0, wish.output_tokens or 0), None, False
        held = stands.restrictions
        most = None if held is None else held.max_tokens
        said = wish.output_tokens
        sliced = wish.stream and wish.scope == "generate" and not principal.tier.unsliced_streams
        if said is None and most is None and sliced:
            return self._settings.slice_tokens, None, True
        if said is None:
            longest = model.answer_tokens or self._settings.answer_tokens
            if not sliced:
                fits = (holding.most_tokens(lines=wish.scope == "batch") - max(0, wish.input_tokens)) // count
                if fits < 1:
                    return None, None, False
                longest = min(longest, fits)
        else:
            longest = max(0, said)
        longest = longest if most is None else min(longest, most)
        held_to = None if longest == said else longest
        return longest, held_to, sliced and longest > self._settings.slice_tokens

    def _spent(self, refused: Refused) -> Denied:
        limit = LIMIT_OF.get(refused.budget.name)
        violated = (limit,) if limit else ()
        cause, wait = f"budget {refused.budget.name}", refused.retry_after_us
        if refused.why is Why.UNAVAILABLE:
            return self._denied(Reason.STORE_GONE, wait_us=wait, cause=cause)
        if refused.why is Why.TOO_LARGE or wait is None:
            return self._denied(Reason.BUDGET_TOO_LARGE, violated=violated, cause=cause)
        return self._denied(Reason.BUDGET_SPENT, violated=violated, wait_us=wait, cause=cause)

    def _denied(
        self,
        why: Reason,
        told: str | None = None,
        *,
        violated: tuple[str, ...] = (),
        wait_us: int | None = None,
        cause: str = "",
    ) -> Denied:
        self._denials += 1
        name = blake2b(f"{self._budgets.replica} {self._denials}".encode(), digest_size=12).hexdigest()
        return Denied(
            why=why,
            told=told or TOLD[why],
            retry_after_us=wait_us,
            final=wait_us is None,
            violated=violated,
            decision_id=f"d-{name}",
            appeal=self._settings.appeals,
            cause=cause,
        )


def _tiers(lowest: str) -> str:
    above = "" if lowest == tuple(TIERS)[-1] else " or a higher one"
    return f"the tier {lowest}{above}"


def _never(zero: frozenset[str], estimate: Amounts, seen: Seen) -> tuple[str, ...]:
    """Which limits of 0 the request would take from."""
    if not zero:
        return ()
    takes = {
        "requests_per_minute": estimate.requests,
        "requests_per_day": estimate.requests,
        "tokens_per_minute": estimate.tokens,
        "tokens_per_day": estimate.tokens,
        "concurrent_requests": estimate.slots,
        "spend_per_month_micros": estimate.spend,
        "addresses_per_day": bool(seen.address),
        "asns_per_day": bool(seen.network),
    }
    return tuple(name for name, amount in takes.items() if amount and name in zero)

"""The order in which a request is looked at: who asks, what stands against the account, scope, features, budgets.

Budgets come last, so that who is refused pays nothing. One object a process, used from one thread. `wall_us` is the
time since 1970 (UTC), `steady_us` that of a clock that never steps, both in µs.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from headwater.control.budget import (
    NOBODY,
    Amounts,
    Budgets,
    Per,
    Refill,
    Refused,
    Reservation,
    Shape,
    Sight,
    Why,
)
from headwater.control.deciding.charge import Charge
from headwater.control.deciding.denial import TOLD, Denied, Reason
from headwater.control.deciding.figures import Figure, Shown, figures
from headwater.control.deciding.holdings import LIMIT_OF, TOKENS, Holding, Holdings, keep
from headwater.control.deciding.ready import Ready, made_ready
from headwater.control.deciding.settings import ControlSettings, Model
from headwater.control.deciding.standings import NOTHING_STANDS, Standings, Stands
from headwater.control.deciding.wish import Admitted, Settled, Terms, Used, Wish
from headwater.control.identity import RANK, TIERS, Authenticator, Credential, Principal, Source

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
#: One request counts as this part of what is free in a minute at most.
_FREE_AT_ONCE: Final = 10
#: Periods whose amounts are quotas to clients.
_QUOTAS: Final = (Per.DAY, Per.MONTH)
#: Names of models that are kept at hand, and their longest: a client may write anything there.
_MOST_NAMES: Final = 1024
_LONGEST_NAME: Final = 256


class Control:
    """Decides about requests."""

    def __init__(
        self, authenticator: Authenticator, budgets: Budgets, settings: ControlSettings, standings: Standings
    ) -> None:
        self._authenticator, self.budgets = authenticator, budgets
        self._settings, self._standings = settings, standings
        self._holdings = Holdings(budgets, settings)
        self._ready: dict[str, Ready] = {}
        self._models: dict[str, Model | None] = {}
        self._lasts_us = settings.request_s * 1_000_000
        self._denials = 0
        #: What was settled since it began.
        self.settled = Settled()

    def who(self, credential: Credential, source: Source, wall_us: int) -> Principal | Denied:
        """Who asks, or why nobody is let in."""
        found = self._authenticator.authenticate(credential, source, wall_us)
        if isinstance(found, Principal):
            return found
        return self._denied(Reason(found.reason.told), cause=found.reason.value)

    def decide(
        self, principal: Principal, source: Source, wish: Wish, wall_us: int, steady_us: int
    ) -> Admitted | Denied | Refill:
        """Whether a wish is granted, and how. `Refill`: nothing was taken; send what it names and ask again.

        Most wishes are usual: one answer, no feature that the tier lacks, no step against the account. For those a few
        looks at what was made ready are enough; whatever else is asked, and every denial, goes the long way. Both come
        to the same (`tests/control/test_deciding_ways.py`).
        """
        ready, model = self._at_hand(principal), self._models.get(wish.model)
        tier, inputs = principal.tier, wish.input_tokens
        if not (
            ready.usual
            and model is not None
            and RANK[model.tier] <= ready.rank
            and wish.scope == "generate"
            and wish.counts
            and wish.answers == 1
            and wish.requests == 1
            and (not wish.logprobs or tier.logprobs)
            and (not wish.raw_reasoning or tier.raw_reasoning)
            and 0 <= inputs <= ready.context_tokens
        ):
            return self._the_long_way(principal, source, wish, steady_us)
        holding = ready.holding
        if self._holdings.placed:
            holding = self._holdings.of(principal.account, holding, source)
        said, slice_tokens = wish.output_tokens, self._settings.slice_tokens
        if wish.stream and ready.sliced and (said is None or said > slice_tokens):
            first, terms = slice_tokens, ready.by_slice
        elif said is not None:
            first, terms = said, ready.whole
        else:
            first = min(model.answer_tokens or self._settings.answer_tokens, holding.most_tokens - inputs)
            terms = Terms(first, ready.drop)
        if first < 0 or (first == 0 and said is None):
            return self._the_long_way(principal, source, wish, steady_us)
        wanted = (1, inputs + first, model.micros(inputs, first), 1)
        cells = holding.cells
        seen = _seen(source) if cells.members else NOBODY
        answer = self.budgets.reserve(cells, wanted, steady_us, seen, self._lasts_us)
        if isinstance(answer, Reservation):
            return Admitted(principal, None, answer, terms, model)
        if isinstance(answer, Refused) and said is None:  # something shorter may fit
            return self._the_long_way(principal, source, wish, steady_us)
        return self._spent(answer) if isinstance(answer, Refused) else answer

    def extend(self, admitted: Admitted, wall_us: int, steady_us: int) -> int | Denied | Refill:
        """Pay for the next slice of a stream: how many tokens more, of all answers together."""
        refused = self._not_now(self._standings.of(admitted.principal.account), counts=True)
        if refused is not None:
            return refused
        tokens = self._settings.slice_tokens * admitted.terms.answers
        held = admitted.reservation
        if held is None:
            return tokens
        if held not in self.budgets.open:
            return self._denied(Reason.ENDED)
        more = Amounts(0, tokens, admitted.model.micros(0, tokens), 0)
        answer = self.budgets.extend(held, more, steady_us)
        if isinstance(answer, Refused):
            return self._spent(answer)
        return answer if isinstance(answer, Refill) else tokens

    def settle(self, admitted: Admitted, used: Used, steady_us: int) -> None:
        """What was used in truth, on every way out; a second time does nothing. See `NOTHING_USED`."""
        held = admitted.reservation
        if held is None:
            return
        inputs, outputs = used.input_tokens, used.output_tokens
        self.settled.input_tokens += inputs
        self.settled.output_tokens += outputs
        actual = (used.requests, inputs + outputs, admitted.model.micros(inputs, outputs), 0)
        self.budgets.settle(held, actual, steady_us)

    def charged(self, admitted: Admitted, used: Used) -> Charge:
        """What is charged for a batch that uses so much at most; to be asked for at once, and kept for `give_back`."""
        held, model = admitted.reservation, admitted.model
        since = {} if held is None else self.budgets.since(held.cells)
        inputs, outputs = used.input_tokens, used.output_tokens
        return Charge(inputs + outputs, model.micros(inputs, outputs), model.input, model.output, since)

    def give_back(
        self, principal: Principal, source: Source, charge: Charge, used: Used, steady_us: int
    ) -> Refill | None:
        """What a batch was charged and didn't use comes back. `Refill`: send what it names and ask again."""
        prices = Model(name="*", input=charge.input, output=charge.output)
        inputs, outputs = used.input_tokens, used.output_tokens
        left = (0, charge.tokens - inputs - outputs, charge.spend - prices.micros(inputs, outputs), 0)
        holding = self._holdings.of(principal.account, self._at_hand(principal).holding, source)
        return self.budgets.credit(holding.lines, charge.since, left, steady_us)

    def standing(self, who: Admitted | Principal, steady_us: int) -> list[Figure]:
        """How the tier's limits stand, for rate headers; no other budget is ever seen there."""
        principal = who.principal if isinstance(who, Admitted) else who
        return figures(self._at_hand(principal).holding.shown, steady_us)

    def shown(self, who: Admitted | Principal) -> tuple[Shown, ...]:
        """What `standing` is read from; the same object for an account as long as nothing about its limits changes."""
        principal = who.principal if isinstance(who, Admitted) else who
        return self._at_hand(principal).holding.shown

    def _at_hand(self, principal: Principal) -> Ready:
        """The account made ready, as it is now."""
        name = principal.account
        ready, stands = self._ready.get(name), self._standings.held.get(name, NOTHING_STANDS)
        if (
            ready is None
            or ready.stands is not stands
            or (ready.principal is not principal and ready.principal != principal)
        ):
            holding = self._holdings.account(principal, stands)
            ready = made_ready(principal, stands, holding, self._settings.slice_tokens)
            keep(self._ready, name, ready, self._settings.cached)
        return ready

    def _model(self, name: str) -> Model | None:
        """The entry of a model: patterns take long to try, so the answer is kept."""
        if name in self._models:
            return self._models[name]
        found = self._settings.model(name)
        if len(name) <= _LONGEST_NAME:
            keep(self._models, name, found, _MOST_NAMES)
        return found

    def _the_long_way(
        self, principal: Principal, source: Source, wish: Wish, steady_us: int
    ) -> Admitted | Denied | Refill:
        """`decide` for any wish, question by question."""
        ready, model = self._at_hand(principal), self._model(wish.model)
        stands = ready.stands
        refused = (
            self._not_now(stands, counts=wish.counts)
            or self._out_of_scope(principal, wish)
            or self._not_offered(principal, wish, model)
        )
        if refused is not None:
            return refused
        assert model is not None
        if not wish.counts:
            cells = self._holdings.free(principal.account) if wish.free else None
            if cells is not None:
                amount = min(wish.free, max(1, self._settings.free_per_minute // _FREE_AT_ONCE))
                answer = self.budgets.reserve(cells, (amount, 0, 0, 0), steady_us)
                if not isinstance(answer, Reservation):
                    return self._spent(answer) if isinstance(answer, Refused) else answer
                self.budgets.settle(answer, answer.taken, steady_us)  # nothing of it comes back at its end
            terms = Terms(None, ready.drop, max(1, wish.answers), ready.delay_ms)
            return Admitted(principal, stands.restrictions, None, terms, model)
        return self._reserved(ready, principal, source, wish, model, steady_us)

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

    def _reserved(
        self, ready: Ready, principal: Principal, source: Source, wish: Wish, model: Model, steady_us: int
    ) -> Admitted | Denied | Refill:
        holding = self._holdings.of(principal.account, ready.holding, source)
        lines, inputs, answers = max(1, wish.requests), max(0, wish.input_tokens), max(1, wish.answers)
        count = answers * lines
        longest, held_to, sliced = self._lengths(ready, wish, model, holding, count)
        if longest is None:
            return self._denied(Reason.BUDGET_TOO_LARGE)
        seen = _seen(source)

        def tried(longest: int, held_to: int | None) -> Admitted | Denied | Refused | Refill:
            first = self._settings.slice_tokens if sliced else longest
            terms = Terms(held_to, ready.drop, answers, ready.delay_ms, first * count if sliced else 0)
            estimate = Amounts(lines, inputs + first * count, model.micros(inputs, first * count))
            never = _never(holding.zero, estimate, seen)
            if never:
                return self._denied(Reason.BUDGET_TOO_LARGE, violated=never)
            cells = holding.lines if wish.scope == "batch" else holding.cells
            answer = self.budgets.reserve(cells, estimate, steady_us, seen, self._lasts_us)
            if isinstance(answer, Reservation):
                return Admitted(principal, ready.stands.restrictions, answer, terms, model)
            return answer

        found = tried(longest, held_to)
        if isinstance(found, Refused) and not sliced and wish.output_tokens is None:
            # Of a quota that won't be whole again today what is left is offered, if an answer of some length fits.
            fits = (found.remaining - inputs) // count
            quota = (
                found.why is Why.SPENT and found.budget.shape is Shape.QUOTA and found.budget.kind in TOKENS
            )
            if quota and self._settings.slice_tokens <= fits < longest:
                found = tried(fits, fits)
        return self._spent(found) if isinstance(found, Refused) else found

    def _lengths(
        self, ready: Ready, wish: Wish, model: Model, holding: Holding, count: int
    ) -> tuple[int | None, int | None, bool]:
        """(the longest answer that is reserved, what answers are to be held to, whether it is paid slice by slice).

        The first is None where not even one token fits; the second where the client's own word is enough.
        """
        if wish.scope not in _ANSWERED:
            return max(0, wish.output_tokens or 0), None, False
        held = ready.stands.restrictions
        most = None if held is None else held.max_tokens
        said = wish.output_tokens
        sliced = wish.stream and wish.scope == "generate" and ready.sliced
        if said is None and most is None and sliced:
            return self._settings.slice_tokens, None, True
        if said is None:
            longest = model.answer_tokens or self._settings.answer_tokens
            if not sliced:
                fits = holding.most_lines if wish.scope == "batch" else holding.most_tokens
                fits = (fits - max(0, wish.input_tokens)) // count
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
        quota = refused.budget.per in _QUOTAS and refused.budget.shape is not Shape.RATE
        return self._denied(Reason.BUDGET_SPENT, violated=violated, quota=quota, wait_us=wait, cause=cause)

    def _denied(
        self,
        why: Reason,
        told: str | None = None,
        *,
        violated: tuple[str, ...] = (),
        quota: bool = False,
        wait_us: int | None = None,
        cause: str = "",
    ) -> Denied:
        self._denials += 1
        name = blake2b(f"{self.budgets.replica} {self._denials}".encode(), digest_size=12).hexdigest()
        return Denied(
            why=why,
            told=told or TOLD[why],
            retry_after_us=wait_us,
            final=wait_us is None,
            violated=violated,
            quota=quota,
            decision_id=f"d-{name}",
            appeal=self._settings.appeals,
            cause=cause,
        )


def _seen(source: Source) -> Sight:
    """What is counted once a period."""
    return source.host, "" if source.asn is None else str(source.asn)


def _tiers(lowest: str) -> str:
    above = "" if lowest == tuple(TIERS)[-1] else " or a higher one"
    return f"the tier {lowest}{above}"


def _never(zero: frozenset[str], estimate: Amounts, seen: Sight) -> tuple[str, ...]:
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
        "addresses_per_day": bool(seen[0]),
        "asns_per_day": bool(seen[1]),
    }
    return tuple(name for name, amount in takes.items() if amount and name in zero)

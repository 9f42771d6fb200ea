"""What standing steps do to an account: plain figures that a door applies to each request.

Every standing step adds its own, and of each restriction the strictest counts, so that a milder step shows again when
the one above it ends. `Effects` are the operator's figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headwater.control.ladder.states import State
from headwater.control.ladder.step import Step
from headwater.errors import ConfigurationError, Where
from headwater.policy import Rung
from headwater.setting import setting


@dataclass(frozen=True)
class Effects:
    """What the rungs do, in figures that the operator chooses."""

    shape_rate: float = setting(0.5, "Share of its usual rate that a shaped account keeps.", "0 to 1")
    shape_delay_ms: int = setting(0, "Milliseconds that each request of a shaped account waits.", "from 0")
    reduce_rate: float = setting(0.25, "Share of its usual rate that a reduced account keeps.", "0 to 1")
    reduce_max_tokens: int = setting(1024, "Longest answer, in tokens, of a reduced account.", "from 1")

    def __post_init__(self) -> None:
        for name in ("shape_rate", "reduce_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigurationError("is no share between 0 and 1", where=Where(field=f"effects.{name}"))
        for name, least in (("shape_delay_ms", 0), ("reduce_max_tokens", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"is less than {least}", where=Where(field=f"effects.{name}"))


@dataclass(frozen=True)
class Restrictions:
    """What an account may have at a moment.

    `rate` is the share of its usual rate, `delay_ms` what each request waits, `max_tokens` the longest answer (None: as
    usual); without `logprobs` and `reasoning` these are left out of answers; `proof` asks for a stronger proof of
    identity first; `held` holds what would be generated for a person to look at; unless `served`, nothing is answered.
    `step_ids` are the steps behind it, the highest rung first; it may change at `until_us` (None: it won't by itself).
    """

    rung: Rung = Rung.OBSERVE
    step_ids: tuple[str, ...] = ()
    until_us: int | None = None
    rate: float = 1.0
    delay_ms: int = 0
    max_tokens: int | None = None
    logprobs: bool = True
    reasoning: bool = True
    proof: bool = False
    held: bool = False
    served: bool = True


def standing(steps: Iterable[Step], at_us: int, effects: Effects | None = None) -> Restrictions:
    """What the `steps` of one account do to it at `at_us`; a step whose time is over does nothing, ticked or not."""
    effects = effects or Effects()
    live = [
        step
        for step in steps
        if step.state is State.STANDING and (step.expires_us is None or at_us < step.expires_us)
    ]
    if not live:
        return Restrictions()
    live.sort(key=lambda step: (-step.rung, step.id))
    rungs = {step.rung for step in live}
    shaped, reduced = Rung.SHAPE in rungs, Rung.REDUCE in rungs
    rates = [effects.shape_rate] * shaped + [effects.reduce_rate] * reduced
    ends = [step.expires_us for step in live if step.expires_us is not None]
    return Restrictions(
        rung=live[0].rung,
        step_ids=tuple(step.id for step in live),
        until_us=min(ends) if ends else None,
        rate=min(rates, default=1.0),
        delay_ms=effects.shape_delay_ms if shaped else 0,
        max_tokens=effects.reduce_max_tokens if reduced else None,
        logprobs=not reduced,
        reasoning=not reduced,
        proof=Rung.STEP_UP in rungs,
        held=Rung.QUARANTINE in rungs,
        served=max(rungs) < Rung.SUSPEND,
    )

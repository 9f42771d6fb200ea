"""Shapes of sign-up names, and accounts that the provider held: the last columns of the account table."""

from __future__ import annotations

from typing import Final

import numpy as np

from headwater.simulate.cast import Part
from headwater.simulate.chance import Floats
from headwater.simulate.requests import Requests
from headwater.simulate.setting import Setting

#: How persons choose names: letters and digits by shape, `F` and `L` names of random length.
_PERSONAL: Final = (
    "F.L",
    "FL",
    "F0",
    "F00",
    "FL00",
    "F0000",
    "a.L",
    "F_L",
    "FL0",
    "L.F00",
    "F",
    "aL00",
    "F-L",
    "L000",
)
_OFFICE: Final = ("F.L", "a.L", "aL", "F", "L.F")
_SERVICE: Final = ("F-L-00", "aaa-F", "F-api", "L0")
#: Share of a ring's or a router's accounts that were named by one generator, and of persons who use one.
_GENERATED, _MANAGED = 0.55, 0.03
#: Share of accounts that went silent which are held for a reason of their own: a dispute, a mistake.
_HELD: Final = 0.004


def patterns(world: Setting) -> list[str | None]:
    """The shape of every account's sign-up name; None where it isn't known."""
    out: list[str | None] = []
    for number, (part, rows) in enumerate(zip(world.cast.parts, world.cast.accounts, strict=True)):
        rng = world.rng("name patterns", number)
        out += _of(world, rng, part, [name is not None for name in rows.organisation])
    return out


def _of(world: Setting, rng: np.random.Generator, part: Part, organised: list[bool]) -> list[str | None]:
    machine = _generator(rng)
    share = _MANAGED
    if part.shape == "honest_reseller" or (
        part.ring >= 0 and world.scenario.campaigns[part.ring].infrastructure.signup_bursts
    ):
        share = _GENERATED
    found: list[str | None] = []
    for office in organised:
        chance = rng.random()
        if office:
            shapes = _SERVICE if part.shape in ("product", "harness", "labelling") else _OFFICE
            found.append(_drawn(rng, shapes))
        elif chance < share:
            found.append(machine if share == _GENERATED else _generator(rng))
        else:
            found.append(None if chance > 0.97 else _drawn(rng, _PERSONAL))
    return found


def _drawn(rng: np.random.Generator, shapes: tuple[str, ...]) -> str:
    """One shape with names of three to nine letters."""
    shape = shapes[int(rng.integers(len(shapes)))]
    first, last = (int(n) for n in 3 + rng.binomial(6, [0.45, 0.55]))
    return "".join({"F": "a" * first, "L": "a" * last}.get(letter, letter) for letter in shape).replace(
        "api", "aaa"
    )


def _generator(rng: np.random.Generator) -> str:
    """The shape that a generator gives: fixed numbers of letters and digits."""
    letters, digits = int(rng.integers(5, 11)), int(rng.integers(2, 6))
    return "a" * letters + "0" * digits


def holds(world: Setting, made: Requests) -> Floats:
    """When each account was held, in seconds from the world's start; NaN for nearly all.

    Nobody sends anything after it: ordinary accounts that are held for a reason of their own went silent before.
    """
    out = np.full(world.cast.account_count, np.nan)
    last = np.full(world.cast.account_count, -np.inf)
    np.maximum.at(last, made.account, made.at)
    rng = world.rng("holds")
    silent = np.isfinite(last) & (last < 0.9 * world.span_s)
    held = silent & (rng.random(len(out)) < _HELD)
    rest = world.span_s - last[held]
    out[held] = last[held] + rest * rng.uniform(0.01, 0.8, int(held.sum()))
    for account, at in world.cast.held.items():
        out[account] = max(at, float(last[account])) if np.isfinite(last[account]) else at
    return out

"""What kinds of evidence say together: less than the sum of what each says alone.

Every kind is weighed against a law of its own, but in one group they aren't independent, and a group was proposed
because something ties it. So each says what its weight leaves of it (for and against apart, one at most), and the sum
is read off a curve: of groups with such a sum so many were campaigns. Both were fitted on constructed worlds of the
tune side by `benchmarks/detection/suite/fusing.py`, and stand in `fusion.toml`. Source: fusion and calibration of
likelihood ratios by logistic regression (Brümmer and du Preez, Computer Speech and Language 20, 2006; Morrison,
Australian Journal of Forensic Sciences 45, 2013); see docs/explanation/detection.md.
"""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from headwater.detect.fold import Card
from headwater.detect.verdict import TOGETHER

#: The bar of a ledger that takes the sum of its pieces to what such a sum means.
FUSION = Card(
    name=TOGETHER,
    title="Taken together",
    group=TOGETHER,
    sees="the sum of all pieces, and how often groups with such a sum were campaigns",
    null="not applicable: it is the curve that was fitted to groups of both kinds",
    false_positive="not applicable: it makes the sum come true",
    innocent_causes=(),
    evasion_cost="not applicable",
    cap_nats=99.0,
    cap_against_nats=99.0,
)


@dataclass(frozen=True)
class Curve:
    """From sums (nats) to what they mean (nats): `said` is ascending, `means` is as long and never falls.

    Between the nodes the curve is straight, beyond them a nat is a nat. Without nodes it changes nothing.
    """

    said: tuple[float, ...] = ()
    means: tuple[float, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Curve:
        """From a table of a TOML file; `ValueError` where it is no curve."""
        if given.keys() != {"said", "means"}:
            raise ValueError("a curve has `said` and `means`")
        said, means = (tuple(map(float, given[name])) for name in ("said", "means"))
        if not all(map(math.isfinite, (*said, *means))):
            raise ValueError("a curve's nodes are finite")
        if (
            not said
            or len(said) != len(means)
            or sorted(set(said)) != list(said)
            or sorted(means) != list(means)
        ):
            raise ValueError("a curve has as many `means` as `said`, both ascending")
        return cls(said, means)

    def at(self, total: float) -> float:
        """The nats that a sum of weighed pieces means."""
        said, means = self.said, self.means
        if not said:
            return total
        at = bisect_right(said, total)
        if at == 0 or at == len(said):
            end = 0 if at == 0 else -1
            return means[end] + total - said[end]
        share = (total - said[at - 1]) / (said[at] - said[at - 1])
        return means[at - 1] + share * (means[at] - means[at - 1])


@dataclass(frozen=True)
class Fusion:
    """Weights of evidence by name (1 where it has none), and curves from sums to what they mean.

    A log that shows means and access of its accounts (`open`) has more kinds of evidence, which overlap more, than one
    that doesn't (`bare`): the same sum means less there.
    """

    supports: Mapping[str, float] = field(default_factory=dict)
    against: Mapping[str, float] = field(default_factory=dict)
    bare: Curve = field(default_factory=Curve)
    open: Curve = field(default_factory=Curve)

    @classmethod
    def read(cls, text: str) -> Fusion:
        """From TOML; `ValueError` where a curve isn't one, or a weight isn't from 0 to 1."""
        given: dict[str, Any] = tomllib.loads(text)
        if given.keys() != {"supports", "against", "bare", "open"}:
            raise ValueError("weights stand in [supports] and [against], curves in [bare] and [open]")
        for name, weight in (*given["supports"].items(), *given["against"].items()):
            if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 <= weight <= 1:
                raise ValueError(f"the weight of {name} is no number from 0 to 1")
        return cls(given["supports"], given["against"], Curve.of(given["bare"]), Curve.of(given["open"]))

    def weighed(self, name: str, llr: float) -> float:
        """What is left of a piece's nats, after its cap."""
        return llr * (self.supports if llr > 0 else self.against).get(name, 1.0)

    def meant(self, total: float, attributes: bool) -> float:
        """The nats that a sum of weighed pieces means, in a log that shows account attributes or not."""
        return (self.open if attributes else self.bare).at(total)


#: A nat is a nat: single accounts, of which no verdict says more than *possible*.
PLAIN = Fusion()
FUSED = Fusion.read((files("headwater.detect") / "fusion.toml").read_text(encoding="utf-8"))

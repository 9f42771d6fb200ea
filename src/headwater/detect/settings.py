"""What may be set about a verdict, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from headwater.errors import ConfigurationError, Where

#: Below it log odds say nothing more, and further down they overflow.
_LEAST_PRIOR = 1e-12


@dataclass(frozen=True)
class DetectSettings:
    """Settings of detection. Each has a unit and one line; the reference page is generated from them."""

    threshold: float = field(
        default=0.99,
        metadata={"doc": "Probability from which a campaign is reported.", "range": "from 0.5 to below 1"},
    )
    prior: float = field(
        default=0.025,
        metadata={
            "doc": "Share of proposed rings taken to be campaigns before any evidence.",
            "range": f"from {_LEAST_PRIOR:g} to 0.5",
        },
    )
    account_prior: float = field(
        default=0.001,
        metadata={
            "doc": "Share of accounts taken to extract on their own before any evidence.",
            "range": f"from {_LEAST_PRIOR:g} to 0.5",
        },
    )
    seed: int = field(
        default=0,
        metadata={
            "doc": "Seed of all permutations; the same seed gives the same verdicts.",
            "range": "from 0 to 4294967295",
        },
    )
    fewest_accounts: int = field(
        default=5, metadata={"doc": "Accounts below which a ring isn't considered.", "range": "3 or more"}
    )
    most_rings: int = field(
        default=400,
        metadata={
            "doc": "Rings tested at most, likeliest first; all proposals count in the multiplicity.",
            "range": "1 or more",
        },
    )
    most_exchanges: int = field(
        default=4_000_000,
        metadata={
            "doc": "Exchanges of rings under test, beyond which no further ring is tested.",
            "range": "1 or more",
        },
    )

    def __post_init__(self) -> None:
        """Refuse what can't be meant (also NaN, which compares with nothing)."""
        right = {
            "threshold": 0.5 <= self.threshold < 1,
            "prior": _LEAST_PRIOR <= self.prior <= 0.5,
            "account_prior": _LEAST_PRIOR <= self.account_prior <= 0.5,
            "seed": 0 <= self.seed < 2**32,
            "fewest_accounts": self.fewest_accounts >= 3,
            "most_rings": self.most_rings >= 1,
            "most_exchanges": self.most_exchanges >= 1,
        }
        for entry in fields(self):
            if not right[entry.name]:
                what = f"must be {entry.metadata['range']}"
                raise ConfigurationError(what, where=Where(field=f"detect.{entry.name}"))

"""What may be set about a verdict, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.errors import ConfigurationError, Where


@dataclass(frozen=True)
class DetectSettings:
    """Settings of detection. Each has a unit and one line; the reference page is generated from them."""

    threshold: float = field(default=0.99, metadata={"doc": "Probability from which a campaign is reported."})
    prior: float = field(
        default=0.01, metadata={"doc": "Share of proposed rings taken to be campaigns before any evidence."}
    )
    seed: int = field(
        default=0, metadata={"doc": "Seed of all permutations; the same seed gives the same verdicts."}
    )
    fewest_accounts: int = field(default=5, metadata={"doc": "Accounts below which a ring isn't considered."})
    most_rings: int = field(
        default=400,
        metadata={"doc": "Rings tested at most, largest first; all proposals count in the multiplicity."},
    )

    def __post_init__(self) -> None:
        """Refuse what can't be meant (also NaN, which compares with nothing)."""
        for name, right, wanted in (
            ("threshold", 0.5 <= self.threshold < 1, "from 0.5 to below 1"),
            ("prior", 0 < self.prior <= 0.5, "above 0 and at most 0.5"),
            ("seed", 0 <= self.seed < 2**32, "from 0 to 4294967295"),
            ("fewest_accounts", self.fewest_accounts >= 3, "3 or more"),
            ("most_rings", self.most_rings >= 1, "1 or more"),
        ):
            if not right:
                raise ConfigurationError(f"must be {wanted}", where=Where(field=f"detect.{name}"))

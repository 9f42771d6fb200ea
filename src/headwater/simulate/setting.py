"""What every generator needs at hand: the scenario at its scale, contents, rhythms, and who is there.

Nothing is decided here; it is the one object that is passed around while a world is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from headwater.simulate.cast import Cast
from headwater.simulate.chance import Ints, stream
from headwater.simulate.corpora import Corpora
from headwater.simulate.forms import Wording, forms
from headwater.simulate.library import Library
from headwater.simulate.rhythm import DAY, Rhythms
from headwater.simulate.scenario import Scenario


@dataclass
class Setting:
    """One world in the making. `forms` collects the templates in use; their order is their number."""

    scenario: Scenario
    seed: int
    scale: float
    corpora: Corpora
    library: Library
    rhythms: Rhythms
    lengths: Ints
    cast: Cast = field(default_factory=Cast)
    forms: list[Wording] = field(default_factory=list)
    organisations: int = 0

    @property
    def span_s(self) -> float:
        """Length of the world in seconds."""
        return self.scenario.days * DAY

    @property
    def weekday(self) -> int:
        """Day of the week on which the world starts (Monday: 0)."""
        return self.scenario.start.weekday()

    def rng(self, *labels: str | int) -> np.random.Generator:
        """The random stream of this world for one purpose."""
        return stream(self.seed, self.scenario.name, *labels)

    def scaled(self, count: int, least: int = 1) -> int:
        """A count at this world's scale."""
        return max(least, round(count * self.scale))

    def form_numbers(self, references: tuple[str, ...]) -> Ints:
        """Numbers of the forms that the references mean; new ones are added."""
        return self.wording_numbers([form for one in references for form in forms(self.corpora, one)])

    def wording_numbers(self, wordings: Sequence[Wording]) -> Ints:
        """Numbers of these wordings; new ones are added."""
        for wording in wordings:
            if wording not in self.forms:
                self.forms.append(wording)
        return np.array([self.forms.index(wording) for wording in wordings], dtype=np.int64)

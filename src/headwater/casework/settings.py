"""What an operator sets for a casebook: who it is, where appeals go, how long things are kept, what the rungs do.

The file is `casebook.toml`; a door reads it. Nothing here knows what follows from a setting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.control import Effects
from headwater.errors import ConfigurationError, Where
from headwater.setting import setting


@dataclass(frozen=True)
class Clock:
    """What time does by itself, when `headwater casebook tick` is run."""

    lapse_after_h: int = setting(168, "Hours after which a proposal that nobody decided on lapses.", "from 1")
    unanswered_ends: bool = setting(False, "End a step whose appeal nobody answered in time.")

    def __post_init__(self) -> None:
        if self.lapse_after_h < 1:
            raise ConfigurationError("is less than an hour", where=Where(field="clock.lapse_after_h"))


@dataclass(frozen=True)
class Retention:
    """Days that each class of data is kept, counted from when it ended; a pack's overlays may ask for less."""

    verdicts: int = setting(180, "Days that what was found of a campaign is kept.", "from 1")
    steps: int = setting(180, "Days that a step and what happened to it are kept after its end.", "from 1")
    notices: int = setting(180, "Days that notices are kept after the step's end.", "from 1")
    statements: int = setting(180, "Days that statements of reasons are kept after the step's end.", "from 1")
    appeals: int = setting(180, "Days that the words of an appeal are kept after its answer.", "from 1")
    records: int = setting(
        365, "Days that the records and secrets behind the log's entries are kept.", "from 1"
    )

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 1:
                raise ConfigurationError("is less than a day", where=Where(field=f"retention.{name}"))


@dataclass(frozen=True)
class CasebookSettings:
    """The settings of one casebook; each has a safe default, but who the operator is nobody can guess."""

    operator: str = setting("", "The operator's name, as customers know it.")
    appeals: str = setting("", "Where a customer appeals: a web page or an address.")
    origin: str = setting("", "The log's name for everybody who checks it; it never changes.")
    terms_url: str = setting("", "Where the contract's terms can be read; statements of reasons name it.")
    texts: str = setting("", "A folder with notices of your own, from the casebook's folder; empty: ours.")
    clock: Clock = field(default_factory=Clock)
    retention: Retention = field(default_factory=Retention)
    effects: Effects = field(default_factory=Effects)

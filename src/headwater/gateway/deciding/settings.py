"""What an operator sets about the decision service: who may ask it, and how what can't be followed is counted."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.errors import ConfigurationError, Where
from headwater.setting import setting


@dataclass(frozen=True)
class DecideSettings:
    """The settings of the decision service; each has a safe default."""

    token_file: str = setting(
        "decisions.token",
        "File with the tokens of programs that may ask, one a line; made on the first start, its owner's alone.",
    )
    count_tokens: bool = setting(
        True,
        "Count the tokens of a request that is only checked (`/check`) at their bound; false: not at all.",
    )
    need_length: bool = setting(
        False, "Refuse a checked request that doesn't say how long its answer may be: the bound is then kept."
    )
    stored_objects: bool = setting(
        False,
        "Let paths and bodies pass that name stored objects (files, responses): nothing here keeps accounts apart in "
        "them.",
    )
    open_decisions: int = setting(
        100_000, "Decisions that wait for their settlement, at most; further requests are refused.", "1 or more"
    )  # fmt: skip

    def __post_init__(self) -> None:
        if not self.token_file:
            raise ConfigurationError("names no file", where=Where(field="decide.token_file"))
        if not 1 <= self.open_decisions <= 10**8:
            raise ConfigurationError("is out of range", where=Where(field="decide.open_decisions"))

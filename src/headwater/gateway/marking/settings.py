"""What an operator sets about marks: which engine writes them, and whose answers get which layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.control.identity import TIERS
from headwater.errors import ConfigurationError, Where
from headwater.policy import RUNGS, Rung
from headwater.setting import setting

UPSTREAMS: Final = ("none", "vllm", "sglang")
#: Rungs from which an account's answers can get its layer: on the lower one nothing stands against it.
_RUNGS: Final = tuple(word for word, rung in RUNGS.items() if rung > Rung.OBSERVE)
_LONGEST_S: Final = 7 * 86_400


@dataclass(frozen=True)
class MarksSettings:
    """The settings of marks; without an engine nothing is done."""

    upstream: str = setting(
        "none", "The engine that writes marks: it gets a ticket with each request.", ", ".join(UPSTREAMS)
    )
    key_file: str = setting(
        "",
        "File with the keys that tickets are sealed under (`headwater keys ticket-new`); the newest seals.",
    )
    epoch: str = setting(
        "", "Period of the accounts' keys that tickets name; empty: the engine's keyring says."
    )
    flagged_from: str = setting(
        "notice",
        "Lowest rung whose standing step gives an account's answers the account's own layer; empty: none does.",
        ", ".join(_RUNGS),
    )
    flagged_tiers: tuple[str, ...] = setting((), "Tiers whose answers always get the account's own layer.")
    unmarked_tiers: tuple[str, ...] = setting(
        (), "Tiers whose answers stay unmarked, such as programs' own; not where a step stands."
    )
    lifetime_s: int = setting(
        600, "Seconds within which the engine must have taken a request in.", f"1 to {_LONGEST_S}"
    )
    batch_lifetime_s: int = setting(172_800, "The same for the lines of a batch.", f"1 to {_LONGEST_S}")

    def __post_init__(self) -> None:
        if self.upstream not in UPSTREAMS:
            raise ConfigurationError(f"is one of {', '.join(UPSTREAMS)}", where=_at("upstream"))
        if self.upstream != "none" and not self.key_file:
            hint = "make one: headwater keys ticket-new"
            raise ConfigurationError("is needed: tickets are sealed", where=_at("key_file"), hint=hint)
        if self.flagged_from and self.flagged_from not in _RUNGS:
            raise ConfigurationError(f"is one of {', '.join(_RUNGS)}", where=_at("flagged_from"))
        if self.epoch and not (len(self.epoch) <= 200 and self.epoch.isprintable()):
            raise ConfigurationError("is a name of 1 to 200 printable characters", where=_at("epoch"))
        for name in ("flagged_tiers", "unmarked_tiers"):
            for tier in getattr(self, name):
                if tier not in TIERS:
                    raise ConfigurationError(
                        "names no tier", where=_at(name), hint=f"tiers: {', '.join(TIERS)}"
                    )
        if set(self.flagged_tiers) & set(self.unmarked_tiers):
            raise ConfigurationError("names a tier of flagged_tiers", where=_at("unmarked_tiers"))
        for name in ("lifetime_s", "batch_lifetime_s"):
            if not 1 <= getattr(self, name) <= _LONGEST_S:
                raise ConfigurationError("is out of range", where=_at(name))


def _at(name: str) -> Where:
    return Where(field=f"marks.{name}")

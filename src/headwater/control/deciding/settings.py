"""What an operator sets for decisions: budgets beside the tiers', what models cost, bounds where nobody says one.

A door reads the file. Nothing here knows what follows from a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import ceil
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from headwater.control.budget import Budget, Fails, Kind, Per, Scope
from headwater.control.identity import TIERS
from headwater.errors import ConfigurationError, UsageError, Where
from headwater.setting import setting

#: What names of the tiers' own budgets, of steps and of what is free begin with.
TAKEN: Final = ("account.", "step.", "free.")
PerName: TypeAlias = Literal["none", "second", "minute", "hour", "day", "month"]
#: What a budget calls otherwise than its entry in the file.
_WRITTEN: Final = {"lifetime_us": "lasts_s"}
_MOST_MICROS: Final = 10**12
_MOST_TOKENS: Final = 10**8


def _says(doc: str) -> msgspec.Meta:
    return msgspec.Meta(description=doc)


class OwnBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget of the operator's, one `[[control.budgets]]` in the file, for every key of a scope."""

    name: Annotated[str, _says("Its name, for the log: a-z, 0-9, '.', '_', '-'. Clients never see it.")]
    kind: Annotated[Kind, _says("What is counted, and how: see below.")]
    scope: Annotated[Scope, _says("Of whom: each has the limit for itself.")]
    limit: Annotated[int, _says("How much: requests, tokens, millionths of the currency, different ones.")]
    per: Annotated[PerName, _says("In which time; `none` for `concurrency` only.")] = "none"
    burst: Annotated[int | None, _says("The most of a rate at once; unset: `limit`.")] = None
    fails: Annotated[
        Fails | None,
        _says("What happens while the store is gone: refuse (closed) or serve (open); unset: as its kind."),
    ] = None
    lease: Annotated[
        int | None, _says("How much one process takes at once; unset: as its requests need.")
    ] = None
    lasts_s: Annotated[
        int | None,
        _says("Seconds that it may be spent; unset: a 64th of the time, of `concurrency` 30 s."),
    ] = None
    only: Annotated[
        frozenset[str],
        _says(
            "Just these: names of tiers, accounts or organisations, fingerprints, prefixes, ASNs, "
            "campaigns; unset: all."
        ),
    ] = frozenset()

    def budget(self) -> Budget:
        """It as budgets are counted; `UsageError` where it can't be."""
        lasts_us = None if self.lasts_s is None else self.lasts_s * 1_000_000
        per = Per[self.per.upper()]
        return Budget(
            self.name, self.kind, self.scope, self.limit, per, self.burst, self.fails, self.lease, lasts_us
        )


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What models cost and who may use them, one `[[control.models]]` in the file; the first whose name fits counts."""

    name: Annotated[str, _says("A model's name, in which `*` and `?` stand for anything.")]
    input: Annotated[int, _says("Millionths of the currency for a million tokens of input.")] = 0
    output: Annotated[int, _says("The same for output, tokens of reasoning included.")] = 0
    answer_tokens: Annotated[
        int | None,
        _says("Longest answer, in tokens, where the client says none; unset: as for all models."),
    ] = None
    tier: Annotated[str, _says("The lowest tier that may use it.")] = "anonymous"

    def __post_init__(self) -> None:
        for name in ("input", "output"):
            if not 0 <= getattr(self, name) <= _MOST_MICROS:
                self._refuse(name, "the price is out of range", f"from 0 to {_MOST_MICROS:,}")
        if self.answer_tokens is not None and not 1 <= self.answer_tokens <= _MOST_TOKENS:
            self._refuse("answer_tokens", "the longest answer is out of range", f"from 1 to {_MOST_TOKENS:,}")
        if self.tier not in TIERS:
            self._refuse("tier", "there is no such tier", f"tiers: {', '.join(TIERS)}")

    def _refuse(self, field: str, what: str, hint: str) -> None:
        where = Where(field=f"models.{field}")
        raise ConfigurationError(f"{what} (model {self.name})", where=where, hint=hint)

    def micros(self, input_tokens: int, output_tokens: int) -> int:
        """What so many tokens cost, in millionths of the currency, rounded up."""
        return -(-(input_tokens * self.input + output_tokens * self.output) // 1_000_000)


_ANY: Final = Model(name="*")


@dataclass(frozen=True)
class ControlSettings:
    """The settings of decisions; each has a safe default."""

    budgets: tuple[OwnBudget, ...] = setting((), "Budgets beside those of the tiers.")
    models: tuple[Model, ...] = setting((), "What models cost, how long they answer, and who may use them.")
    only_listed: bool = setting(False, "Refuse models that no entry of `models` names.")
    bytes_per_token: float = setting(
        1.5, "Bytes of text counted as one token before it is known; 1 is a bound that no tokenizer passes.", "1 to 8"
    )  # fmt: skip
    image_tokens: int = setting(1600, "Tokens that an image counts as before it is known.", "from 0")
    answer_tokens: int = setting(
        8192, "Longest answer, in tokens, where neither client nor model says: it is reserved, and held to.", "from 1"
    )  # fmt: skip
    tokens_per_second: int = setting(
        200,
        "Tokens a second that count where a client left before its answer, which wasn't a stream.",
        "from 1",
    )
    slice_tokens: int = setting(
        256, "Tokens by which streams of tiers without `unsliced_streams` are extended.", "from 1"
    )
    usual_requests_per_minute: int = setting(
        3000, "What a step takes its share of, where the tier sets no limit of requests.", "from 1"
    )
    usual_tokens_per_minute: int = setting(
        4_000_000, "What a step takes its share of, where the tier sets no limit of tokens.", "from 1"
    )
    free_per_minute: int = setting(
        600,
        "Requests a minute of one account that generate nothing (lists, files, states of batches); 0: no limit.",
        "from 0",
    )
    request_s: int = setting(
        1800, "Seconds after which a request that nobody settled counts as spent.", "1 to 86400"
    )
    cached: int = setting(8192, "Accounts, and places, whose budgets are kept at hand.", "from 1")
    appeals: str = setting("", "Where a customer appeals: a web page or an address.")

    def __post_init__(self) -> None:
        if not 1 <= self.bytes_per_token <= 8:
            raise ConfigurationError("out of range", where=Where(field="bytes_per_token"))
        if not 1 <= self.request_s <= 86_400:
            raise ConfigurationError("out of range", where=Where(field="request_s"))
        if not 0 <= self.free_per_minute <= _MOST_TOKENS:
            raise ConfigurationError("out of range", where=Where(field="free_per_minute"))
        if self.image_tokens < 0:
            raise ConfigurationError("out of range", where=Where(field="image_tokens"))
        for name in (
            "answer_tokens",
            "slice_tokens",
            "tokens_per_second",
            "usual_requests_per_minute",
            "usual_tokens_per_minute",
            "cached",
        ):
            if not 1 <= getattr(self, name) <= _MOST_TOKENS:
                raise ConfigurationError("out of range", where=Where(field=name))
        self._check_budgets()

    def _check_budgets(self) -> None:
        """Each can be counted, under a name of its own; a fault is told with the entry's place and its name."""
        names: set[str] = set()
        for at, one in enumerate(self.budgets):
            field = f"budgets[{at}]"
            if one.name in names or one.name.startswith(TAKEN):
                what = f"the name {one.name} is taken" if one.name in names else "the name is one of ours"
                hint = f"each has its own, and none begins with {' or '.join(TAKEN)}"
                raise ConfigurationError(what, where=Where(field=f"{field}.name"), hint=hint)
            names.add(one.name)
            try:
                one.budget()
            except UsageError as error:
                entry = (error.where.field or "").rpartition(".")[2]
                where = Where(field=f"{field}.{_WRITTEN.get(entry, entry)}".rstrip("."))
                what = error.what if entry == "name" else f"{error.what} (budget {one.name})"
                raise ConfigurationError(what, where=where, hint=error.hint) from None

    def input_tokens(self, text_bytes: int, images: int = 0) -> int:
        """How many tokens an input is held to be before anybody has counted them."""
        return ceil(text_bytes / self.bytes_per_token) + images * self.image_tokens

    def model(self, name: str) -> Model | None:
        """The entry of a model; None where it may not be used by anybody."""
        for one in self.models:
            if one.name == name or fnmatchcase(name, one.name):
                return one
        return None if self.only_listed and name else _ANY

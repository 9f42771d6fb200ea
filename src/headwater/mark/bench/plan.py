"""What a run of the bench is to do: schemes, attacks, entropies, lengths and seeds, as plain data that can be hashed.

From a plan and its files everything follows: the same plan gives the same table, however often it was interrupted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from headwater.errors import UsageError
from headwater.mark.proxy.arrays import LARGEST
from headwater.mark.whole_file import whole_file

#: Changes where the same plan would give other figures.
FORMAT = "headwater mark bench 1"
#: What a mark of the keyring is called as a scheme.
KEYRING = "keyring"
_NAME = re.compile(r"[\w./-]{1,200}")
#: Bounds of what can be asked for, so that a mistyped number doesn't run for weeks.
MOST_TEXTS, MOST_TOKENS, MOST_KEYS = 100_000, 100_000, 10_000


@dataclass(frozen=True)
class Spec:
    """A scheme or an attack: its name, and its settings."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Both, as they were asked for."""
        return self.name + "".join(f" {key}={value}" for key, value in sorted(self.settings.items()))


def spec(text: str) -> Spec:
    """`NAME:setting=value,setting=value` as a spec. Values are numbers, true, false, or else texts."""
    name, _, rest = text.partition(":")
    if not _NAME.fullmatch(name):
        raise UsageError("write NAME, or NAME:setting=value,setting=value", hint="headwater-gumbel:width=2")
    settings: dict[str, Any] = {}
    for each in filter(None, rest.split(",")):
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"a setting of {name} isn't setting=value", hint="headwater-gumbel:width=2")
        if key.strip() in settings:
            raise UsageError(f"a setting of {name} stands there twice")
        settings[key.strip()] = _value(value.strip())
    return Spec(name, settings)


def _value(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        if isfinite(found):
            return found
    return text


@dataclass(frozen=True)
class Material:
    """Files that a run reads; None where it does without.

    `laws`: a small GPT or counts (.npz), without which laws are made; `tokenizer`: its tokenizer.json, which attacks
    on text need; `prompts`: a text that prompts are cut from; `judge`: a second model that perplexity is taken under;
    `keyring`: marks that take part under their own keys.
    """

    laws: Path | None = None
    tokenizer: Path | None = None
    prompts: Path | None = None
    judge: Path | None = None
    keyring: Path | None = None
    top_p: float = 1.0


@dataclass(frozen=True)
class Plan:
    """A run. `texts`: answers for each scheme, entropy and seed; `wrong_keys`: keys that nobody used, for each text;
    `judged`: texts whose quality is taken."""

    schemes: tuple[Spec, ...]
    attacks: tuple[Spec, ...]
    entropies: tuple[float, ...]
    lengths: tuple[int, ...]
    material: Material = field(default_factory=Material)
    texts: int = 50
    wrong_keys: int = 10
    seeds: tuple[int, ...] = (0,)
    judged: int = 24

    def __post_init__(self) -> None:
        if not self.schemes and self.material.keyring is None:
            raise UsageError("no scheme is given", hint="--scheme headwater-gumbel, or a keyring with marks")
        for what, found in (
            ("scheme", [each.label for each in self.schemes]),
            ("attack", [each.label for each in self.attacks]),
            ("entropy", list(self.entropies)),
            ("length", list(self.lengths)),
            ("seed", list(self.seeds)),
        ):
            if len(set(found)) < len(found):
                raise UsageError(f"a {what} is given twice")
        if not self.entropies or not self.lengths or not self.seeds or not self.attacks:
            raise UsageError("a run needs an attack, an entropy, a length and a seed")
        _within("texts", [self.texts], 2, MOST_TEXTS)
        _within("lengths", self.lengths, 4, MOST_TOKENS)
        _within("wrong keys", [self.wrong_keys], 1, MOST_KEYS)
        _within("seeds", self.seeds, 0, 2**63 - 1)
        _within("entropies", self.entropies, 0.01, 20)
        _within("top-p", [self.material.top_p], 0.01, 1)

    def digest(self) -> str:
        """What results of this plan's parts are kept under: everything they depend on, contents of files included,
        but for which schemes, entropies and seeds take part."""
        held = {name: value for name, value in asdict(self).items() if name in _SHARED}
        files = {
            name: _sha256(path) for name, path in asdict(self.material).items() if isinstance(path, Path)
        }
        return sha256([FORMAT, held, files, self.material.top_p])


_SHARED = ("attacks", "lengths", "texts", "wrong_keys", "judged")


def sha256(value: object) -> str:
    """Of plain data, by its JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _within(what: str, values: Sequence[float], least: float, most: float) -> None:
    for value in values:
        if not least <= value <= most:
            raise UsageError(f"{what} are from {least:,} to {most:,}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(whole_file(path, largest=LARGEST)).hexdigest()

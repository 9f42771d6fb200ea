"""Attacks by name, and those of other packages, found through the entry points `headwater.attacks`.

An entry point names a factory: it takes a mapping of settings and makes an `Attack`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from headwater.entry_point import loaded, owner
from headwater.errors import ConfigurationError, HeadwaterError, UsageError, Where
from headwater.mark.bench import masks
from headwater.mark.bench.attacks.attack import Attack, Marked
from headwater.mark.bench.attacks.characters import Homoglyphs, LowerCase, WhiteSpace, ZeroWidth
from headwater.mark.bench.attacks.mixing import CopyPaste, Dilution
from headwater.mark.bench.attacks.paraphrase import Paraphrase
from headwater.mark.bench.attacks.sentences import Reordering
from headwater.mark.bench.attacks.synonyms import Synonyms, thesaurus
from headwater.mark.bench.attacks.tokens import Deletion, Nothing, Substitution

__all__ = ["GROUP", "Attack", "Marked", "attack", "names"]

GROUP = "headwater.attacks"
#: Where Debian's wordnet-base puts its database.
WORDNET = Path("/usr/share/wordnet")
#: Unmarked tokens an attack may ask for, for each marked one.
MOST_TIMES = 100


def _share(kind: Callable[[float], Attack], usual: float) -> Callable[[Mapping[str, Any]], Attack]:
    """A factory of attacks with a `share`."""

    def made(config: Mapping[str, Any]) -> Attack:
        known(config, "share")
        share = config.get("share", usual)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise ConfigurationError("must be a number above 0, at most 1", where=Where(field="share"))
        return kind(float(share))

    return made


def _times(kind: Callable[[int], Attack]) -> Callable[[Mapping[str, Any]], Attack]:
    """A factory of attacks that add `times` as much."""

    def made(config: Mapping[str, Any]) -> Attack:
        known(config, "times")
        times = config.get("times", 3)
        if type(times) is not int or not 1 <= times <= MOST_TIMES:
            raise ConfigurationError(f"must be from 1 to {MOST_TIMES}", where=Where(field="times"))
        return kind(times)

    return made


def _alone(kind: Callable[[], Attack]) -> Callable[[Mapping[str, Any]], Attack]:
    """A factory of attacks without settings."""

    def made(config: Mapping[str, Any]) -> Attack:
        known(config)
        return kind()

    return made


def _synonyms(config: Mapping[str, Any]) -> Attack:
    known(config, "share", "wordnet")
    folder = Path(str(config.get("wordnet", WORDNET)))
    thesaurus(folder)  # a missing database is told at once
    rest = {name: value for name, value in config.items() if name != "wordnet"}
    return _share(lambda share: Synonyms(folder, share), 1.0)(rest)


def _paraphrase(config: Mapping[str, Any]) -> Attack:
    known(config, "masks", "by")
    held = masks.load(Path(str(config["masks"]))) if "masks" in config else masks.shipped()
    makers = sorted({mask.made_by for mask in held})
    by = str(config.get("by", makers[0]))
    chosen = tuple(mask for mask in held if mask.made_by == by)
    if not chosen:
        there = f"the file has {', '.join(makers)}"
        raise ConfigurationError("no masks of this paraphraser", where=Where(field="by"), hint=there)
    return Paraphrase(chosen, by)


_OURS: dict[str, Callable[[Mapping[str, Any]], Attack]] = {
    "none": _alone(Nothing),
    "deletion": _share(Deletion, 0.25),
    "substitution": _share(Substitution, 0.25),
    "synonyms": _synonyms,
    "dilution": _times(Dilution),
    "copy-paste": _times(CopyPaste),
    "homoglyphs": _share(Homoglyphs, 0.25),
    "zero-width": _share(ZeroWidth, 0.1),
    "lower-case": _alone(LowerCase),
    "white-space": _share(WhiteSpace, 0.25),
    "paraphrase": _paraphrase,
    "reordering": _alone(Reordering),
}


def names() -> tuple[str, ...]:
    """The names of all attacks: ours, and then those of other packages."""
    return (*_OURS, *sorted({point.name for point in _points()} - set(_OURS)))


def attack(name: str, config: Mapping[str, Any] | None = None) -> Attack:
    """The attack `name` with the settings of `config`.

    Raises `ConfigurationError` for a name that isn't installed and for a setting that it doesn't have or take,
    `UsageError` where another package's attack can't be loaded or made, `UnreadableInput` for a missing database.
    """
    if name in _OURS:
        return _OURS[name](dict(config or {}))
    point = next((each for each in _points() if each.name == name), None)
    if point is None:
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise ConfigurationError("no such attack is installed", where=Where(field="attack"), hint=hint)
    factory = loaded(point)
    try:
        made = factory(dict(config or {}))
    except HeadwaterError:
        raise
    except Exception as error:
        what = f"the attack {name} of {owner(point)} can't be made of these settings ({type(error).__name__})"
        raise UsageError(what, hint="check them against its documentation, or tell its authors") from None
    lacks = [part for part in ("name", "needs_text", "__call__") if not hasattr(made, part)]
    if lacks:
        what = f"the entry point {name} of {owner(point)} ({point.value}) makes no attack: it lacks {', '.join(lacks)}"
        raise UsageError(what, hint="tell its authors, or take the package away")
    found: Attack = made
    return found


def known(config: Mapping[str, Any], *settings: str) -> None:
    """Raise `ConfigurationError` for a setting that isn't one of `settings`."""
    for name in config:
        if name not in settings:
            hint = f"known are {', '.join(settings)}" if settings else "it has no settings"
            raise ConfigurationError("this attack has no such setting", where=Where(field=name), hint=hint)


def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))

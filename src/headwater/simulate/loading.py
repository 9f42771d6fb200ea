"""Scenarios from files: packaged ones by name, others by path, and every fault with its field.

The shape is `scenario`'s; here are the words for what doesn't fit it.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, Where
from headwater.simulate.catalogue import SOURCES
from headwater.simulate.scenario import Part, Scenario, corpora_of, wordings_of
from headwater.toml import parsed

_PAGE = "docs/reference/scenarios.md lists every setting and its values"


def names() -> tuple[str, ...]:
    """Names of the scenarios that come with the package."""
    folder = resources.files("headwater.simulate") / "scenarios"
    return tuple(sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml")))


def load(source: str | Path) -> Scenario:
    """A scenario from a TOML file, or a packaged one by its name.

    Raises `ConfigurationError` naming the file and the field that cannot be used.
    """
    text, file = _read(source)
    return of_tree(parsed(text, file), file)


def of_tree(tree: dict[str, Any], file: str | None) -> Scenario:
    """A scenario from a document's values; `file` is named where they cannot be used.

    Raises `ConfigurationError` with the field that cannot.
    """
    try:
        scenario = msgspec.convert(tree, type=Scenario)
    except msgspec.ValidationError as misfit:
        raise _in_file(_worded(str(misfit)), file) from None
    for found in itertools.chain(_corpus_faults(scenario), _faults(scenario)):
        raise _in_file(found, file)
    return scenario


def _read(source: str | Path) -> tuple[str, str]:
    if isinstance(source, str) and re.fullmatch(r"\w+", source) and not Path(source).exists():
        if source not in names():
            close = difflib.get_close_matches(source, names(), n=1)
            raise ConfigurationError(
                f"there is no scenario named {source!r}",
                hint=f"did you mean {close[0]}?" if close else f"there are: {', '.join(names())}",
            )
        packaged = resources.files("headwater.simulate") / "scenarios" / f"{source}.toml"
        return packaged.read_text(encoding="utf-8"), f"{source}.toml"
    try:
        return Path(source).read_text(encoding="utf-8"), str(source)
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        raise ConfigurationError(
            f"the scenario cannot be read: {reason}", where=Where(file=str(source))
        ) from None


def fault(what: str, place: str | None, *, hint: str | None = None) -> ConfigurationError:
    """An error at one field of a scenario; the file is added where it is known."""
    return ConfigurationError(what, where=Where(field=place), hint=hint)


def _in_file(found: ConfigurationError, file: str | None) -> ConfigurationError:
    return ConfigurationError(found.what, where=replace(found.where, file=file), hint=found.hint)


def _worded(message: str) -> ConfigurationError:
    """msgspec's sentence, split into what is wrong and the path of the field, in our words."""
    said, _, path = message.partition(" - at `$")
    place = path.rstrip("`").lstrip(".") or None
    if unknown := re.search(r"unknown field `(\w+)`", said):
        known = sorted({name for part in Part.__subclasses__() for name in part.__struct_fields__})
        close = difflib.get_close_matches(unknown[1], known, n=1)
        meant = f"did you mean {close[0]}?" if close else _PAGE
        return fault(f"there is no setting {unknown[1]!r}", place, hint=meant)
    if missing := re.search(r"missing required field `(\w+)`", said):
        return fault(f"the setting {missing[1]!r} is missing", place, hint=_PAGE)
    if value := re.search(r"Invalid enum value '(.*)'", said):
        return fault(f"the value {value[1]!r} is not one of those that can stand here", place, hint=_PAGE)
    return fault(said[0].lower() + said[1:].replace("`", ""), place, hint=_PAGE)


def _corpus_faults(scenario: Scenario) -> Iterator[ConfigurationError]:
    for place, weights in (*corpora_of(scenario), *wordings_of(scenario)):
        if not weights and not place.endswith("cover_corpora"):
            yield fault(
                "no corpus is named", place, hint="write the corpora with their weights: { gsm8k = 1 }"
            )
        for name in weights:
            if name not in SOURCES:
                close = difflib.get_close_matches(name, SOURCES, n=1)
                yield fault(
                    f"there is no corpus named {name!r}",
                    place,
                    hint=f"did you mean {close[0]}?" if close else None,
                )
            elif SOURCES[name].side != scenario.side:
                yield fault(
                    f"the corpus {name!r} stands on the {SOURCES[name].side} side, "
                    f"this scenario on the {scenario.side} side",
                    place,
                    hint="the division is frozen: what is tuned on is never scored on",
                )


def _faults(scenario: Scenario) -> Iterator[ConfigurationError]:
    """What a shape cannot say: zones, names and spans that fit."""
    if scenario.start.tzinfo is None:
        yield fault("a time needs its zone", "start", hint="write it as 2026-09-07T00:00:00Z")
    if not scenario.innocents and not scenario.campaigns:
        yield fault("a world needs somebody in it", "innocents", hint="describe a population")
    names = [group.name for group in scenario.innocents] + [ring.name for ring in scenario.campaigns]
    for name in names:
        if names.count(name) > 1:
            yield fault(
                f"two populations or campaigns are named {name!r}",
                "innocents",
                hint="every name is used once",
            )
    for i, group in enumerate(scenario.innocents):
        if group.sizes and group.sizes[0] > group.sizes[1]:
            yield fault(
                "the smallest size is above the largest",
                f"innocents[{i}].sizes",
                hint="write the smaller first: [20, 500]",
            )
    for i, ring in enumerate(scenario.campaigns):
        if ring.cover_corpora and ring.cover_groups:
            yield fault(
                "cover is drawn from one list of corpora or from several groups, not from both",
                f"campaigns[{i}].cover_groups",
                hint="remove cover_corpora, or cover_groups",
            )
        if ring.cover > 0 and not ring.cover_corpora and not ring.cover_groups:
            yield fault(
                "cover traffic needs corpora",
                f"campaigns[{i}].cover_corpora",
                hint="write the corpora with their weights: { gsm8k = 1 }",
            )
        if not ring.begin_day < (ring.end_day or scenario.days) <= scenario.days:
            yield fault(
                "the campaign must begin before it ends, within the world's days",
                f"campaigns[{i}].end_day",
                hint=f"the world has {scenario.days:g} days",
            )
        for j, task in enumerate(ring.tasks):
            if not task.templates:
                yield fault(
                    "a task needs at least one template",
                    f"campaigns[{i}].tasks[{j}].templates",
                    hint="send the text alone with {task}",
                )

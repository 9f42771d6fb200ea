"""Single settings of a loaded scenario, changed by their path: what a surface of figures is paired over.

A path is written as the file nests: `campaigns.0.accounts`, `author.style`, `campaigns.0.dispatcher.workers`.
The changed scenario passes through the same checks as a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, UsageError
from headwater.simulate.loading import fault, of_tree
from headwater.simulate.scenario import Scenario
from headwater.toml import parsed


def changed(scenario: Scenario, override: Mapping[str, Any]) -> Scenario:
    """`scenario` with the settings that `override` names by their paths.

    Raises `ConfigurationError` for a path that leads nowhere or a value that cannot stand there.
    """
    if not override:
        return scenario
    tree = msgspec.json.decode(msgspec.json.encode(scenario))
    for path, value in override.items():
        _put(tree, path, value)
    return of_tree(tree, None)


def _put(tree: Any, path: str, value: Any) -> None:
    """Set one value. Names that don't exist are left to the check of the whole, which knows what is meant."""
    *way, last = path.split(".")
    for step in way:
        tree = tree.get(step) if isinstance(tree, dict) else _entry(tree, step, path)
        if not isinstance(tree, dict | list):
            raise fault("there is no such table in this scenario", path, hint="as in campaigns.0.accounts=50")
    if isinstance(tree, list):
        _entry(tree, last, path)
        tree[int(last)] = value
    else:
        tree[last] = value


def _entry(entries: list[Any], step: str, path: str) -> Any:
    if not step.isdecimal() or int(step) >= len(entries):
        raise fault(
            f"there is no entry {step!r}",
            path,
            hint=f"entries are counted from 0; here there are {len(entries)}",
        )
    return entries[int(step)]


def settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """`PATH=VALUE` as a command line gives them, values as TOML; a bare word is a text."""
    found = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise UsageError("a setting is given as PATH=VALUE", hint="as in campaigns.0.accounts=50")
        try:
            found[path.strip()] = parsed(f"value = {value}", "")["value"]
        except ConfigurationError:
            found[path.strip()] = value.strip()
    return found

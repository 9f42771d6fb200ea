"""A detector together with what sorts units into its classes: everything that scoring a text needs but the key.

Kept as JSON, so that what a provider learned from its traffic can be read, compared and dated. The proxy itself isn't
in the file; its name is, and a file is only used with the proxy that it was learned with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UnreadableInput, Where
from headwater.mark.evidence.classes import Grid
from headwater.mark.proxy import Proxy
from headwater.mark.scheme import Null, Tokens, Units
from headwater.mark.score import Scorer, Table

_FORMAT = "headwater mark evidence 1"


@dataclass(frozen=True)
class Evidence:
    """`scorer` scores units of `scheme`; `grid` over the features of `proxy` gives their classes, where it has any."""

    scheme: str
    scorer: Scorer
    grid: Grid | None = None
    proxy: Proxy | None = None

    def classes(self, tokens: Tokens, units: Units) -> NDArray[np.intp] | None:
        """The class of each of `units` of `tokens`; None where the scorer has one class."""
        if self.grid is None or self.proxy is None:
            return None
        return self.grid.classes(self.proxy.read(tokens).rows(units.position))


def save(evidence: Evidence, path: Path) -> None:
    """Write it as JSON."""
    tables = [
        [[list(map(int, t.edges)), list(map(int, t.scores))] for t in kind] for kind in evidence.scorer.tables
    ]
    kept: dict[str, Any] = {
        "format": _FORMAT,
        "scheme": evidence.scheme,
        "name": evidence.scorer.name,
        "grain": evidence.scorer.tables[0][0].grain,
        "proxy": None if evidence.proxy is None else evidence.proxy.name,
        "cuts": None if evidence.grid is None else evidence.grid.cuts,
        "tables": tables,
    }
    path.write_text(json.dumps(kept) + "\n", encoding="utf-8")


def load(path: Path, null: Null, *, proxy: Proxy | None = None) -> Evidence:
    """Read what `save` wrote, for a scheme whose values fall as `null`.

    Raises `UnreadableInput` for a file that isn't there or no JSON, `ConfigurationError` for one that can't be used:
    with edges that don't cover the values, classes without tables, or another proxy than it was learned with.
    """
    kept = _kept(path)
    try:
        return _made(kept, null, proxy, str(path))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise ConfigurationError(
            "the file isn't one of learned evidence", where=Where(file=str(path))
        ) from error


def scheme_of(path: Path) -> str:
    """The scheme that a file of learned evidence is for; raises as `load`."""
    kept = _kept(path)
    if not isinstance(kept, dict) or not isinstance(kept.get("scheme"), str):
        raise ConfigurationError("the file isn't one of learned evidence", where=Where(file=str(path)))
    return str(kept["scheme"])


def _kept(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        what = "what was learned of marks can't be read"
        raise UnreadableInput(what, where=Where(file=str(path))) from error


def _made(kept: dict[str, Any], null: Null, proxy: Proxy | None, file: str) -> Evidence:
    if kept["format"] != _FORMAT:
        raise ConfigurationError(f"not in the format {_FORMAT!r}", where=Where(file=file, field="format"))
    wanted = kept["proxy"]
    if wanted is not None and (proxy is None or proxy.name != wanted):
        raise ConfigurationError(
            "learned with another proxy",
            where=Where(file=file, field="proxy"),
            hint=f"give the proxy {wanted!r}",
        )
    grain = float(kept["grain"])
    tables = tuple(
        tuple(_table(edges, scores, grain, null, file) for edges, scores in kind) for kind in kept["tables"]
    )
    cuts = None if kept["cuts"] is None else Grid(tuple(tuple(map(float, each)) for each in kept["cuts"]))
    if not tables or len(tables) != (1 if cuts is None else cuts.count) or not 0 < grain < 10:
        raise ConfigurationError(
            "as many classes as tables are wanted", where=Where(file=file, field="tables")
        )
    scorer = Scorer(str(kept["name"]), tables)
    return Evidence(str(kept["scheme"]), scorer, cuts, proxy if wanted is not None else None)


def _table(edges: list[int], scores: list[int], grain: float, null: Null, file: str) -> Table:
    made = Table(np.array(edges, np.int64), np.array(scores, np.int64), grain)
    top = 2 if null.ones is not None else null.size
    covers = len(edges) == len(scores) + 1 and edges[0] == 0 and edges[-1] == top
    if not covers or (np.diff(made.edges) <= 0).any() or np.abs(made.scores).max() > 100_000:
        raise ConfigurationError("bins don't cover the values", where=Where(file=file, field="tables"))
    return made

"""A detector together with what sorts units into its classes: everything that scoring a text needs but the key.

Kept as JSON, so that what a provider learned from its traffic can be read, compared and dated. The proxy itself isn't
in the file; its name is, and a file is only used with the proxy that it was learned with. What was learned from values
under a key depends on that key at the units that they came from, so their fingerprints are kept, and they are never
scored.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where
from headwater.mark.evidence.classes import Grid
from headwater.mark.evidence.fingerprints import Fingerprints, fingerprints, none, packed, unpacked
from headwater.mark.proxy import Proxy
from headwater.mark.scheme import Null, Tokens, Units
from headwater.mark.score import Scorer, Table
from headwater.mark.whole_file import whole_file

_FORMAT = "headwater mark evidence 2"
#: The largest file of evidence, in bytes.
LARGEST: Final = 64 << 20
#: A proxy tells two things of a token: how expected it was, and how much choice there was.
_FEATURES: Final = 2


@dataclass(frozen=True)
class Evidence:
    """`scorer` scores units of `scheme`; `grid` over the features of `proxy` gives their classes, where it has any.

    `learned`: ascending fingerprints of the units whose values it was learned from. p-values are exact for all other
    units, so those must be left out before a text is scored: `unlearned`.
    """

    scheme: str
    scorer: Scorer
    grid: Grid | None = None
    proxy: Proxy | None = None
    learned: Fingerprints = field(default_factory=none, repr=False)

    def fresh(self, units: Units) -> NDArray[np.bool_]:
        """Which of `units` (n,) it wasn't learned from."""
        if not len(self.learned):
            return np.ones(len(units), bool)
        wanted = fingerprints(units)
        at = np.minimum(np.searchsorted(self.learned, wanted), len(self.learned) - 1)
        found: NDArray[np.bool_] = self.learned[at] != wanted
        return found

    def unlearned(self, units: Units) -> Units:
        """Those of `units` that it wasn't learned from: the ones that may be scored."""
        fresh = self.fresh(units)
        return units if fresh.all() else units.part(fresh)

    def classes(self, tokens: Tokens, units: Units) -> NDArray[np.intp] | None:
        """The class of each of `units` of `tokens`; None where the scorer has one class.

        Raises `UsageError` where it has more and nothing tells them apart.
        """
        if self.grid is None or self.proxy is None:
            if len(self.scorer.tables) > 1:
                raise UsageError("a detector of several classes needs the proxy that tells them apart")
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
        "learned": packed(evidence.learned),
        "tables": tables,
    }
    path.write_text(json.dumps(kept) + "\n", encoding="utf-8")


def load(path: Path, null: Null, *, streams: int = 1, proxy: Proxy | None = None) -> Evidence:
    """Read what `save` wrote, for a scheme whose units have so many `streams` of values, which fall as `null`.

    Raises `UnreadableInput` for a file that isn't there, isn't a regular one or no JSON, `ConfigurationError` for one
    that can't be used: with edges that don't cover the values, another count of streams, scores that are all the same,
    classes without tables or without a proxy, or another proxy than it was learned with.
    """
    kept = _kept(path)
    try:
        return _made(kept, null, streams, proxy, str(path))
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
    content = whole_file(path, largest=LARGEST)
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        what = "what was learned of marks can't be read"
        raise UnreadableInput(what, where=Where(file=str(path))) from error


def _made(kept: dict[str, Any], null: Null, streams: int, proxy: Proxy | None, file: str) -> Evidence:
    if kept["format"] != _FORMAT:
        raise ConfigurationError(
            f"not in the format {_FORMAT!r}", where=Where(file=file, field="format"), hint="learn it anew"
        )
    for key in ("scheme", "name", "learned"):
        if not isinstance(kept[key], str):
            raise ConfigurationError("is not a string", where=Where(file=file, field=key))
    wanted = kept["proxy"]
    if wanted is not None and (proxy is None or proxy.name != wanted):
        raise ConfigurationError(
            "learned with another proxy",
            where=Where(file=file, field="proxy"),
            hint=f"give the proxy {wanted!r}",
        )
    cuts = _cuts(kept["cuts"], wanted is not None, file)
    tables = _tables(kept["tables"], _grain(kept["grain"], file), null, streams, file)
    if len(tables) != (1 if cuts is None else cuts.count):
        raise ConfigurationError(
            "as many classes as tables are wanted", where=Where(file=file, field="tables")
        )
    scorer = Scorer(kept["name"], tables)
    used = proxy if wanted is not None else None
    return Evidence(kept["scheme"], scorer, cuts, used, unpacked(kept["learned"]))


def _grain(given: Any, file: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 10:
        raise ConfigurationError(
            "is not a number above 0 and below 10", where=Where(file=file, field="grain")
        )
    return float(given)


def _cuts(given: Any, proxy: bool, file: str) -> Grid | None:
    """Raises `ConfigurationError` for classes that nothing tells apart: their tables would all count for each unit."""
    where = Where(file=file, field="cuts")
    if (given is not None) != proxy:
        raise ConfigurationError(
            "classes and the proxy that tells them apart are given together", where=where
        )
    if given is None:
        return None
    cuts = tuple(tuple(map(float, each)) for each in given)
    ascend = all(low < high for each in cuts for low, high in pairwise(each))
    if len(cuts) != _FEATURES or not ascend or not all(math.isfinite(cut) for each in cuts for cut in each):
        raise ConfigurationError("are not ascending numbers for each of two features", where=where)
    return Grid(cuts)


def _tables(given: Any, grain: float, null: Null, streams: int, file: str) -> tuple[tuple[Table, ...], ...]:
    where = Where(file=file, field="tables")
    tables = tuple(
        tuple(_table(edges, scores, grain, null, file) for edges, scores in kind) for kind in given
    )
    for kind in tables:
        if len(kind) != streams:
            what = f"tables for {len(kind)} streams, where the scheme's units have {streams}"
            raise ConfigurationError(what, where=where)
    if all((table.scores == table.scores[0]).all() for kind in tables for table in kind):
        raise ConfigurationError("all values score the same", where=where)
    return tables


def _table(edges: list[int], scores: list[int], grain: float, null: Null, file: str) -> Table:
    whole = all(type(each) is int for each in (*edges, *scores))
    top = 2 if null.ones is not None else null.size
    covers = whole and scores and len(edges) == len(scores) + 1 and edges[0] == 0 and edges[-1] == top
    made = Table(np.array(edges, np.int64), np.array(scores, np.int64), grain) if covers else None
    if made is None or (np.diff(made.edges) <= 0).any() or np.abs(made.scores).max() > 100_000:
        raise ConfigurationError("bins don't cover the values", where=Where(file=file, field="tables"))
    return made

"""What a world is made of, in words and figures: printed wherever a result on it is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.catalogue import SOURCES
from headwater.simulate.chance import Floats, Ints
from headwater.simulate.likeness import author_effect
from headwater.simulate.requests import Requests
from headwater.simulate.setting import Setting

_CONSTRUCTED = (
    "Labels, accounts, infrastructure and times are constructed. Prompts are public texts, joined to "
    "accounts that never sent them. Innocent accounts have topics, habits and hours of their own, fitted to "
    "be no stronger than those of real accounts; a ring's requests are dealt from one queue by a dispatcher. "
    "A figure measured here says how a method fares in this construction, and nothing more."
)
#: Accounts of a population that are compared for its author effect; more would only cost time.
_COMPARED = 400
#: Shape of the groups: accounts × prompts.
_SHAPE = (10, 5)


def card(world: Setting, made: Requests, prompts: list[str]) -> dict[str, Any]:
    """The card as plain data: how labels were made, counts, corpora on both sides, the author effect."""
    plan = world.scenario
    corpus = world.library.corpus[made.content]
    present = np.unique(made.account)
    role = np.repeat([p.role for p in world.cast.parts], [len(a.organisation) for a in world.cast.accounts])
    names, counts = np.unique(role[present], return_counts=True)
    sides = {
        name: {
            "harvest": int(np.sum((corpus == i) & made.harvest)),
            "other": int(np.sum((corpus == i) & ~made.harvest)),
            "licence": SOURCES[name].licence,
        }
        for i, name in enumerate(world.library.names)
    }
    return {
        "scenario": plan.name,
        "title": plan.title,
        "seed": world.seed,
        "scale": world.scale,
        "side": plan.side,
        "constructed": _CONSTRUCTED,
        "exchanges": len(made),
        "harvest_exchanges": int(made.harvest.sum()),
        "accounts": len(present),
        "accounts_by_role": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "corpora": sides,
        "corpus_auc": corpus_auc(corpus, made.harvest),
        "accounts_per_content": _reuse(made),
        "author": {name: getattr(plan.author, name) for name in plan.author.__struct_fields__},
        "author_effect": _author_effect(world, made, prompts),
    }


def _reuse(made: Requests) -> dict[str, float]:
    """How many accounts send the same public text, harvest apart: median and 95% over such requests."""
    pairs = np.unique(np.c_[made.content[~made.harvest], made.account[~made.harvest]], axis=0)
    if len(pairs) == 0:
        return {}
    _, place, counts = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
    median, most = np.quantile(counts[place], [0.5, 0.95]).tolist()
    return {"median": median, "95%": most}


def corpus_auc(corpus: Ints, harvest: NDArray[np.bool_]) -> float | None:
    """How well the corpus alone tells harvest from the rest (0.5: not at all); None without harvest."""
    if not harvest.any() or harvest.all():
        return None
    size = int(corpus.max()) + 1
    inside: Floats = np.bincount(corpus[harvest], minlength=size) / harvest.sum()
    outside: Floats = np.bincount(corpus[~harvest], minlength=size) / (~harvest).sum()
    order = np.argsort(inside / np.maximum(inside + outside, 1e-12), kind="stable")
    below = np.cumsum(outside[order]) - outside[order] / 2
    return round(float(np.sum(inside[order] * below)), 4)


def _author_effect(world: Setting, made: Requests, prompts: list[str]) -> dict[str, dict[str, float]]:
    """Median figures of random groups of 10 accounts × 5 prompts: populations, and rings' harvest."""
    found: dict[str, dict[str, float]] = {}
    first = 0
    for part, rows in zip(world.cast.parts, world.cast.accounts, strict=True):
        count = len(rows.organisation)
        mine = (made.account >= first) & (made.account < first + min(count, _COMPARED))
        mine &= made.harvest | (part.role == "innocent")
        texts: dict[str, list[str]] = {}
        for account, row in zip(made.account[mine].tolist(), np.flatnonzero(mine).tolist(), strict=True):
            texts.setdefault(str(account), []).append(prompts[row])
        groups = author_effect(texts, world.rng("card", part.population), 20, [_SHAPE])
        if _SHAPE in groups:
            z, icc = float(np.median(groups[_SHAPE].z)), float(np.median(groups[_SHAPE].icc))
            found[part.population] = {"z": round(z, 2), "icc": round(icc, 4)}
        first += count
    return found

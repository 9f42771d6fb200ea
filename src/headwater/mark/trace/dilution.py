"""Scores for marks that are few among many units: what a likelihood ratio becomes when only a part of the units may be
the key's. A detector of whole texts holds every unmarked unit against the key; at a share of a few percent that costs
a third of the evidence. These scores lose a sixth there, and a tenth where a document is all an account's.
"""

from __future__ import annotations

import numpy as np

from headwater.mark.scheme import Null
from headwater.mark.score import Scorer, Table

#: The share of units that scores are made for: between a whole document and a few percent.
SHARE = 0.4


def diluted(scorer: Scorer, null: Null, effect: float) -> Scorer:
    """Tables of ln(1 + share (ratio - 1)), where a score's ratio is exp(effect · score) over its mean without the key.

    Of several streams, and of green lists (two values, of which any scores are worth the same), the scorer is kept.
    """
    if null.ones is not None or any(len(tables) > 1 for tables in scorer.tables):
        return scorer
    return Scorer(scorer.name, tuple((_table(tables[0], null, effect),) for tables in scorer.tables))


def _table(table: Table, null: Null, effect: float) -> Table:
    chance = np.diff(table.edges) / null.size
    power = effect * table.grain * table.scores
    ratio = np.exp(power - power.max())
    ratio /= chance @ ratio
    scores = np.rint(np.log1p(SHARE * (ratio - 1)) / table.grain).astype(np.int64)
    return Table(table.edges, scores, table.grain)

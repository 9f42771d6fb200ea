"""Whoever shares a template with a few others: the rule that a reader of one leaked prompt would write.

Real people share templates too, so it accuses nearly everyone in a real log; that is why it is here.
"""

from __future__ import annotations

import numpy as np

from baselines.log import Log, Scored, objects, shared

#: An object is a template here when at least this many accounts use it: oneself and four others.
FEWEST = 5


def by_template(log: Log, part: str) -> Scored:
    """How many accounts share the object (`skeleton`, `opening`, …) that most others share with an account.

    Groups are the accounts of one object; the score and the links count the others.
    """
    row, code = objects(log, [part])
    account, code, size = shared(log.account[row], code, FEWEST)
    others = size[code].astype(np.float64) - 1
    scores = np.zeros(log.accounts)
    np.maximum.at(scores, account, others)
    first = np.full(len(size), log.accounts, np.int64)
    np.minimum.at(first, code, account)
    return Scored(scores, np.stack([first[code], account], axis=1), others)

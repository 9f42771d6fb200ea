"""Isolation forest: accounts that a few random cuts tell from all others, whatever it is that sets them apart.

Liu, Ting and Zhou, "Isolation Forest" (ICDM 2008), in scikit-learn's implementation, over features of each account that
an analyst would put into a table: how much, when, how evenly, on which models, how alike its prompts are, and what it
shares. The paper's 256 exchanges a tree and default path lengths stand; the forest is grown with a fixed seed.
"""

from __future__ import annotations

import numpy as np

from baselines.log import Floats, Ints, Log, Scored, objects
from baselines.rates import DAY_US, HOUR_US, rates

#: Trees, and accounts a tree.
TREES, SAMPLE = 200, 256
FEWEST = 5


def features(log: Log) -> dict[str, Floats]:
    """One number for each account (accounts) by name; counts are logarithms."""
    volume = np.maximum(log.volume, 1).astype(np.float64)
    out = {f"log {name}": np.log1p(rate) for name, rate in rates(log.account, log.at_us).items()}
    out["days active"] = np.log1p(_distinct(log, log.at_us // DAY_US))
    out["hours of the day"] = _entropy(log, log.at_us // HOUR_US % 24)
    out["at night, UTC"] = _share(log, log.at_us // HOUR_US % 24 < 6)
    out["weekend"] = _share(log, (log.at_us // DAY_US + 3) % 7 >= 5)
    out |= _gaps(log)
    out["models"] = _entropy(log, log.model)
    out["addresses"] = _distinct(log, log.ip) / volume
    tokens = np.log1p(np.maximum(log.tokens, 0).astype(np.float64))
    mean = np.bincount(log.account, tokens, minlength=log.accounts) / volume
    square = np.bincount(log.account, tokens**2, minlength=log.accounts) / volume
    out |= {"tokens": mean, "tokens vary": np.sqrt(np.maximum(square - mean**2, 0))}
    out |= _contents(log)
    for part in ("exact", "skeleton", "opening"):
        row, code = objects(log, [part])
        out[f"distinct {part}"] = _distinct(log, getattr(log, part).view(np.int64)) / volume
        common = np.zeros(int(code.max(initial=-1)) + 1, bool)
        pair = np.unique(code * log.accounts + log.account[row]) // log.accounts
        common[np.bincount(pair, minlength=len(common)) >= FEWEST] = True
        told = np.bincount(log.account[row], common[code], minlength=log.accounts)
        out[f"shared {part}"] = told / volume
    return out


def isolation_forest(log: Log, seed: int = 0) -> Scored:
    """The anomaly score of each account's features, between 0 and 1."""
    from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

    table = np.stack(list(features(log).values()), axis=1)
    forest = IsolationForest(n_estimators=TREES, max_samples=min(SAMPLE, len(table)), random_state=seed)
    return Scored.alone(-forest.fit(table).score_samples(table))


def _distinct(log: Log, value: Ints) -> Floats:
    _, code = np.unique(value, return_inverse=True)
    pair = np.unique(code.astype(np.int64) * log.accounts + log.account)
    return np.asarray(np.bincount(pair % log.accounts, minlength=log.accounts), np.float64)


def _share(log: Log, hit: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    return np.bincount(log.account, hit, minlength=log.accounts) / np.maximum(log.volume, 1)


def _entropy(log: Log, value: Ints) -> Floats:
    _, code = np.unique(value, return_inverse=True)
    pair, count = np.unique(code.astype(np.int64) * log.accounts + log.account, return_counts=True)
    account = pair % log.accounts
    p = count / log.volume[account]
    return np.asarray(np.bincount(account, -p * np.log(p), minlength=log.accounts), np.float64)


def _gaps(log: Log) -> dict[str, Floats]:
    """Logarithms of the seconds between an account's requests: their mean, and how much they vary."""
    account, at = log.account[log.order], log.at_us[log.order]
    same = account[1:] == account[:-1]
    gap = np.log1p(np.diff(at)[same] / 1e6)
    who = account[1:][same]
    count = np.maximum(np.bincount(who, minlength=log.accounts), 1)
    mean = np.bincount(who, gap, minlength=log.accounts) / count
    square = np.bincount(who, gap**2, minlength=log.accounts) / count
    return {"gap": mean, "gap varies": np.sqrt(np.maximum(square - mean**2, 0))}


def _contents(log: Log) -> dict[str, Floats]:
    """How alike an account's prompts are (mean cosine of its pairs), and how near they lie to everybody's."""
    sums = np.add.reduceat(log.content[log.order], log.bounds[:-1], axis=0, dtype=np.float64)
    lengths = np.bincount(
        log.account, np.einsum("ij,ij->i", log.content, log.content), minlength=log.accounts
    )
    pairs = np.maximum(log.volume * (log.volume - 1), 1)
    everyone = log.content.mean(axis=0, dtype=np.float64)
    return {
        "alike": (np.einsum("ij,ij->i", sums, sums) - lengths) / pairs,
        "near everyone": sums @ everyone / np.maximum(log.volume, 1),
    }

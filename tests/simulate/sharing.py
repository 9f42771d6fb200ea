"""How often two prompts of different accounts share a part of their imprints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headwater.imprint import ABSENT, imprint
from headwater.keys import DEMO_KEY
from headwater.simulate.chance import stream


def shared(prompts: Sequence[str], accounts: Sequence[str], pairs: int = 60_000) -> dict[str, float]:
    """Shares of random pairs of different accounts with a common opening, closing, skeleton, or minimiser."""
    digests = imprint(list(prompts), DEMO_KEY)
    one, two = stream(11).integers(0, len(prompts), (2, pairs))
    apart = np.asarray(accounts)[one] != np.asarray(accounts)[two]
    one, two = one[apart], two[apart]
    found = {}
    for part in ("opening", "closing", "skeleton"):
        values = digests.field(part).to_numpy(zero_copy_only=False)
        found[part] = float(np.mean(values[one] == values[two]))
    minima = np.array(digests.field("minimisers").to_pylist(), dtype=np.uint64)
    left, right = minima[one][:, :, None], minima[two][:, None, :]
    found["minimiser"] = float(((left == right) & (left != np.uint64(ABSENT))).any(axis=(1, 2)).mean())
    return found

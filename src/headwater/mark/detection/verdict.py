"""What may be said of a text and a key: marked, not shown, or not enough evidence; nothing in between.

*Not shown* needs a text that would have shown the mark if it carried one. How long that is depends on how much choice
the model had; the figures are for talk like a chat's (0.72 nats a token), measured in `benchmarks/marks`.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

#: A text without the mark is called marked at most this often, all keys, readings and windows together.
ALPHA: Final = 1e-6
#: Evidence a distinct unit at 0.72 nats a token, in nats, by scheme: what the plain detector finds (112
#: tokens of vLLM's to p = 1e-6, 115 of SynthID's, 276 of a green list).
_NATS: Final = {
    "vllm-gumbel": 0.123,
    "vllm-dual-key": 0.1,
    "sglang-gumbel": 0.123,
    "headwater-gumbel": 0.123,
    "headwater-layered": 0.06,
    "headwater-layered-tilt": 0.025,
    "synthid": 0.118,
    "kgw": 0.05,
    "unigram": 0.05,
    "headwater-tilt": 0.05,
    # A distinct sentence that was chosen among eight drafts (`benchmarks/marks/sentences.json`).
    "headwater-sentences all-minilm-l6-v2": 0.5,
    "headwater-sentences hashed-words": 0.25,
}
_OTHERS: Final = 0.05


class Verdict(StrEnum):
    """The three answers."""

    MARKED = "marked"
    NOT_SHOWN = "not-shown"
    NOT_ENOUGH = "not-enough-evidence"


def units_wanted(scheme: str, level: float) -> int:
    """Distinct units that a text of a chat's entropy needs for a p-value of e^`level`, half of the time."""
    return math.ceil(-level / _NATS.get(scheme, _OTHERS))

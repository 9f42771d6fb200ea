"""Which account's outputs are in a dataset: exact tests of every key, shares by a mixture, fingerprinting codes.

`trace` is the way in; `joined` puts documents together for it. `Code` is for answers of which versions can be picked.
"""

from headwater.mark.trace.dataset import Dataset, gather, joined
from headwater.mark.trace.shares import Share, Shares, guessed_shares, mixture_shares
from headwater.mark.trace.tardos import Accused, Code, length
from headwater.mark.trace.tracing import Named, Trace, trace

__all__ = [
    "Accused",
    "Code",
    "Dataset",
    "Named",
    "Share",
    "Shares",
    "Trace",
    "gather",
    "guessed_shares",
    "joined",
    "length",
    "mixture_shares",
    "trace",
]

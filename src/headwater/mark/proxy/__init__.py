"""Small models that guess how expected a token was, to know which units say more of a key. They know no key.

`GPT` reads a small network in NumPy, `Counts` are counts of own traffic; anything with `Proxy`'s one verb will do.
"""

from headwater.mark.proxy.counts import Counts, counted
from headwater.mark.proxy.features import Features, Proxy
from headwater.mark.proxy.gpt import GPT, fitted
from headwater.mark.proxy.gpt import load as load_gpt
from headwater.mark.proxy.kept import load, save_counts

__all__ = ["GPT", "Counts", "Features", "Proxy", "counted", "fitted", "load", "load_gpt", "save_counts"]

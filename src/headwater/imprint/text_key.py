"""Keyed hashes of whole texts: all that is kept of what a model answered and of system prompts.

Equal texts have equal hashes and nothing else can be told from them. Very short texts say nothing about who wrote
them and have none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from headwater.keys import ImprintKey

#: Arrow columns of whatever type.
Array = Any
#: Shorter texts ("Yes.") are everybody's.
LEAST_CHARS = 24


def text_keys(texts: Array, key: ImprintKey) -> Array:
    """64-bit hashes (uint64) of `texts` without the white space around them; null for null and for short texts.

    They are those of BLAKE2b, keyed, over UTF-8.
    """
    from headwater.imprint.kernel import head

    n = len(texts)
    if texts.null_count == n:
        return pa.nulls(n, pa.uint64())
    texts = texts.cast(pa.large_string())
    _, offsets, bytes_ = texts.buffers()
    data = np.frombuffer(b"" if bytes_ is None else bytes_, np.uint8)
    data.setflags(write=False)  # one type, so that the kernel is compiled once
    places = np.frombuffer(offsets, np.int64, n + 1, 8 * texts.offset)
    hashes, gone = np.zeros(n, np.uint64), np.zeros(n, np.bool_)
    secret = np.frombuffer(key.derive("text keys", 32), "<u8").astype(np.uint64)
    head.keyed(data, places, secret, LEAST_CHARS, hashes, gone)
    if texts.null_count:
        gone |= texts.is_null().to_numpy(zero_copy_only=False)
    return pa.array(hashes, mask=gone)

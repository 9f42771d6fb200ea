"""Keyed hashes of whole texts: all that is kept of what a model answered and of system prompts.

Equal texts have equal hashes and nothing else can be told from them. Very short texts say nothing about who wrote
them and have none.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pyarrow as pa

from headwater.keys import ImprintKey

#: Arrow columns of whatever type.
Array = Any
#: Shorter texts ("Yes.") are everybody's.
LEAST_CHARS = 24


def text_keys(texts: Array, key: ImprintKey) -> Array:
    """64-bit hashes (uint64) of `texts` without the white space around them; null for null and for short texts."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), pa.uint64())
    secret = key.derive("text keys", 32)
    coded = texts.dictionary_encode()
    hashes = [_hash(str(text), secret) for text in coded.dictionary.to_pylist()]
    return pa.array(hashes, pa.uint64()).take(coded.indices)


def _hash(text: str, secret: bytes) -> int | None:
    text = text.strip()
    if len(text) < LEAST_CHARS:
        return None
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=8, key=secret)
    return int.from_bytes(digest.digest(), "little")

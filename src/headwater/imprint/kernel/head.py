"""The compiled entry points: whole columns of texts in, columns of fields out, one text after another.

Only these functions are cached on disk. The cache looks at the source of the cached function alone, so each
closes over a fingerprint of all files of this folder: a change in any of them is a new entry. Arrays are few
and scratch is passed in because each argument and each allocation costs compile time.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from headwater.imprint.kernel.codes import (
    ASCII_SCRIPT,
    CLOSING,
    CLOSING_AT,
    EDGE,
    EXACT,
    EXACT_AT,
    GROUPS_AT,
    MINIMA_AT,
    OPENING,
    OPENING_AT,
    PASSAGE_TOKENS,
    SCRIPT_AT,
    SKELETON_AT,
    WORDS_AT,
)
from headwater.imprint.kernel.fields import flags, minimisers, sketch, winnow
from headwater.imprint.kernel.keyed import SLOTS, at_least, keyed_hash, keyed_state, same, slot, stripped
from headwater.imprint.kernel.siphash import hash_words
from headwater.imprint.kernel.skeleton import skeleton
from headwater.imprint.kernel.text import fold, fold_ascii, is_ascii, simplify, tokens


def _fingerprint() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _compile_heads(fingerprint: str) -> Any:
    @njit(cache=True, nogil=True)
    def heads(
        data: Any, texts: Any, check: bool, properties: Any, secrets: Any, pairs: Any, triples: Any, table: Any,
        steps: Any, found: Any, codes: Any, bytes_: Any, hashes: Any, tally: Any, numbers: Any, sketches: Any,
        letters: Any,
    ) -> int:  # fmt: skip
        """Fill row texts[i, 2] of every output from the UTF-8 text data[texts[i, 0] : texts[i, 1]].

        `numbers[n, 15]` takes the fields at the places that `codes.py` names. With `check`, texts that are not
        ASCII are left out; their rows come first in texts[:, 2] afterwards. Without it, the script is left to
        the caller: `letters[i, 17]` takes the letters by script. Returns how many were left out. `codes[5]`
        (uint32), `bytes_[2]` (uint8), `hashes[3]` (uint64) and `tally[2, 256]` (int32) are scratch.
        """
        _ = fingerprint
        units = codes[0]
        klass = bytes_[0]
        breaks = codes[2]
        ends = codes[3]
        plain = hashes[0]
        masked = hashes[1]
        spare = hashes[2].view(np.uint32)
        left_out = 0
        for i in range(len(texts)):
            row, first, last = texts[i, 2], texts[i, 0], texts[i, 1]
            if check and not is_ascii(data, first, last):
                texts[left_out, 2] = row
                left_out += 1
                continue
            out = numbers[row]
            digits = 0
            cuts = codes[4]
            if check:
                n, lines, edges, latin = fold_ascii(
                    data, first, last, units, klass, bytes_[1], breaks, codes[4]
                )
                if latin > 0:
                    out[SCRIPT_AT] = ASCII_SCRIPT
            else:
                cuts = spare
                n, lines, edges, digits = fold(
                    data, first, last, properties, units, klass, bytes_[1], breaks, codes[4], cuts, letters[i]
                )  # fmt: skip
            count = tokens(
                units, klass, n, bytes_[1], codes[4], cuts, edges // 2, digits, secrets, ends, codes[1], plain, masked
            )  # fmt: skip
            out[WORDS_AT] = count
            minimisers(masked, count, secrets, hashes[2], codes[1], out[MINIMA_AT:WORDS_AT])
            sketch(units, klass, n, secrets, pairs, triples, tally, sketches[row])
            out[SKELETON_AT] = skeleton(
                units, klass, n, breaks, lines, ends, plain, masked, secrets, codes[1], codes[4], hashes[2]
            )
            groups, exact = flags(plain, count, table, steps, found, secrets[EXACT], secrets[EXACT + 1])
            out[GROUPS_AT] = groups
            if count == 0:
                continue
            out[EXACT_AT] = exact
            edge = EDGE if count > EDGE else count
            for place, begin, secret in ((OPENING_AT, 0, OPENING), (CLOSING_AT, count - edge, CLOSING)):
                k0, k1 = secrets[secret], secrets[secret + 1]
                out[place] = hash_words(masked, begin, begin + edge, k0, k1)
        return left_out

    return heads


def _compile_passages(fingerprint: str) -> Any:
    @njit(cache=True, nogil=True)
    def passages(
        data: Any, texts: Any, properties: Any, secrets: Any, window: int, codes: Any, bytes_: Any, hashes: Any,
        out: Any, lengths: Any,
    ) -> int:  # fmt: skip
        """Write the passages of each text to `out`, one text after another, and how many to `lengths`."""
        _ = fingerprint
        letters = np.zeros(256, np.int32)
        cuts = hashes[2].view(np.uint32)
        used = 0
        for i in range(len(texts)):
            n, _lines, edges, digits = fold(
                data, texts[i, 0], texts[i, 1], properties, codes[0], bytes_[0], bytes_[1], codes[2], codes[4], cuts,
                letters,
            )  # fmt: skip
            count = tokens(
                codes[0], bytes_[0], n, bytes_[1], codes[4], cuts, edges // 2, digits, secrets, codes[3], codes[1],
                hashes[0], hashes[1],
            )  # fmt: skip
            spacing = window - PASSAGE_TOKENS + 1
            lengths[i] = winnow(hashes[0], count, PASSAGE_TOKENS, spacing, secrets, hashes[1], out[used:])
            used += lengths[i]
        return used

    return passages


def _compile_simplified(fingerprint: str) -> Any:
    @njit(cache=True, nogil=True)
    def simplified(data: Any, texts: Any, table: Any, forms: Any, out: Any, spans: Any) -> int:
        """Bring texts to normal form code point by code point, as `simple` says; how many bytes of `out` are used.

        `spans[i]` takes the first and the last place (exclusive) of text i in `out`, and how many code points it had
        before; the first is -1 where the text must go the slow way.
        """
        _ = fingerprint
        used = 0
        for i in range(len(texts)):
            end, count = simplify(data, texts[i, 0], texts[i, 1], table, forms, out, used)
            spans[i, 0] = used if end >= 0 else -1
            spans[i, 1] = end
            spans[i, 2] = count
            used = end if end >= 0 else used
        return used

    return simplified


def _compile_keyed(fingerprint: str) -> Any:
    @njit(cache=True, nogil=True)
    def keyed(data: Any, offsets: Any, key: Any, least: int, out: Any, short: Any) -> None:
        """BLAKE2b under `key` (four words) of each text data[offsets[i] : offsets[i + 1]] without white space around it.

        What has fewer than `least` characters (at least eight) is `short` and has none.
        """
        _ = fingerprint
        state, scratch, block = np.empty(8, np.uint64), np.empty(8, np.uint64), np.empty(16, np.uint64)
        known = np.zeros((SLOTS, 3), np.uint64)
        keyed_state(key, block, state)
        for i in range(len(out)):
            first, last = stripped(data, np.uint64(offsets[i]), np.uint64(offsets[i + 1]))
            short[i] = not at_least(data, first, last, least)
            if short[i]:
                continue
            seen = known[slot(data, first, last)]
            if seen[1] != last - first or not same(data, first, last, seen[0]):
                seen[0], seen[1] = first, last - first
                seen[2] = keyed_hash(data, first, last, state, block, scratch)
            out[i] = seen[2]

    return keyed


heads = _compile_heads(_fingerprint())
simplified = _compile_simplified(_fingerprint())
passages = _compile_passages(_fingerprint())
keyed = _compile_keyed(_fingerprint())

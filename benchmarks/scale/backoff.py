"""Unique text in the manner of real corpora: a back-off model that tells every content anew.

Words follow one another as in the texts of the same corpus, topic and language: after the last two words where they
were seen together, else after the last one, else any. How often it backs off is what absolute discounting says (Ney,
Essen and Kneser 1994): the share of a context's occurrences that belongs to what was never seen after it. So common
phrases stay common, rare ones stay rare, and hardly a text is told twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

#: A word with the space before it; of scripts without spaces a character.
TOKEN = re.compile(r"\s*(?:[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+|[^\w\s])")
#: What is taken off every count for what was never seen (absolute discounting).
DISCOUNT = 0.75
#: Fewer words of a topic are too few to be told anew: those of the whole corpus are taken.
LEAST_TOKENS = 20_000
#: No text grows beyond this (bytes); the long tail has a benchmark of its own.
LONGEST = 20_000


@dataclass(frozen=True)
class Model:
    """Tokens of all domains, one after the other, with what follows what.

    `token` (n) the words by number, −1 between texts. `pair`, `single`: all places in the order of (domain, word
    before, word) and of (domain, word), then for each place (n) where its group begins in that order, how long it is,
    and the chance of backing off from it. `begin` (domains + 1) offsets; `blob`, `cut` the words' bytes.
    """

    token: npt.NDArray[np.int32]
    pair: tuple[Ints, Ints, Ints, npt.NDArray[np.float64]]
    single: tuple[Ints, Ints, Ints, npt.NDArray[np.float64]]
    begin: Ints
    blob: npt.NDArray[np.uint8]
    cut: Ints
    #: domain of each content, and its length in bytes
    domain: Ints
    length: Ints

    def tell(self, contents: Ints, longer: float, seed: int) -> list[str]:
        """A text for each content (`longer` times its length at the mean, one seed for all)."""
        wanted = np.minimum(np.maximum(self.length[contents] * longer, 8), LONGEST).astype(np.int64)
        room = np.concatenate([[0], np.cumsum(wanted + int(np.diff(self.cut).max()))])
        out = np.empty(room[-1], np.uint8)
        size = _told(
            self.token, *self.pair, *self.single, self.begin, self.blob, self.cut, self.domain[contents], wanted,
            room, out, seed,
        )  # fmt: skip
        whole = out.tobytes()
        return [
            whole[at : at + n].decode().strip()
            for at, n in zip(room[:-1].tolist(), size.tolist(), strict=True)
        ]


def learn(texts: Sequence[str], corpus: Ints, topic: Ints, language: Ints) -> Model:
    """The model of texts (n) with their corpus, topic and language."""
    words: dict[str, int] = {}
    said = [
        np.array([words.setdefault(w, len(words)) for w in TOKEN.findall(text)], np.int32) for text in texts
    ]
    tokens = np.array([len(one) for one in said])
    narrow = np.unique(np.stack([corpus, topic, language]), axis=1, return_inverse=True)[1]
    broad = np.unique(np.stack([corpus, language]), axis=1, return_inverse=True)[1]
    few = np.bincount(narrow, tokens)[narrow] < LEAST_TOKENS
    domain = np.unique(np.where(few, broad + narrow.max() + 1, narrow), return_inverse=True)[1].astype(
        np.int64
    )
    # A domain of a whole corpus holds all of its texts, those of its larger topics too.
    whole = {
        int(d): np.flatnonzero(broad == broad[np.flatnonzero(domain == d)[0]]) for d in np.unique(domain[few])
    }
    parts, begin = [], [0]
    for d in range(int(domain.max()) + 1):
        for at in whole.get(d, np.flatnonzero(domain == d)).tolist():
            parts += [said[at], np.array([-1], np.int32)]
        begin.append(begin[-1] + sum(len(p) for p in parts) - begin[-1])
    token = np.concatenate(parts)
    bounds = np.array(begin, np.int64)
    of = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    before = np.concatenate([[-1], token[:-1]])
    blob = np.frombuffer("".join(words).encode(), np.uint8)
    cut = np.concatenate([[0], np.cumsum([len(w.encode()) for w in words])])
    length = np.array([len(text.encode()) for text in texts], np.int64)
    size = np.int64(len(words) + 1)
    alone = of * size + token + 1
    return Model(
        token, _groups(alone * size + before + 1, token), _groups(alone, token), bounds, blob, cut, domain, length
    )  # fmt: skip


def _groups(context: Ints, token: npt.NDArray[np.int32]) -> tuple[Ints, Ints, Ints, npt.NDArray[np.float64]]:
    """Places by context, and for each place: where its context begins in that order, how often, chance to back off."""
    order = np.argsort(context, kind="stable")
    first = np.flatnonzero(np.diff(context[order], prepend=-2))
    count = np.diff(np.append(first, len(order)))
    follower = np.append(token, -1)[1:][order]
    group = np.repeat(np.arange(len(first)), count)
    kinds = np.bincount(np.unique(np.stack([group, follower]), axis=1)[0], minlength=len(first))
    place = np.empty(len(order), np.int64)
    place[order] = group
    return order, first[place], count[place], np.minimum(DISCOUNT * kinds / count, 1.0)[place]


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _told(  # type: ignore[no-untyped-def]
    token, pair, pair_first, pair_count, pair_back, single, single_first, single_count, single_back, begin, blob, cut,
    domain, wanted, room, out, seed,
):  # fmt: skip
    np.random.seed(seed)
    size = np.zeros(len(domain), np.int64)
    for i in range(len(domain)):
        low, high = begin[domain[i]], begin[domain[i] + 1]
        at = low + np.int64(np.random.random() * (high - low))
        # A text begins as some text of the domain does.
        while at > low and token[at - 1] >= 0:
            at -= 1
        fresh, put = True, room[i]
        end = put + wanted[i]
        while True:
            word = token[at]
            if word >= 0:
                for b in range(cut[word], cut[word + 1]):
                    out[put] = blob[b]
                    put += 1
                if put >= end:
                    break
            after = np.int64(-1)
            if word >= 0 and not fresh and np.random.random() >= pair_back[at]:
                after = pair[pair_first[at] + np.int64(np.random.random() * pair_count[at])] + 1
                fresh = False
            elif word >= 0 and np.random.random() >= single_back[at]:
                after = single[single_first[at] + np.int64(np.random.random() * single_count[at])] + 1
                fresh = False
            if after < 0 or after >= high or token[after] < 0:
                after = low + np.int64(np.random.random() * (high - low))
                fresh = True
            at = after
        size[i] = put - room[i]
    return size

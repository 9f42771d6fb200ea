"""Sums of scores when a key is nothing but a shift of a public table: all of them at once, and so their exact law.

A window's hash x and a layer's key k give the bit table[(x + k) % size]. Over all k the sum of a text's scores is the
correlation of the table with the text's scores by place, which a Fourier transform gives. Under a key drawn at random
each shift is as likely as any other: no independence of windows is assumed, and none of their repetitions matters.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.law import Law, Part
from headwater.mark.score import Scorer

Ints = NDArray[np.int64]
#: Up to this norm of the scores by place, rounding gives the exact integer.
_LARGEST = 1e10
#: The law of a layer's sum has at most so many points; beyond, sums are rounded up.
_POINTS = 2**18


def sums(places: NDArray[np.intp], more: Ints, table: NDArray[np.uint8]) -> Ints:
    """For every shift k the sum of `more`[i] over the i with table[(places[i] + k) % size] = 1: (size,)."""
    by_place = np.bincount(places, weights=more, minlength=len(table))
    norm = float(np.sqrt(np.square(by_place).sum()))
    if norm > _LARGEST:
        raise UsageError("scores are too large to be summed exactly", hint="use a coarser grain")
    spectrum = np.conj(np.fft.rfft(by_place)) * np.fft.rfft(table.astype(np.float64))
    return np.rint(np.fft.irfft(spectrum, len(table))).astype(np.int64)


def parts(
    hashes: NDArray[np.uint64],
    table: NDArray[np.uint8],
    scorer: Scorer,
    times: Ints,
    classes: NDArray[np.intp] | None,
) -> tuple[list[Part], int]:
    """The laws of the layers' sums under independent random keys, and what is to be taken off a total before.

    Layers whose scores are multiples of one another share their law.
    """
    places = (hashes & np.uint64(len(table) - 1)).astype(np.intp)
    kinds = np.zeros(len(places), np.intp) if classes is None else classes
    known: dict[bytes, tuple[Law, int, int]] = {}
    found: list[Part] = []
    offset = 0
    for stream in range(len(scorer.tables[0])):
        both = np.array([each[stream](np.array([0, 1], np.uint32)) for each in scorer.tables])[kinds]
        more = (both[:, 1] - both[:, 0]) * times
        factor = int(np.gcd.reduce(more))
        offset += int((both[:, 0] * times).sum())
        if factor == 0:
            continue
        reduced = more // factor
        name = reduced.tobytes()
        if name not in known:
            known[name] = _law(sums(places, reduced, table))
        law, least, step = known[name]
        offset += least * factor
        found.append(Part(law, step * factor))
    return found, offset


def _law(totals: Ints) -> tuple[Law, int, int]:
    """The law of (total - least) / step over all shifts, with `least` and `step`."""
    least = int(totals.min())
    above = totals - least
    step = max(int(np.gcd.reduce(above)), 1)
    above //= step
    coarser = -(-int(above.max() + 1) // _POINTS)
    above = -(-above // coarser)
    return Law(0, np.bincount(above) / len(above)), least, step * coarser


def add_totals(
    hashes: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    table: NDArray[np.uint8],
    shifted: bool,
    of: Ints,
    scores: NDArray[np.int32],
    out: Ints,
) -> None:
    """Add to `out` (keys, documents) the scores under `keys` (keys, layers): see `totals.Fast`.

    `scores`: (classes, layers, 2), of the bits 0 and 1.
    """
    times, kinds, documents = of
    bounds = np.searchsorted(documents, np.arange(out.shape[1] + 1))
    for document, (first, last) in enumerate(pairwise(bounds)):
        for layer in range(keys.shape[1]):
            if first == last:
                continue
            by_unit = scores[kinds[first:last], layer].astype(np.int64) * times[first:last, None]
            more = by_unit[:, 1] - by_unit[:, 0]
            out[:, document] += by_unit[:, 0].sum()
            out[:, document] += _under(hashes[first:last], more, keys[:, layer], table, shifted)


def _under(
    hashes: NDArray[np.uint64],
    more: Ints,
    keys: NDArray[np.uint64],
    table: NDArray[np.uint8],
    shifted: bool,
) -> Ints:
    """The sum of `more` where the bit is 1, under each of `keys`."""
    mask = np.uint64(len(table) - 1)
    if shifted and len(keys) * len(hashes) > 32 * len(table):
        every = sums((hashes & mask).astype(np.intp), more, table)
        return every[(keys & mask).astype(np.intp)]
    from headwater.mark.engines.kernel.synthid import summed

    found = np.empty(len(keys), np.int64)
    summed(hashes, more, np.ascontiguousarray(keys), table, shifted, found)
    return found

"""The tilted law of a sum on a grid of `length` points: by its characteristic function, or by plain convolution.

The first takes the product of the parts' discrete Fourier transforms, at the frequencies only where it isn't
negligible: a modulus is at most 1, so what has fallen below a bound stays there, and thousands of parts cost little.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.mark.tails.sums import EPSILON, Sum

Complex = NDArray[np.complex128]


class Grid(NamedTuple):
    """Tilted chances of `first`, `first` + 1, …: `noise` bounds the root of the sum of squared errors, `lost` is what
    is missing; chances beyond the window may have been added, never taken away.
    """

    first: int
    chance: NDArray[np.float64]
    noise: float
    lost: float


def convolved(parts: Sum, s: float) -> Grid:
    """By convolution: all terms are positive, so that each chance down to 1e-300 has its digits. O(top²)."""
    chances = parts.chances(s)
    found = np.ones(1)
    for start, size, count in zip(parts.start, parts.sizes, parts.count, strict=True):
        span = slice(start, start + size)
        factor = np.bincount(parts.value[span], chances[span])
        left = int(count)
        while left:
            if left & 1:
                found = np.convolve(found, factor)
            left >>= 1
            if left:
                factor = np.convolve(factor, factor)
    return Grid(0, found, 0.0, len(found) * 1e-290)


def transformed(parts: Sum, s: float, window: tuple[int, int], log_loss: float) -> Grid:
    """By Fourier transform, in a window beyond which at most e^`log_loss` lies on either side."""
    first, last = window
    length = fft_length(last - first + 1)
    log_cut = -35 - math.log(length)
    characteristic = _characteristic(parts, s, length, log_cut)
    chance = np.roll(np.fft.irfft(characteristic, length), -(first % length))
    norm = math.sqrt(float(np.square(chance).sum()))
    noise = EPSILON * (4 * int(parts.count.sum()) + 4 * math.log2(length) + 16) * norm
    whole = first == 0 and length > parts.top
    return Grid(
        first, chance, noise + math.sqrt(length) * math.exp(log_cut), 0.0 if whole else math.exp(log_loss)
    )


def fft_length(least: int) -> int:
    """The least even 2^a 3^b 5^c >= `least` with b, c at most 1."""
    power = max(1, (least - 1).bit_length())
    shorter = (factor << (power - shift) for factor, shift in ((5, 3), (3, 2), (15, 4)) if power > shift)
    return min([1 << power, *(length for length in shorter if length >= least)])


def _characteristic(parts: Sum, s: float, length: int, log_cut: float) -> Complex:
    """The product of the parts' transforms at frequencies 0 … `length`/2, 0 where its modulus is below e^`log_cut`."""
    chances = parts.chances(s)
    # The mean of a modulus squared is the sum of squared chances: what is spread widest comes first.
    spread = np.sqrt(parts.count) * -np.log(np.add.reduceat(chances * chances, parts.start))
    sizes = parts.sizes
    alive: NDArray[np.intp] | None = None
    product: Complex = np.ones(1, np.complex128)
    for part in np.argsort(-spread, kind="stable"):
        span = slice(parts.start[part], parts.start[part] + sizes[part])
        count = int(parts.count[part])
        factor = _transform(parts.value[span], chances[span], length, alive)
        kept = np.flatnonzero(factor.real**2 + factor.imag**2 > math.exp(2 * log_cut / count))
        alive = kept if alive is None else alive[kept]
        factor = factor[kept]
        product = (product if len(product) == 1 else product[kept]) * (
            factor if count == 1 else np.exp(count * np.log(factor))
        )
        kept = np.flatnonzero(np.abs(product) > math.exp(log_cut))
        alive, product = alive[kept], product[kept]
    found = np.zeros(length // 2 + 1, np.complex128)
    found[alive] = product
    return found


def _transform(
    value: NDArray[np.int64], chance: NDArray[np.float64], length: int, at: NDArray[np.intp] | None
) -> Complex:
    """One law's transform, sum of chance * e^(-2πi j value / length), at the frequencies j in `at` (None: all)."""
    asked = length // 2 + 1 if at is None else len(at)
    step = int(np.gcd.reduce(value)) if len(value) > 16 else 1
    side = math.isqrt(int(value.max()) // step) + 1
    # Nanoseconds, roughly.
    by_points, by_squares = 30 * len(value) * asked, (60 * side + 3 * side * side) * asked
    if min(by_points, by_squares) > 2 * length * math.log2(length):
        found = np.fft.rfft(np.bincount(value % length, chance, length))
        return found if at is None else found[at]
    frequency = np.arange(asked) if at is None else at
    found = np.empty(asked, np.complex128)
    block = 1 + (1 << 18) // min(len(value), 2 * side)
    for first in range(0, asked, block):
        some = frequency[first : first + block]
        if by_points <= by_squares:
            found[first : first + block] = _by_points(some, value % length, chance, length)
        else:
            line = np.asarray(np.bincount(value // step, chance, side * side), np.float64)
            square = line.reshape(side, side)
            found[first : first + block] = _by_squares(some * (step % length) % length, square, length)
    return found


def _by_points(
    frequency: NDArray[np.int64], value: NDArray[np.int64], chance: NDArray[np.float64], length: int
) -> Complex:
    """Sum of chance e^(-2πi f value / length), term by term; the first value is nearly always 0."""
    known = int(value[0] == 0)
    found: Complex = np.einsum(
        "fp,p->f", _turn(frequency[:, None] * value[known:], length), chance[known:].astype(np.complex128)
    )
    return found + chance[0] if known else found


def _by_squares(frequency: NDArray[np.int64], square: NDArray[np.float64], length: int) -> Complex:
    """Sum over a and b of `square`[b, a] e^(-2πi f (a + side b) / length): an inner sum over a, an outer one over b.

    Not by BLAS, whose threads would wait for each other longer than these small sums take.
    """
    side = np.arange(len(square))
    inner = np.einsum("fa,ba->fb", _turn(frequency[:, None] * side, length), square.astype(np.complex128))
    outer = _turn((frequency * len(square) % length)[:, None] * side, length)
    found: Complex = np.einsum("fb,fb->f", inner, outer)
    return found


def _turn(steps: NDArray[np.int64], length: int) -> Complex:
    """e^(-2πi steps / length): the angle is reduced in whole numbers, so that none is inexact."""
    found: Complex = np.exp((-2j * math.pi / length) * (steps % length))
    return found

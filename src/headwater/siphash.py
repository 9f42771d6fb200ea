"""SipHash (Aumasson and Bernstein, 2012) in plain Python: what the compiled ones, of imprints and marks, must say.

Slow and readable. It also hashes the few words of the phrase table, so that looking them up needs no kernel.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def siphash(k0: int, k1: int, message: bytes, compress: int = 1, finish: int = 3) -> int:
    """64-bit SipHash-`compress`-`finish` of `message` under the 128-bit key (k0, k1)."""
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0 = (v0 + v1) & _MASK
            v1 = _rotate(v1, 13) ^ v0
            v0 = _rotate(v0, 32)
            v2 = (v2 + v3) & _MASK
            v3 = _rotate(v3, 16) ^ v2
            v0 = (v0 + v3) & _MASK
            v3 = _rotate(v3, 21) ^ v0
            v2 = (v2 + v1) & _MASK
            v1 = _rotate(v1, 17) ^ v2
            v2 = _rotate(v2, 32)

    whole = len(message) // 8 * 8
    words = [int.from_bytes(message[i : i + 8], "little") for i in range(0, whole, 8)]
    words.append(int.from_bytes(message[whole:], "little") | (len(message) & 0xFF) << 56)
    for word in words:
        v3 ^= word
        rounds(compress)
        v0 ^= word
    v2 ^= 0xFF
    rounds(finish)
    return v0 ^ v1 ^ v2 ^ v3

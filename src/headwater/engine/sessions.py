"""Where one session of an account ends and the next one begins."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def numbered(code: npt.NDArray[np.int32], at_us: Ints, gap_us: int, length_us: int) -> Ints:
    """The number of each row's session among its account's, from 0; rows come by account, then time.

    A pause of more than `gap_us` ends a session, and so does unbroken traffic of `length_us`.
    """
    out = np.empty(len(code), np.int64)
    session = begun = piece = 0
    for row in range(len(code)):
        time = int(at_us[row])
        if row == 0 or code[row] != code[row - 1]:
            session, begun, piece = 0, time, 0
        elif time - at_us[row - 1] > gap_us:
            session, begun, piece = session + 1, time, 0
        elif (time - begun) // length_us != piece:
            session, piece = session + 1, (time - begun) // length_us
        out[row] = session
    return out

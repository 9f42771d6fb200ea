"""Values of the account table as numbers: in Python's order, blanks left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.evidence.account.signup import coded

VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "\t", "\u00a0", "\u2003 ", "\x1c", "a", "A ", "ä", "\U0001f600", "\uffff"]),
    st.text(max_size=3),
)


@settings(max_examples=200)
@given(st.lists(VALUES, max_size=12), st.booleans())
def test_values_are_numbered_in_their_order(given_: list[str | None], chunked: bool) -> None:
    """By code points, beyond the first plane too; whatever is nothing but space says nothing."""
    values = [v if v is None else v.encode("utf-8", "replace").decode() for v in given_]
    parts = [pa.array(values[:3], pa.string()), pa.array(values[3:], pa.string())]
    column = pa.chunked_array(parts) if chunked else pa.chunked_array([pa.array(values, pa.string())])
    world: Any = SimpleNamespace(accounts_table=pa.table({"payment": column}))
    account, at, names = coded(cast(Any, world), "payment")
    order = sorted({v for v in values if v is not None and v.strip()})
    assert names == order
    assert account.tolist() == [row for row, v in enumerate(values) if v in order]
    assert at.tolist() == [order.index(v) for v in values if v in order]
    assert (account.dtype, at.dtype) == (np.int32, np.int64)

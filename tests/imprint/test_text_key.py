"""The compiled keyed hash of texts says what the standard library says."""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.imprint import text_keys
from headwater.imprint.text_key import LEAST_CHARS
from headwater.keys import DEMO_KEY

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
#: White space of every kind, what looks like it, and texts of all lengths of a character.
PIECES = st.one_of(
    st.sampled_from([*SPACES, "\u200b", "\u180e", "\ufeff", "\x00", "a", "é", "中", "𝒳"]),
    st.sampled_from(["a" * 24, "b" * 127, "c" * 128, "é" * 23, "中" * 24, "𝒳" * 24]),
    st.text(max_size=40),
)
TEXTS = st.one_of(st.none(), st.lists(PIECES, max_size=6).map("".join))


def plain(text: str | None) -> int | None:
    """The same by the standard library."""
    text = "" if text is None else text.strip()
    secret = DEMO_KEY.derive("text keys", 32)
    made = blake2b(text.encode("utf-8"), digest_size=8, key=secret).digest()
    return int.from_bytes(made, "little") if len(text) >= LEAST_CHARS else None


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=8), st.integers(0, 3))
@example([" \u2003" + "x" * size + "\u3000\n" for size in range(400)], 2)
def test_a_hash_is_that_of_the_stripped_text(texts: list[str | None], first: int) -> None:
    column = pa.array(texts, pa.large_string()).slice(first)
    assert text_keys(column, DEMO_KEY).to_pylist() == [plain(text) for text in texts[first:]]


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_other_kinds_of_text_have_the_same_hashes(kind: pa.DataType) -> None:
    texts = ["the same text, said twice", None, "short", "the same text, said twice"]
    assert text_keys(pa.array(texts).cast(kind), DEMO_KEY).to_pylist() == [plain(text) for text in texts]

"""The compiled kernel says what the readable reference says, bit for bit, and what it said in the first version."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.exchange.model import IMPRINT_TYPE
from headwater.imprint import imprint, intent_names
from headwater.imprint.kernel import codes, head
from headwater.imprint.normal import normal
from headwater.imprint.reference import reference
from headwater.imprint.simple import forms
from headwater.keys import DEMO_KEY, ImprintKey

VECTORS = Path(__file__).parents[1] / "vectors" / "imprint" / "vectors.json"
OTHER = ImprintKey(bytes(range(32)), version=1)
PHRASES = st.sampled_from(
    [
        "Think step by step. ",
        "“quoted”: ",
        "Question: ",
        "https://example.org/a?b=1 ",
        "x@y.org ",
        "{slot} ",
        "`code` ",
        "12,345.6 ",
        "价格是多少？",
        "ผมอยากรู้ ",
        "שלום עולם ",
        "👩‍👩‍👧 ",
        "e\u0301 ",
        "\u200b",
        "\r\n",
        "ſtraße ",
        "\x00",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=120),
    st.lists(st.one_of(PHRASES, st.text(st.characters(max_codepoint=126), max_size=12)), max_size=20).map(
        "".join
    ),
)


def fields(text: str, key: ImprintKey = DEMO_KEY, passages: int | None = None) -> dict[str, object]:
    """One imprint as plain values."""
    return imprint([text], key, passages=passages)[0].as_py()  # type: ignore[no-any-return]


def slow(text: str, key: ImprintKey = DEMO_KEY, passages: int | None = None) -> dict[str, object]:
    """The same by the reference."""
    made = asdict(reference(text, key, passages=passages))
    return {name: list(v) if isinstance(v, tuple) else v for name, v in made.items()}


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("")
@example(" \t\n")
@example("a")
@example("!?… ,,")
@example("the same three words " * 40)
@example(" ".join("a" * n + " é" + "b" * n + " 1" + "c" * n for n in range(20)))
@example(" ".join(str(10**n) + " ٣" + "1" * n for n in range(20)))
@example("no colon near " * 4 + ": x\nQ: a\n\nA: b\n" + "y" * 39 + ": z\n" + "y" * 40 + ": z")
@example("You are a grader.\nQuestion: What is 2+2?\nAnswer: 4\nScore from 1 to 5.")
def test_the_kernel_is_the_reference(text: str) -> None:
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert fields(text) == slow(text)


#: What composes, moves or grows when it is normalised, and what does not, side by side.
RESTLESS = st.one_of(
    st.sampled_from("aeE<\u0301\u0308\u0323\u0338\u0345\u200d\u00ad\ufe0féßŉİſﬁ½…①²ΐ\u0344ﷺΩÅ"),
    st.characters(min_codepoint=0x900, max_codepoint=0xEFF),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0xAC00, max_codepoint=0xAC1F),
    st.characters(min_codepoint=0xFE00, max_codepoint=0xFFEF),
    st.characters(min_codepoint=0x300, max_codepoint=0x345),
)
#: Two code points that one stands for.
PAIRS = [
    "".join(chr(int(part, 16)) for part in parts)
    for code in range(0x80, 0x20000)
    if len(parts := unicodedata.decomposition(chr(code)).split()) == 2 and parts[0][0] != "<"
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(RESTLESS, st.sampled_from(PAIRS)), max_size=8).map("".join))
def test_normal_form_is_the_same_by_either_way(text: str) -> None:
    assert fields(text) == slow(text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from("กaé\u0e38\u0e39\u0e48\u0e49\u0e4b\u0e33\u05b0\u05c1\u0323\u0301"), max_size=12)
)
@example(list("ก\u0e49\u0e48\u0e39\u0e38"))
def test_marks_out_of_order_are_put_into_it(text: list[str]) -> None:
    assert fields("".join(text)) == slow("".join(text))


def test_a_starter_joins_its_own_bases_alone() -> None:
    table = forms().table
    joining = np.flatnonzero(table == codes.ATTACHES)
    bases = [c for c in range(0x80, 0x3000) if table[c] != codes.SLOW]
    for starter in joining[joining < 0x1100].tolist():
        texts = [chr(base) + chr(starter) for base in bases]
        spans = np.empty((len(texts), 3), np.int64)
        ends = np.cumsum([len(text.encode()) for text in texts])
        data = np.frombuffer("".join(texts).encode(), np.uint8)
        out = np.empty(3 * len(data), np.uint8)
        places = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)
        head.simplified(data, places, table, forms().bytes, out, spans)
        quick = np.flatnonzero(spans[:, 0] >= 0).tolist()
        assert len(quick) > len(texts) / 2
        assert [out[spans[i, 0] : spans[i, 1]].tobytes() for i in quick] == [
            normal(texts[i]).encode() for i in quick
        ]


@given(st.binary(max_size=24).map(lambda raw: b"\xe4\xbb\xb7" + raw))
def test_what_is_no_utf8_is_read_as_python_reads_it(raw: bytes) -> None:
    column = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, len(raw)], "i4")), pa.py_buffer(raw)]
    )
    assert imprint(column, DEMO_KEY)[0].as_py() == slow(raw.decode("utf-8", "replace"))


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(5, 12))
def test_passages_too(text: str, window: int) -> None:
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert fields(text, passages=window) == slow(text, passages=window)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["red", "green", "blue", "four", "five", "six", "seven", "eight", "nine", "ten"]),
        min_size=40,
        max_size=80,
    )
)
def test_a_passage_of_w_words_is_found_again(words: list[str]) -> None:
    """Winnowing's guarantee (Schleimer, Wilkerson and Aiken 2003): two texts that share w words share a fingerprint."""
    window = 20
    shared = " ".join(words[10 : 10 + window])
    one = set(fields(" ".join(words), passages=window)["passages"])  # type: ignore[call-overload]
    other = set(
        fields(f"quite another beginning here {shared} and then the end", passages=window)["passages"]
    )  # type: ignore[call-overload]
    assert one & other


@pytest.mark.parametrize(
    "case", json.loads(VECTORS.read_text()) if VECTORS.exists() else [], ids=lambda c: c["name"]
)
def test_known_answers(case: dict[str, object]) -> None:
    """Imprints of one version never change, on any machine."""
    key = DEMO_KEY if case["key"] == "demo" else OTHER
    assert fields(str(case["text"]), key, passages=8) == case["imprint"]


def test_there_are_known_answers() -> None:
    assert len(json.loads(VECTORS.read_text())) >= 15


def test_another_key_matches_nothing() -> None:
    text = "Explain every step of your reasoning before you give the final answer to this question."
    mine, theirs = fields(text), fields(text, OTHER)
    for name in ("exact", "skeleton", "opening", "closing"):
        assert mine[name] != theirs[name]
    assert not set(mine["minimisers"]) & set(theirs["minimisers"])  # type: ignore[call-overload]


def test_null_invalid_and_chunked_columns() -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(np.array([0, 2, 4], "i4")), pa.py_buffer(b"ab\xff\xfe")]
    )
    assert imprint(bad, DEMO_KEY)[0].as_py() == fields("ab")
    assert imprint(bad, DEMO_KEY)[1].as_py()["chars"] == 2
    column = pa.chunked_array([["one two", None], pa.array([], pa.string()), ["three"]])
    out = imprint(column, DEMO_KEY)
    assert out.type == IMPRINT_TYPE
    assert [v is None for v in out.to_pylist()] == [False, True, False]
    assert imprint(column.cast(pa.large_string()).slice(2), DEMO_KEY)[0].as_py() == fields("three")


def test_a_long_text_costs_no_more_than_its_length() -> None:
    text = "all work and no play makes a dull log, says " * 25_000
    out = fields(text)
    assert out["chars"] == len(text)
    assert out["words"] == 10 * 25_000


def test_two_fillings_of_one_template_share_its_ends_and_its_skeleton() -> None:
    form = "You are a strict and careful grader of answers.\nQuestion: {}\nWrite the score from 1 to 5 only."
    one, other = (
        fields(form.format("What is 2+2?")),
        fields(form.format("Name three rivers of France and Spain")),
    )
    assert one["opening"] == other["opening"]
    assert one["closing"] == other["closing"]
    assert one["skeleton"] == other["skeleton"]
    assert one["exact"] != other["exact"]
    assert set(one["minimisers"]) & set(other["minimisers"])  # type: ignore[call-overload]


def test_sketches_tell_like_from_unlike() -> None:
    def cosine(a: str, b: str) -> float:
        x, y = (np.array(fields(t)["sketch"], float) for t in (a, b))
        return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))

    like = cosine("How do I cancel my bank card today?", "How can I cancel the bank card?")
    unlike = cosine("How do I cancel my bank card today?", "Implement quicksort over linked lists in Rust")
    assert like > unlike + 0.2


def test_intents_speak_several_languages() -> None:
    assert intent_names(int(str(fields("Let's think step by step.")["intents"])))
    assert fields("请一步一步地思考，然后给出答案。")["intents"]
    assert fields("Piensa paso a paso antes de responder.")["intents"]
    assert fields("What time does the museum open on Monday?")["intents"] == 0

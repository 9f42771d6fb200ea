"""ISCC: every conformance vector of the reference implementation (ISO 24138), and codes of files and rows."""

import io
from pathlib import Path
from typing import Any

import pytest

from headwater.provenance.manifest import load_audit
from headwater.provenance.manifest.formats.iscc import iscc, samples, text_code
from provenance.manifest import audits

core = pytest.importorskip("iscc_core")
lib = pytest.importorskip("iscc_lib")

VECTORS = list(core.conformance_testdata())


#: Sequences of units, which iscc-lib doesn't make and no Text-Code needs.
NOT_IN_LIB = {"encode_seq", "decode_seq"}


def test_there_are_58_vectors_and_the_reference_passes_them_all() -> None:
    assert len(VECTORS) == 58
    assert core.conformance_selftest()
    assert lib.conformance_selftest()


def test_what_our_library_lacks_is_known() -> None:
    assert {vector[1].__name__ for vector in VECTORS if not hasattr(lib, vector[1].__name__)} == NOT_IN_LIB


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector[1].__name__ not in NOT_IN_LIB],
    ids=lambda vector: f"{vector[1].__name__}-{vector[0]}",
)
def test_the_library_that_we_use_gives_what_the_vector_says(vector: tuple[Any, ...]) -> None:
    _, function, inputs, outputs = vector
    for value in inputs:
        if isinstance(value, io.BytesIO):
            value.seek(0)
    assert plain(getattr(lib, function.__name__)(*inputs)) == plain(outputs)


def plain(made: Any) -> Any:
    """Results as plain values: the two libraries differ in their types of results."""
    if isinstance(made, dict):
        return {name: plain(value) for name, value in made.items() if value is not None}
    if isinstance(made, (list, tuple)):
        return [plain(value) for value in made]
    return made


def test_a_code_stays_near_under_a_small_edit_and_far_from_another_text() -> None:
    text = " ".join(f"The river number {n} runs through town {n * 7 % 31}." for n in range(200))
    other = " ".join(f"Bake {n} loaves with {n * 5 % 17} eggs and wait." for n in range(200))

    def bits(code: str) -> int:
        return int.from_bytes(core.Code(code).hash_bytes, "big")

    def apart(one: str, two: str) -> int:
        return (bits(text_code(one)) ^ bits(text_code(two))).bit_count()

    assert apart(text, text.replace("number 3 ", "numbered 3 ")) < 40
    assert apart(text, other) > 60


def test_codes_of_files_are_those_of_their_texts(tmp_path: Path) -> None:
    record = load_audit(audits.instructions(tmp_path))
    (file,) = iscc(record, tmp_path)["files"]
    text = "\n".join(f"{row['instruction']}\n{row['output']}" for row in audits.ROWS)
    assert file["iscc"] == core.gen_text_code_v0(text, bits=256)["iscc"]
    rows = list(samples(record, tmp_path))
    assert [one["row"] for one in rows] == [1, 2, 3, 4]
    assert rows[0]["iscc"] == text_code("Name a river.\nThe Elbe.")


@pytest.mark.parametrize("name", ["chats", "essays"])
def test_parquet_and_csv_have_codes_too(tmp_path: Path, name: str) -> None:
    made = iscc(load_audit(audits.SETS[name](tmp_path)), tmp_path)
    assert all(file["iscc"].startswith("ISCC:EAD") for file in made["files"])

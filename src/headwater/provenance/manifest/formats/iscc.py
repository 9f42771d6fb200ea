"""ISCC Text-Codes (ISO 24138:2024) of files and samples: fingerprints that stay near when a text is edited a little.

Needs the extra `manifest` (iscc-lib). A code tells which texts are alike, and nothing about who wrote them; it is
weak on short texts and against paraphrase.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from headwater.errors import UsageError
from headwater.provenance.manifest.claims import ClaimedFile, Draft
from headwater.provenance.manifest.formats.texts import texts_of
from headwater.provenance.manifest.record import DatasetRecord, File

SCHEMA: Final = "headwater.iscc/1"
#: Length of a code in bits; 256 tell texts apart better than the 64 that are usual.
BITS: Final = 256
#: Characters of one file that its code is made of at most: a code needs its whole text in memory.
MOST_CHARACTERS: Final = 64 * 1024 * 1024


def text_code(text: str, bits: int = BITS) -> str:
    """The Text-Code of a text, of the form ISCC:…; `bits` is a multiple of 32 from 64 to 256."""
    try:
        import iscc_lib
    except ImportError:
        hint = "pip install 'headwater[manifest]'"
        raise UsageError("ISCC codes need the package iscc-lib", hint=hint) from None
    code: str = iscc_lib.gen_text_code_v0(text, bits=bits)["iscc"]
    return code


def iscc(record: DatasetRecord, folder: Path) -> dict[str, Any]:
    """The codes of all data files, which lie in `folder`; a file that is too long for one has none and says so."""
    files = [_file(file, folder, record) for file in record.files]
    return {
        "schema": SCHEMA,
        "algorithm": "ISO 24138:2024 Text-Code",
        "bits": BITS,
        "text_fields": list(record.text_fields),
        "files": files,
    }


def samples(record: DatasetRecord, folder: Path) -> Iterator[dict[str, Any]]:
    """The code of each row that has text."""
    for file in record.files:
        for row, text in texts_of(folder / file.path, record.text_fields):
            yield {"file": file.path, "row": row, "iscc": text_code(text)}


def is_iscc(value: object) -> bool:
    """Whether a JSON value holds the codes of a data set."""
    return isinstance(value, dict) and value.get("schema") == SCHEMA


def iscc_claims(value: dict[str, Any], path: str) -> Draft:
    """The files that have codes; a code claims nothing of their origin."""
    draft = Draft(path, "ISCC codes")
    files = value.get("files")
    for file in files if isinstance(files, list) else ():
        name = draft.text(file.get("path"), "files.path") if isinstance(file, dict) else None
        if name:
            draft.put("files", ClaimedFile(name))
    return draft


def _file(file: File, folder: Path, record: DatasetRecord) -> dict[str, Any]:
    texts, characters = [], 0
    for _, text in texts_of(folder / file.path, record.text_fields):
        texts.append(text)
        characters += len(text)
        if characters > MOST_CHARACTERS:
            why = f"more than {MOST_CHARACTERS:,} characters"
            return {"path": file.path, "iscc": None, "why": why}
    if not texts:
        return {"path": file.path, "iscc": None, "why": "no text"}
    return {"path": file.path, "iscc": text_code("\n".join(texts)), "characters": characters}

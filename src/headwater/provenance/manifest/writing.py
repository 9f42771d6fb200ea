"""Writes manifests of a data set: each format by name, from an audit and what a person confirmed.

Files appear whole and together. Nothing is stamped with the time of writing, so that the same audit, confirmations
and keys give the same bytes (C2PA apart, whose identifiers are drawn anew).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.errors import UsageError, Where
from headwater.keys import CertifiedKey, SigningKey
from headwater.places import together
from headwater.provenance.manifest.audited import audited_folder, load_audit
from headwater.provenance.manifest.bounded import read_bytes
from headwater.provenance.manifest.confirmations import (
    CONFIRMATIONS_NAME,
    carried_over,
    confirmed,
)
from headwater.provenance.manifest.confirmations import written as confirmations
from headwater.provenance.manifest.formats import (
    c2pa_write,
    card_section,
    croissant,
    dta_write,
    iscc,
    summaries,
)
from headwater.provenance.manifest.formats.statement import signed_statement
from headwater.provenance.manifest.formats.wording import licences_asked
from headwater.provenance.manifest.names import (
    CARD_NAME,
    CARD_SUBJECT,
    ISCC_NAME,
    MANIFESTS,
    STATEMENT_NAME,
)
from headwater.provenance.manifest.record import DatasetRecord

FORMATS: Final = ("croissant", "card", "dta", "statement", "c2pa", "c2pa-zip", "iscc", "eu", "california")
#: What is written where nothing else is asked for: all that need neither keys nor the data.
DEFAULT_FORMATS: Final = ("croissant", "card", "dta", "eu", "california")


@dataclass(frozen=True)
class Keys:
    """What manifests are signed with: the statement by `signing`, C2PA by `certified`."""

    signing: SigningKey | None = None
    certified: CertifiedKey | None = None


@dataclass(frozen=True)
class Written:
    """The files that were written, what a reader of the formats will miss because nobody knows it, and what whoever
    publishes them should look at (`told`).
    """

    files: tuple[Path, ...]
    missing: tuple[str, ...]
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """The `manifest.toml` that was written, what earlier answers no longer fit (`told`), and the data set's folder."""

    path: Path
    told: tuple[str, ...]
    corpus: Path | None


def new(audit: Path, out: Path, confirm: Path | None = None) -> Prepared:
    """Write `manifest.toml` into `out` for the audit at `audit`, with the answers of `confirm` where given.

    A `manifest.toml` that is there already is kept (`UsageError`), unless it is the one that is given.
    """
    found = load_audit(audit)
    target = out / CONFIRMATIONS_NAME
    record, told = carried_over(found, confirm) if confirm is not None else (found, ())
    if target.exists() and (confirm is None or not target.samefile(confirm)):
        hint = f"edit it, or carry its answers over with --confirm {target}"
        raise UsageError("is there already", where=Where(str(target)), hint=hint)
    out.mkdir(parents=True, exist_ok=True)
    with together(out) as place:
        place(CONFIRMATIONS_NAME).write_bytes(confirmations(record, found))
    return Prepared(target, told, audited_folder(audit))


def load_record(folder: Path) -> DatasetRecord:
    """The record of a folder that holds an `audit.json`, with the person's `manifest.toml` where there is one."""
    record = load_audit(folder)
    path = (folder if folder.is_dir() else folder.parent) / CONFIRMATIONS_NAME
    return confirmed(record, path) if path.exists() else record


def write(
    record: DatasetRecord, out: Path, formats: Iterable[str], *, data: Path | None = None, keys: Keys | None = None,
    samples: bool = False,
) -> Written:  # fmt: skip
    """Write manifests of `record` in `formats` into the folder `out`.

    `data` is the data set's folder, which C2PA and ISCC read; with `samples`, ISCC codes of each row are written
    too. A README in `out` keeps all that isn't Headwater's. A statement covers what is written in the same call.
    Raises `UsageError` where a format lacks what it needs.
    """
    chosen = tuple(dict.fromkeys(formats))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown:
        raise UsageError(f"there is no format {unknown[0]}", hint=f"formats: {', '.join(FORMATS)}")
    out.mkdir(parents=True, exist_ok=True)
    work = _Work(record, out, data, keys or Keys(), samples, chosen)
    with together(out) as place:
        # The statement comes last, since it covers the rest.
        for name in sorted(chosen, key=lambda name: name == "statement"):
            _WRITERS[name](work, place)
        for name, made in work.sidecars.items():
            work.beside(name, made)
    return Written(tuple(work.files), tuple(work.missing), tuple(_told(record, out, chosen, work.digests)))


def _told(record: DatasetRecord, out: Path, chosen: Iterable[str], covered: Iterable[str]) -> Iterator[str]:
    """What whoever publishes the manifests should look at."""
    if not record.is_confirmed:
        yield f"no person confirmed anything ({CONFIRMATIONS_NAME}): what the audit found is published as found"
    if asked := licences_asked(record):
        yield asked
    if record.files and not any((out / file.path).is_file() for file in record.files):
        yield f"the data set's files don't lie in {out}, where readers will look for them"
    if "statement" in chosen:
        names = (name for name in MANIFESTS if name not in covered and (out / name).is_file())
        if left := [name for name in names if name != CARD_NAME or CARD_SUBJECT not in covered]:
            yield f"not covered by the signature, since not written in the same call: {', '.join(left)}"
    elif (out / STATEMENT_NAME).is_file():
        yield f"{STATEMENT_NAME} was signed before: sign again, in one call with what it covers"


class _Work:
    """What the writers of one call share: the record, where things lie, and what was written so far."""

    def __init__(
        self,
        record: DatasetRecord,
        out: Path,
        data: Path | None,
        keys: Keys,
        samples: bool,
        chosen: tuple[str, ...],
    ) -> None:
        self.record, self.out, self.keys, self.samples, self.chosen = record, out, keys, samples, chosen
        self._data = data
        self.files: list[Path] = []
        self.missing: list[str] = []
        self.codes: dict[str, str] = {}
        self.sidecars: dict[str, bytes] = {}
        self.digests: dict[str, str] = {}

    def put(self, place: Callable[[str], Path], name: str, content: bytes) -> None:
        """Write a file of the folder."""
        place(name).write_bytes(content)
        self.wrote(name, hashlib.sha256(content).hexdigest())

    def wrote(self, name: str, digest: str) -> None:
        """Keep that a file was written, for the statement."""
        self.files.append(self.out / name)
        self.digests[name] = digest

    def beside(self, name: str, content: bytes) -> None:
        """Write a file into the sub-folder that its name says."""
        target = self.out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with together(target.parent) as place:
            place(target.name).write_bytes(content)
        self.files.append(target)

    def json(self, place: Callable[[str], Path], name: str, value: Any) -> None:
        """Write a value as JSON that people can read."""
        text = json.dumps(value, ensure_ascii=False, indent=2)
        self.put(place, name, text.encode("utf-8") + b"\n")

    def data(self, form: str) -> Path:
        """The folder of the data; `UsageError` where it isn't said or a file isn't there."""
        if self._data is None:
            raise UsageError(f"{form} needs the data itself", hint="name its folder: --data FOLDER")
        for file in self.record.files:
            if not (self._data / file.path).is_file():
                where = Where(str(self._data / file.path))
                raise UsageError(
                    "is not there", where=where, hint="name the folder that was audited: --data FOLDER"
                )
        return self._data

    def certified(self) -> CertifiedKey:
        """The key that C2PA signs with."""
        if self.keys.certified is None:
            raise UsageError(
                "C2PA needs a certificate chain and its key", hint="--c2pa-chain FILE --c2pa-key FILE"
            )
        return self.keys.certified


_Place = Callable[[str], Path]


def _croissant(work: _Work, place: _Place) -> None:
    beside = (work.out / "annotations").is_dir()
    made = croissant.croissant(work.record, sidecar="annotations/part-*.parquet" if beside else None)
    work.missing += [f"croissant.json: {name}" for name in croissant.missing(made)]
    work.json(place, "croissant.json", made)


def _card(work: _Work, place: _Place) -> None:
    path = work.out / CARD_NAME
    readme = read_bytes(path) if path.exists() else b""
    made = card_section.card(work.record, readme, path=str(path))
    work.put(place, CARD_NAME, made)
    # People edit the rest of a card; it stays theirs.
    del work.digests[CARD_NAME]
    if digest := card_section.digest(made, str(path)):
        work.digests[CARD_SUBJECT] = digest


def _dta(work: _Work, place: _Place) -> None:
    work.json(place, "dta.json", dta_write.dta(work.record))


def _statement(work: _Work, place: _Place) -> None:
    if work.keys.signing is None:
        hint = "make a key with `headwater keys signing-new FILE` and give it: --sign-with FILE"
        raise UsageError("a statement is signed", hint=hint)
    covered = sorted(work.digests.items())
    work.put(place, STATEMENT_NAME, signed_statement(work.record, work.keys.signing, covered))


def _c2pa(work: _Work, _place: _Place) -> None:
    data, key = work.data("C2PA"), work.certified()
    for file in work.record.files:
        made = c2pa_write.sidecar(work.record, file, data / file.path, key, _code(work, file.path))
        work.sidecars[f"{file.path}.c2pa"] = made
        work.digests[f"{file.path}.c2pa"] = hashlib.sha256(made).hexdigest()


def _code(work: _Work, path: str) -> str | None:
    """The ISCC code of a file, where codes are written in the same call: then the manifest binds to it too."""
    if "iscc" not in work.chosen:
        return None
    if not work.codes:
        made = iscc.iscc(work.record, work.data("ISCC"))
        work.codes = {file["path"]: file["iscc"] for file in made["files"] if file["iscc"]}
    return work.codes.get(path)


def _c2pa_zip(work: _Work, place: _Place) -> None:
    data, key = work.data("C2PA"), work.certified()
    name = f"{_file_name(work.record.name)}.zip"
    target = place(name)
    c2pa_write.archive(work.record, data, target, key)
    work.wrote(name, _digest(target))


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name).strip(".-") or "dataset"


def _iscc(work: _Work, place: _Place) -> None:
    data = work.data("ISCC")
    made = iscc.iscc(work.record, data)
    work.json(place, ISCC_NAME, made)
    work.missing += [
        f"{ISCC_NAME}: {file['path']} ({file['why']})" for file in made["files"] if not file["iscc"]
    ]
    if work.samples:
        target = place("iscc.jsonl")
        with target.open("wb") as lines:
            for sample in iscc.samples(work.record, data):
                lines.write(msgspec.json.encode(sample) + b"\n")
        work.wrote(target.name, _digest(target))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _eu(work: _Work, place: _Place) -> None:
    made = summaries.eu_summary(work.record)
    work.json(place, "eu-summary.json", made)
    work.put(place, "eu-summary.md", summaries.eu_markdown(made).encode("utf-8"))


def _california(work: _Work, place: _Place) -> None:
    made = summaries.california_statement(work.record)
    work.json(place, "california-statement.json", made)
    work.put(place, "california-statement.md", summaries.california_markdown(made).encode("utf-8"))


_WRITERS: Final[dict[str, Callable[[_Work, _Place], None]]] = dict(
    zip(
        FORMATS, (_croissant, _card, _dta, _statement, _c2pa, _c2pa_zip, _iscc, _eu, _california), strict=True
    )
)

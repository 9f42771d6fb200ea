"""Checks a data set against its manifests: files by SHA-256, the statement's signature, C2PA, and ISCC codes.

Each check ends in ok, a finding, or "not checked" with the reason; what wasn't checked is never counted as right, and
what lies beside the data and nothing speaks of is told.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from headwater.errors import BadRow, HeadwaterError, UsageError
from headwater.proof import Rejected
from headwater.provenance.manifest.bounded import parsed_json, read_bytes
from headwater.provenance.manifest.claims import ClaimedFile, Draft
from headwater.provenance.manifest.coverage import uncovered
from headwater.provenance.manifest.formats.c2pa_read import OFFLINE, ZIP, c2pa
from headwater.provenance.manifest.formats.card_section import digest as card_digest
from headwater.provenance.manifest.formats.croissant_read import croissant_claims, is_croissant
from headwater.provenance.manifest.formats.iscc import SCHEMA as ISCC_SCHEMA
from headwater.provenance.manifest.formats.statement import verified_payload
from headwater.provenance.manifest.formats.statement_read import (
    is_envelope,
    is_statement,
    payload_of,
    subjects,
)
from headwater.provenance.manifest.names import CARD_NAME, CARD_SUBJECT, STATEMENT_NAME
from headwater.provenance.manifest.reading import manifests

#: `Check.what` of a file that nothing speaks of.
COVERAGE: Final = "coverage"
Outcome = Literal["ok", "mismatch", "missing", "not checked"]


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: `what` of which `subject`, how it ended, and why.

    `manifest` says which document it is checked against; "" where none speaks of it.
    """

    manifest: str
    what: str
    subject: str
    outcome: Outcome
    why: str = ""


class Verification(msgspec.Struct, frozen=True):
    """All checks of a folder. `holds`: something was checked, and nothing of it was found to be otherwise."""

    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether at least one check is ok and none is a finding."""
        outcomes = {check.outcome for check in self.checks}
        return "ok" in outcomes and not outcomes & {"mismatch", "missing"}


def verify(folder: Path, *, data: Path | None = None, keys: Iterable[bytes] = ()) -> Verification:
    """Check the manifests in `folder` against the files in `data` (else the same folder).

    `keys` are the public Ed25519 keys that are trusted for statements, 32 bytes each. Raises `UnreadableInput` where
    the folder can't be read, `UsageError` where it holds nothing to check.
    """
    root = data or folder
    trusted = tuple(keys)
    digests = _Digests(root)
    problems: list[BadRow] = []
    checks: list[Check] = []
    names: list[str] = []
    for path in manifests(folder, problems):
        name = path.relative_to(folder).as_posix()
        try:
            if path.suffix.lower() == ".c2pa":
                checks += _sidecar(path, name, root)
            else:
                names.append(name)
                checks += _json(path, name, digests, trusted) if path.suffix.lower() == ".json" else ()
        except HeadwaterError as error:
            checks.append(Check(name, "document", name, "not checked", str(error)))
    checks += [Check(str(bad.where), "documents", "", "not checked", bad.what) for bad in problems]
    checks += _archives(folder)
    checks += _codes(folder, root)
    if not checks:
        hint = "croissant.json, statement.dsse.json, *.c2pa and iscc.json are checked"
        raise UsageError(f"{folder} holds no manifest that can be checked", hint=hint)
    if trusted and not any(check.what == "signature" for check in checks):
        checks.append(
            Check(STATEMENT_NAME, "signature", STATEMENT_NAME, "missing", "no signed statement is there")
        )
    left = uncovered(folder, root, names, frozenset(_spoken_of(checks)))
    checks += [Check("", COVERAGE, name, "not checked", why) for name, why in left]
    return Verification(tuple(checks))


def _spoken_of(checks: Iterable[Check]) -> Iterator[str]:
    """Files that a manifest lists or a signature covers; what a signature that doesn't fit covers isn't covered."""
    unfit = {check.manifest for check in checks if (check.what, check.outcome) == ("signature", "mismatch")}
    for check in checks:
        if check.what != "manifest" or check.manifest not in unfit:
            yield check.subject
        if check.what == "c2pa":
            yield check.manifest


class _Digests:
    """SHA-256 of files below a folder, each made once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """The digest in hex; None where there is no such file below the folder."""
        if path not in self._known:
            self._known[path] = self._made(path)
        return self._known[path]

    def _made(self, path: str) -> str | None:
        place = _below(self.root, path)
        if place is None:
            return None
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _below(root: Path, path: str) -> Path | None:
    """The regular file that a manifest means; None for a path that leads out of the folder."""
    place = root / path
    if Path(path).is_absolute() or ".." in Path(path).parts or "\0" in path or not place.is_file():
        return None
    return place


def _json(path: Path, name: str, digests: _Digests, keys: tuple[bytes, ...]) -> Iterator[Check]:
    value = parsed_json(read_bytes(path, name=name), name)
    if is_envelope(value):
        yield _signature(value, name, keys)
        statement = payload_of(value, name)
        data, beside = subjects(statement, Draft(name, "")) if is_statement(statement) else ([], [])
        yield from _files(data, name, digests)
        yield from _beside(beside, name, path.parent)
        yield from _audit(value, name, path.parent)
    elif is_croissant(value):
        yield from _files(croissant_claims(value, name).claims().files, name, digests)


def _files(files: Iterable[ClaimedFile], name: str, digests: _Digests) -> Iterator[Check]:
    for file in files:
        if "://" in file.path:
            yield Check(name, "sha256", file.path, "not checked", "lies elsewhere; nothing is fetched")
        elif not file.sha256 or len(file.sha256) != 64:
            yield Check(name, "sha256", file.path, "not checked", "the manifest gives no SHA-256")
        else:
            found = digests.of(file.path)
            outcome: Outcome = (
                "missing" if found is None else "ok" if found == file.sha256.lower() else "mismatch"
            )
            why = {"missing": "there is no such file", "mismatch": "the file has other bytes"}.get(
                outcome, ""
            )
            yield Check(name, "sha256", file.path, outcome, why)


def _beside(files: Iterable[ClaimedFile], name: str, folder: Path) -> Iterator[Check]:
    """The manifests that a statement covers."""
    digests = _Digests(folder)
    for file in files:
        if file.path == CARD_SUBJECT:
            yield _card(file, name, folder)
        else:
            for check in _files([file], name, digests):
                yield msgspec.structs.replace(check, what="manifest")


def _card(file: ClaimedFile, name: str, folder: Path) -> Check:
    place = _below(folder, CARD_NAME)
    if place is None:
        return Check(name, "manifest", file.path, "missing", "there is no such file")
    try:
        found = card_digest(read_bytes(place, name=CARD_NAME), CARD_NAME)
    except (HeadwaterError, ValueError):
        return Check(name, "manifest", file.path, "mismatch", "its head or section can't be read any more")
    why = "the section is gone" if found is None else "the section, or a key of the head, says something else"
    return _compared(name, "manifest", file.path, found == file.sha256, why)


def _signature(value: dict[str, Any], name: str, keys: tuple[bytes, ...]) -> Check:
    if not keys:
        return Check(name, "signature", name, "not checked", "no public key was given (--key)")
    try:
        verified_payload(value, keys)
    except Rejected as rejected:
        return Check(name, "signature", name, "mismatch", str(rejected))
    return Check(name, "signature", name, "ok")


def _audit(value: dict[str, Any], name: str, folder: Path) -> Iterator[Check]:
    """The audit that a statement rests on, where it lies beside it."""
    predicate = payload_of(value, name).get("predicate")
    audit = predicate.get("audit") if isinstance(predicate, dict) else None
    said = audit.get("sha256") if isinstance(audit, dict) else None
    if said and (folder / "audit.json").is_file():
        found = _Digests(folder).of("audit.json")
        yield Check(
            name,
            "audit",
            "audit.json",
            "ok" if found == said else "mismatch",
            "" if found == said else "another audit",
        )


def _sidecar(path: Path, name: str, root: Path) -> Iterator[Check]:
    subject = name[: -len(".c2pa")]
    asset = _below(root, subject)
    if asset is None:
        yield Check(name, "c2pa", subject, "missing", "there is no such file")
    else:
        yield from _manifest(name, subject, asset, "application/octet-stream", read_bytes(path, name=name))


def _archives(folder: Path) -> Iterator[Check]:
    """ZIPs at the top of the folder that carry a manifest inside."""
    for path in sorted(folder.glob("*.zip")):
        try:
            with zipfile.ZipFile(path) as packed:
                held = _INSIDE in packed.namelist()
        except (OSError, zipfile.BadZipFile, ValueError):
            yield Check(path.name, "c2pa", path.name, "not checked", "is no ZIP that can be read")
            continue
        if held:
            yield from _manifest(path.name, path.name, path, ZIP, None)


def _manifest(name: str, subject: str, asset: Path, form: str, sidecar: bytes | None) -> Iterator[Check]:
    """The signature of a C2PA manifest and its binding to the bytes; not whether its certificate is trusted."""
    try:
        module = c2pa()
    except UsageError as error:
        yield Check(name, "c2pa", subject, "not checked", f"{error.what}: {error.hint}")
        return
    try:
        with (
            module.Context.from_dict(OFFLINE) as context,
            asset.open("rb") as data,
            module.Reader(form, data, sidecar, context=context) as reader,
        ):
            results = reader.get_validation_results() or {}
    except module.C2paError as error:
        why = f"the manifest can't be read ({type(error).__name__.lstrip('_')})"
        yield Check(name, "c2pa", subject, "mismatch", why)
        return
    failures = results.get("activeManifest", {}).get("failure", [])
    codes = sorted({str(each.get("code")) for each in failures} - _TRUST)
    yield Check(name, "c2pa", subject, "mismatch" if codes else "ok", ", ".join(codes))
    yield Check(
        name, "c2pa certificate", subject, "not checked", "no list of trusted authorities is kept here"
    )


#: Where C2PA puts the manifest of a ZIP.
_INSIDE: Final = "META-INF/content_credential.c2pa"
#: Says nothing of the bytes: whether a certificate is trusted is the reader's own decision.
_TRUST: Final = frozenset({"signingCredential.untrusted"})


def _codes(folder: Path, root: Path) -> Iterator[Check]:
    """ISCC codes, made again."""
    from headwater.provenance.manifest.formats.iscc import text_code
    from headwater.provenance.manifest.formats.texts import texts_of

    path = folder / "iscc.json"
    if not path.is_file():
        return
    value = parsed_json(read_bytes(path, name="iscc.json"), "iscc.json")
    if (
        not isinstance(value, dict)
        or value.get("schema") != ISCC_SCHEMA
        or not isinstance(value.get("files"), list)
    ):
        yield Check("iscc.json", "document", "iscc.json", "not checked", "is of another schema")
        return
    fields = [name for name in value.get("text_fields", ()) if isinstance(name, str)]
    for file in value["files"]:
        said, name = (file.get("iscc"), str(file.get("path"))) if isinstance(file, dict) else (None, "")
        place = _below(root, name)
        if place is None:
            yield Check("iscc.json", "iscc", name, "missing", "there is no such file")
        elif not said:
            yield Check("iscc.json", "iscc", name, "not checked", "no code was made of it")
        else:
            try:
                same = text_code("\n".join(text for _, text in texts_of(place, fields))) == said
            except HeadwaterError as error:
                yield Check("iscc.json", "iscc", name, "not checked", str(error))
            else:
                yield _compared("iscc.json", "iscc", name, same, "its text has another code")


def _compared(manifest: str, what: str, subject: str, same: bool, otherwise: str) -> Check:
    return Check(manifest, what, subject, "ok" if same else "mismatch", "" if same else otherwise)

"""C2PA manifests of data files: a signed sidecar for any bytes, and a ZIP that carries its manifest inside.

Needs the extra `manifest`. Never within rows: a manifest is many times larger than a row (29 times, measured on 420
bytes). No timestamp authority is asked, so nothing is fetched; two manifests of one file differ in their identifiers.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

from headwater.errors import UsageError, Where
from headwater.keys import CertifiedKey
from headwater.provenance.manifest.formats.c2pa_read import (
    COMPOSITE,
    GENERATORS,
    OFFLINE,
    TRAINED,
    WHOLE_PARAMETER,
    ZIP,
    c2pa,
)
from headwater.provenance.manifest.formats.croissant_rows import encoding_format
from headwater.provenance.manifest.formats.whole import told
from headwater.provenance.manifest.record import DatasetRecord, File

#: ZIP entries carry a day; this one, the format's first, makes the archive the same whenever it is made.
_DAY: Final = (1980, 1, 1, 0, 0, 0)


def sidecar(
    record: DatasetRecord, file: File, path: Path, key: CertifiedKey, iscc: str | None = None
) -> bytes:
    """The signed manifest of the bytes at `path`, to be put beside them as `<name>.c2pa`."""
    return _signed(record, file.path, path, None, encoding_format(file.path, file.kind), key, iscc)


def archive(record: DatasetRecord, folder: Path, target: Path, key: CertifiedKey) -> None:
    """Write all data files of `folder` to the ZIP `target`, with the signed manifest inside.

    They are stored as they are: the C2PA library reads no compressed entries (compress the files, not the archive).
    """
    plain = target.with_name(target.name + ".plain")
    try:
        with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as packed:
            for file in record.files:
                entry = zipfile.ZipInfo(file.path, _DAY)
                entry.file_size = (folder / file.path).stat().st_size  # tells whether 64-bit sizes are needed
                entry.external_attr = 0o644 << 16
                with (
                    (folder / file.path).open("rb") as source,
                    packed.open(entry, "w") as into,
                ):
                    while block := source.read(1024 * 1024):
                        into.write(block)
        _signed(record, target.name, plain, target, ZIP, key, None)
    finally:
        plain.unlink(missing_ok=True)


def assertions(record: DatasetRecord, iscc: str | None = None) -> list[dict[str, Any]]:
    """What the manifest asserts: that models made it (with people's text, where there is some), and the choice on
    training and mining where a person made one.

    Raises `UsageError` where it isn't known that the data set holds text that models wrote.
    """
    facts = record.facts
    if not facts.synthetic.value:
        raise UsageError(
            "a C2PA manifest is written of data sets that are known to hold text of models",
            hint="confirm it in manifest.toml: origin.synthetic = true",
        )
    created: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": COMPOSITE if facts.human_text.value else TRAINED,
    }
    created["parameters"] = {WHOLE_PARAMETER: told(record)}
    if record.generators:
        created["softwareAgent"] = {"name": record.generators[0].label}
        created["parameters"][GENERATORS] = [one.label for one in record.generators]
    made = [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]
    if facts.training_mining.value:
        pairs = (said.partition("=")[::2] for said in facts.training_mining.value)
        entries = {f"cawg.{use}": {"use": value} for use, value in pairs}
        made.append({"label": "cawg.training-mining", "data": {"entries": entries}})
    if iscc:
        block = {"scope": {}, "value": iscc}
        made.append({"label": "c2pa.soft-binding", "data": {"alg": "io.iscc.v0", "blocks": [block]}})
    return made


def _signed(
    record: DatasetRecord,
    title: str,
    source: Path,
    target: Path | None,
    form: str,
    key: CertifiedKey,
    iscc: str | None,
) -> bytes:
    module = c2pa()
    manifest = {
        "claim_generator_info": [{"name": "Headwater", "version": record.audit.headwater}],
        "title": title,
        "format": form,
        "assertions": assertions(record, iscc),
    }
    algorithm = {"es256": module.C2paSigningAlg.ES256, "ed25519": module.C2paSigningAlg.ED25519}[
        key.algorithm
    ]
    try:
        with (
            module.Context.from_dict(OFFLINE) as context,
            module.Builder(json.dumps(manifest), context=context) as builder,
            module.Signer.from_callback(key.sign, algorithm, key.chain, None) as signer,
            source.open("rb") as data,
        ):
            if target is not None:
                with target.open("w+b") as into:
                    return bytes(builder.sign(signer, form, data, into))
            builder.set_no_embed()
            return bytes(builder.sign(signer, form, data, io.BytesIO()))
    except module.C2paError as error:
        raise UsageError(
            f"C2PA can't sign this ({type(error).__name__.lstrip('_')})",
            where=Where(str(source)),
            hint="check the certificate chain: C2PA asks for an end-entity certificate and those of its authorities",
        ) from error

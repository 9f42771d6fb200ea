"""The files and rows of a data set as Croissant 1.1 describes them: file objects, file sets, record sets and fields.

At record level every text field is annotated with whom it is attributed to (PROV-O). What a reader couldn't extract is
left out; mlcroissant is what the tests read the rows with.
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.provenance.manifest.record import Column, DatasetRecord, File

_ENCODING: Final = {
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".json": "application/json",
    ".parquet": "application/x-parquet",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".arrow": "application/vnd.apache.arrow.file",
}
#: Kinds of an audit whose name may not show them.
_KINDS: Final = {"lines": "application/jsonlines", "parquet": "application/x-parquet"}
_TYPES: Final = {
    "bool": "sc:Boolean",
    "boolean": "sc:Boolean",
    "integer": "sc:Integer",
    "int": "sc:Integer",
    "number": "sc:Float",
    "float": "sc:Float",
    "double": "sc:Float",
    "timestamp": "sc:DateTime",
    "date": "sc:Date",
}
#: Types of a column that mean several values.
_LISTS: Final = ("list", "array", "large_list", "fixed_size_list")
_NESTED: Final = (*_LISTS, "object", "struct", "map")
#: Where in a list a value stands, in a path.
_PLACE: Final = re.compile(r"\[[^\]]*\]")
_ROWS: Final = "rows"


def distribution(record: DatasetRecord, sidecar: str | None) -> list[dict[str, Any]]:
    """The data files, each with its SHA-256, and a set of them where there are several."""
    made = [_file(file) for file in record.files]
    if len(record.files) > 1:
        patterns = sorted({_pattern(file.path) for file in record.files})
        made.append(
            _file_set(_ROWS + "-files", patterns, encoding_format(record.files[0].path, record.files[0].kind))
        )
    if sidecar and record.column("generator") is None:
        made.append(_file_set("audit-annotations", [sidecar], _KINDS["parquet"]))
    return made


def _file(file: File) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": encoding_format(file.path, file.kind),
        "sha256": file.sha256,
    }


def encoding_format(path: str, kind: str) -> str:
    """The media type of a data file: what is packed counts as what is in it, as readers unpack it."""
    name = path.lower()
    for packed in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(packed)
    known = next((made for suffix, made in _ENCODING.items() if name.endswith(suffix)), None)
    return _KINDS["lines"] if kind == "lines" else known or _KINDS.get(kind, "application/octet-stream")


def _file_set(name: str, patterns: list[str], encoding: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "encodingFormat": encoding,
        "includes": patterns,
    }


def _pattern(path: str) -> str:
    folder, _, name = path.rpartition("/")
    _, dot, suffix = name.partition(".")
    return (f"{folder}/" if folder else "") + "*" + dot + suffix


def record_sets(record: DatasetRecord, sidecar: str | None) -> list[dict[str, Any]]:
    """The rows, and the audit's annotations where no column names the generators and `sidecar` is published."""
    if not record.files or not record.columns:
        return []
    several = len(record.files) > 1
    place = (
        {"fileSet": {"@id": _ROWS + "-files"}} if several else {"fileObject": {"@id": record.files[0].path}}
    )
    generator = record.column("generator")
    texts = {_steps(name)[0] for name in record.text_fields}
    fields = []
    for name, columns in _outermost(record).items():
        field = _described(name, columns, place)
        if generator is not None and name in texts and name != _steps(generator.name)[0]:
            field["annotation"] = _attribution(generator, field["@id"], place)
        fields.append(field)
    sets = [{"@type": "cr:RecordSet", "@id": _ROWS, "name": _ROWS, "field": fields}]
    return sets + ([_annotations()] if sidecar and generator is None else [])


def _steps(path: str) -> list[str]:
    """The names on the path of a nested value: messages[].content has two."""
    return [step for step in _PLACE.sub("", path).split(".") if step] or [path]


def _outermost(record: DatasetRecord) -> dict[str, list[Column]]:
    """Columns as a reader extracts them, each with what lies inside.

    Lists and objects of which nothing inside is known are left out: a reader couldn't tell what to make of them.
    """
    found: dict[str, list[Column]] = {}
    known = {column.name for column in record.columns}
    inside = [Column(name) for name in record.text_fields if name not in known]
    for column in (*record.columns, *inside):
        found.setdefault(_steps(column.name)[0], []).append(column)
    plain = {name for name in record.text_fields if len(_steps(name)) == 1}
    return {
        name: columns
        for name, columns in found.items()
        if len(columns) > 1 or name in plain or columns[0].role or not columns[0].type.startswith(_NESTED)
    }


def _described(name: str, columns: list[Column], place: dict[str, Any]) -> dict[str, Any]:
    """A column as a field, with a field of its own for each value inside."""
    identity = f"{_ROWS}/{name}"
    inner = [(column, steps[1:]) for column in columns if len(steps := _steps(column.name)) > 1]
    if inner:
        field: dict[str, Any] = {"@type": "cr:Field", "@id": identity, "name": identity}
        field["subField"] = [
            _field(column, "/".join((identity, *rest)), place, rest) for column, rest in inner
        ]
    else:
        field = _field(columns[0], identity, place)
    if any(column.type.startswith(_LISTS) for column in columns):
        field |= {"isArray": True, "arrayShape": "-1"}
    return field


def _attribution(generator: Column, text: str, place: dict[str, Any]) -> dict[str, Any]:
    """The annotation that attributes each text to the model in the generator's column (PROV-O at record level)."""
    return _field(generator, f"{text}/generator", place, _steps(generator.name)[1:]) | {
        "description": "The model that the text is attributed to.",
        "dataType": ["sc:Text", "prov:SoftwareAgent"],
        "equivalentProperty": "prov:wasAttributedTo",
    }


def _annotations() -> dict[str, Any]:
    """The audit's sidecar as a record set of its own: which groups of origin each row belongs to."""
    place = {"fileSet": {"@id": "audit-annotations"}}
    kinds = {"file": "string", "row": "integer", "verdict": "string", "groups": "list"}
    fields = [_field(Column(name, kind), f"audit/{name}", place) for name, kind in kinds.items()]
    fields[-1] |= {"equivalentProperty": "prov:wasAttributedTo", "isArray": True, "arrayShape": "-1"}
    key = [{"@id": "audit/file"}, {"@id": "audit/row"}]
    return {"@type": "cr:RecordSet", "@id": "audit", "name": "audit", "key": key, "field": fields}


def _field(
    column: Column, identity: str, place: dict[str, Any], inside: list[str] | None = None
) -> dict[str, Any]:
    kind = next((made for word, made in _TYPES.items() if column.type.lower().startswith(word)), "sc:Text")
    if column.role == "date":
        kind = "sc:DateTime"
    source: dict[str, Any] = {**place, "extract": {"column": _steps(column.name)[0]}}
    if inside:
        source["transform"] = {"jsonPath": ".".join(inside)}
    return {"@type": "cr:Field", "@id": identity, "name": identity, "dataType": kind, "source": source}

"""Columns as they lie in a spool: structs as one column a field, lists of one length as plain bytes.

Parquet spells lists and structs out level by level, which costs twenty times what their bytes cost to read. Packed and
unpacked columns hold the same values; unpacking copies next to nothing.
"""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa

#: Between the name of a struct and that of its field.
DOT = "."
Array = Any


def packed_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of packed batches."""
    fields: list[pa.Field[Any]] = []
    for field in schema:
        if pa.types.is_struct(field.type):
            inner = cast(Any, field.type)
            fields += [part.with_name(f"{field.name}{DOT}{part.name}") for part in inner]
        else:
            fields.append(field)
    return pa.schema([field.with_type(_kind(field.type)) for field in fields])


def pack(columns: list[Array], schema: pa.Schema) -> list[Array]:
    """The columns of `schema`, packed. ValueError where a struct is null: it would come back filled with nulls."""
    out: list[Array] = []
    for column, field in zip(columns, schema, strict=True):
        if not pa.types.is_struct(field.type):
            out.append(_bytes(column))
        elif column.null_count:
            raise ValueError(f"{field.name} is null in {column.null_count} rows")
        else:
            inner = cast(Any, field.type)
            out += [_bytes(column.field(at)) for at in range(inner.num_fields)]
    return out


def parts(name: str, schema: pa.Schema) -> list[str]:
    """The packed columns that a column (`imprint`), or a field of one (`imprint.exact`), is made of."""
    head, dot, _ = name.partition(DOT)
    kind = schema.field(head).type
    if not pa.types.is_struct(kind) or dot:
        return [name]
    return [f"{name}{DOT}{part.name}" for part in cast(Any, kind)]


def unpack(batch: pa.RecordBatch, names: list[str], schema: pa.Schema) -> pa.RecordBatch:
    """The named columns of a packed batch as `schema` has them; fields of one struct are put together in it."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(name.partition(DOT)[0], []).extend(parts(name, schema))
    arrays, fields = [], []
    for head, columns in wanted.items():
        field = schema.field(head)
        if pa.types.is_struct(field.type):
            inner = [
                cast(Any, field.type).field(column.partition(DOT)[2]) for column in dict.fromkeys(columns)
            ]
            values = [_lists(batch.column(f"{head}{DOT}{part.name}"), part.type) for part in inner]
            arrays.append(pa.StructArray.from_arrays(values, fields=inner))
            fields.append(field.with_type(pa.struct(inner)))
        else:
            arrays.append(_lists(batch.column(head), field.type))
            fields.append(field.with_type(arrays[-1].type))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _kind(kind: Any) -> Any:
    if not pa.types.is_fixed_size_list(kind):
        return kind
    return pa.binary(kind.list_size * kind.value_type.bit_width // 8)


def _bytes(column: Array) -> Array:
    """Lists of one length as bytes, anything else as it is."""
    if not pa.types.is_fixed_size_list(column.type):
        return column
    kind = column.type
    values = column.values.slice(column.offset * kind.list_size, len(column) * kind.list_size)
    # Below a list that is null there is nothing: filled, or the numbers beside it would become floating ones.
    raw: Any = values.fill_null(0).to_numpy(zero_copy_only=False)
    mask = None
    if column.null_count:
        mask = pa.array(column.is_valid()).buffers()[1]
    data: Any = pa.py_buffer(raw)
    return pa.Array.from_buffers(_kind(kind), len(column), [mask, data])


def _lists(column: Array, kind: Any) -> Array:
    if not pa.types.is_fixed_size_list(kind):
        return column
    size, width = kind.list_size, column.type.byte_width
    data = _aligned(
        column.buffers()[1].slice(column.offset * width, len(column) * width), kind.value_type.bit_width // 8
    )
    values = pa.Array.from_buffers(kind.value_type, len(column) * size, [None, data])
    mask: Any = None if not column.null_count else column.is_null()
    lists: Any = pa.FixedSizeListArray
    return lists.from_arrays(values, type=kind, mask=mask)


def _aligned(data: pa.Buffer, width: int) -> pa.Buffer:
    """Bytes of numbers where such numbers may stand: in a file they stand anywhere."""
    if data.address % width == 0:
        return data
    return pa.py_buffer(data.to_pybytes())

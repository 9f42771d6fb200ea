"""Names of objects upstream that a body names: files, responses, their items, containers, stores of vectors.

Read as the most careless server would: of a name that stands twice in an object both count, and escapes hide nothing.
Left alone is what only means something to a client's own program: schemas of tools, their arguments, metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

#: Fields whose values are names, wherever they stand.
_NAMES: Final = frozenset((
    "file_id", "file_ids", "input_file_id", "previous_response_id", "conversation", "container", "container_id",
    "vector_store_ids", "approval_request_id", "comparison_response_id",
))  # fmt: skip
#: Fields that hold a client's own JSON.
_OWN: Final = frozenset(("parameters", "input_schema", "schema", "json_schema", "metadata", "arguments"))
#: Items of OpenAI's responses that stand for what the server keeps under their name.
_KEPT: Final = frozenset(("item_reference", "image_generation_call"))
_LAST: Final = "/v1/responses"
#: A body without any of these names nothing, unless it hides it; quotes within a text are escaped.
_WORDS: Final = re.compile(rb'"(?:(?:input_)?file_ids?|container(?:_id)?|conversation)"')
_MORE: Final = re.compile(
    rb'"(?:(?:input_)?file_ids?|container(?:_id)?|conversation|(?:previous|comparison)_response_id|vector_store_ids'
    rb'|approval_request_id|id)"'
)
#: An escape of a letter or of `_`: nobody writes these but to hide something.
_HIDES: Final = re.compile(rb"\\u00[4-7]")
#: Names in one body at most.
_MOST: Final = 256
#: What is told of a body in which no names can be read: a name that nobody owns.
UNREADABLE: Final = ""


class _Pairs(list[tuple[str, Any]]):
    """An object, with names that stand several times."""

    def get(self, name: str) -> Any:
        """The last value of a name; None where there is none."""
        return next((value for held, value in reversed(self) if held == name), None)


_DECODE: Final = json.JSONDecoder(object_pairs_hook=_Pairs).decode


def named_in(body: bytes, path: str = _LAST) -> list[str]:
    """Names of the objects that a body names, each once; `path`: where it is sent."""
    words = _MORE if path == _LAST else _WORDS
    if words.search(body) is None and not (b"\\u00" in body and _HIDES.search(body)):
        return []
    try:
        held = _DECODE(body.decode("utf-8", "replace"))
        found: dict[str, None] = {}
        for name in _named(held, responses=path == _LAST):
            found[name] = None
            if len(found) > _MOST:
                return [UNREADABLE]
        return list(found)
    except (ValueError, RecursionError):
        return [UNREADABLE]


def names_of(value: Any) -> Iterator[str]:
    """Names of files and containers that an answer's JSON tells of: what a model wrote as arguments tells of none."""
    return _named(value, responses=False)


def _named(value: Any, *, responses: bool) -> Iterator[str]:
    """Objects that a value names, at any depth. A tool's input, within messages, is a client's own."""
    waiting: list[tuple[Any, bool]] = [(value, True)]
    while waiting:
        held, top = waiting.pop()
        if isinstance(held, dict):
            held = _Pairs(held.items())
        if not isinstance(held, _Pairs):
            waiting += (
                [(one, False) for one in held if isinstance(one, (list, dict))]
                if isinstance(held, list)
                else ()
            )
            continue
        kind = held.get("type")
        called = not top and isinstance(kind, str) and kind.endswith("tool_use")
        yield from _itself(held, kind)
        for name, inner in held:
            if name in _OWN or (called and name == "input"):
                continue
            if name == "annotations" and isinstance(
                inner, dict | _Pairs
            ):  # a tool's, of a client's own server
                continue
            if name in _NAMES:
                yield from _told(inner)
            if responses and name == "input" and isinstance(inner, list):
                yield from _items(inner)
            if isinstance(inner, (list, dict)):
                waiting.append((inner, False))


def _told(value: Any) -> Iterator[str]:
    """The value of a field of names: one, several, or an object with one."""
    if isinstance(value, dict):
        value = _Pairs(value.items())
    if isinstance(value, _Pairs):
        yield from (held for name, held in value if name == "id" and isinstance(held, str))
    for one in value if isinstance(value, list) and not isinstance(value, _Pairs) else [value]:
        if isinstance(one, str) and one != "auto":
            yield one


def _itself(value: _Pairs, kind: Any) -> Iterator[str]:
    """An item that only stands for one that the server keeps."""
    reasons = kind == "reasoning" and value.get("content") is None and value.get("encrypted_content") is None
    if kind in _KEPT or reasons:
        yield from (held for name, held in value if name == "id" and isinstance(held, str))


def _items(items: list[Any]) -> Iterator[str]:
    """Items that say nothing but their name."""
    for one in items:
        if isinstance(one, _Pairs) and one.get("type") is None and one.get("role") is None:
            yield from (held for name, held in one if name == "id" and isinstance(held, str))

"""Names of objects upstream that a body names: files, responses, their items, containers, stores of vectors.

Read as the most careless server would: of a name that stands twice in an object both count, and escapes hide nothing.
Left alone is what only means something to a client's own program: schemas of tools, their arguments, metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec

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
#: Where more than files can be named.
_CONTAINED: Final = (_LAST, "/v1/messages", "/v1/messages/count_tokens")
#: A body without any of these names nothing, unless it hides it; quotes within a text are escaped.
_WORDS: Final = re.compile(rb'"(?:(?:input_)?file_ids?|container(?:_id)?|conversation)"')
_MORE: Final = re.compile(
    rb'"(?:(?:input_)?file_ids?|container(?:_id)?|conversation|(?:previous|comparison)_response_id|vector_store_ids'
    rb'|approval_request_id|id)"'
)
#: An escape of a letter or of `_`: nobody writes these but to hide something.
_HIDES: Final = re.compile(rb"\\u00[4-7]")
#: Names in one body at most.
_MOST: Final = 1_024
#: What is told of a body in which no names can be read: a name that nobody owns.
UNREADABLE: Final = ""


class _Pairs(list[tuple[str, Any]]):
    """An object, with names that stand several times."""

    def items(self) -> list[tuple[str, Any]]:
        """Names and values, in order."""
        return self

    def get(self, name: str) -> Any:
        """The last value of a name; None where there is none."""
        return next((value for held, value in reversed(self) if held == name), None)


_CAREFULLY: Final = json.JSONDecoder(object_pairs_hook=_Pairs).decode
_FAST: Final = msgspec.json.Decoder().decode


def named_in(body: bytes, path: str = _LAST) -> list[str]:
    """Names of the objects that a body names, each once; `path`: where it is sent."""
    escaped = b"\\" in body and b"\\u00" in body
    if path not in _CONTAINED and not escaped and b"file_id" not in body:
        return []
    counted = len((_MORE if path == _LAST else _WORDS).findall(body))
    hides = escaped and _HIDES.search(body) is not None
    if not counted and not hides:
        return []
    if not hides:
        with suppress(msgspec.MsgspecError, RecursionError, ValueError):
            look = _Look(_FAST(body), responses=path == _LAST)
            if look.counted == counted:  # none stands twice, nor where it isn't looked
                return look.few
    try:
        return _Look(_CAREFULLY(body.decode("utf-8", "replace")), responses=path == _LAST).few
    except (ValueError, RecursionError):
        return [UNREADABLE]


def names_of(value: Any) -> list[str]:
    """Names of files and containers that an answer's JSON tells of: what a model wrote as arguments tells of none."""
    return _Look(value, responses=False).few


class _Look:
    """One look through a value, at any depth. `counted`: fields of names that were met, whatever they hold."""

    def __init__(self, value: Any, *, responses: bool) -> None:
        self._responses = responses
        self._fields = _NAMES | {"id"} if responses else _NAMES
        self._found: dict[str, None] = {}
        self.counted = 0
        self._waiting: list[tuple[Any, bool]] = [(value, True)]
        while self._waiting and len(self._found) <= _MOST:
            held, top = self._waiting.pop()
            if isinstance(held, dict) or type(held) is _Pairs:
                self._object(held, top)
            elif isinstance(held, list):
                self._waiting += [(one, False) for one in held if isinstance(one, (dict, list))]

    @property
    def few(self) -> list[str]:
        """The names, where there aren't too many."""
        return [UNREADABLE] if len(self._found) > _MOST else list(self._found)

    def _object(self, held: Any, top: bool) -> None:
        """A tool's input, within messages, is a client's own; so are a tool's annotations, of a client's own server."""
        kind = held.get("type")
        called = not self._responses and not top and isinstance(kind, str) and kind.endswith("tool_use")
        self._found.update(dict.fromkeys(_itself(held, kind)))
        for name, inner in held.items():
            if name in self._fields:
                self.counted += 1
            if name in _OWN or (called and name == "input"):
                continue
            if name == "annotations" and (isinstance(inner, dict) or type(inner) is _Pairs):
                continue
            if name in _NAMES:
                self._found.update(dict.fromkeys(_told(inner)))
            if self._responses and name == "input" and isinstance(inner, list):
                self._found.update(dict.fromkeys(_items(inner)))
            if isinstance(inner, (dict, list)):
                self._waiting.append((inner, False))


def _told(value: Any) -> Iterator[str]:
    """The value of a field of names: one, several, or an object with one."""
    if isinstance(value, dict) or type(value) is _Pairs:
        yield from _ids(value)
    for one in value if type(value) is list else [value]:
        if isinstance(one, str) and one != "auto":
            yield one


def _itself(held: Any, kind: Any) -> Iterator[str]:
    """An item that only stands for one that the server keeps."""
    reasons = kind == "reasoning" and held.get("content") is None and held.get("encrypted_content") is None
    if reasons or (isinstance(kind, str) and kind in _KEPT):
        yield from _ids(held)


def _items(items: list[Any]) -> Iterator[str]:
    """Items that say nothing but their name."""
    for one in items:
        bare = isinstance(one, dict) or type(one) is _Pairs
        if bare and one.get("type") is None and one.get("role") is None:
            yield from _ids(one)


def _ids(held: Any) -> Iterator[str]:
    return (value for name, value in held.items() if name == "id" and isinstance(value, str))

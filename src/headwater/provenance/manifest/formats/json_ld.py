"""JSON-LD as it is met in the wild, read without a JSON-LD processor and without any network.

Names are brought to one short form (`name`, `prov:wasDerivedFrom`, `rai:…`) by the well-known prefixes alone; a
context that names them otherwise is not followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

#: Long and short prefixes → the short form used here; schema.org's own names stand bare.
_PREFIXES: Final = (
    ("https://schema.org/", ""),
    ("http://schema.org/", ""),
    ("schema:", ""),
    ("sc:", ""),
    ("http://www.w3.org/ns/prov#", "prov:"),
    ("http://mlcommons.org/croissant/RAI/", "rai:"),
    ("http://mlcommons.org/croissant/", "cr:"),
    ("http://www.w3.org/ns/odrl/2/", "odrl:"),
    ("http://purl.org/dc/terms/", "dct:"),
)
#: Croissant's own context maps these bare names to its vocabulary.
_CROISSANT: Final = frozenset(
    {"recordSet", "field", "subField", "annotation", "equivalentProperty", "fileObject", "extract", "column"}
)


def short(name: str) -> str:
    """`name` with a well-known prefix in its short form."""
    for prefix, instead in _PREFIXES:
        if name.startswith(prefix):
            rest = name[len(prefix) :]
            return rest if instead == "cr:" and rest in _CROISSANT else instead + rest
    bare = name.removeprefix("cr:")
    return bare if bare in _CROISSANT else name


def node(value: object) -> dict[str, Any]:
    """A node with its names in short form; empty for anything else."""
    return {short(name): inner for name, inner in value.items()} if isinstance(value, dict) else {}


def many(value: object) -> list[Any]:
    """The values of a property that may be a single one, a list, or missing."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and set(value) == {"@list"}:
        return many(value["@list"])
    return [value]


def plain(value: object) -> object:
    """`value`, or what its `@value` says."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def types(value: dict[str, Any]) -> set[str]:
    """The types of a node, in short form."""
    return {short(name) for name in many(value.get("@type")) if isinstance(name, str)}


def label(value: object) -> object:
    """What a node is called: its name, its label, else its identifier; a bare value as it is."""
    if not isinstance(value, dict):
        return value
    known = node(value)
    for name in ("name", "prov:label", "rdfs:label", "url", "@id"):
        if name in known:
            return plain(known[name])
    return None


def boolean(value: object) -> bool | None:
    """What people write for true and false, or None."""
    value = plain(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower())
    return None


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every node in a document, outermost first; the document is known to be bounded."""
    waiting = deque([value])
    while waiting:
        inner = waiting.popleft()
        if isinstance(inner, dict):
            yield node(inner)
            waiting.extend(inner.values())
        elif isinstance(inner, list):
            waiting.extend(inner)

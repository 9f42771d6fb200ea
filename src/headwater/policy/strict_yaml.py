"""YAML as plain texts, lists, mappings and true or false, refusing what a policy must not contain.

That is: tags (they can run code), anchors (a few lines of them unfold to gigabytes, or hold themselves), depth, and the
same key twice. What the values mean is the pack's business.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from headwater.policy.place import Place

if TYPE_CHECKING:
    import yaml

#: Twenty times the pack that comes with Headwater; read and checked in a few seconds at worst.
MOST_BYTES = 65_536
#: Collections inside one another; a pack has three.
MOST_NESTED = 10
#: Controls but for tab and new line, and the marks that turn text around (U+202A–202E, U+2066–2069): a reader would see
#: another pack than the program. Marks within a script's own writing (U+200E, U+200F) are left.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
#: What a plain word may be besides text: numbers and dates have no place in a pack.
_RESOLVED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null")


def strict_yaml(data: bytes, file: str) -> object:
    """The value written in `data`; `ConfigurationError` names `file` and row."""
    import yaml

    place = Place(file)

    class Strict(yaml.SafeLoader):
        """A safe loader that refuses the same key twice: the last one would win in silence."""

        yaml_implicit_resolvers = {  # noqa: RUF012  (an instance variable to its stubs)
            first: [(tag, form) for tag, form in known if tag in _RESOLVED]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if str(key.value) in seen:
                    raise (place / str(key.value)).fault(
                        "the same key stands twice in one place",
                        hint="remove one of them",
                        row=key.start_mark.line + 1,
                    )
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    if len(data) > MOST_BYTES:
        raise place.fault(
            f"a pack of more than {MOST_BYTES // 1024} KiB is not read", hint="name a policy pack, not a log"
        )
    _check_seen(data.decode("utf-8", "ignore") if not data.startswith(_WIDE) else "", place)
    try:
        _check(yaml.parse(data, yaml.SafeLoader), place)
        return yaml.load(data, Strict)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise place.fault(
            "this is not YAML",
            hint="put a text in quotes where it holds a colon or begins with a sign",
            row=mark.line + 1 if mark is not None else None,
        ) from None


def _check(events: Iterable[yaml.Event], place: Place) -> None:
    """Refuse what must not be built; the events come one by one, so nothing is built yet."""
    import yaml

    depth = documents = 0
    for event in events:
        row = event.start_mark.line + 1 if event.start_mark else None
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise place.fault(
                "there is more than one document in this file", hint="remove the line ---", row=row
            )
        if getattr(event, "anchor", None) is not None:
            raise place.fault(
                "anchors and aliases (& and *) are not read",
                hint="write it out where it is meant, or put the text in quotes",
                row=row,
            )
        if getattr(event, "tag", None) is not None:
            raise place.fault(
                "tags (!) are not read", hint="put a text that begins with ! in quotes", row=row
            )
        if isinstance(event, yaml.ScalarEvent):
            if not _is_text(event.value):
                raise place.fault("a text holds half a character", hint="write the character itself", row=row)
            if _UNSEEN.search(event.value):
                raise _unseen(place, row)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTED:
            raise place.fault(
                "there are too many lists and mappings inside one another", hint="a pack has three", row=row
            )


def _check_seen(text: str, place: Place) -> None:
    """Refuse what a person who reads the file wouldn't see, also in its comments."""
    if found := _UNSEEN.search(text.replace("\r\n", "\n")):
        raise _unseen(place, found.string.count("\n", 0, found.start()) + 1)


def _unseen(place: Place, row: int | None) -> Exception:
    return place.fault(
        "there is a character that nobody sees, or that turns the text beside it around",
        hint="control characters and marks of direction have no place in a pack: who reads it sees what it says",
        row=row,
    )


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a surrogate, written as \ud800
        return False
    return True

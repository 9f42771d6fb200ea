"""The YAML between the `---` lines at the head of a README, as texts, lists and mappings.

Every plain word stays a text: `no` is Norwegian here, not false. Tags, anchors and aliases are refused (a few lines
of them unfold to gigabytes), and so are depth, more than one document and a head that is too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.errors import UnreadableInput, Where

if TYPE_CHECKING:
    from collections.abc import Iterable

    import yaml

#: Cards of many configurations list their features here; the largest we met has some 300 KB.
LARGEST_HEAD: Final = 1024 * 1024
_MOST_NESTED: Final = 24
_FENCE: Final = b"---"


def head_of(readme: bytes) -> bytes | None:
    """The bytes between the first line `---` and the next one, or None where there is no such head.

    A byte order mark before it is passed over. A head that isn't closed is none.
    """
    start, end = span_of(readme)
    return None if end is None else readme[start:end]


def span_of(readme: bytes) -> tuple[int, int | None]:
    """Where the head's text begins and ends in `readme`; no end where there is no head."""
    at = 3 if readme.startswith(b"\xef\xbb\xbf") else 0
    line_end = readme.find(b"\n", at)
    if line_end < 0 or readme[at:line_end].rstrip() != _FENCE:
        return at, None
    start = place = line_end + 1
    while place < len(readme):
        line_end = readme.find(b"\n", place)
        line = readme[place:] if line_end < 0 else readme[place:line_end]
        if line.rstrip() == _FENCE:
            return start, place
        if line_end < 0:
            break
        place = line_end + 1
    return start, None


def parsed_head(head: bytes, name: str) -> dict[str, Any]:
    """The mapping that `head` holds; `UnreadableInput` names the file, and the row in it where known."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Texts(base):  # type: ignore[misc]
        """A safe loader to which every plain word is a text, and nothing is something else."""

        yaml_implicit_resolvers = {  # noqa: RUF012  (an instance variable to its stubs)
            first: [(tag, form) for tag, form in known if tag == "tag:yaml.org,2002:null"]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    if len(head) > LARGEST_HEAD:
        raise UnreadableInput(f"has a head of more than {LARGEST_HEAD:,} bytes", where=Where(name))
    try:
        _check(yaml.parse(head, base), name)
        value = yaml.load(head, Texts)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _fault("the head is not YAML", name, mark) from None
    except RecursionError:
        raise UnreadableInput("the head is nested too deep", where=Where(name)) from None
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise UnreadableInput("the head is not a mapping of names", where=Where(name))
    return value


def _check(events: Iterable[yaml.Event], name: str) -> None:
    """Refuse what must not be built; the events come one by one, so nothing is built yet."""
    import yaml

    depth = documents = 0
    for event in events:
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise _fault("there is more than one document in the head", name, event.start_mark)
        if getattr(event, "anchor", None) is not None:
            raise _fault("anchors and aliases (& and *) are not read", name, event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _fault("tags (!) are not read", name, event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_NESTED:
            raise _fault("the head is nested too deep", name, event.start_mark)


def _fault(what: str, name: str, mark: Any) -> UnreadableInput:
    # The head begins in the second row of the file, and marks count from 0.
    row = None if mark is None else mark.line + 2
    return UnreadableInput(what, where=Where(name, row), hint="correct the YAML between the --- lines")

"""What the card of a data set on the Hugging Face Hub (README.md with a YAML head) claims.

Field names follow the Hub's dataset card; how our own section is written is `card_section`'s business. Of a card that
Headwater wrote, what an audit read in rows is told apart from what the card claims of the whole.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from headwater.provenance.manifest.claims import SYNTHETIC_TAGS, Draft
from headwater.provenance.manifest.formats.front_matter import head_of, parsed_head, span_of

BEGIN: Final = "<!-- headwater:begin -->"
END: Final = "<!-- headwater:end -->"

#: `language_creators` of the Hub's vocabulary: models, and people.
MACHINE: Final = "machine-generated"
PEOPLE: Final = frozenset({"found", "crowdsourced", "expert-generated"})
#: Keys that cards in the wild name generator models under; none is part of the Hub's vocabulary.
_GENERATOR_KEYS: Final = ("generator", "generators", "generator_model", "generated_by")
_NOTED: Final = "<!-- headwater:note"
_NOTE: Final = re.compile(r"^<!-- headwater:note (\{.{0,100000}\}) -->$", re.MULTILINE)
_ROW: Final = re.compile(r"^\| `([^`\n]{1,500})` \|", re.MULTILINE)


def card_claims(readme: bytes, path: str) -> Draft:
    """The claims of a card, from its YAML head and from a section that Headwater wrote.

    `readme` may be cut after the first megabyte. Raises `UnreadableInput` where the head can't be read.
    """
    draft = Draft(path, "Hugging Face dataset card")
    head, section = head_of(readme), section_of(readme)
    noted = note_in(section) if section else None
    if head is not None:
        _from_head(parsed_head(head, path), draft, noted.added if noted else {})
    if section:
        draft.from_audit = noted is not None
        for name in _ROW.findall(section):
            whole = noted is None or name in noted.generators
            draft.add("generators" if whole else "row_generators", name, "headwater section")
    return draft


class Note(msgspec.Struct, frozen=True):
    """What a section notes for readers of the card: values that Headwater put into lists of the head because an
    audit found them, and the generators that are claimed of the whole.
    """

    added: dict[str, tuple[str, ...]] = {}
    generators: tuple[str, ...] = ()


def note_in(section: str) -> Note | None:
    """The note of a section; None where it has none, an empty one where it can't be read."""
    found = _NOTE.search(section)
    if found is None:
        return Note() if _NOTED in section else None
    try:
        return msgspec.json.decode(found[1], type=Note)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Note()


def note(added: dict[str, tuple[str, ...]], generators: tuple[str, ...]) -> str:
    """The note as one line of a section, which Markdown shows nowhere."""
    text = json.dumps({"added": added, "generators": generators}, sort_keys=True)
    for sign in "<>&-":  # no name may end the comment
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"{_NOTED} {text} -->"


def _from_head(head: dict[str, Any], draft: Draft, added: dict[str, tuple[str, ...]]) -> None:
    licences = _texts(head.get("license"))
    named = [name for name in licences if not (name == "other" and head.get("license_name"))]
    draft.add("licences", named, "license")
    for key in ("license_name", "license_link"):
        draft.add("licences", head.get(key), key)
    draft.add("source_datasets", head.get("source_datasets"))
    draft.add("languages", head.get("language"), "language")
    tags = [text for text in _texts(head.get("tags")) if text not in added.get("tags", ())]
    draft.add("tags", tags if added.get("tags") else head.get("tags"))
    draft.say("pretty_name", head.get("pretty_name"))
    for key in _GENERATOR_KEYS:
        draft.add("generators", head.get(key), key)
    creators = {
        text.lower()
        for text in _texts(head.get("language_creators"))
        if text not in added.get("language_creators", ())
    }
    ours = {text for name in ("language_creators", "tags") for text in added.get(name, ())}
    draft.row_synthetic = True if ours & {*SYNTHETIC_TAGS, MACHINE} else None
    draft.row_human = True if ours - {*SYNTHETIC_TAGS, MACHINE} else None
    if {tag.lower() for tag in tags} & SYNTHETIC_TAGS or MACHINE in creators:
        draft.synthetic = True
    if creators & PEOPLE:
        draft.human = True


def marker(mark: str) -> re.Pattern[bytes]:
    """Finds a marker of our section, which counts where it is a line of its own."""
    return re.compile(rb"^" + re.escape(mark.encode()) + rb"(?=[ \t]*\r?$)", re.MULTILINE)


def section_of(readme: bytes) -> str | None:
    """Our own section, markers apart; None where there is none."""
    begin = marker(BEGIN).search(readme, span_of(readme)[1] or 0)
    end = marker(END).search(readme, begin.end()) if begin else None
    if begin is None or end is None:
        return None
    return readme[begin.end() : end.start()].decode("utf-8", "replace").replace("\r\n", "\n")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]

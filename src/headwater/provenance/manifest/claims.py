"""What a data set's manifests claim, whatever their format, in one structure.

A claim is what somebody wrote; whether it is so is found out elsewhere. Formats fill a `Draft`, several drafts
become one `Claims`, and all lists keep the order in which things were met.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from headwater.errors import BadRow, Where

#: Longest text and longest list that is taken over from a document of others.
LONGEST_TEXT: Final = 10_000
MOST_ENTRIES: Final = 10_000

#: Words of cards and manifests that say a model wrote the text (compared in lower case).
SYNTHETIC_TAGS: Final = frozenset(
    {
        "synthetic",
        "synthetic-data",
        "synthetic data",
        "synthetic-dataset",
        "machine-generated",
        "ai-generated",
    }
)


class ClaimedSignal(msgspec.Struct, frozen=True):
    """A statement on what may be done with the data: `form` names its vocabulary, `name` the use, `value` what is said.

    `form` is "odrl", "cawg.training-mining", "usageInfo" or "consent"; nothing is interpreted here.
    """

    form: str
    name: str
    value: str
    where: str


class ClaimedFile(msgspec.Struct, frozen=True):
    """A file that a manifest describes; `bytes` is its size where the manifest says it."""

    path: str
    sha256: str | None = None
    bytes: int | None = None


class Claims(msgspec.Struct, frozen=True):
    """Claims on a data set as a whole; empty or None where nothing is claimed.

    `synthetic` and `human`: whether text is claimed to be written by models, and by people. `found_in` holds
    (path, format) of each document that was read, `problems` what could not be read and why.

    `from_audit`: whether a manifest is among them that Headwater wrote from an audit. What such a manifest knows from
    rows alone is no claim on the set as a whole and stands apart: `row_generators`, `row_synthetic`, `row_human`.
    """

    licences: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    synthetic: bool | None = None
    source_datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pretty_name: str | None = None
    signals: tuple[ClaimedSignal, ...] = ()
    found_in: tuple[tuple[str, str], ...] = ()
    problems: tuple[BadRow, ...] = ()
    human: bool | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = None
    version: str | None = None
    creators: tuple[str, ...] = ()
    generator_columns: tuple[str, ...] = ()
    files: tuple[ClaimedFile, ...] = ()
    from_audit: bool = False
    row_generators: tuple[str, ...] = ()
    row_synthetic: bool | None = None
    row_human: bool | None = None


_LISTS: Final = (
    "licences",
    "generators",
    "source_datasets",
    "languages",
    "tags",
    "signals",
    "creators",
    "generator_columns",
    "files",
    "row_generators",
)
_TEXTS: Final = ("pretty_name", "name", "description", "url", "version")


@dataclass
class Draft:
    """Claims of one document while it is read: `add` for lists, `say` for single texts; both check what they get.

    Whatever isn't a usable text is left out and told in `problems` without its content.
    """

    path: str
    form: str
    lists: dict[str, dict[Any, None]] = field(default_factory=lambda: {name: {} for name in _LISTS})
    texts: dict[str, str] = field(default_factory=dict)
    synthetic: bool | None = None
    human: bool | None = None
    from_audit: bool = False
    row_synthetic: bool | None = None
    row_human: bool | None = None
    problems: list[BadRow] = field(default_factory=list)

    def add(self, name: str, values: object, place: str | None = None) -> None:
        """Put a text, or each text of a list, into the list `name`; `place` is where it stands in the document."""
        for value in values if isinstance(values, (list, tuple)) else (values,):
            text = self.text(value, place or name)
            if text is not None:
                self.put(name, text)

    def put(self, name: str, value: object) -> None:
        """Put a checked value into the list `name`."""
        if len(self.lists[name]) < MOST_ENTRIES:
            self.lists[name].setdefault(value)

    def say(self, name: str, value: object, place: str | None = None) -> None:
        """Set the single text `name`; the first one said stays."""
        text = self.text(value, place or name)
        if text is not None:
            self.texts.setdefault(name, text)

    def text(self, value: object, place: str) -> str | None:
        """`value` as a text within bounds, or None; a wrong type is told, emptiness is not."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(f"is of type {type(value).__name__}, not a text", place)
            return None
        if len(value) > LONGEST_TEXT:
            self.fault(f"is a text of {len(value):,} characters, more than {LONGEST_TEXT:,}", place)
            return None
        return value.strip() or None

    def fault(self, what: str, place: str | None = None, hint: str | None = None) -> None:
        """Tell that something of this document wasn't read; the first hundred are kept."""
        if len(self.problems) < 100:
            self.problems.append(BadRow(what, Where(self.path, None, place), hint))

    def audited(self, whole: object) -> None:
        """Tell apart what an audit read in rows and what is claimed of the set as a whole, which `whole` says.

        `whole` is what `whole.told` wrote; of another shape, nothing counts as claimed of the whole.
        """
        said = whole if isinstance(whole, dict) else {}
        named = said.get("generators")
        names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
        self.from_audit = True
        known = frozenset(names)
        for name in [name for name in self.lists["generators"] if name not in known]:
            del self.lists["generators"][name]
            self.put("row_generators", name)
        self.add("generators", names)  # one that no row names has no entry of its own
        synthetic, human = (
            value if isinstance(value := said.get(name), bool) else None for name in ("synthetic", "human")
        )
        if synthetic is not self.synthetic:
            self.row_synthetic, self.synthetic = self.synthetic, synthetic
        if human is not self.human:
            self.row_human, self.human = self.human, human

    def claims(self) -> Claims:
        """What this document claims."""
        said: dict[str, Any] = {name: tuple(values) for name, values in self.lists.items()}
        return Claims(
            **(said | self.texts),
            synthetic=self.synthetic,
            human=self.human,
            from_audit=self.from_audit,
            row_synthetic=self.row_synthetic,
            row_human=self.row_human,
            found_in=((self.path, self.form),),
            problems=tuple(self.problems),
        )


def merged(found: Iterable[Claims]) -> Claims:
    """All claims together: lists united, of single texts the first; a claim to be synthetic outweighs one not to be.

    Where two documents disagree on being synthetic, that is told in `problems`.
    """
    found = tuple(found)
    lists: dict[str, Any] = {
        name: tuple(dict.fromkeys(value for claims in found for value in getattr(claims, name)))
        for name in (*_LISTS, "found_in", "problems")
    }
    lists["files"] = _files(lists["files"])
    texts = {
        name: next((said for c in found if (said := getattr(c, name)) is not None), None) for name in _TEXTS
    }
    said = {claims.synthetic for claims in found} - {None}
    if len(said) == 2:
        places = ", ".join(path for path, _ in lists["found_in"])
        what = "the manifests disagree on whether there is synthetic data; it is taken that there is"
        lists["problems"] += (BadRow(what, Where(places)),)
    # What one document claims of the whole is no news of its rows in another.
    whole = frozenset(lists["generators"])
    lists["row_generators"] = tuple(name for name in lists["row_generators"] if name not in whole)
    return Claims(
        **(lists | texts),
        synthetic=_any(claims.synthetic for claims in found),
        human=_any(claims.human for claims in found),
        from_audit=any(claims.from_audit for claims in found),
        row_synthetic=_any(claims.row_synthetic for claims in found),
        row_human=_any(claims.row_human for claims in found),
    )


def _any(said: Iterable[bool | None]) -> bool | None:
    known = set(said) - {None}
    return True in known if known else None


def _files(files: tuple[ClaimedFile, ...]) -> tuple[ClaimedFile, ...]:
    """Each file once for each digest that is claimed of it; a claim without one counts where there is no other."""
    known: dict[tuple[str, str | None], ClaimedFile] = {}
    for file in files:
        key = (file.path, file.sha256)
        if key not in known or known[key].bytes is None:
            known[key] = file
    digested = {path for path, digest in known if digest}
    return tuple(file for file in known.values() if file.sha256 or file.path not in digested)

"""The registry: what providers' documents said, by version, shipped and from users' folders.

A later folder's file replaces an earlier one of the same uid. Which versions may have been in force on a day is
decided here; what they say of a use in `rules`, and the chain of an answer in `chain`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where, unreadable
from headwater.provenance.terms.chain import answer
from headwater.provenance.terms.document import MOST_BYTES, Terms, read_terms
from headwater.provenance.terms.model import Answer, Origin, Use
from headwater.provenance.terms.names import Model, identify

#: Files of one folder that are read at most.
MOST_FILES = 10_000
_DEEPEST = 6


class InForce(NamedTuple):
    """Versions of a document that may have been in force on a day.

    `early`: the day is before the first version known. `sure`: one version, and seen on that day or later.
    """

    versions: tuple[Terms, ...]
    early: bool
    sure: bool


@dataclass(frozen=True)
class Registry:
    """Every version known of every document, by uid."""

    by_uid: Mapping[str, Terms]
    _answers: dict[tuple[Origin, Use], Answer] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _documents(self) -> dict[str, tuple[Terms, ...]]:
        grouped: dict[str, list[Terms]] = {}
        for terms in self.by_uid.values():
            grouped.setdefault(terms.slug, []).append(terms)
        first = datetime.date.min
        return {
            slug: tuple(sorted(grouped[slug], key=lambda t: (t.valid_from or first, t.version)))
            for slug in sorted(grouped)
        }

    def documents(self) -> tuple[str, ...]:
        """Every document as "provider/document", in order."""
        return tuple(self._documents)

    def versions(self, document: str) -> tuple[Terms, ...]:
        """The versions of a document, the oldest first; none of one that isn't known."""
        return self._documents.get(document, ())

    def providers(self) -> tuple[str, ...]:
        """Every provider of whom a document is known."""
        return tuple(sorted({terms.provider for terms in self.by_uid.values()}))

    def of(self, provider: str) -> tuple[str, ...]:
        """The documents of a provider that are about its service; what is about weights is left out."""
        return tuple(
            slug
            for slug, versions in self._documents.items()
            if versions[0].provider == provider and not versions[0].models and not _is_licence(versions[0])
        )

    def licences(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """The licences of weights that name one of these models."""
        wanted = set(models)
        return tuple(
            slug
            for slug, versions in self._documents.items()
            if _is_licence(versions[0]) and any(wanted & set(terms.models) for terms in versions)
        )

    def in_force(self, document: str, at: datetime.date) -> InForce:
        """The versions of `document` that may have been in force on the day `at`."""
        versions = self.versions(document)
        found = tuple(v for v in versions if _begins(v) <= at <= (v.valid_to or datetime.date.max))
        if found:
            seen = found[0].valid_to or found[0].last_seen
            return InForce(found, False, len(found) == 1 and (seen is None or at <= seen))
        before = [v for v in versions if v.valid_to and v.valid_to < at]
        after = [v for v in versions if _begins(v) > at]
        if not before:
            return InForce((), bool(after), False)
        # Between two versions that are known, either may have been in force; after the last, the document ended.
        return InForce((before[-1], after[0]) if after else (), False, False)

    def starts(self, document: str) -> Iterator[datetime.date]:
        """Every day on which what is known of a document changes."""
        for version in self.versions(document):
            yield _begins(version)
            if version.valid_to:
                yield version.valid_to + datetime.timedelta(days=1)

    def identify(self, name: str) -> Model | None:
        """The model that a string in a column or card names, or None."""
        return identify(name)

    def answer(self, origin: Origin, use: Use) -> Answer:
        """What the texts that go with `origin` say of `use`."""
        key = (origin, use)
        if key not in self._answers:
            if len(self._answers) > 20_000:
                self._answers.clear()
            self._answers[key] = answer(self, origin, use)
        return self._answers[key]


def _begins(terms: Terms) -> datetime.date:
    return terms.valid_from or datetime.date.min


def _is_licence(terms: Terms) -> bool:
    return terms.document.kind == "model-licence"


def load_registry(*folders: Path) -> Registry:
    """The shipped registry and the files (`*.jsonld`) of `folders`, later ones winning by uid.

    Raises `UnreadableInput` where a folder can't be read, `ConfigurationError` with file and field of a fault.
    """
    if not folders:
        return _shipped()
    by_uid = dict(_shipped().by_uid)
    for folder in folders:
        mine: dict[str, str] = {}
        for path in _listed(folder):
            terms = read_terms(_bytes(path), str(path))
            if terms.uid in mine:
                what = f"has the same uid as {mine[terms.uid]}"
                raise ConfigurationError(what, where=Where(str(path), field="uid"))
            mine[terms.uid] = str(path)
            by_uid[terms.uid] = terms
    return Registry(by_uid)


@cache
def _shipped() -> Registry:
    root = files("headwater.provenance.terms").joinpath("registry")
    found = [read_terms(item.read_bytes(), name) for name, item in sorted(_walk(root, "registry"))]
    return Registry({terms.uid: terms for terms in found})


def _walk(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for item in folder.iterdir():
        if item.is_dir():
            yield from _walk(item, f"{name}/{item.name}")
        elif item.name.endswith(".jsonld"):
            yield f"{name}/{item.name}", item


def _listed(folder: Path) -> list[Path]:
    """The files of terms in a folder, in order."""
    if not folder.is_dir():
        if folder.exists():
            raise UsageError(
                "is not a folder", where=Where(str(folder)), hint="give the folder that holds the files"
            )
        raise unreadable(folder, FileNotFoundError(str(folder)))
    found: list[Path] = []
    for path in folder.rglob("*.jsonld"):
        if len(path.relative_to(folder).parts) <= _DEEPEST and path.is_file():
            found.append(path)
        if len(found) > MOST_FILES:
            raise UnreadableInput(f"holds more than {MOST_FILES:,} files of terms", where=Where(str(folder)))
    if not found:
        raise UnreadableInput(
            "holds no file of terms", where=Where(str(folder)), hint="files of terms end in .jsonld"
        )
    return sorted(found)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None

"""What the columns of a row are for: which hold text, and which claim who wrote it, under what licence, from where.

A column's role follows from its name, wherever in the row it stands, or from what the user says. Values of claiming
columns aren't searched for artefacts; everything else that is a string is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from headwater.provenance.terms.signals import column_kind

Role = Literal[
    "generator", "provider", "product", "account-type", "router", "licence", "source", "date", "synthetic", "human",
    "label", "rights", "url", "id",
]  # fmt: skip

#: Names (lower case, words joined by _) that tell a column's role.
_WRITTEN: Final[Mapping[Role, str]] = {
    "generator": """
            generator generators model model_name model_id model_used model_version llm llm_name llm_model generated_by
            generated_model generating_model generation_model generator_model teacher teacher_model source_model
            response_model completion_model answer_model chosen_model rejected_model model_a model_b author_model
            gen_model engine synthesized_by distilled_from
    """,
    "provider": "provider api_provider model_provider llm_provider vendor content_producer",
    "product": "product service api_product",
    "account-type": "account_type plan_type",
    "router": "router gateway aggregator via",
    "licence": "license licence license_id licence_id license_name licence_name license_type spdx rights_license",
    "source": "source data_source dataset dataset_name source_dataset dataset_source origin subset corpus",
    "date": """
            generated_at generation_date generation_time created_at created creation_date date_generated
            response_time timestamp date published_at
    """,
    "synthetic": """
            synthetic is_synthetic machine_generated is_machine_generated ai_generated is_ai_generated is_ai
            is_generated generated_by_ai llm_generated
    """,
    "human": "is_human human_written is_human_written written_by_human human_authored",
    "label": "aigc",
    "rights": "content_usage content_signal tdm_reservation consent opt_out attribution_required",
    "url": "url source_url page_url document_url uri link warc_target_uri",
    "id": "id uuid row_id example_id prompt_id doc_id _id guid",
}
NAMES: Final = {role: frozenset(names.split()) for role, names in _WRITTEN.items()}
_ROLE: Final[dict[str, Role]] = {name: role for role, names in NAMES.items() for name in names}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+")
#: Strings of one row, and how deep they may lie; what is beyond is counted as unread.
MOST_TEXTS: Final = 10_000
DEEPEST: Final = 12
#: Claims are names and dates; a longer value is text.
LONGEST_CLAIM: Final = 300
#: Characters of a name, and of a path, that are told.
_LONGEST_NAME: Final = 100
_LONGEST_PATH: Final = 300
#: Spaces from which on a value is a sentence rather than a name.
_SENTENCE: Final = 4
#: Names of columns that are remembered; a hostile corpus must not fill memory with them.
_MOST_NAMES: Final = 20_000


class Text(NamedTuple):
    """One string of a row with the path that it stands at: messages[2].content."""

    path: str
    text: str


class Claimed(NamedTuple):
    """What one column of a row claims."""

    role: Role
    path: str
    value: object


class Columns:
    """Finds texts and claims in rows. `given`: roles by column name (or path) that win over those that names tell.

    `text`: names of the only columns to search; all others, where it is empty.
    """

    def __init__(
        self, given: Mapping[str, Role | None] | None = None, text: frozenset[str] = frozenset()
    ) -> None:
        self._given = dict(given or {})
        self._text = text
        self._roles: dict[str, Role | None] = {}
        self._shown: dict[str, str] = {}
        #: of the names that the user gave, those that were met
        self.met: set[str] = set()

    def role(self, name: str) -> Role | None:
        """The role of a column of this name."""
        try:
            return self._roles[name]
        except KeyError:
            role = self._given[name] if name in self._given else _told(name)
            if name in self._given or name in self._text:
                self.met.add(name)
            if len(self._roles) < _MOST_NAMES and len(name) <= _LONGEST_NAME:
                self._roles[name] = role
            return role

    def shown(self, name: object) -> str:
        """A name as reports show it: cut, and without halves of surrogate pairs."""
        name = str(name)
        try:
            return self._shown[name]
        except KeyError:
            shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
            shown = shown.encode("utf-8", "backslashreplace").decode()
            if len(self._shown) < _MOST_NAMES and len(name) <= _LONGEST_NAME:
                self._shown[name] = shown
            return shown

    def look(self, row: Mapping[str, object]) -> tuple[list[Text], list[Claimed], bool]:
        """(texts, claims, whether all was read: nothing lay too deep, and there were not too many)."""
        texts: list[Text] = []
        claims: list[Claimed] = []
        whole = True
        for name, value in row.items():
            whole = self._value(self.shown(name), name, value, texts, claims, 0) and whole
        return texts, claims, whole

    def _value(
        self, path: str, name: object, value: object, texts: list[Text], claims: list[Claimed], depth: int
    ) -> bool:
        """Take one value in; whether all of it was read."""
        role = self.role(name) if isinstance(name, str) else None
        if role is not None and (role == "label" or _claims(value)):
            claims.append(Claimed(role, path, value))
            # A sentence may stand in a column that is called source: it is searched too.
            if not isinstance(value, str) or value.count(" ") < _SENTENCE:
                return True
        if isinstance(value, str):
            if self._text and depth == 0 and name not in self._text:
                return True
            if len(texts) >= MOST_TEXTS:
                return False
            texts.append(Text(path, value))
            return True
        if isinstance(value, (dict, list, tuple)):
            if depth == 0 and self._text and name not in self._text:
                return True
            if depth >= DEEPEST or len(texts) >= MOST_TEXTS:
                return not value
            whole = True
            for inner, key, held in self._inside(path[:_LONGEST_PATH], value):
                whole = self._value(inner, key, held, texts, claims, depth + 1) and whole
            return whole
        return True

    def _inside(self, path: str, value: object) -> Iterator[tuple[str, object, object]]:
        if isinstance(value, dict):
            return ((f"{path}.{self.shown(key)}", key, held) for key, held in value.items())
        assert isinstance(value, (list, tuple))
        return ((f"{path}[{at}]", None, held) for at, held in enumerate(value))


def _told(name: str) -> Role | None:
    """The role that a name tells."""
    if len(name) > _LONGEST_NAME:
        return None
    role = _ROLE.get(_CAMEL.sub("_", name.strip()).lower())
    return "rights" if role is None and column_kind(name) is not None else role


def _claims(value: object) -> bool:
    """Whether a value can be a claim: something short, or a list of such."""
    if isinstance(value, str):
        return len(value) <= LONGEST_CLAIM
    if isinstance(value, (list, tuple)):
        return 0 < len(value) <= 20 and all(each is None or _is_short(each) for each in value)
    if isinstance(value, dict):  # {"name": "gpt-4", "version": "0613"}
        return _is_short(value.get("name")) and not any(
            isinstance(each, (dict, list)) for each in value.values()
        )
    return True


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_CLAIM


def without_places(path: str) -> str:
    """A path without the places in lists, so that rows of any length say the same: messages.content."""
    if "[" not in path:
        return path
    return "".join(piece.partition("]")[2] if at else piece for at, piece in enumerate(path.split("[")))

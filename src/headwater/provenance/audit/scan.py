"""One chunk through all stages: what every row claims, what was found in it, and the verdict that follows.

Rows go through in batches, so that the searches run over megabytes at once. A row's verdict rests on claims and on
what can be proved; phrases only take a claim its standing. Nothing here writes files or knows of other chunks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from headwater.errors import BadRow, Where
from headwater.exchange import SetAside
from headwater.provenance.audit.artefacts import Artefacts, artefacts
from headwater.provenance.audit.claims import Claims, Told
from headwater.provenance.audit.columns import Claimed, Columns, Role, Text, without_places
from headwater.provenance.audit.invisible import invisible
from headwater.provenance.audit.parts import EXAMPLES, MOST_COLUMNS, united
from headwater.provenance.audit.record import (
    VERDICTS,
    Card,
    Example,
    Part,
    PartFinding,
    PartGroup,
    RowVerdict,
)
from headwater.provenance.audit.rights import Rights
from headwater.provenance.audit.verifiers import Match, Verifier
from headwater.provenance.terms import Origin, Registry, Use, worst

#: Characters of text in a batch, about, and its most rows.
_BATCH: Final = 1 << 20
_ROWS: Final = 4096
#: Findings of one row that are told.
_MOST_FINDINGS: Final = 200
_TYPES: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
_UNREAD: Final = "holds values too deep or too many to be read"


class Found(NamedTuple):
    """One finding in one row: characters `start` to before `end` of `field`."""

    stage: str
    kind: str
    provider: str | None
    language: str | None
    field: str
    start: int
    end: int


class Row(NamedTuple):
    """A row as the annotations tell it. `basis`: for each of its groups, what in this row or the card says so."""

    number: int
    id: str | None
    groups: tuple[str, ...]
    basis: tuple[tuple[str, ...], ...]
    verdict: RowVerdict
    contradicted: bool
    findings: list[Found]
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True)
class Question:
    """What an audit asks of every row; it travels to the processes that answer.

    `roles`: columns that are taken for something else than their names tell; `constants`: claims for all rows, by role;
    `text`: the only columns to search, where there are any; `rights`: a folder of saved signals of sites, by host.
    """

    use: Use
    card: Card = field(default_factory=Card)
    roles: Mapping[str, Role | None] = field(default_factory=dict)
    constants: Mapping[Role, str] = field(default_factory=dict)
    text: frozenset[str] = frozenset()
    verifiers: tuple[Verifier, ...] = ()
    rights: Path | None = None


class Scanner:
    """Takes chunks of rows through the stages; made once in a process."""

    def __init__(self, question: Question, registry: Registry) -> None:
        self._question = question
        self.registry = registry
        self._artefacts: Artefacts = artefacts()
        self._columns = Columns(question.roles, question.text)
        rights = Rights(question.rights) if question.rights else None
        self._claims = Claims(registry, question.card, question.constants, rights)
        self._verdicts: dict[str, RowVerdict] = {}

    def scan(
        self, name: str, file: int, found: Iterator[tuple[int, object] | BadRow], aside: SetAside
    ) -> Iterator[tuple[Part, list[Row], list[list[Text]]]]:
        """Batches: what each adds, its rows, and their texts. Rows that can't be used go to `aside`."""
        batch: list[tuple[int, Mapping[str, object]]] = []
        looked: list[tuple[list[Text], list[Claimed]]] = []
        size = 0
        for each in found:
            if isinstance(each, BadRow):
                aside.add(each)
                continue
            number, value = each
            row = value if isinstance(value, dict) else {"text": value} if isinstance(value, str) else None
            if row is None:
                aside.add(BadRow(f"is {_type(value)}, not an object", Where(name, number)))
                continue
            texts, claims, whole = self._columns.look(row)
            if not whole:
                aside.note(_UNREAD, Where(name, number))
            batch.append((number, row))
            looked.append((texts, claims))
            size += sum([len(text) for _, text in texts])
            if size >= _BATCH or len(batch) >= _ROWS:
                yield self._batch(name, file, batch, looked)
                batch, looked, size = [], [], 0
        if batch:
            yield self._batch(name, file, batch, looked)

    def look(self, rows: Sequence[Mapping[str, object]]) -> list[Row]:
        """Rows that are in hand already, numbered from 1; nothing is counted."""
        looked = [self._columns.look(row)[:2] for row in rows]
        return self._batch("", 0, list(enumerate(rows, 1)), looked)[1]

    def _batch(
        self,
        name: str,
        file: int,
        batch: Sequence[tuple[int, Mapping[str, object]]],
        looked: Sequence[tuple[list[Text], list[Claimed]]],
    ) -> tuple[Part, list[Row], list[list[Text]]]:
        part = Part(file=file)
        findings, proofs = self._search([texts for texts, _ in looked])
        rows: list[Row] = []
        for at, ((number, row), (texts, claims)) in enumerate(zip(batch, looked, strict=True)):
            told = self._claims.of(claims)
            characters = sum([len(text) for _, text in texts])
            origins, basis = self._origins(told, proofs.get(at, ()))
            verdict = max((self._verdict(key, origin) for key, origin in origins.items()), key=VERDICTS.index)
            found = findings.get(at, [])
            contradicting = [one for one in found if self._contradicts(one, told)]
            if contradicting and verdict == "clean":
                verdict = "unknown"
            rows.append(
                Row(
                    number,
                    _id(claims),
                    tuple(origins),
                    tuple(tuple(basis[key]) for key in origins),
                    verdict,
                    bool(contradicting),
                    found,
                    tuple(origins.values()),
                )
            )
            for path in told.undated:
                note = f"{path}: is no date that can be read"
                part.notes[note] = part.notes.get(note, 0) + 1
            part.claimed += any(
                origin.model or origin.provider or origin.human is not None for origin in told.origins
            )
            answers = [
                self.registry.answer(origin, self._question.use).verdict for origin in origins.values()
            ]
            binding = [each for each in answers if each not in ("allowed", "unknown")]
            answer = worst(binding if verdict == "bound" else answers)
            part.answers[answer] = part.answers.get(answer, 0) + 1
            _add(
                part,
                origins,
                {key: tuple(dict.fromkeys(places.values())) for key, places in basis.items()},
                told.at,
                characters,
                verdict,
                Example(name, number),
            )
            if found:
                _tell(part, name, number, found, contradicting)
            part.lengths[characters.bit_length()] = part.lengths.get(characters.bit_length(), 0) + 1
            self._count_columns(part, row)
            for path, _ in texts:
                name_of = without_places(path)
                part.text_fields[name_of] = part.text_fields.get(name_of, 0) + 1
        for verifier in self._question.verifiers:
            for note, count in getattr(verifier, "notes", dict)().items():
                if count:
                    told_of = f"a text {note} ({verifier.name})"
                    part.notes[told_of] = part.notes.get(told_of, 0) + count
        part.rows = len(rows)
        part.met = sorted(self._columns.met)
        return part, rows, [texts for texts, _ in looked]

    def _origins(
        self, told: Told, proofs: Sequence[tuple[Match, str]]
    ) -> tuple[dict[str, Origin], dict[str, dict[str, str]]]:
        """A row's origins by their keys, and what says so of each; with every proof, what many rows may share of it.

        A proof speaks for the origin that it proves, never for another that the row claims.
        """
        origins = dict(zip(told.keys, told.origins, strict=True))
        basis = {
            key: {place: place for place in places} for key, places in zip(told.keys, told.basis, strict=True)
        }
        for match, kind in proofs:
            proved = _proved(match)
            if _names(proved) or not any(map(_models, told.origins)):
                keys = [self._claims.key(proved)]
                origins[keys[0]] = proved
            else:  # that a model wrote it, which the row claims already
                keys = [key for key, one in origins.items() if one.human is False and not _names(one)]
            for key in keys:
                basis.setdefault(key, {})[f"{match.kind} {match.proof}".strip()] = kind
        return origins, basis

    def _search(
        self, rows: Sequence[list[Text]]
    ) -> tuple[dict[int, list[Found]], dict[int, list[tuple[Match, str]]]]:
        """What the stages find: findings, and matches that prove something, by the row's place in the batch."""
        owners = [(at, text) for at, texts in enumerate(rows) for text in texts]
        encoded = [text.text.encode("utf-8", "surrogatepass") for _, text in owners]
        found: defaultdict[int, list[Found]] = defaultdict(list)
        for at, text in owners:
            if not text.text.isascii():
                for one in invisible(text.text):
                    found[at].append(Found("claims", one.name, None, None, text.path, one.start, one.end))
        for hit in self._artefacts.find(encoded):
            at, text = owners[hit.index]
            if len(found[at]) < _MOST_FINDINGS:
                raw, phrase = encoded[hit.index], hit.phrase
                start, end = _characters(raw, hit.start), _characters(raw, hit.end)
                found[at].append(
                    Found("artefacts", phrase.kind, phrase.provider, phrase.language, text.path, start, end)
                )
        proofs: defaultdict[int, list[tuple[Match, str]]] = defaultdict(list)
        for verifier in self._question.verifiers:
            for (at, text), matches in zip(
                owners, verifier.verify([text.text for _, text in owners]), strict=True
            ):
                for match in matches[:_MOST_FINDINGS]:
                    end = match.end or len(text.text)
                    kind = _kind(verifier, match)
                    proofs[at].append((match, kind))
                    found[at].append(
                        Found(verifier.stage, kind, match.provider, None, text.path, match.start, end)
                    )
        return found, proofs

    def _verdict(self, key: str, origin: Origin) -> RowVerdict:
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._verdicts[key] = verdict_on(self.registry, origin, self._question.use)
        return verdict

    def _contradicts(self, one: Found, told: Told) -> bool:
        """Whether a finding speaks against what the row claims of its writer."""
        by_people = all(origin.human for origin in told.origins)
        if one.stage != "artefacts":
            return one.stage == "marks" and by_people
        if not self._artefacts.kinds[one.kind].unsettles:
            return False
        if by_people:
            return True
        if one.provider in (None, "other"):
            return False
        claimed = {self._provider(origin) for origin in told.origins if origin.model or origin.provider}
        return bool(claimed - {None}) and None not in claimed and one.provider not in claimed

    def _provider(self, origin: Origin) -> str | None:
        model = self.registry.identify(origin.model) if origin.model else None
        return model.provider if model is not None else origin.provider if not origin.model else None

    def _count_columns(self, part: Part, row: Mapping[str, object]) -> None:
        for key, value in row.items():
            name = self._columns.shown(key)
            kinds = part.columns.get(name)
            if kinds is None:
                if len(part.columns) >= MOST_COLUMNS:
                    continue
                kinds = part.columns[name] = {}
            kind = _TYPES.get(type(value), "null" if value is None else "other")
            kinds[kind] = kinds.get(kind, 0) + 1


def verdict_on(registry: Registry, origin: Origin, use: Use) -> RowVerdict:
    """Clean, bound or unknown: what the answer on an origin comes to for a row.

    A row of which nobody says who wrote it is never clean, whatever its licence allows.
    """
    answer = registry.answer(origin, use)
    if answer.verdict == "unknown":
        return "unknown"
    if answer.verdict != "allowed":
        return "bound"
    return "clean" if origin.human or origin.model or origin.provider else "unknown"


def _proved(match: Match) -> Origin:
    at = date.fromisoformat(match.at) if match.at else None
    by_people = None if match.model or match.provider else False
    return Origin(
        model=match.model, provider=match.provider, account_type=match.account_type, at=at, human=by_people
    )


def _names(origin: Origin) -> bool:
    return bool(origin.model or origin.provider)


def _models(origin: Origin) -> bool:
    """Whether a model is said to have written it, named or not."""
    return _names(origin) or origin.human is False


def _kind(verifier: Verifier, match: Match) -> str:
    """Marks are told apart by their names; receipts would be as many kinds as rows."""
    told = f"{match.kind} {match.proof}".strip() if verifier.stage == "marks" else match.kind
    return told.replace("\t", " ")


def _add(
    part: Part,
    origins: Mapping[str, Origin],
    basis: Mapping[str, tuple[str, ...]],
    at: date | None,
    size: int,
    verdict: RowVerdict,
    first: Example,
) -> None:
    part.characters += size
    part.verdicts[verdict] = part.verdicts.get(verdict, 0) + 1
    for key, origin in origins.items():
        group = part.groups.get(key)
        if group is None:
            group = part.groups[key] = PartGroup(origin, (), first=first)
        group.basis = united(group.basis, basis[key])
        group.rows += 1
        group.characters += size
        if at is not None:
            group.first_at = min(at, group.first_at or at)
            group.last_at = max(at, group.last_at or at)


def _tell(part: Part, name: str, number: int, found: list[Found], contradicting: list[Found]) -> None:
    """Count a row's findings: each kind once."""
    part.contradicted += bool(contradicting)
    for stage in {one.stage for one in found}:
        part.found_rows[stage] = part.found_rows.get(stage, 0) + 1
    seen: set[str] = set()
    against = {finding_key(one) for one in contradicting}
    for one in found:
        key = finding_key(one)
        if key in seen:
            continue
        seen.add(key)
        kind = part.findings.get(key)
        if kind is None:
            kind = part.findings[key] = PartFinding(examples=[])
        kind.rows += 1
        kind.contradicts += key in against
        if len(kind.examples) < EXAMPLES:
            kind.examples.append(Example(name, number, one.field, one.start, one.end))


def finding_key(one: Found) -> str:
    """What is counted together, as one string."""
    return "\t".join((one.stage, one.kind, one.provider or "", one.language or ""))


def _characters(raw: bytes, at: int) -> int:
    return len(raw[:at].decode("utf-8", "surrogatepass"))


def _id(claims: Sequence[Claimed]) -> str | None:
    return next(
        (str(claim.value)[:100] for claim in claims if claim.role == "id" and "." not in claim.path), None
    )


def _type(value: object) -> str:
    names: dict[Any, str] = {**_TYPES, type(None): "null"}
    name = names.get(type(value), "a value")
    return f"a {name}" if name != "null" else "null"

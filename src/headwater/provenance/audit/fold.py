"""Parts of an audit added up to its report. The order of the corpus decides what stands first, never the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from headwater.provenance.audit.columns import Columns
from headwater.provenance.audit.corpus import Corpus
from headwater.provenance.audit.parts import add
from headwater.provenance.audit.record import ColumnTold, FileTold, Finding, Group, Part, SetAsideTold, Stage
from headwater.provenance.audit.scan import Question, verdict_on
from headwater.provenance.audit.verifiers import Verifier
from headwater.provenance.terms import Registry

#: Groups that are told one by one; in a hostile corpus every row claims another model.
MOST_GROUPS = 2_000


@dataclass
class Total:
    """The sum of all parts, and the rows of each file."""

    part: Part = field(default_factory=lambda: Part(file=-1))
    file_rows: Counter[int] = field(default_factory=Counter)
    file_aside: Counter[int] = field(default_factory=Counter)

    def add(self, part: Part, aside: int) -> None:
        """Take a part in, of which `aside` rows were set aside; parts come in order of the corpus."""
        add(self.part, part)
        self.file_rows[part.file] += part.rows + aside
        self.file_aside[part.file] += aside


def groups_told(total: Total, registry: Registry, question: Question) -> tuple[Group, ...]:
    """Groups with the answers on them, largest first; beyond the most, the smallest are left out."""
    told = []
    largest = sorted(total.part.groups.items(), key=lambda item: (-item[1].rows, item[0]))
    for key, group in largest[:MOST_GROUPS]:
        at: date | None = group.first_at if group.origin.at is not None else None
        origin = msgspec.structs.replace(group.origin, at=at)
        answer = registry.answer(origin, question.use)
        verdict = verdict_on(registry, origin, question.use)
        days = group.first_at, group.last_at
        told.append(
            Group(key, origin, group.basis, group.rows, group.characters, *days, verdict, answer, group.first)
        )
    return tuple(told)


def findings_told(total: Total) -> tuple[Finding, ...]:
    """Findings, most rows first."""
    told = []
    for key, finding in total.part.findings.items():
        stage, kind, provider, language = key.split("\t")
        told.append(
            Finding(
                stage,
                kind,
                provider or None,
                language or None,
                finding.rows,
                finding.contradicts,
                tuple(finding.examples),
            )
        )
    return tuple(
        sorted(told, key=lambda one: (-one.rows, one.stage, one.kind, one.provider or "", one.language or ""))
    )


def stages_told(total: Total, verifiers: Sequence[Verifier]) -> tuple[Stage, ...]:
    """What each stage found; the last two run only with a verifier."""
    kinds: dict[str, Counter[str]] = {}
    for key, finding in total.part.findings.items():
        stage, kind, *_ = key.split("\t")
        kinds.setdefault(stage, Counter())[kind] += finding.rows
    told = [Stage("claims", True, "", total.part.claimed, _ranked(kinds.get("claims", Counter())))]
    told.append(
        Stage(
            "artefacts",
            True,
            "",
            total.part.found_rows.get("artefacts", 0),
            _ranked(kinds.get("artefacts", Counter())),
        )
    )
    for name, why in (
        ("registries", "no registry of outputs was given (--verifier)"),
        ("marks", "no keyring was given (--keyring)"),
    ):
        asked = [verifier for verifier in verifiers if verifier.stage == name]
        told.append(
            Stage(
                name,
                bool(asked),
                "" if asked else why,
                total.part.found_rows.get(name, 0),
                _ranked(kinds.get(name, Counter())),
                tuple(line for verifier in asked for line in _errors(verifier, total)),
            )
        )
    return tuple(told)


def _errors(verifier: Verifier, total: Total) -> list[str]:
    """What a verifier's card says, and what its error rate comes to over all texts."""
    told = [f"{verifier.name}: {text}" for text in verifier.card.values()]
    alpha = getattr(verifier, "alpha", None)
    if alpha is not None:
        texts = sum(total.part.text_fields.values())
        expected = f"{float(f'{alpha * texts:.2g}'):,}"
        told.append(
            f"{verifier.name}: of {texts:,} texts, at most {expected} are expected to be recognised wrongly"
        )
    return told


def columns_told(total: Total, columns: Columns) -> tuple[ColumnTold, ...]:
    """Columns as they were met, in order."""
    return tuple(
        ColumnTold(name, _type(kinds), columns.role(name), sum(kinds.values()))
        for name, kinds in total.part.columns.items()
    )


def files_told(total: Total, corpus: Corpus, digests: Sequence[str]) -> tuple[FileTold, ...]:
    """Files with their rows and digests."""
    return tuple(
        FileTold(
            file.name,
            file.kind,
            file.size,
            total.file_rows[at],
            total.file_aside[at],
            digests[at],
        )
        for at, file in enumerate(corpus.files)
    )


def aside_told(
    counted: int, reasons: Iterable[tuple[str, int]], notices: Iterable[tuple[str, int]]
) -> SetAsideTold:
    """What was set aside, in the report's form."""
    return SetAsideTold(counted, tuple(reasons), tuple(notices))


def _type(kinds: Mapping[str, int]) -> str:
    held = [kind for kind in kinds if kind != "null"]
    return held[0] if len(held) == 1 else "mixed" if held else "null"


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

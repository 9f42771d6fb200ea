"""Rows annotated where they are: the stages of the audit for whoever already has rows in hand.

For pipelines that read and write themselves. Gives what the sidecar of an audit gives, row by row; the registry and
the search are made once, at the first row, so that an annotator travels to other processes as what it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from headwater.provenance.audit.record import RowVerdict
from headwater.provenance.audit.scan import Question, Row, Scanner
from headwater.provenance.terms import USES, Use, load_registry


class Annotation(msgspec.Struct, frozen=True):
    """What the audit says of a row. `findings`: "stage kind" or "stage kind provider", each once, in order.

    `origins` are those that it claims, as (model or provider or "people" or "", what the terms answer).
    """

    verdict: RowVerdict
    contradicted: bool
    findings: tuple[str, ...]
    origins: tuple[tuple[str, str], ...]

    def flat(self) -> dict[str, str | bool]:
        """The same in texts, for columns whose type must not depend on the first rows that are met."""
        terms = "; ".join(f"{who or 'nobody named'}: {answer}" for who, answer in self.origins)
        findings = "; ".join(self.findings)
        return {
            "verdict": self.verdict,
            "contradicted": self.contradicted,
            "findings": findings,
            "terms": terms,
        }


class Annotator:
    """Annotates rows. `use`: a name of `USES`, or a `Use`; `terms`: folders of further terms files.

    `question` replaces all that `use` says, for roles of columns and claims that hold for every row.
    """

    def __init__(
        self, use: str | Use = "train", *, terms: Sequence[Path] = (), question: Question | None = None
    ) -> None:
        self._question = question or Question(USES[use] if isinstance(use, str) else use)
        self._terms = tuple(terms)
        self._scanner: Scanner | None = None

    def __getstate__(self) -> dict[str, object]:
        """Without the search: it is made anew where it's needed."""
        return {**self.__dict__, "_scanner": None}

    def annotate(self, rows: Sequence[Mapping[str, object]]) -> list[Annotation]:
        """One annotation for each row, in order."""
        if self._scanner is None:
            self._scanner = Scanner(self._question, load_registry(*self._terms))
        return [self._told(row) for row in self._scanner.look(rows)]

    def _told(self, row: Row) -> Annotation:
        assert self._scanner is not None
        findings = dict.fromkeys(
            " ".join(filter(None, (one.stage, one.kind, one.provider))) for one in row.findings
        )
        origins = []
        for origin in row.origins:
            answer = self._scanner.registry.answer(origin, self._question.use)
            who = origin.model or origin.provider or ("people" if origin.human else "")
            origins.append((who, answer.verdict))
        return Annotation(row.verdict, row.contradicted, tuple(findings), tuple(origins))

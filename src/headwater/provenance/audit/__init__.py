"""What a corpus holds: who is claimed to have written it, what models left in it, and which terms bind it.

`audit` streams a corpus of any size through the stages and writes a report with a sidecar of annotations;
`explain_row`, `split` and `dispute` act on it. The corpus is never rewritten, and no mark in it is ever taken away.
"""

from headwater.provenance.audit.annotations import SCHEMA as ANNOTATIONS
from headwater.provenance.audit.annotator import Annotation, Annotator
from headwater.provenance.audit.artefacts import Artefacts, Hit, Kind, artefact_kinds, artefacts
from headwater.provenance.audit.columns import NAMES as COLUMN_NAMES
from headwater.provenance.audit.columns import Columns, Role
from headwater.provenance.audit.invisible import TITLES as INVISIBLE
from headwater.provenance.audit.kept import Dispute, RowTold, dispute, disputes, explain_row, load_report
from headwater.provenance.audit.record import (
    Example,
    Finding,
    Group,
    PrevalenceTold,
    Report,
    RowVerdict,
    record_types,
)
from headwater.provenance.audit.run import AuditSettings, audit
from headwater.provenance.audit.scan import Found, Question, Row, Scanner
from headwater.provenance.audit.split import split
from headwater.provenance.audit.texts import RowTexts, corpus_texts
from headwater.provenance.audit.tracing import CorpusTrace, Tested, Traced, trace_corpus
from headwater.provenance.audit.verifiers import Match, Verifier

__all__ = [
    "ANNOTATIONS",
    "COLUMN_NAMES",
    "INVISIBLE",
    "Annotation",
    "Annotator",
    "Artefacts",
    "AuditSettings",
    "Columns",
    "CorpusTrace",
    "Dispute",
    "Example",
    "Finding",
    "Found",
    "Group",
    "Hit",
    "Kind",
    "Match",
    "PrevalenceTold",
    "Question",
    "Report",
    "Role",
    "Row",
    "RowTexts",
    "RowTold",
    "RowVerdict",
    "Scanner",
    "Tested",
    "Traced",
    "Verifier",
    "artefact_kinds",
    "artefacts",
    "audit",
    "corpus_texts",
    "dispute",
    "disputes",
    "explain_row",
    "load_report",
    "record_types",
    "split",
    "trace_corpus",
]

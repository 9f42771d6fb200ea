"""Was a model trained on marked text: exact tests of a student from its weights, from its answers, and by lineage.

`compute` makes the differences between a student and a reference, `examine` holds keys against them (`coefficients` is
the statistic); `Sequential` tests answers one by one; `lineage` does without a mark; `commitment` binds a test first.
"""

from headwater.mark.student.asking import (
    Answer,
    Answered,
    Heard,
    Reader,
    answer_line,
    answers_of,
    listen,
    prompts_digest,
    prompts_of,
)
from headwater.mark.student.commitment import FORMAT as COMMITMENT_FORMAT
from headwater.mark.student.commitment import (
    REPORT_FORMAT,
    Commit,
    Commitment,
    bound,
    commitment,
    described,
    key_digest,
    load_commitment,
    of_answers,
    of_weights,
    report_digest,
)
from headwater.mark.student.compute import compute
from headwater.mark.student.differences import Differences, Rows, joined, sparse
from headwater.mark.student.examine import AccountShare, Candidate, Examined, Tested, examine
from headwater.mark.student.lineage import Compared, Lineage, lineage
from headwater.mark.student.models import Model, check_pair, model_digest, open_model
from headwater.mark.student.parts import parts
from headwater.mark.student.scored import scored_of_differences, scored_of_texts
from headwater.mark.student.sequential import Rule, Sequential, Wealth
from headwater.mark.student.statistic import Coefficients, coefficients
from headwater.mark.student.stored import About
from headwater.mark.student.stored import load as load_differences
from headwater.mark.student.stored import save as save_differences
from headwater.mark.student.texts import Text, read_texts, texts_digest

__all__ = [
    "COMMITMENT_FORMAT",
    "REPORT_FORMAT",
    "About",
    "AccountShare",
    "Answer",
    "Answered",
    "Candidate",
    "Coefficients",
    "Commit",
    "Commitment",
    "Compared",
    "Differences",
    "Examined",
    "Heard",
    "Lineage",
    "Model",
    "Reader",
    "Rows",
    "Rule",
    "Sequential",
    "Tested",
    "Text",
    "Wealth",
    "answer_line",
    "answers_of",
    "bound",
    "check_pair",
    "coefficients",
    "commitment",
    "compute",
    "described",
    "examine",
    "joined",
    "key_digest",
    "lineage",
    "listen",
    "load_commitment",
    "load_differences",
    "model_digest",
    "of_answers",
    "of_weights",
    "open_model",
    "parts",
    "prompts_digest",
    "prompts_of",
    "read_texts",
    "report_digest",
    "save_differences",
    "scored_of_differences",
    "scored_of_texts",
    "sparse",
    "texts_digest",
]

"""Was a model trained on marked text: exact tests of a student from its weights or its answers, and from lineage.

`statistic` is the test of weights; `differences` is what it reads: how a student's laws differ from a reference's.
"""

from headwater.mark.student.differences import Differences, Rows, joined, sparse
from headwater.mark.student.statistic import Coefficients, coefficients

__all__ = ["Coefficients", "Differences", "Rows", "coefficients", "joined", "sparse"]

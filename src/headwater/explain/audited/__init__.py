"""An audit of a corpus in words: the page, what a terminal shows, a summary for a pull request, SARIF.

What was found and what terms say stands in the report already; here it becomes sentences, tables and charts.
"""

from headwater.explain.audited.page import audit_page
from headwater.explain.audited.sarif import audit_sarif
from headwater.explain.audited.short import audit_board, audit_markdown, audit_verdict, row_lines
from headwater.explain.audited.wording import set_aside_lines

__all__ = [
    "audit_board",
    "audit_markdown",
    "audit_page",
    "audit_sarif",
    "audit_verdict",
    "row_lines",
    "set_aside_lines",
]

"""Rights signals of the open web and of datasets, one file each, read into `Signal`: robots.txt, AIPREF,
Content-Signal, RSL, TDM reservation, columns on consent and attribution. Nothing here fetches anything.
"""

from __future__ import annotations

from headwater.provenance.terms.signals.aipref import read_content_usage
from headwater.provenance.terms.signals.columns import column_kind, row_signals
from headwater.provenance.terms.signals.robots import TRAINERS, read_robots
from headwater.provenance.terms.signals.rsl import read_rsl
from headwater.provenance.terms.signals.tdmrep import read_tdm_headers, read_tdm_html, read_tdmrep

__all__ = [
    "TRAINERS",
    "column_kind",
    "read_content_usage",
    "read_robots",
    "read_rsl",
    "read_tdm_headers",
    "read_tdm_html",
    "read_tdmrep",
    "row_signals",
]

"""Evidence, links, rings and verdicts: batch today, live from the same folds tomorrow.

Each kind of evidence is one file in `evidence/`, defined once as a fold. This room proposes and measures;
it knows nothing of actions, policy or HTTP. Its records are loaded at once, its arithmetic when first used, so that
whoever only reads a verdict doesn't wait for a compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwater.detect.verdict import (
    A_KIND,
    NO_RULE,
    TOGETHER,
    AccountVerdict,
    Campaign,
    Coverage,
    Findings,
    Kind,
    LogSummary,
    Member,
    Piece,
    Proposal,
    Slot,
    Taken,
    Template,
    Undecided,
    Word,
)

if TYPE_CHECKING:
    from headwater.detect.assemble import campaigns
    from headwater.detect.fold import (
        Batch,
        Card,
        Finding,
        Fold,
        Links,
        Proposer,
        Reading,
        Ring,
        Test,
        Trait,
        World,
    )
    from headwater.detect.installed import load
    from headwater.detect.known import Declaration, load_known
    from headwater.detect.pipeline import Detection, detect
    from headwater.detect.settings import DetectSettings
    from headwater.detect.sight import coverage, needs, too_few
    from headwater.detect.single import alone
    from headwater.detect.tables import Tables

_WHERE = {
    "campaigns": "assemble",
    "coverage": "sight",
    "needs": "sight",
    "too_few": "sight",
    "Batch": "fold",
    "Card": "fold",
    "Finding": "fold",
    "Fold": "fold",
    "Links": "fold",
    "Proposer": "fold",
    "Reading": "fold",
    "Ring": "fold",
    "Test": "fold",
    "Tables": "tables",
    "Trait": "fold",
    "World": "fold",
    "alone": "single",
    "load": "installed",
    "Declaration": "known",
    "load_known": "known",
    "Detection": "pipeline",
    "detect": "pipeline",
    "DetectSettings": "settings",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # A submodule of the same name would hide the function once it is imported: keep the function.
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


__all__ = [
    "A_KIND",
    "NO_RULE",
    "TOGETHER",
    "AccountVerdict",
    "Batch",
    "Campaign",
    "Card",
    "Coverage",
    "Declaration",
    "DetectSettings",
    "Detection",
    "Finding",
    "Findings",
    "Fold",
    "Kind",
    "Links",
    "LogSummary",
    "Member",
    "Piece",
    "Proposal",
    "Proposer",
    "Reading",
    "Ring",
    "Slot",
    "Tables",
    "Taken",
    "Template",
    "Test",
    "Trait",
    "Undecided",
    "Word",
    "World",
    "alone",
    "campaigns",
    "coverage",
    "detect",
    "load",
    "load_known",
    "needs",
    "too_few",
]

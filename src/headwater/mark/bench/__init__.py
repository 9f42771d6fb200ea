"""A bench of marks: schemes by attacks, entropies and lengths, in one comparable table, without torch.

Any scheme found by the entry points `headwater.marks` takes part, MarkLLM's through an adapter. Attacks are small
files; other packages' come by the entry points `headwater.attacks`. What a text carries is for `mark.detection` to say.
"""

from headwater.mark.bench.attacks import Attack, Marked, attack
from headwater.mark.bench.attacks import names as attack_names
from headwater.mark.bench.conformance import Finding, conformance
from headwater.mark.bench.entrant import entrant
from headwater.mark.bench.plan import Material, Plan, Spec, spec
from headwater.mark.bench.run import run
from headwater.mark.bench.table import COLUMNS, JSON_BEGINS, Rate, Row, as_csv, as_json, from_json, table

__all__ = [
    "COLUMNS",
    "JSON_BEGINS",
    "Attack",
    "Finding",
    "Marked",
    "Material",
    "Plan",
    "Rate",
    "Row",
    "Spec",
    "as_csv",
    "as_json",
    "attack",
    "attack_names",
    "conformance",
    "entrant",
    "from_json",
    "run",
    "spec",
    "table",
]

"""What terms say about training on outputs: a registry of documents by version, licences, rights signals, an answer.

`load_registry()` gives a `Registry`; `Registry.answer(Origin(…), Use(…))` says what the texts that go with an origin
say of a use, with the chain behind it and who is bound. `identify()` reads names of models. Reading texts off the
network is left to others.
"""

from __future__ import annotations

from headwater.provenance.terms.document import Terms, read_terms
from headwater.provenance.terms.licences import Licence, licence
from headwater.provenance.terms.model import (
    NO_SERVICE,
    ORDER,
    THE_PROVIDER,
    USES,
    Answer,
    Binds,
    Clause,
    Link,
    Origin,
    Says,
    Signal,
    Use,
    Verdict,
    worst,
)
from headwater.provenance.terms.names import Model, identify, is_human
from headwater.provenance.terms.providers import provider_name
from headwater.provenance.terms.service import clause_of
from headwater.provenance.terms.signals import (
    TRAINERS,
    column_kind,
    read_content_usage,
    read_robots,
    read_rsl,
    read_tdm_headers,
    read_tdm_html,
    read_tdmrep,
    row_signals,
)
from headwater.provenance.terms.versions import InForce, Registry, load_registry
from headwater.provenance.terms.wording import CAUTION

__all__ = [
    "CAUTION",
    "NO_SERVICE",
    "ORDER",
    "THE_PROVIDER",
    "TRAINERS",
    "USES",
    "Answer",
    "Binds",
    "Clause",
    "InForce",
    "Licence",
    "Link",
    "Model",
    "Origin",
    "Registry",
    "Says",
    "Signal",
    "Terms",
    "Use",
    "Verdict",
    "clause_of",
    "column_kind",
    "identify",
    "is_human",
    "licence",
    "load_registry",
    "provider_name",
    "read_content_usage",
    "read_robots",
    "read_rsl",
    "read_tdm_headers",
    "read_tdm_html",
    "read_tdmrep",
    "read_terms",
    "row_signals",
    "worst",
]

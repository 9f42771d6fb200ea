"""Cloudflare's Content-Signal: `search`, `ai-input` and `ai-train`, yes or no, in robots.txt.

Source: contentsignals.org (CC0) and draft-romm-aipref-contentsignals-00. A signal that is left out neither grants
nor restricts; of two that contradict each other the restrictive one counts here.
"""

from __future__ import annotations

from headwater.provenance.terms.model import Says
from headwater.provenance.terms.signals.aipref import combined

_VALUES: dict[str, Says] = {"yes": "allowed", "no": "not-allowed"}


def train_signal(value: str) -> Says:
    """What the value of a Content-Signal line says of training."""
    said: list[Says] = []
    for pair in value.split(","):
        name, _, answer = pair.partition("=")
        if name.strip().lower() == "ai-train":
            said.append(_VALUES.get(answer.strip().lower(), "unsaid"))
    return combined(said)

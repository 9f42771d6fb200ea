"""What the estimate of prevalence is, as every detector says it of itself: for reports and for the documentation."""

from __future__ import annotations

import msgspec


class Card(msgspec.Struct, frozen=True):
    """What it sees, against what, how often it is wrong, whom it wrongs, and what it costs to evade."""

    name: str
    title: str
    sees: str
    null: str
    error: str
    innocent_causes: tuple[str, ...]
    blind_to: tuple[str, ...]
    evasion_cost: str
    needs: str
    source: str


CARD = Card(
    name="prevalence",
    title="Share of a corpus that chat models wrote",
    sees="more texts of a sample that read, by their runs of characters, like a chat model's than people would write",
    null="a human domain drawn from the spread of those measured: place and width of its scores are random",
    error="not measured yet",
    innocent_causes=(
        "templates and boilerplate",
        "writing in a second language, and schoolbook style",
        "translated or edited text",
        "a corpus of two human domains, one of which reads more formally",
        "documentation with headings and lists",
    ),
    blind_to=(
        "model text that was paraphrased",
        "plain continuations by base models",
        "models that write unlike all that were measured",
        "texts under 40 words, code, and languages other than English",
    ),
    evasion_cost="next to nothing: a paraphraser, or a prompt that asks for another style",
    needs="200 readable rows of the sample; 100 texts of the same domain for each reference",
    source="Forman 2008 (quantification); Feldman and Cousins 1998; Higgins, Thompson and Spiegelhalter 2009",
)

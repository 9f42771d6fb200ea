"""Names of the files that Headwater writes as manifests, and of what a statement covers of a card."""

from __future__ import annotations

from typing import Final

CARD_NAME: Final = "README.md"
STATEMENT_NAME: Final = "statement.dsse.json"
ISCC_NAME: Final = "iscc.json"
#: Subject of a statement: Headwater's section of the card and the keys of its head, not the rest of the file.
CARD_SUBJECT: Final = "README.md#headwater"

#: Manifests at the top of a data set's folder, apart from the statement.
MANIFESTS: Final = (
    CARD_NAME,
    "croissant.json",
    "dta.json",
    ISCC_NAME,
    "iscc.jsonl",
    "eu-summary.json",
    "eu-summary.md",
    "california-statement.json",
    "california-statement.md",
)

"""Writing marks with logits: what one step of a serving engine does to the scores of a batch.

A `Rule` is what one answer is marked by, a `Row` is one answer that is being written, `mark` does one step of many, and
`Embedding` is what a keyring's table `[embed]` says: who gets which rule. Engines' adapters are in `integrations`.
Their steps on torch tensors, `torch_step` and `torch_history`, are imported by whom they serve.
"""

from headwater.mark.embed.embedding import Asked, Embedding, Wanted, embedding, load_embedding
from headwater.mark.embed.row import Memory, Row
from headwater.mark.embed.rule import Rule, rule_of
from headwater.mark.embed.step import TOP_K, mark

__all__ = [
    "TOP_K",
    "Asked",
    "Embedding",
    "Memory",
    "Row",
    "Rule",
    "Wanted",
    "embedding",
    "load_embedding",
    "mark",
    "rule_of",
]

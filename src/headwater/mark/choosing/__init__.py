"""Marks without logits: of several drafts the one is taken that a key likes best, by its words or by its sentences."""

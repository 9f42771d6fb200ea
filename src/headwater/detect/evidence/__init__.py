"""One file for each kind of evidence, by family; each family lists its own (entry points `headwater.evidence`)."""

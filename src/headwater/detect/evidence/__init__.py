"""One file for each kind of evidence, found through the entry-point group `headwater.evidence`."""

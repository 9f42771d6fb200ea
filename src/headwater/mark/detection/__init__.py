"""One text against a keyring: which mark it carries, where, and how sure that is."""

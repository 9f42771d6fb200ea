"""Where text came from and what binds it: terms of providers, audits of corpora, manifests of data sets.

Four parts, each with its own door: `terms` answers, `audit` streams a corpus and asks, `prevalence` estimates,
`manifest` publishes. None of them knows accounts or a gateway.
"""

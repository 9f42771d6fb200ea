"""The decision service: other programs' gateways ask here, and are answered instead of forwarded.

`routes` are its own paths, `tokens` says which programs may ask, `asking` reads who asks and for what from what nginx,
Envoy or a program shows, `decisions` decides and holds what was granted until it is settled, `wording` is the JSON,
`stage` the one stage that answers. What is decided is decided in `control`, as for requests that pass.
"""

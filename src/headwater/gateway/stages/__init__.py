"""The stages between a client and a model server: who asks, what is granted, what becomes of the answer, the record.

`identify`, `grant` and `record` are the stages, in this order; each is `gateway.stage.Stage` and attaches to the relay
from outside. `passage` is what they tell each other of one request, `wishing` says what a request asks for, `refusing`
words what is denied, `leases` and `keeping` do what no request waits for. What is decided is decided in `control`.
"""

"""The data plane: clients' connections, upstream connections and the exchange between them, on asyncio's protocols.

Needs the extra `gateway` to run. What a message is stands in `wire`; what becomes of a request, stages decide.
"""

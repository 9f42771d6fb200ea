"""Where replicas share what is left of budgets: in one process, in Redis, in PostgreSQL.

Each is a `Store`; the asyncio drivers say the same with `await`. Nothing is imported here: a store brings its client.
"""

"""Where rooms keep what must not get lost: connections, transactions, compare-and-swap, migrations, an outbox.

SQLite, one file, one writer at a time. What the tables mean is known above this room; each room brings its own as
migrations, and no table is touched by two rooms, but for the outbox.
"""

from headwater.store.migrations import Migration
from headwater.store.store import Store
from headwater.store.transaction import Params, Transaction, Waiting

__all__ = ["Migration", "Params", "Store", "Transaction", "Waiting"]

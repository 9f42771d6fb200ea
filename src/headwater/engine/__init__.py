"""A few verbs over tables of exchanges, on DuckDB or Spark; the only room that speaks SQL about them.

`spool` keeps a log's columns on disk while it is being read, `arrange` turns it into an index (one narrow row
an exchange: account code, session, half) by named steps that can be printed and run by hand. `spark` does both
on a cluster, and is imported only where one is asked for. What the columns mean is no business of this room.
"""

from headwater.engine.arrange import Index, arrange
from headwater.engine.arranged import ACCOUNT, AT_US, HALF, MODEL, SESSION, Arranged, Local
from headwater.engine.behind import behind
from headwater.engine.census import Census
from headwater.engine.index_file import index_of, read_index, write_index
from headwater.engine.memory import memory_kept
from headwater.engine.resources import Resources
from headwater.engine.spool import Part, Spool
from headwater.engine.steps import steps

__all__ = [
    "ACCOUNT",
    "AT_US",
    "HALF",
    "MODEL",
    "SESSION",
    "Arranged",
    "Census",
    "Index",
    "Local",
    "Part",
    "Resources",
    "Spool",
    "arrange",
    "behind",
    "index_of",
    "memory_kept",
    "read_index",
    "steps",
    "write_index",
]

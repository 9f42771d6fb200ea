"""What may be left out of a world's log, and the log as a spool of imprints."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater import intake
from headwater.engine import Index, Resources, Spool, arrange
from headwater.exchange import SetAside, read
from headwater.keys import DEMO_KEY

#: Columns of an exchange that the simulation invents beside prompt, time, account and its customer.
ATTRIBUTES = frozenset({"ip", "user_agent", "tls", "ja4h", "http2", "header_order"})
#: Evidence that looks for a shared form: the template itself and its disjoint slots.
TEMPLATES = ("template", "dealt")


@contextmanager
def spooled(log: Path, threads: int = 0) -> Iterator[tuple[Spool, Index]]:
    """The log as a spool of imprints with its index, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder, resources = Path(name), Resources(threads=threads)
        spool = Spool(folder / "spool", intake.schema(keep_prompts=False))
        with spool, SetAside() as aside:
            intake.fill(spool, read([log], aside=aside), DEMO_KEY, workers=resources.workers)
        yield spool, arrange(spool, resources, folder)

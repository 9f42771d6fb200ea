"""What a data set claims of all its rows at once, as manifests of ours write it beside what an audit read in its rows.

Without it, an audit of the published set would take a model that some rows name for the writer of all of them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.provenance.manifest.record import DatasetRecord

#: The entry of a JSON document.
WHOLE: Final = "claimed_of_the_whole"


def told(record: DatasetRecord) -> dict[str, Any]:
    """The claims on the whole as plain values; `Draft.audited` reads them."""
    made: dict[str, Any] = msgspec.to_builtins(record.claimed)
    return made

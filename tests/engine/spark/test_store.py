"""What a writer that was killed leaves in the folder of a cluster's store."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.spark.standalone import CLUSTERED
from headwater.engine.spark import Store

pytestmark = CLUSTERED


def test_what_is_half_written_goes_and_the_rest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.write("parts/whole.parquet", b"whole")
    torn: list[Path] = []

    def killed(_: Path, to: Path) -> None:
        torn.extend((tmp_path / "store" / "parts").glob("_*"))
        raise OSError("no longer here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(Exception, match="cannot be written"):
            store.write("parts/other.parquet", b"half")
    assert [path.read_bytes() for path in torn] == [b"half"]

    store.sweep()

    assert store.files().keys() == {"parts/whole.parquet"}
    assert store.read("parts/whole.parquet") == b"whole"

"""The bundled sample passes its own audit, and its manifest says what it is."""

from __future__ import annotations

import json
from pathlib import Path

from headwater.provenance.manifest import verify
from headwater.provenance.terms import USES
from provenance.audit.corpora import audited

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"


def test_nothing_binds_its_evaluation_and_every_file_is_what_the_manifest_says(tmp_path: Path) -> None:
    report = audited(SAMPLE, tmp_path / "out", use=USES["evaluate"], roles={"model": None})
    assert report.rows == 13_757 + 603
    assert report.set_aside.total == 0
    assert report.verdicts["bound"] == 0
    assert report.card.synthetic is True
    assert set(report.card.license) >= {"mit", "apache-2.0", "cc-by-4.0"}
    found = verify(SAMPLE)
    assert found.holds
    assert {file.path for file in report.files} == {"accounts.parquet", "exchanges.parquet"}


def test_the_manifest_loads_where_others_read_it() -> None:
    import mlcroissant

    told = json.loads((SAMPLE / "croissant.json").read_text())
    data = mlcroissant.Dataset(jsonld=told)
    assert data.metadata.name == "headwater-sample"
    assert told["rai:hasSyntheticData"] is True

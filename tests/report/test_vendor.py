"""Vendored scripts are the ones that VENDOR.toml names, with their licences beside them."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import headwater.report

VENDOR = Path(headwater.report.__file__).parent / "vendor"


def test_every_script_is_listed_with_its_sum_and_licence() -> None:
    listed = tomllib.loads((VENDOR / "VENDOR.toml").read_text(encoding="utf-8"))["file"]
    assert {entry["name"] for entry in listed} == {path.name for path in VENDOR.glob("*.js")}
    for entry in listed:
        assert hashlib.sha256((VENDOR / entry["name"]).read_bytes()).hexdigest() == entry["sha256"], entry[
            "name"
        ]
        assert entry["licence_files"]
        for licence in entry["licence_files"]:
            assert "copyright" in (VENDOR / licence).read_text(encoding="utf-8").lower()


def test_the_pages_own_files_are_small() -> None:
    assets = VENDOR.parent / "assets"
    assert (assets / "report.css").stat().st_size <= 15_000
    lines = (assets / "map.js").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) and not line.strip().startswith("//") for line in lines) <= 250

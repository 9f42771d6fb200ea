"""The page on marks on sentences shows the figures that were measured, and they keep what it says of them."""

from __future__ import annotations

import json
import sys

from house.source import ROOT

sys.path.append(str(ROOT / "benchmarks"))
sys.path.append(str(ROOT / "benchmarks/marks"))
from sentence_plot import table

RESULT = json.loads((ROOT / "benchmarks/marks/sentences.json").read_text("utf-8"))
PAGE = (ROOT / "docs/explanation/sentence-marks.md").read_text("utf-8")


def test_the_table_is_the_one_that_was_measured() -> None:
    assert table(RESULT) in PAGE


def test_what_was_predicted_is_near_to_what_was_measured() -> None:
    for name, measured in RESULT["score"]["figures"].items():
        for drafts in ("4", "8", "16", "64"):
            predicted = RESULT["tune"]["figures"][name][drafts]["paraphrased"]["0.01"][0]
            assert abs(measured[drafts]["paraphrased"]["0.01"][0] - predicted) <= 0.03


def test_unrelated_keys_are_read_as_often_as_the_law_says() -> None:
    for measured in RESULT["score"]["figures"].values():
        found = [measured[drafts]["unrelated keys"] for drafts in ("4", "8", "16", "64")]
        texts = sum(each["texts"] for each in found)
        assert texts == 720_000
        for level, least, most in (("0.01", 0.0092, 0.0108), ("0.001", 0.0008, 0.0012)):
            assert least <= sum(each[level][0] * each["texts"] for each in found) / texts <= most

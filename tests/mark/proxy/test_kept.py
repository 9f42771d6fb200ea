"""Counts in a file: what is read is what was written, and a file that holds something else is told so."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UnreadableInput
from headwater.mark.proxy import Counts, counted, load, save_counts

TEXTS = [np.random.default_rng(seed).integers(0, 50, 400) for seed in range(5)]


def test_counts_come_back_as_they_were(tmp_path: Path) -> None:
    made, path = counted(TEXTS, 50, order=3), tmp_path / "c.npz"
    save_counts(made, path)
    found = load(path)
    assert isinstance(found, Counts)
    one, two = made.read(TEXTS[0]), found.read(TEXTS[0])
    assert np.array_equal(one.log_chance, two.log_chance)
    assert np.array_equal(one.entropy, two.entropy)
    assert found.name == load(path).name != made.name
    with pytest.raises(FileExistsError):
        save_counts(made, path)


@pytest.mark.parametrize("fault", ["order", "short", "nan", "missing", "shape"])
def test_a_file_of_counts_that_is_not_whole_is_refused(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    save_counts(counted(TEXTS, 50, order=2), path)
    with np.load(path) as kept:
        arrays = {name: kept[name].copy() for name in kept.files}
    if fault == "order":
        arrays["0.grams"] = arrays["0.grams"][::-1]
    elif fault == "short":
        arrays["1.times"] = arrays["1.times"][:-1]
    elif fault == "nan":
        arrays["1.entropy"][0] = np.nan
    elif fault == "missing":
        del arrays["1.kinds"]
    else:
        arrays["counts"] = np.array([50, 99])
    path.unlink()
    np.savez(path, **arrays)
    with pytest.raises(UnreadableInput):
        load(path)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("counts.npy", b"no array")
    for content in (b"", b"text", held.getvalue()):
        path.write_bytes(content)
        with pytest.raises(UnreadableInput):
            load(path)

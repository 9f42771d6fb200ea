"""Edit masks: they say what was kept, moved and replaced, hold no text, and lay the same edits over another text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UnreadableInput
from headwater.mark.bench import masks

BEFORE = "The captain walked home, and then he slept. His dog barked at the moon all night."
AFTER = "His dog barked at the moon all night. The captain went home, then he slept soundly."


def test_kept_moved_and_new_items_are_told_apart() -> None:
    mask = masks.mask_of(BEFORE, AFTER, "by hand")
    old = [item.strip() for item in masks.items_of(BEFORE)]
    new = [item.strip() for item in masks.items_of(AFTER)]
    for place, item in zip(mask.places, new, strict=True):
        assert place in {masks.WORD, masks.SIGN} or old[place] == item
    assert {item for place, item in zip(mask.places, new, strict=True) if place < 0} == {"went", "soundly"}
    moved = [place for place in mask.places if place >= 0]
    assert len(set(moved)) == len(moved), "no place is used twice"
    assert moved != sorted(moved)


def test_a_mask_on_its_own_text_gives_back_what_was_kept() -> None:
    mask = masks.mask_of(BEFORE, AFTER, "by hand")
    left = masks.replayed(BEFORE, [mask], ["NEW"], ["?"], np.random.default_rng(0))
    assert left == AFTER.replace("went", "NEW").replace("soundly", "NEW")


def test_a_mask_is_laid_over_texts_of_any_length() -> None:
    mask = masks.mask_of(BEFORE, AFTER, "by hand")
    for words in (1, 5, 18, 100):
        text = " ".join(f"w{number}" for number in range(words))
        left = masks.replayed(text, [mask], ["NEW"], ["?"], np.random.default_rng(0)).split()
        kept = [word for word in left if word != "NEW"]
        assert set(kept) <= set(text.split())
        assert len(kept) == len(set(kept))
        if words > 17:
            assert len(kept) > 0.7 * words


@given(st.text(max_size=200))
def test_items_are_the_text(text: str) -> None:
    assert "".join(masks.items_of(text)) == text.rstrip() or not text.strip()


def test_the_shipped_masks_are_dippers_and_hold_no_text() -> None:
    shipped = masks.shipped()
    assert {mask.made_by for mask in shipped} == {"DIPPER"}
    assert len(shipped) >= 100
    assert 0.4 < float(np.mean([mask.kept for mask in shipped])) < 0.65
    held = json.loads(Path(str(masks.__file__)).with_name("edit_masks.json").read_text())
    assert {type(number) for mask in held["masks"] for run in mask["runs"] for number in run} == {int}
    assert {key for mask in held["masks"] for key in mask} == {"by", "items", "runs"}


def test_masks_come_back_from_their_file(tmp_path: Path) -> None:
    made = [masks.mask_of(BEFORE, AFTER, "by hand"), masks.mask_of(AFTER, BEFORE, "back")]
    masks.save(made, tmp_path / "masks.json")
    assert list(masks.load(tmp_path / "masks.json")) == made


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "headwater edit masks 1", "masks": []}',
        '{"format": "headwater edit masks 2", "masks": [{"by": "x", "items": 1, "runs": [[0, 1]]}]}',
        '{"format": "headwater edit masks 1", "masks": [{"by": "x", "items": 1, "runs": [[0, 2]]}]}',
        '{"format": "headwater edit masks 1", "masks": [{"by": "x", "items": 1, "runs": [[-3, 1]]}]}',
        '{"format": "headwater edit masks 1", "masks": [{"by": "x", "items": 1, "runs": [[0, 99999999999]]}]}',
        '{"format": "headwater edit masks 1", "masks": [{"by": 5, "items": 1, "runs": [[0, 1]]}]}',
        '{"format": "headwater edit masks 1", "masks": [{"by": "x", "items": 1, "runs": [["a", 1]]}]}',
        "[" * 100_000,
    ],
)
def test_a_file_without_masks_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "masks.json").write_text(content)
    with pytest.raises(UnreadableInput, match="holds no edit masks"):
        masks.load(tmp_path / "masks.json")

"""A commitment binds a test: nothing of it can be changed afterwards, and nothing is learned from the hash alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UnreadableInput, UsageError
from headwater.mark import MarkKey, scheme
from headwater.mark.student import Candidate, bound, commitment, key_digest, load_commitment

GUMBEL = scheme("headwater-gumbel", {"width": 2})
ONE = Candidate("prod", GUMBEL, MarkKey("prod", (17, 4)))
WHAT = {"alpha": 1e-6, "reference_digest": "ab" * 32, "texts_digest": "cd" * 32}


def test_the_same_test_fits_and_any_other_is_refused() -> None:
    made = commitment("served", [ONE], **WHAT)
    made.check(bound("served", [ONE], salt=made.salt, **WHAT))
    others = [
        bound("probe", [ONE], salt=made.salt, **WHAT),
        bound("served", [ONE, replace(ONE, name="more", key=MarkKey("x", (1, 2)))], salt=made.salt, **WHAT),
        bound("served", [replace(ONE, key=MarkKey("prod", (17, 5)))], salt=made.salt, **WHAT),
        bound(
            "served", [replace(ONE, scheme=scheme("headwater-gumbel", {"width": 3}))], salt=made.salt, **WHAT
        ),
        bound("served", [replace(ONE, account="acct")], salt=made.salt, **WHAT),
        bound("served", [ONE], salt=made.salt, **{**WHAT, "alpha": 1e-5}),
        bound("served", [ONE], salt=made.salt, **{**WHAT, "texts_digest": "00" * 32}),
        bound("served", [ONE], salt=made.salt, **{**WHAT, "reference_digest": ""}),
        bound("served", [ONE], salt=made.salt, more={"kept": 3}, **WHAT),
    ]
    for other in others:
        with pytest.raises(UsageError, match="isn't the one that was committed to"):
            made.check(other)


def test_what_a_scheme_keeps_secret_is_bound_and_not_written() -> None:
    coins = [scheme("headwater-layered", {"coin": [1234567, each]}) for each in (5, 6)]
    made = [key_digest(Candidate("a", each, MarkKey("a", (1, 2))), b"s" * 32) for each in coins]
    assert made[0] != made[1]
    held = commitment("probe", [Candidate("a", coins[0], MarkKey("a", (1, 2)))], **WHAT)
    assert "1234567" not in json.dumps(held.bound)
    assert "1234567" not in repr(held)


def test_the_hash_needs_the_salt() -> None:
    one, two = (commitment("served", [ONE], **WHAT) for _ in range(2))
    assert one.sha256 != two.sha256
    assert one.salt.hex() not in repr(one)
    assert commitment("served", [ONE], salt=one.salt, **WHAT).sha256 == one.sha256


def test_only_the_hash_is_published() -> None:
    published = []
    made = commitment("served", [ONE], **WHAT).published(lambda record: published.append(record) or "entry-7")
    assert made.entry == "entry-7"
    assert set(published[0]) == {"format", "format_version", "sha256"}
    assert published[0]["sha256"] == made.sha256


def test_the_file_is_its_owner_s_and_a_change_in_it_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    made = commitment("served", [ONE], **WHAT)
    made.save(path)
    assert path.stat().st_mode & 0o077 == 0
    assert load_commitment(path) == made
    with pytest.raises(FileExistsError):
        made.save(path)
    said = json.loads(path.read_text())
    for change in (
        {"salt": "00" * 32},
        {"salt": "00"},
        {"sha256": "11" * 32},
        {"bound": {**said["bound"], "alpha": "0.1"}},
        {"bound": []},
        {"bound": {"x": 2.5e300}},
        {"format": "other"},
        {"salt": None},
    ):
        path.write_text(json.dumps({**said, **change}))
        with pytest.raises(ConfigurationError):
            load_commitment(path)
    for broken in ("", "{", "[]" * 3, "[" * 100_000):
        path.write_text(broken)
        with pytest.raises((ConfigurationError, UnreadableInput)):
            load_commitment(path)

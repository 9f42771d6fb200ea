"""Which version was in force on a day, and users' own folders."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from headwater.errors import HeadwaterError
from headwater.provenance.terms import Origin, Use, load_registry
from provenance.terms.written import raw, registry, save, terms

DAY = datetime.date
OLD = terms(version="2023-01-01", validTo="2023-12-31", prohibition=["trainAny"])
GAP = terms(version="2024-02-01", validTo="2024-06-30")
NEW = terms(version="2024-07-01", lastSeen="2025-01-01", permission=["trainAny"])
THREE = registry(NEW, OLD, GAP)


@pytest.mark.parametrize(
    ("day", "versions", "early", "sure"),
    [
        (DAY(2022, 12, 31), (), True, False),
        (DAY(2023, 1, 1), (OLD,), False, True),
        (DAY(2023, 12, 31), (OLD,), False, True),
        (DAY(2024, 1, 15), (OLD, GAP), False, False),
        (DAY(2024, 6, 30), (GAP,), False, True),
        (DAY(2024, 7, 1), (NEW,), False, True),
        (DAY(2025, 1, 2), (NEW,), False, False),
    ],
)
def test_in_force(day: DAY, versions: tuple[object, ...], early: bool, sure: bool) -> None:
    assert THREE.in_force("acme/terms", day) == (versions, early, sure)


def test_versions_are_in_order() -> None:
    assert THREE.versions("acme/terms") == (OLD, GAP, NEW)
    assert THREE.documents() == ("acme/terms",)
    assert THREE.versions("acme/poems") == ()


def test_a_document_that_ended_is_not_in_force() -> None:
    ended = registry(OLD)
    assert ended.in_force("acme/terms", DAY(2025, 1, 1)).versions == ()


def ask(day: datetime.date | None) -> tuple[str, tuple[str, ...]]:
    answer = THREE.answer(Origin(provider="acme", at=day), Use())
    return answer.verdict, answer.unknown


def test_the_day_decides() -> None:
    assert ask(DAY(2023, 6, 1))[0] == "prohibited-by-contract"
    assert ask(DAY(2024, 3, 1))[0] == "unknown"
    assert ask(DAY(2024, 8, 1))[0] == "allowed"
    assert ask(DAY(2020, 1, 1))[0] == "unknown"
    verdict, unknown = ask(None)
    assert verdict == "prohibited-by-contract"
    assert any("the day would decide" in text for text in unknown)


def test_between_two_versions_the_stricter_counts_and_it_is_said() -> None:
    verdict, unknown = ask(DAY(2024, 1, 15))
    assert verdict == "prohibited-by-contract"
    assert "which version of acme's Terms was in force on 2024-01-15 isn't known" in unknown


def test_after_the_last_sight_the_answer_says_when_that_was() -> None:
    verdict, unknown = ask(DAY(2025, 6, 1))
    assert verdict == "allowed"
    assert "acme's Terms was last seen on 2025-01-01" in unknown


def test_a_users_file_wins_by_uid(tmp_path: Path) -> None:
    shipped = load_registry()
    mine = raw("openai", "terms-of-use", "2024-01-31", permission=["trainAny"])
    assert mine["uid"] in shipped.by_uid
    save(tmp_path, mine)
    own = load_registry(tmp_path)
    assert own.by_uid[mine["uid"]].permission
    assert not shipped.by_uid[mine["uid"]].permission
    assert len(own.by_uid) == len(shipped.by_uid)


def test_a_later_folder_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, action in ((first, "trainAny"), (second, "evaluate")):
        folder.mkdir()
        save(folder, raw(prohibition=[action]))
    found = load_registry(first, second).by_uid["urn:headwater:terms:acme:terms:2024-01-01"]
    assert [rule.action for rule in found.prohibition] == ["hw:evaluate"]


def test_one_folder_does_not_say_two_things(tmp_path: Path) -> None:
    save(tmp_path, raw(prohibition=["trainAny"]))
    (tmp_path / "more").mkdir()
    save(tmp_path / "more", raw(prohibition=["evaluate"]))
    with pytest.raises(HeadwaterError, match="has the same uid"):
        load_registry(tmp_path)


def test_folders_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for bad in (tmp_path / "none", tmp_path):
        with pytest.raises(HeadwaterError) as caught:
            load_registry(bad)
        assert str(bad) in str(caught.value)
    (tmp_path / "broken.jsonld").write_text("{}", encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_registry(tmp_path)
    assert caught.value.where.file == str(tmp_path / "broken.jsonld")


def test_the_shipped_registry_is_read_once() -> None:
    assert load_registry() is load_registry()

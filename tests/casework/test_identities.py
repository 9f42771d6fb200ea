"""Changes of accounts and keys reach the log, each once, whatever is killed; without an account's id, and erasable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.books import BEGIN as NOW_US
from casework.books import HOUR as HOUR_US
from casework.books import made
from headwater.casework import Casebook, log_identity
from headwater.casework.log import held
from headwater.control.identity import Identity, IdentitySettings, new_identity, open_identity


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Casebook]:
    with made(tmp_path / "book") as book:
        yield book


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    new_identity(tmp_path / "identity", IdentitySettings())
    with open_identity(tmp_path / "identity", IdentitySettings()) as identity:
        yield identity


def entries(book: Casebook) -> list[dict[str, object]]:
    with book.store.read() as tx:
        records = [one.record for one in held(tx, kind="identity")]
    return [json.loads(record) for record in records if record]


def test_a_change_is_entered_with_what_it_was_and_its_undo(book: Casebook, identity: Identity) -> None:
    identity.new_organisation("acme", "ann", NOW_US)
    identity.new_account("bot-4711", "ann", NOW_US, organisation="acme", reason="asked to")
    key = identity.new_key("bot-4711", "ann", NOW_US).key
    change = identity.history(limit=1)[0].id
    identity.undo(change, "bob", NOW_US + 1)
    assert log_identity(book, identity, NOW_US + HOUR_US) == 4
    assert identity.waiting(1) == []
    organisation, account, minted, undone = entries(book)
    assert (organisation["subject"], organisation["body"]["id"]) == ("", "acme")  # type: ignore[index]
    assert account["subject"] == account["body"]["id"] == account["body"]["after"]["id"]  # type: ignore[index]
    assert account["body"]["reason"] == "asked to"  # type: ignore[index]
    assert minted["body"]["after"]["account"] == account["subject"]  # type: ignore[index]
    assert (undone["body"]["undoes"], undone["body"]["by"]) == (change, "bob")  # type: ignore[index]
    assert undone["body"]["before"]["id"] == key.id  # type: ignore[index]
    written = b"".join(path.read_bytes() for path in book.folder.rglob("*") if path.is_file())
    assert b"bot-4711" not in written
    assert key.digest not in written
    assert book.log.head().size >= 6


@pytest.mark.parametrize("step", ["entered", "taken out"])
def test_a_kill_between_the_two_stores_enters_nothing_twice(
    book: Casebook, identity: Identity, step: str
) -> None:
    def between(at: str) -> None:
        if at == step:
            raise KilledError

    for number in range(3):
        identity.new_account(f"bot-{number}", "ann", NOW_US)
    with pytest.raises(KilledError):
        log_identity(book, identity, NOW_US, between=between)
    identity.new_account("bot-3", "ann", NOW_US)
    log_identity(book, identity, NOW_US)
    assert [one["body"]["change"] for one in entries(book)] == [1, 2, 3, 4]  # type: ignore[index]
    assert identity.waiting(1) == []


def test_a_store_restored_from_a_copy_loses_no_change(
    book: Casebook, identity: Identity, tmp_path: Path
) -> None:
    """Its numbers come again: what has another content is another change."""
    identity.store.copy_to(tmp_path / "copy")
    identity.new_account("bot", "ann", NOW_US)
    log_identity(book, identity, NOW_US)
    identity.close()
    (tmp_path / "identity/identity.sqlite").write_bytes((tmp_path / "copy").read_bytes())
    with open_identity(tmp_path / "identity", IdentitySettings()) as restored:
        restored.new_account("other", "ann", NOW_US + 1)
        assert restored.waiting(1)[0].id == 1
        log_identity(book, restored, NOW_US + 1)
    assert len(entries(book)) == 2


def test_two_who_follow_at_once_enter_each_change_once(book: Casebook, identity: Identity) -> None:
    for number in range(6):
        identity.new_account(f"bot-{number}", "ann", NOW_US)

    def meanwhile(at: str) -> None:
        if at == "entered":
            log_identity(book, identity, NOW_US, most=4)

    log_identity(book, identity, NOW_US, most=2, between=meanwhile)
    log_identity(book, identity, NOW_US)
    assert [one["body"]["change"] for one in entries(book)] == list(range(1, 7))  # type: ignore[index]


def test_what_the_log_holds_of_an_account_without_steps_is_erased(book: Casebook, identity: Identity) -> None:
    identity.new_account("bot", "ann", NOW_US)
    identity.new_account("other", "ann", NOW_US)
    log_identity(book, identity, NOW_US)
    erased = book.erase("bot", "ann", "asked for", NOW_US + HOUR_US)
    assert erased.counts == {"records": 1}
    assert [one["body"]["change"] for one in entries(book)] == [2]  # type: ignore[index]

"""What may be written, what is told of it, and two who write at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from control.identity.worlds import HOME, at, credential, made
from headwater.control.identity import Identity, IdentitySettings, new_identity, open_identity, shipped_tiers
from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UnreadableInput, UsageError

CARD = "4111 1111 1111 1111"


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        yield identity


@pytest.mark.parametrize("name", ["", "a b", "anonymous:1", "a/b", "x" * 129, "ümlaut", "a\nb", "-a", "../a"])
def test_an_id_is_plain(identity: Identity, name: str) -> None:
    with pytest.raises(UsageError, match="not an id"):
        identity.new_account(name, "ann", 2)


@pytest.mark.parametrize(
    "entries",
    [
        {"label": "a\nb"},
        {"label": "\u202ereversed"},
        {"label": "x" * 201},
        {"label": CARD},
        {"payment": CARD.replace(" ", "")},
        {"tier": "gold"},
        {"state": "dead"},
        {"organisation": "nobody"},
        {"id": "other"},
        {"granted": "contracted"},
        {"created_us": 0},
        {"tier": None},
    ],
)
def test_what_may_not_be_written_of_an_account(identity: Identity, entries: dict[str, Any]) -> None:
    before = identity.get("account", "bot")
    with pytest.raises(UsageError) as error:
        identity.change_account("bot", "ann", 2, entries)
    assert error.value.where.field
    assert CARD not in str(error.value)
    assert identity.get("account", "bot") == before


@pytest.mark.parametrize(
    "entries",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"networks": ["203.0.113.9/24"]},
        {"networks": ["::ffff:203.0.113.0/120"]},
        {"networks": [f"10.0.{n}.0/24" for n in range(65)]},
        {"networks": ["home"]},
        {"asns": [0]},
        {"asns": [2**32]},
        {"label": "With Space"},
        {"expires_us": 1},
        {"digest": b""},
        {"account": "other"},
    ],
)
def test_what_may_not_be_written_of_a_key(identity: Identity, entries: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        identity.new_key("bot", "ann", 2, entries=entries)
    issued = identity.new_key("bot", "ann", 2)
    with pytest.raises(UsageError):
        identity.change_key(issued.key.id, "ann", 3, entries)


def test_a_key_is_named_by_its_account_and_label(identity: Identity) -> None:
    first = identity.new_key("bot", "ann", 2, entries={"label": "ci"})
    with pytest.raises(ConflictError, match="has a key with this label"):
        identity.new_key("bot", "ann", 3, entries={"label": "ci"})
    second = identity.rotate_key("bot/ci", "ann", 4, overlap_us=10)
    assert identity.key("bot/ci").id == second.key.id
    assert identity.key(first.key.id).replaced_by == second.key.id
    with pytest.raises(ConflictError, match="replaced already"):
        identity.rotate_key(first.key.id, "ann", 5, overlap_us=10)
    for strange in ("bot/", "/ci", "bot/dev", "x", second.text):
        with pytest.raises(UsageError) as error:
            identity.key(strange)
        assert second.text not in f"{error.value}{error.value.hint}"


def test_a_change_is_told_without_secrets(identity: Identity) -> None:
    identity.change_account("bot", "ann", 2, {"payment": "fp_0123456789abcdef"}, reason="charged")
    issued = identity.new_key("bot", "ann", 3)
    waiting = identity.waiting(10)
    told = [msgspec.json.decode(one.payload) for one in waiting]
    assert [(one["change"], one["kind"], one["what"], one["by"]) for one in told] == [
        (1, "account", "made", "ann"),
        (2, "account", "changed", "ann"),
        (3, "key", "made", "ann"),
    ]
    assert {one.subject for one in waiting} == {"bot"}
    assert (told[1]["changed"], told[1]["reason"], told[1]["after"]["payment"]) == (
        ["payment"],
        "charged",
        True,
    )
    payloads = b"".join(one.payload for one in waiting)
    for secret in (
        issued.text.split("_")[3].encode(),
        issued.key.digest.hex().encode(),
        b"fp_0123456789abcdef",
    ):
        assert secret not in payloads
    assert issued.text not in repr(issued)
    identity.done([one.id for one in waiting])
    assert identity.waiting(10) == []


def test_the_secret_of_a_key_is_nowhere_in_the_store(tmp_path: Path) -> None:
    with made(tmp_path) as identity:
        identity.new_account("bot", "ann", 1)
        text = identity.new_key("bot", "ann", 2).text
        held = b"".join(path.read_bytes() for path in (tmp_path / "identity").iterdir())
    assert text.split("_")[3].encode() not in held
    assert text.rpartition("_")[2].encode() not in held


def test_nothing_changes_where_nothing_is_different(identity: Identity) -> None:
    identity.change_account("bot", "ann", 2, {"label": "", "tier": "anonymous"})
    assert len(identity.history()) == 1
    assert len(identity.waiting(10)) == 1


def test_an_own_table_of_tiers_is_adopted_and_taken_back(identity: Identity) -> None:
    own = {
        **shipped_tiers(),
        "contracted": msgspec.structs.replace(shipped_tiers()["contracted"], batch=False),
    }
    assert identity.adopt_tiers(own, "ann", 2) == ["contracted"]
    assert not identity.tiers()["contracted"].batch
    identity.undo(identity.history()[0].id, "ann", 3)
    assert identity.tiers() == shipped_tiers()


@pytest.mark.parametrize("by", ["", "a b", "x" * 65, "ann\n"])
def test_who_acts_says_so(identity: Identity, by: str) -> None:
    with pytest.raises(UsageError):
        identity.new_account("other", by, 2)


def test_a_folder_is_made_whole_and_once(tmp_path: Path) -> None:
    made(tmp_path).close()
    with pytest.raises(UsageError, match="exists already"):
        new_identity(tmp_path / "identity", IdentitySettings())
    with pytest.raises(UnreadableInput, match="no identity store"):
        open_identity(tmp_path, IdentitySettings())
    (tmp_path / "identity" / "pepper.key").unlink()
    with pytest.raises(ConfigurationError, match="there is no pepper"):
        open_identity(tmp_path / "identity", IdentitySettings())
    assert [path.name for path in tmp_path.iterdir()] == ["identity"]


@pytest.mark.parametrize(
    "entries",
    [
        {"prefix": "HW"},
        {"environments": ()},
        {"environments": ("live!",)},
        {"trusted_proxies": ("10.0.0.1/8",)},
        {"account_header": "x-account"},
        {"account_header": "x account", "trusted_proxies": ("10.0.0.0/8",)},
    ],
)
def test_a_setting_that_cannot_be_is_refused(entries: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        IdentitySettings(**entries)


def write(folder: Path, name: str, count: int) -> None:
    """Make accounts, all of one name in turn with another process: one of the two is first."""
    with open_identity(folder, IdentitySettings()) as identity:
        for at in range(count):
            identity.new_account(f"{name}-{at}", name, at + 1)
            try:
                identity.new_account(f"both-{at}", name, at + 1)
            except ConflictError:
                identity.change_account(f"both-{at}", name, at + 1, {"label": "second"})


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    made(tmp_path).close()
    folder, count = tmp_path / "identity", 40
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=write, args=(folder, name, count)) for name in ("ann", "bob")]
    with open_identity(folder, IdentitySettings()) as identity:
        directory = identity.directory()
        for process in both:
            process.start()
        while any(process.is_alive() for process in both):
            identity.refresh(directory)
        for process in both:
            process.join()
            assert process.exitcode == 0
        identity.refresh(directory)
        assert directory.rows() == identity.directory().rows()
        assert len(identity.all("account")) == 3 * count
        assert all(identity.get("account", f"both-{at}").label == "second" for at in range(count))
        assert len(identity.history(limit=1000)) == len(identity.waiting(1000)) == 4 * count


def test_a_damaged_row_is_named_and_lets_nobody_in(identity: Identity) -> None:
    text = identity.new_key("bot", "ann", 2).text
    for damage in (b"{}", b"\xff", b'{"id":"bot","created_us":1,"god":true}', b""):
        with identity.store.write() as tx:
            tx.run("UPDATE identity_rows SET body = ? WHERE kind = 'account'", (damage,))
        with pytest.raises(HeadwaterError, match="a row of kind account is damaged"):
            identity.get("account", "bot")
        with pytest.raises(HeadwaterError, match="damaged"):
            at(identity).authenticate(credential(text), HOME, 3)


def test_what_is_equal_is_no_change_whoever_made_the_text(identity: Identity) -> None:
    """A state that came over the wire is another object than the one in the code, and says the same."""
    identity.new_account("wired", "ann", 5)
    written = {"state": "".join(("act", "ive")), "tier": "".join(("anon", "ymous")), "label": ""}
    identity.change_account("wired", "ann", 6, written)
    assert [one.what for one in identity.history(row="wired")] == ["made"]


def test_a_page_begins_behind_an_id_and_an_owner_has_his_own(identity: Identity) -> None:
    identity.new_organisation("paged", "ann", 5)
    for name in ("zc", "za", "zb"):
        identity.new_account(name, "ann", 5, organisation=None if name == "zb" else "paged")
    assert [row.id for row in identity.page("account", after="z", limit=2)] == ["za", "zb"]
    assert [row.id for row in identity.page("account", after="zb", limit=2)] == ["zc"]
    assert [row.id for row in identity.page("account", limit=9, owner="paged")] == ["za", "zc"]
    before = identity.version("account", "za")
    identity.change_account("za", "ann", 6, {"label": "x"})
    assert identity.version("account", "za") > before
    assert identity.version("account", "nobody") == 0

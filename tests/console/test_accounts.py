"""What the commands do with accounts, organisations, keys and tiers, the API does too: over the wire, undone, paged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.offices import Client, Served, served
from headwater.control.identity import (
    FEATURES,
    LIMITS,
    Account,
    Authenticator,
    Credential,
    Principal,
    Sources,
    parse_key,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("console") / "identity") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: Served) -> Client:
    return server.client(name="ann")


def test_an_account_is_made_changed_and_undone_under_the_name_of_the_key(
    server: Served, admin: Client
) -> None:
    made = admin.made("/v1/accounts", {"id": "bot", "tier": "verified-contact", "reason": "asked to"})
    assert made["tier"] == made["granted"] == "verified-contact"
    answer = admin.ask(
        "PATCH", "/v1/accounts/bot", {"state": "suspended"}, {"Headwater-Reason": "späm".encode()}
    )
    assert (answer.status, answer.told["state"]) == (200, "suspended")
    (change,) = admin.get("/v1/changes?row=bot&limit=1")["items"]
    assert (change["by"], change["reason"], change["what"]) == ("ann", "späm", "changed")
    assert (change["before"]["state"], change["after"]["state"]) == ("active", "suspended")
    undone = admin.ask("POST", f"/v1/changes/{change['id']}/undo")
    assert undone.told["undone"] == change["batch"]
    assert admin.get("/v1/accounts/bot")["state"] == "active"
    again = admin.ask("POST", f"/v1/changes/{undone.told['change']}/undo", {"reason": "meant it"})
    assert again.status == 200
    with server.identity() as identity:
        row: Account = identity.get("account", "bot")
        assert row.state == "suspended"
        assert identity.history(limit=1)[0].reason == "meant it"


def test_null_takes_a_field_away_and_what_is_not_named_stays(admin: Client) -> None:
    admin.made("/v1/organisations", {"id": "acme", "tier": "contracted"})
    made = admin.made(
        "/v1/accounts",
        {"id": "with-all", "organisation": "acme", "payment": "fp_9aQ2xLr0Vw7TnB4e", "label": "A"},
    )
    assert (made["organisation"], made["payment"], made["label"]) == ("acme", True, "A")
    standing = admin.get("/v1/accounts/with-all/standing")
    assert (standing["tier"], standing["tier_by"]) == ("contracted", "organisation")
    told = admin.ask("PATCH", "/v1/accounts/with-all", {"organisation": None}).told
    assert (told["organisation"], told["payment"], told["label"]) == (None, True, "A")
    told = admin.ask("PATCH", "/v1/accounts/with-all", {"payment": None}).told
    assert told["payment"] is False
    assert admin.get("/v1/accounts/with-all/standing")["tier"] == "anonymous"


def test_a_change_of_nothing_has_no_number(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "same", "label": "x"})
    newest = admin.get("/v1/changes?limit=1")["items"][0]["id"]
    answer = admin.ask("PATCH", "/v1/accounts/same", {"label": "x"})
    assert (answer.status, answer.told["change"]) == (200, None)
    assert admin.get("/v1/changes?limit=1")["items"][0]["id"] == newest


def test_a_key_works_is_rotated_revoked_and_its_secret_shown_once(server: Served, admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "keyed"})
    body = {"label": "ci", "scopes": ["generate"], "networks": ["203.0.113.0/24"], "asns": [64500]}
    made = admin.made("/v1/accounts/keyed/keys", body)
    assert (made["scopes"], made["networks"], made["asns"]) == (["generate"], ["203.0.113.0/24"], [64500])
    assert "digest" not in made
    with server.identity() as identity:
        found = identity.matching(parse_key(made["api_key"]))
        assert found is not None
        assert found.account == "keyed"
    until = time.time_ns() // 1000 + 3_600_000_000
    told = admin.ask("PATCH", f"/v1/keys/{made['id']}", {"networks": [], "expires_us": until}).told
    assert (told["networks"], told["asns"], told["expires_us"]) == ([], [64500], until)
    rotated = admin.made(f"/v1/keys/{made['id']}/rotate", {"overlap_s": 60})
    assert (rotated["replaces"], rotated["label"]) == (made["id"], "ci")
    old = admin.get(f"/v1/keys/{made['id']}")
    assert old["replaced_by"] == rotated["id"]
    assert old["expires_us"] <= time.time_ns() // 1000 + 60_000_000
    assert admin.get(f"/v1/keys/{rotated['id']}/use") == {"id": rotated["id"], "good": True, "used_us": None}
    checked = admin.ask("POST", "/v1/key-check", {"api_key": rotated["api_key"]}).told
    assert (checked["known"], checked["good"], checked["key"]["id"]) == (True, True, rotated["id"])
    revoked = admin.ask("POST", f"/v1/keys/{rotated['id']}/revoke", {}).told
    assert revoked["revoked_us"] is not None
    assert admin.ask("POST", f"/v1/keys/{rotated['id']}/revoke").told["change"] is None
    assert admin.ask("POST", "/v1/key-check", {"api_key": rotated["api_key"]}).told["good"] is False
    told_elsewhere = str(admin.get("/v1/keys?account=keyed")) + str(admin.get("/v1/changes?kind=key"))
    for text in (made["api_key"], rotated["api_key"]):
        secret = text.split("_")[3]
        assert secret not in told_elsewhere + server.said
        for path in server.folder.iterdir():
            assert secret.encode() not in path.read_bytes()


def test_keys_are_listed_by_account_label_and_whether_they_are_good(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "several"})
    ids = [
        admin.made("/v1/accounts/several/keys", {"label": label})["id"] for label in ("one", "two", "three")
    ]
    admin.ask("POST", f"/v1/keys/{ids[0]}/revoke", {})
    assert {one["id"] for one in admin.get("/v1/keys?account=several&good=true")["items"]} == set(ids[1:])
    assert [one["id"] for one in admin.get("/v1/keys?account=several&good=false")["items"]] == [ids[0]]
    assert [one["id"] for one in admin.get("/v1/keys?account=several&label=two")["items"]] == [ids[1]]


def test_a_link_is_made_listed_and_taken_away(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "linked"})
    made = admin.made(
        "/v1/accounts/linked/links", {"kind": "token", "issuer": "https://login.example.com", "name": "sub 1"}
    )
    assert admin.get("/v1/accounts/linked/links")["items"] == [
        {name: value for name, value in made.items() if name != "change"}
    ]
    again = admin.ask("POST", "/v1/accounts/linked/links", {"kind": "certificate", "name": "DNS:a.example"})
    assert again.status == 201
    removed = admin.ask("DELETE", f"/v1/accounts/linked/links/{made['id']}")
    assert (removed.status, removed.told["name"]) == (200, "sub 1")
    assert admin.ask("DELETE", f"/v1/accounts/linked/links/{made['id']}").problem == "not-found"
    assert [one["name"] for one in admin.get("/v1/accounts/linked/links")["items"]] == ["DNS:a.example"]


def test_tiers_are_changed_and_a_table_is_put_in_force(admin: Client) -> None:
    shipped = admin.get("/v1/tiers")["items"]
    assert set(shipped[0]) == {"name", *LIMITS, *FEATURES}
    told = admin.ask(
        "PATCH", "/v1/tiers/verified-payment", {"requests_per_minute": 10, "tokens_per_day": None}
    ).told
    assert (told["requests_per_minute"], told["tokens_per_day"]) == (10, None)
    assert any("requests_per_minute" in one for one in told["oddities"])
    table = {"tiers": {"contracted": {"requests_per_day": "unlimited", "batch": False}}, "reason": "spring"}
    adopted = admin.ask("PUT", "/v1/tiers", table).told
    assert adopted["changed"] == ["verified-payment", "contracted"]
    assert admin.get("/v1/tiers/contracted")["batch"] is False
    admin.ask("POST", f"/v1/changes/{adopted['change']}/undo", {})
    admin.ask("POST", f"/v1/changes/{told['change']}/undo", {})
    assert admin.get("/v1/tiers")["items"] == shipped


def test_what_is_forgotten_is_gone_and_has_no_undo(server: Served, admin: Client) -> None:
    made = admin.made("/v1/accounts", {"id": "forget-me-4711", "label": "Mx Secret"})
    admin.made("/v1/accounts/forget-me-4711/keys", {})
    assert admin.ask("POST", "/v1/accounts/forget-me-4711/forget", {}).problem == "invalid"
    answer = admin.ask("POST", "/v1/accounts/forget-me-4711/forget", {"no_undo": True})
    assert (answer.status, answer.body) == (204, b"")
    assert admin.ask("GET", "/v1/accounts/forget-me-4711").problem == "not-found"
    assert admin.ask("POST", f"/v1/changes/{made['change']}/undo", {}).problem == "conflict"
    for path in server.folder.iterdir():
        assert b"forget-me-4711" not in path.read_bytes()


def test_pages_hold_every_row_once_under_a_filter(server: Served, admin: Client) -> None:
    with server.identity() as identity:
        identity.new_organisation("paged", "t", 1)
        for number in range(57):
            tier = ("anonymous", "verified-contact")[number % 2]
            identity.new_account(f"p-{number:03d}/é"[:5], "t", 1, tier=tier, organisation="paged")
    path = "/v1/accounts?organisation=paged&tier=verified-contact&limit=10"
    found, after = [], ""
    for _ in range(10):
        page = admin.get(f"{path}{after}")
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == [f"p-{number:03d}" for number in range(1, 57, 2)]
    assert admin.get("/v1/accounts?organisation=paged&state=closed")["items"] == []
    assert admin.ask("GET", "/v1/accounts?after=%00!").problem == "invalid"


def test_history_is_paged_and_filtered(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "historic"})
    for label in "abcdef":
        admin.ask("PATCH", "/v1/accounts/historic", {"label": label})
    found, before = [], ""
    for _ in range(10):
        page = admin.get(f"/v1/changes?kind=account&row=historic&by=ann&limit=3{before}")
        found += [one["after"]["label"] for one in page["items"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert found == ["f", "e", "d", "c", "b", "a", ""]
    assert admin.get("/v1/changes?row=historic&by=nobody")["items"] == []


def test_a_long_table_with_a_seldom_met_filter_is_read_in_bounded_steps(tmp_path: Path) -> None:
    """A page looks at 5,000 rows at most; it may be empty and still have a next one."""
    from headwater.console.api.paging import page

    class Row:
        def __init__(self, number: int) -> None:
            self.id = f"{number:06d}"

    rows = [Row(number) for number in range(12_345)]
    asked = 0

    def after(last: str, most: int) -> list[Row]:
        nonlocal asked
        asked += 1
        return [row for row in rows if row.id > last][:most]

    found, cursor, steps = [], None, 0
    while True:
        some, cursor = page(after, cursor, 10, lambda row: row.id == "012344")
        found += some
        steps += 1
        if cursor is None:
            break
    assert [row.id for row in found] == ["012344"]
    assert steps == 3
    assert asked == 25


def test_a_relay_that_runs_knows_of_a_change_when_it_looks_next(server: Served, admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "relayed"})
    text = admin.made("/v1/accounts/relayed/keys", {})["api_key"]
    with server.identity() as relay:
        directory = relay.directory()
        door = Authenticator(directory, relay.settings)
        home, now_us = Sources().of("203.0.113.9"), time.time_ns() // 1000
        assert isinstance(door.authenticate(Credential(text.encode()), home, now_us), Principal)
        admin.ask("PATCH", "/v1/accounts/relayed", {"state": "suspended"})
        assert relay.refresh(directory)
        assert not isinstance(door.authenticate(Credential(text.encode()), home, now_us), Principal)

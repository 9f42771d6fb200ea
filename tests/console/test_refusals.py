"""Nothing without a key and its scope; hostile requests get one clear answer; and nothing secret is said or kept."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.offices import NOW_US, Client, Served, office, raw, served
from gateway.certificates import Authority
from headwater.console import PROBLEMS, SCOPES, AdminKeys, openapi_document

OPERATIONS = [
    (method.upper(), path, (operation["security"][0]["adminKey"] or [""])[0])
    for path, item in openapi_document()["paths"].items()
    for method, operation in item.items()
    if "adminKey" in operation["security"][0]  # webhooks are signed: `test_verifications`
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(
        tmp_path_factory.mktemp("console") / "identity", settings="failures_a_minute = 100000"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: Served) -> Client:
    client = server.client(name="ann")
    client.made("/v1/accounts", {"id": "bot"})
    return client


@pytest.fixture(scope="module")
def nobody(server: Served, admin: Client) -> Client:
    return Client(admin.host, admin.port)


def filled(path: str) -> str:
    """A path with something in each of its places."""
    for name, value in {"{change}": "1", "{tier}": "contracted", "{key}": "A" * 14, "{link}": "0"}.items():
        path = path.replace(name, value)
    return path.replace("{account}", "bot").replace("{organisation}", "acme")


# Who may


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_every_path_wants_a_key_and_its_scope(
    server: Served, admin: Client, nobody: Client, method: str, path: str, scope: str
) -> None:
    answer = nobody.ask(method, filled(path), {} if method not in ("GET", "DELETE") else None)
    assert (answer.status, answer.problem) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    if not scope:
        return
    others = [one for one in SCOPES if one != scope]
    lacking = server.client(*others)
    answer = lacking.ask(method, filled(path), {} if method not in ("GET", "DELETE") else None)
    assert (answer.status, answer.problem, answer.told["scope"]) == (403, "scope", scope)


def test_an_undo_wants_the_scope_that_writes_the_rows(server: Served, admin: Client) -> None:
    """Else an undo would take back a revocation."""
    key = admin.made("/v1/accounts/bot/keys", {})
    revoked = admin.ask("POST", f"/v1/keys/{key['id']}/revoke", {}).told
    undoer = server.client("undo", "accounts:write")
    answer = undoer.ask("POST", f"/v1/changes/{revoked['change']}/undo", {})
    assert (answer.status, answer.told["scope"]) == (403, "keys:write")
    assert admin.get(f"/v1/keys/{key['id']}")["revoked_us"] is not None


def test_a_key_that_ended_or_was_revoked_or_is_none_of_ours(server: Served, admin: Client) -> None:
    customers = admin.made("/v1/accounts/bot/keys", {})["api_key"]
    with office(server.folder).store() as store:
        keys = AdminKeys(store, office(server.folder).peppers)
        _, ended = keys.new("ended", ("accounts:read",), "t", NOW_US, expires_us=NOW_US + 1)
        revoked_key, revoked = keys.new("revoked", ("accounts:read",), "t", NOW_US)
        keys.revoke(revoked_key.id, "t", NOW_US)
        _, good = keys.new("good", ("accounts:read",), "t", NOW_US)
    wrong = good[:-20] + ("0" if good[-20] != "0" else "1") + good[-19:]
    for text, says in (
        (ended, "has ended"),
        (revoked, "was revoked"),
        (customers, "isn't known"),
        (wrong, "isn't known"),
        ("x", "isn't known"),
        ("hwadmin_v1_" + "ü" * 60, "isn't known"),
    ):
        shown = {"Authorization": b"Bearer " + text.encode()}
        answer = Client(admin.host, admin.port).ask("GET", "/v1/me", headers=shown)
        assert (answer.status, says in answer.told["detail"]) == (401, True)
    with office(server.folder).store() as store:
        AdminKeys(store, office(server.folder).peppers).revoke("good", "t", NOW_US)
    assert Client(admin.host, admin.port, good).ask("GET", "/v1/me").status == 401


def test_somebody_who_shows_wrong_keys_waits_and_others_go_on(tmp_path: Path) -> None:
    with served(tmp_path / "identity", settings="failures_a_minute = 5") as server:
        admin = server.client(name="ann")
        assert admin.ask("GET", "/v1/me").status == 200
        stranger = Client(admin.host, admin.port, "hwadmin_v1_nonsense")
        answers = [stranger.ask("GET", "/v1/me") for _ in range(12)]
        assert [one.status for one in answers] == [401] * 5 + [429] * 7
        assert answers[-1].problem == "too-many-failures"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
        assert admin.ask("GET", "/v1/me").status == 200  # it was good before
        late = server.client(name="late")
        assert late.ask("GET", "/v1/me").status == 429


# What can be asked


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("GET", "/v1/nothing", None, "not-found"),
        ("GET", "/", None, "not-found"),
        ("GET", "/v1/accounts/", None, "not-found"),
        ("GET", "/v1/accounts/../../etc/passwd", None, "not-found"),
        ("GET", "/v1/accounts/%2e%2e%2f", None, "not-found"),
        ("GET", "/v1/accounts/a%00b", None, "not-found"),
        ("GET", "/v1/accounts/%ff%fe", None, "not-found"),
        ("GET", "/v1/keys/hw_live_whole_key_in_path", None, "not-found"),
        ("GET", "/v1/changes/0", None, "invalid"),
        ("GET", "/v1/changes/99999999999999999999999999", None, "invalid"),
        ("GET", "/v1/changes/seven", None, "invalid"),
        ("GET", "/v1/changes?before=-1", None, "invalid"),
        ("GET", "/v1/accounts?limit=1001", None, "invalid"),
        ("GET", "/v1/accounts?limit=1e2", None, "invalid"),
        ("GET", "/v1/accounts?after=%f0%28", None, "invalid"),
        ("DELETE", "/v1/accounts/bot", None, "method"),
        ("OPTIONS", "/v1/accounts", None, "method"),
        ("HEAD", "/v1/accounts", None, ""),
        ("TRACE", "/v1/accounts", None, "method"),
        ("POST", "/v1/accounts", b"{", "malformed"),
        ("POST", "/v1/accounts", b'{"id": "a", "id": "b"}', "malformed"),
        ("POST", "/v1/accounts", b'{"id": "a", "label": NaN}', "malformed"),
        ("POST", "/v1/accounts", b'{"id": "a", "organisation": "\\ud800"}', "malformed"),
        ("POST", "/v1/accounts", b'{"id": "\xff"}', "malformed"),
        ("POST", "/v1/accounts", b"[" * 100_000, "malformed"),
        ("POST", "/v1/accounts", b'{"id": ' + b"9" * 5_000 + b"}", "malformed"),
        ("POST", "/v1/accounts", [], "invalid"),
        ("POST", "/v1/accounts", "text", "invalid"),
        ("POST", "/v1/accounts", None, "invalid"),
        ("POST", "/v1/accounts", {}, "invalid"),
        ("POST", "/v1/accounts", {"id": 7}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "admin": True}, "invalid"),
        ("POST", "/v1/accounts", {"id": "-a"}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a" * 200}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "tier": "root"}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "organisation": "nobody"}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "payment": "4111 1111 1111 1111"}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "label": "\u001b[2J"}, "invalid"),
        ("POST", "/v1/accounts", {"id": "a", "reason": "x" * 1000}, "invalid"),
        ("POST", "/v1/accounts", {"id": "bot"}, "conflict"),
        ("PATCH", "/v1/accounts/bot", {"tier": None}, "invalid"),
        ("PATCH", "/v1/accounts/bot", {"id": "other"}, "invalid"),
        ("PATCH", "/v1/accounts/bot", {"granted": "contracted"}, "invalid"),
        ("PATCH", "/v1/accounts/nobody", {"label": "a"}, "not-found"),
        ("POST", "/v1/accounts/nobody/keys", {}, "not-found"),
        ("POST", "/v1/accounts/bot/keys", {"scopes": ["root"]}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"scopes": []}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"expires_us": 1}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"expires_us": 2**70}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"networks": ["10.0.0.1/8"]}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"asns": [0]}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"asns": [True]}, "invalid"),
        ("POST", "/v1/accounts/bot/keys", {"environment": "prod"}, "invalid"),
        ("POST", "/v1/keys/AAAAAAAAAAAAAA/rotate", {}, "not-found"),
        ("PATCH", "/v1/tiers/root", {"batch": True}, "not-found"),
        ("PATCH", "/v1/tiers/contracted", {"batch": 1}, "invalid"),
        ("PATCH", "/v1/tiers/contracted", {"requests_per_day": -1}, "invalid"),
        ("PATCH", "/v1/tiers/contracted", {"requests_per_day": 1.5}, "invalid"),
        ("PATCH", "/v1/tiers/contracted", {"requests_per_day": 2**60}, "invalid"),
        ("PUT", "/v1/tiers", {"tiers": {"root": {}}}, "invalid"),
        ("PUT", "/v1/tiers", {"tiers": {"contracted": {"root": 1}}}, "invalid"),
        ("POST", "/v1/changes/999999/undo", {}, "not-found"),
        ("POST", "/v1/key-check", {"api_key": "hw_live_nonsense"}, "invalid"),
        ("GET", "/v1/accounts/bot/steps", None, "not-found"),
    ],
)
def test_what_cannot_be_done_is_a_problem_and_nothing_is_done(
    server: Served, admin: Client, method: str, path: str, body: object, kind: str
) -> None:
    with server.identity() as identity:
        before = identity.history(limit=1)
    answer = admin.ask(method, path, body)
    if kind:
        assert answer.problem == kind, answer.body
        assert answer.status == PROBLEMS[kind].status
        assert admin.ask("GET", answer.told["type"]).told["status"] == answer.status
    if kind == "invalid":
        assert all(one["field"] or method == "POST" for one in answer.told["errors"])
    if kind == "method":
        assert "GET" in answer.headers["allow"]
    with server.identity() as identity:
        assert identity.history(limit=1) == before
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a", "tier": 7}, "tier"),
        ({"id": "a", "tier": "root"}, "tier"),
        ({"id": "a b"}, "id"),
        ({"id": "a", "lable": ""}, "lable"),
        ({}, "id"),
    ],
)
def test_the_field_at_fault_is_named_and_its_value_is_not(admin: Client, body: object, field: str) -> None:
    answer = admin.ask("POST", "/v1/accounts", body)
    assert [one["field"] for one in answer.told["errors"]] == [field]
    assert "a b" not in answer.body.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_body_of_another_kind_is_refused(admin: Client, headers: dict[str, str]) -> None:
    answer = admin.ask("POST", "/v1/accounts", {"id": "typed"}, headers)
    assert (answer.status, answer.problem) == (415, "media-type")
    assert "application/json" in answer.headers["accept-post"]


def test_a_merge_patch_is_taken_under_its_own_name(admin: Client) -> None:
    kind = {"Content-Type": "application/merge-patch+json"}
    assert admin.ask("PATCH", "/v1/accounts/bot", {"label": "m"}, kind).told["label"] == "m"


# What is too much, too slow, or no HTTP


@pytest.mark.parametrize("size", [262_145, 1_000_000, 50_000_000])
def test_a_body_that_is_too_large_is_refused(admin: Client, size: int) -> None:
    answer = None
    try:
        answer = admin.ask("POST", "/v1/accounts", b" " * size)
    except OSError:  # a very large one is cut off while it is still being sent
        assert size > 5_000_000
    if answer is not None:
        assert (answer.status, answer.problem) == (413, "too-large")
    assert admin.ask("GET", "/v1/me").status == 200


def test_a_body_without_a_length_is_bounded_too(admin: Client) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    head = (
        f"POST /v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {admin.key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    got = raw(admin, head.encode() + chunk * 8 + b"0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in got


def test_slow_requests_are_cut_off_and_hold_nobody_up(tmp_path: Path) -> None:
    with served(tmp_path / "identity", settings="receive_s = 1.0\nconnections = 20") as server:
        admin = server.client(name="ann")
        place = (admin.host, admin.port)
        held = [socket.create_connection(place, timeout=20) for _ in range(15)]
        for number, one in enumerate(held):
            if number % 3:
                one.sendall(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * number)
        assert admin.ask("GET", "/v1/me").status == 200
        slow = raw(
            admin,
            f"POST /v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {admin.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode(),
        )
        assert slow.startswith(b"HTTP/1.1 408")
        for one in held:
            assert one.recv(10) == b""
            one.close()
        more = [socket.create_connection(place, timeout=20) for _ in range(40)]
        closed = 0
        for one in more[25:]:
            try:
                closed += one.recv(1) == b""
            except ConnectionResetError:
                closed += 1
        assert closed == 15
        for one in more:
            one.close()
        assert admin.ask("GET", "/v1/me").status == 200


def test_more_than_may_wait_are_told_to_come_again(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with served(tmp_path / "identity", settings="at_once = 1\nwaiting = 1") as server:
        admin = server.client(name="ann")
        with ThreadPoolExecutor(8) as pool, server.identity() as identity:
            with identity.store.write():  # the one whose turn it is waits for this
                asked = [
                    pool.submit(admin.ask, "POST", "/v1/accounts", {"id": f"a-{number}"})
                    for number in range(8)
                ]
                while sum(one.done() for one in asked) < 6:
                    time.sleep(0.05)
                early = [one.result() for one in asked if one.done()]
                assert {one.problem for one in early} == {"busy"}
                assert {one.headers["retry-after"] for one in early} == {"1"}
            assert sorted(one.result().status for one in asked) == [201] * 2 + [503] * 6


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    ],
)
def test_what_is_no_http_gets_one_answer(admin: Client, data: bytes) -> None:
    got = raw(admin, data)
    assert got.startswith(b"HTTP/1.1 400") or got == b""
    if got:
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == 400
    assert admin.ask("GET", "/v1/me").status == 200


@pytest.mark.parametrize("size", [20_000, 100_000, 1_000_000])
def test_a_head_that_is_too_large_is_refused(admin: Client, size: int) -> None:
    for data in (
        b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * size + b"\r\n\r\n",
    ):
        try:
            got = raw(admin, data)
        except OSError:  # cut off while it was still being sent
            continue
        assert got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or got == b""
    assert admin.ask("GET", "/v1/me").status == 200


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example", "127.0.0.1:1@evil"])
def test_another_host_is_refused(admin: Client, host: str) -> None:
    """A page of somebody else whose name was made to lead here."""
    got = raw(
        admin,
        f"GET /v1/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Authorization: Bearer {admin.key}\r\n\r\n".encode(),
    )
    assert got.startswith(b"HTTP/1.1 421")


# Where it listens


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "0.0.0.0"), "there is no TLS"),
        (("--host", "::"), "there is no TLS"),
        (("--host", "192.0.2.1"), "there is no TLS"),
        (("--host", "example.com"), "there is no TLS"),
    ],
)
def test_it_does_not_listen_beyond_this_machine_without_tls(
    server: Served, options: tuple[str, ...], says: str
) -> None:
    code, told = refused(server, "--port", "0", *options)
    assert (code, says in told) == (2, True)


def test_it_serves_tls_and_says_so_to_browsers(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pem = authority.certify("localhost")
    trust = ssl.create_default_context(cafile=str(authority.file))
    with served(tmp_path / "identity", settings=f'certificate = "{pem}"', tls=trust) as server:
        assert server.url.startswith("https://")
        answer = server.client(name="ann").ask("GET", "/v1/me")
        assert answer.status == 200
        assert "max-age" in answer.headers["strict-transport-security"]


def test_a_port_that_is_taken_and_a_certificate_that_is_none(server: Served, tmp_path: Path) -> None:
    code, told = refused(server, "--port", server.url.rpartition(":")[2])
    assert (code, "can't listen" in told) == (2, True)
    (tmp_path / "no.pem").write_text("nonsense")
    (tmp_path / "admin.toml").write_text(f'[admin]\ncertificate = "{tmp_path / "no.pem"}"\n')
    code, told = refused(server, "--port", "0", "--config", str(tmp_path / "admin.toml"))
    assert (code, "is no certificate" in told) == (2, True)


def refused(server: Served, *options: str) -> tuple[int, str]:
    """The exit code and the error of a server that doesn't start."""
    command = [sys.executable, "-m", "headwater.cli", "admin", "serve", "--identity", str(server.folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_it_ends_when_told_to_and_finishes_what_it_began(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with served(tmp_path / "identity") as server, server.identity() as identity:
        admin = server.client(name="ann")
        with ThreadPoolExecutor(1) as pool:
            with identity.store.write():
                asked = pool.submit(admin.ask, "POST", "/v1/accounts", {"id": "last"})
                time.sleep(0.5)
                server.process.terminate()
                time.sleep(0.5)
            assert asked.result().status == 201
        assert server.process.wait(30) == 0
        assert identity.get("account", "last").id == "last"


# What is said and kept


def test_the_log_has_a_line_for_each_request_and_no_secret(server: Served, admin: Client) -> None:
    answer = admin.ask("GET", "/v1/accounts/secret-looking-name-in-a-path?x=secret-looking-query")
    time.sleep(0.2)
    (line,) = [one for one in server.lines if answer.told["instance"] in one]
    assert "GET /v1/accounts/<account> 404" in line
    assert line.endswith(" ann")
    for secret in ("secret-looking", admin.key.split("_")[3]):
        assert secret not in server.said


def test_a_damaged_store_is_said_without_its_place(tmp_path: Path) -> None:
    with served(tmp_path / "identity") as server:
        admin = server.client(name="ann")
        admin.made("/v1/accounts", {"id": "bot"})
        path = server.folder / "identity.sqlite"
        path.chmod(0o644)  # others may read it: it isn't used as it is
        answer = admin.ask("GET", "/v1/accounts")
        assert (answer.status, answer.problem) == (503, "store")
        assert str(tmp_path) not in answer.body.decode()
        time.sleep(0.2)
        assert any(answer.told["instance"] in one and str(path) in one for one in server.lines)
        path.chmod(0o600)
        assert admin.ask("GET", "/v1/accounts").status == 200

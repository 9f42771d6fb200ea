"""Two at once, and again: If-Match, Idempotency-Key, and a process that is killed in the middle of a change."""

from __future__ import annotations

import http.client
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from console.offices import Answer, Client, Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("console") / "identity") as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: Served) -> Client:
    return server.client(name="ann")


def together(*asks: Any) -> list[Answer]:
    """Answers to requests that are sent at the same moment."""
    barrier = threading.Barrier(len(asks))

    def one(ask: Any) -> Answer:
        barrier.wait()
        answer: Answer = ask()
        return answer

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(one, asks))


def test_who_saw_an_older_row_changes_nothing(server: Served, admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "tagged"})
    seen = admin.ask("GET", "/v1/accounts/tagged").headers["etag"]
    changed = admin.ask("PATCH", "/v1/accounts/tagged", {"label": "a"}, {"If-Match": f'"0", {seen}'})
    assert changed.status == 200
    late = admin.ask("PATCH", "/v1/accounts/tagged", {"label": "b"}, {"If-Match": seen})
    assert (late.status, late.problem, late.headers["etag"]) == (412, "stale", changed.headers["etag"])
    assert admin.get("/v1/accounts/tagged")["label"] == "a"
    assert admin.ask("PATCH", "/v1/accounts/tagged", {"label": "c"}, {"If-Match": "*"}).status == 200
    weak = {"If-Match": f"W/{changed.headers['etag']}"}
    assert admin.ask("PATCH", "/v1/accounts/tagged", {"label": "d"}, weak).problem == "stale"
    for nonsense in ("17", '"17', '"a"b"', ""):
        answer = admin.ask("PATCH", "/v1/accounts/tagged", {"label": "e"}, {"If-Match": nonsense})
        assert answer.problem == "malformed"
    assert admin.get("/v1/accounts/tagged")["label"] == "c"


@pytest.mark.parametrize(
    ("path", "changes", "later"),
    [
        ("/v1/tiers/contracted", ("PATCH", "", {"requests_per_day": 7}), ("PATCH", "", {"batch": False})),
        ("/v1/tiers", ("PATCH", "/anonymous", {"requests_per_day": 7}), ("PUT", "", {"tiers": {}})),
        ("/v1/keys/{key}", ("PATCH", "", {"label": "a"}), ("POST", "/rotate", {})),
        ("/v1/keys/{key}", ("PATCH", "", {"label": "b"}), ("POST", "/revoke", {})),
        ("/v1/organisations/guarded", ("PATCH", "", {"label": "a"}), ("PATCH", "", {"tier": "contracted"})),
    ],
)
def test_a_row_of_any_kind_is_guarded(admin: Client, path: str, changes: Any, later: Any) -> None:
    admin.ask("POST", "/v1/organisations", {"id": "guarded"})
    admin.ask("POST", "/v1/accounts", {"id": "guarded"})
    if "{key}" in path:
        path = path.format(key=admin.made("/v1/accounts/guarded/keys", {})["id"])
    seen = admin.ask("GET", path).headers["etag"]
    method, suffix, body = changes
    assert admin.ask(method, path + suffix, body, {} if suffix else {"If-Match": seen}).status == 200
    before = admin.get(path)
    method, suffix, body = later
    assert admin.ask(method, path + suffix, body, {"If-Match": seen}).problem == "stale"
    assert admin.get(path) == before


def test_of_two_who_saw_the_same_row_one_changes_it(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "raced"})

    def relabel(label: str, seen: str) -> Answer:
        return admin.ask("PATCH", "/v1/accounts/raced", {"label": label}, {"If-Match": seen})

    for turn in range(10):
        seen = admin.ask("GET", "/v1/accounts/raced").headers["etag"]
        answers = together(*(partial(relabel, f"{turn} {number}", seen) for number in range(4)))
        assert Counter(one.status for one in answers) == {200: 1, 412: 3}


def test_a_creation_that_is_repeated_makes_nothing_anew(admin: Client) -> None:
    again = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    body = {"id": "once", "label": "x", "reason": "r"}
    first = admin.ask("POST", "/v1/accounts", body, again)
    admin.ask("PATCH", "/v1/accounts/once", {"label": "changed since"})
    second = admin.ask("POST", "/v1/accounts", body, again)
    assert (second.status, second.told) == (first.status, first.told)
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["location"] == first.headers["location"] == "/v1/accounts/once"
    unquoted = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    assert admin.ask("POST", "/v1/accounts", body, unquoted).told == first.told
    other = admin.ask("POST", "/v1/accounts", {**body, "label": "y"}, again)
    assert (other.status, other.problem) == (422, "repeated-otherwise")
    elsewhere = admin.ask("POST", "/v1/organisations", {"id": "once"}, again)
    assert elsewhere.problem == "repeated-otherwise"


def test_the_token_of_somebody_else_says_nothing(server: Served, admin: Client) -> None:
    again = {"Idempotency-Key": "shared-token"}
    assert admin.ask("POST", "/v1/accounts", {"id": "mine"}, again).status == 201
    other = server.client(name="bob")
    assert other.ask("POST", "/v1/accounts", {"id": "mine"}, again).problem == "conflict"
    assert other.ask("POST", "/v1/accounts", {"id": "theirs"}, again).status == 201


def test_a_secret_is_not_shown_a_second_time(server: Served, admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "shown"})
    again = {"Idempotency-Key": "make-one-key"}
    first = admin.ask("POST", "/v1/accounts/shown/keys", {"label": "ci"}, again)
    second = admin.ask("POST", "/v1/accounts/shown/keys", {"label": "ci"}, again)
    assert (second.status, second.problem) == (409, "shown-before")
    assert second.told["key"]["id"] == first.told["id"]
    assert first.told["api_key"].split("_")[3] not in second.body.decode()
    assert len(admin.get("/v1/keys?account=shown")["items"]) == 1
    rotated = {"Idempotency-Key": "rotate-it"}
    lost = admin.ask("POST", f"/v1/keys/{first.told['id']}/rotate", {}, rotated)
    repeated = admin.ask("POST", f"/v1/keys/{first.told['id']}/rotate", {}, rotated)
    assert (repeated.problem, repeated.told["key"]["id"]) == ("shown-before", lost.told["id"])
    assert len(admin.get("/v1/keys?account=shown")["items"]) == 2


def test_an_undo_that_is_repeated_undoes_once(admin: Client) -> None:
    made = admin.made("/v1/organisations", {"id": "undone"})
    again = {"Idempotency-Key": "undo-it"}
    first = admin.ask("POST", f"/v1/changes/{made['change']}/undo", {}, again)
    second = admin.ask("POST", f"/v1/changes/{made['change']}/undo", {}, again)
    assert (first.status, first.told) == (second.status, second.told)
    assert admin.ask("POST", f"/v1/changes/{made['change']}/undo", {}).problem == "conflict"


def test_what_was_forgotten_is_not_told_to_who_repeats(admin: Client) -> None:
    again = {"Idempotency-Key": "forgotten"}
    admin.ask("POST", "/v1/accounts", {"id": "gone", "label": "a person"}, again)
    admin.ask("POST", "/v1/accounts/gone/forget", {"no_undo": True})
    answer = admin.ask("POST", "/v1/accounts", {"id": "gone", "label": "a person"}, again)
    assert (answer.status, answer.problem) == (410, "forgotten")


def test_eight_who_repeat_at_once_make_one_key(admin: Client) -> None:
    admin.made("/v1/accounts", {"id": "eight"})
    again = {"Idempotency-Key": "eight-at-once"}
    answers = together(*(lambda: admin.ask("POST", "/v1/accounts/eight/keys", {}, again) for _ in range(8)))
    assert Counter(one.status for one in answers) == {201: 1, 409: 7}
    assert len(admin.get("/v1/keys?account=eight")["items"]) == 1


@pytest.mark.parametrize("token", ["", '""', "x" * 129, "a\tb", "ümlaut"])
def test_a_token_of_another_form_is_refused(admin: Client, token: str) -> None:
    answer = admin.ask("POST", "/v1/accounts", {"id": "never-made"}, {"Idempotency-Key": token.encode()})
    assert answer.problem == "malformed"
    assert admin.ask("GET", "/v1/accounts/never-made").problem == "not-found"


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_whole_changes_that_repeat_as_one(tmp_path: Path) -> None:
    """The change, its history, its message for the log and the note of its token are there together, or none is."""
    folder = tmp_path / "identity"
    for turn in range(6):
        with served(folder) as server:
            admin = server.client(name=f"killed-{turn}")
            asked: list[str] = []

            def flood(worker: int, admin: Client = admin, turn: int = turn, asked: list[str] = asked) -> None:
                for number in range(10_000):
                    name = f"a-{turn}-{worker}-{number}"
                    asked.append(name)
                    try:
                        admin.ask("POST", "/v1/accounts", {"id": name}, {"Idempotency-Key": name})
                    except (OSError, http.client.HTTPException):
                        return

            threads = [threading.Thread(target=flood, args=(n,)) for n in range(3)]
            for thread in threads:
                thread.start()
            threading.Event().wait(0.15 + 0.11 * turn)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(30)
            for thread in threads:
                thread.join(30)
        with served(folder) as server, server.identity() as identity:
            again = Client(*_place(server), admin.key)
            answers = [
                again.ask("POST", "/v1/accounts", {"id": name}, {"Idempotency-Key": name}) for name in asked
            ]
            assert {one.status for one in answers} == {201}
            rows = {row.id for row in identity.all("account")}
            changes = [one.row for one in identity.history(kinds=("account",), limit=100_000)]
            messages = [one.subject for one in identity.waiting(100_000) if one.subject]
            assert set(asked) <= rows
            assert sorted(changes) == sorted(messages) == sorted(rows)


def _place(server: Served) -> tuple[str, int]:
    host, _, port = server.url.partition("//")[2].rpartition(":")
    return host, int(port)

"""`headwater admin`: keys for those who act over the API are made here only, shown once, and end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest

from headwater.cli import app
from headwater.console import SCOPES, AdminKey, AdminKeys, ConsoleSettings, Office
from headwater.control.identity import IdentitySettings, open_identity

FAR_US = 4_000_000_000_000_000


class Call(Protocol):
    """Runs a command and gives its exit code, stdout and stderr."""

    def __call__(self, *arguments: str) -> tuple[int, str, str]: ...


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_IDENTITY", "identity")
    monkeypatch.setenv("HEADWATER_PERSON", "ann")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = app.run(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    assert call("account", "init", "identity")[0] == 0
    return call


def matched(text: str, at_us: int) -> Any:
    office = Office.of(ConsoleSettings(), Path("identity"), IdentitySettings())
    with office.store() as store:
        return AdminKeys(store, office.peppers).match(text, at_us)


def test_an_admin_key_is_printed_once_and_alone(call: Call, tmp_path: Path) -> None:
    code, out, err = call(
        "admin", "key", "new", "deploy", "--scope", "keys:write", "--scope", "accounts:read"
    )
    assert code == 0
    text = out.strip()
    secret = text.split("_")[3]
    assert secret not in err
    for arguments in (("list",), ("list", "--json", "--all")):
        _, out, err = call("admin", "key", *arguments)
        assert "deploy" in out
        assert secret not in out + err
    for path in (tmp_path / "identity").iterdir():
        assert secret.encode() not in path.read_bytes()
    found = matched(text, 1)
    assert (found.name, found.scopes) == ("deploy", ("accounts:read", "keys:write"))
    assert not isinstance(matched(text, FAR_US), AdminKey), "by itself it ends after 90 days"
    assert not isinstance(matched(text[:-1] + ("0" if text[-1] != "0" else "1"), 1), AdminKey)


def test_a_key_is_revoked_by_its_name_and_the_name_is_free_again(call: Call) -> None:
    _, first, _ = call("admin", "key", "new", "deploy", "--scope", "undo", "--expires", "never")
    code, _, err = call("admin", "key", "new", "deploy", "--scope", "undo")
    assert (code, "revoke it first" in err) == (2, True)
    assert isinstance(matched(first.strip(), FAR_US), AdminKey)
    code, out, _ = call("admin", "key", "revoke", "deploy")
    assert (code, out.startswith("revoked admin key")) == (0, True)
    assert not isinstance(matched(first.strip(), FAR_US), AdminKey)
    assert call("admin", "key", "new", "deploy", "--scope", "undo")[0] == 0
    assert len(json.loads(call("admin", "key", "list", "--json", "--all")[1])) == 2
    assert len(json.loads(call("admin", "key", "list", "--json")[1])) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("new", "deploy"), "--scope"),
        (("new", "deploy", "--scope", "root"), "there is no such scope"),
        (("new", "provider.acme", "--scope", "undo"), "can't act"),
        (("new", "a b", "--scope", "undo"), "can't act"),
        (("new", "deploy", "--scope", "undo", "--expires", "0d"), "not a span of time"),
        (("new", "deploy", "--scope", "undo", "--by", "a b"), "can't act"),
        (("revoke", "nobody"), "there is no such admin key"),
    ],
)
def test_what_cannot_be_done_is_said(call: Call, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = call("admin", "key", *arguments)
    assert (code, out, says in err) == (2, "", True)


def test_the_log_learns_of_admin_keys_and_of_no_secret(call: Call) -> None:
    _, out, _ = call("admin", "key", "new", "deploy", "--scope", "undo")
    call("admin", "key", "revoke", "deploy", "--by", "bob")
    with open_identity(Path("identity"), IdentitySettings()) as identity:
        messages = [json.loads(one.payload) for one in identity.waiting(10)]
    assert [(one["kind"], one["what"], one["by"]) for one in messages] == [
        ("admin-key", "made", "ann"),
        ("admin-key", "revoked", "bob"),
    ]
    assert out.strip().split("_")[3] not in json.dumps(messages)
    assert "digest" not in json.dumps(messages)


def test_the_help_names_every_scope(call: Call) -> None:
    _, out, _ = call("admin", "key", "new", "--help")
    assert [scope for scope in SCOPES if scope not in out] == []


def test_settings_come_from_their_file_and_no_other(call: Call, tmp_path: Path) -> None:
    """./headwater.toml is another program's part: an investigation's."""
    (tmp_path / "headwater.toml").write_text("[engine]\nthreads = 2\n")
    (tmp_path / "admin.toml").write_text("[admin]\nprot = 1\n")
    code, _, err = call("admin", "serve", "--config", "admin.toml")
    assert (code, "did you mean admin.port?" in err) == (2, True)
    for line, says in (("port = 70000", "must be from 0 to 65535"), ("body_bytes = 0", "must be 1 or more")):
        (tmp_path / "admin.toml").write_text(f"[admin]\n{line}\n")
        code, _, err = call("admin", "serve", "--config", "admin.toml")
        assert (code, says in err) == (2, True)
    code, _, err = call("admin", "serve", "--host", "0.0.0.0")
    assert (code, "there is no TLS" in err) == (2, True)


def test_without_the_extra_it_is_said_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from headwater.console import application

    monkeypatch.setattr(application, "find_spec", lambda name: None if name == "ninja" else sys)
    code, _, err = call("admin", "serve", "--port", "0")
    assert (code, "headwater[console]" in err) == (2, True)
    assert call("admin", "key", "new", "deploy", "--scope", "undo")[0] == 0, "keys need no server"

"""Signing keys are written and read back, guarded by file mode, never shown, and sign as RFC 8032 says."""

import os
import pickle
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater.cli.keys import command
from headwater.errors import ConfigurationError, UsageError
from headwater.keys import SigningKey, load_signing_key, save_signing_key
from headwater.proof import VerifierKey, read_public_key

KEY = SigningKey(bytes(range(32)), version=3)


def test_rfc_8032_test_2() -> None:
    """Section 7.1, TEST 2."""
    key = SigningKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_a_saved_key_is_loaded_again_and_private(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    save_signing_key(KEY, path)
    assert load_signing_key(path) == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="exists"):
        save_signing_key(KEY, path)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    save_signing_key(KEY, path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="0644"):
        load_signing_key(path)


def test_a_missing_file_says_how_to_make_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        load_signing_key(tmp_path / "none.key")
    assert "signing-new" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        KEY.seed.hex(),
        KEY.line()[:-1],
        KEY.line() + "\n" + KEY.line(),
        KEY.line().replace("0001", "0002", 1),
        KEY.line().replace("manifest", "imprint"),
    ],
)
def test_a_damaged_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SigningKey.parse(text)
    shown = "".join(traceback.format_exception_only(caught.value)) + str(caught.value.hint)
    assert KEY.seed.hex()[8:40] not in shown
    assert "nonsense" not in shown


def test_no_printed_form_shows_the_secret() -> None:
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY])):
        assert KEY.seed.hex()[:16] not in shown
        assert KEY.id in shown
    assert pickle.loads(pickle.dumps(KEY)) == KEY


@pytest.mark.parametrize("wrong", [{"seed": b"short"}, {"purpose": "imprint"}, {"version": 0}])
def test_a_key_of_wrong_parts_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SigningKey(**({"seed": bytes(32)} | wrong))  # type: ignore[arg-type]


def test_the_command_prints_the_public_key_and_never_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    ran = CliRunner().invoke(command, ["signing-new", str(path)])
    assert ran.exit_code == 0
    key = load_signing_key(path)
    identity, _, pem = ran.stdout.partition("\n")
    assert identity == key.id
    assert read_public_key(pem.encode()) == key.public
    assert key.seed.hex() not in ran.output


@pytest.mark.parametrize(
    "text", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_public_key_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="public key"):
        read_public_key(text)


@pytest.mark.parametrize(("purpose", "algorithm"), [("log", 1), ("witness", 4)])
def test_a_key_for_a_log_is_told_as_a_verifier_key(purpose: str, algorithm: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    ran = CliRunner().invoke(
        command,
        ["signing-new", str(path), "--for", purpose, "--name", "example.com/log"],
        catch_exceptions=False,
    )
    told = VerifierKey.parse(ran.stdout.splitlines()[1])
    assert (told.name, told.algorithm) == ("example.com/log", algorithm)
    assert told.key == load_signing_key(path, purpose).public


@pytest.mark.parametrize("given", [["--for", "log"], ["--name", "example.com/log"]])
def test_a_name_is_for_logs_and_witnesses(given: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs one"):
        CliRunner().invoke(command, ["signing-new", str(tmp_path / "key"), *given], catch_exceptions=False)
    assert not (tmp_path / "key").exists()

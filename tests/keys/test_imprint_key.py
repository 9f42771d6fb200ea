"""Keys are written and read back, guarded by file mode, and never shown."""

import os
import pickle
import traceback
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.keys import DEMO_KEY, ENVIRONMENT, ImprintKey, load_imprint_key, save_imprint_key

KEY = ImprintKey(bytes(range(32)), version=3)


def test_a_saved_key_is_loaded_again_and_private(tmp_path: Path) -> None:
    path = tmp_path / "imprint.key"
    save_imprint_key(KEY, path)
    assert load_imprint_key(path) == KEY
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "imprint.key"
    save_imprint_key(KEY, path)
    with pytest.raises(ConfigurationError, match="exists"):
        save_imprint_key(DEMO_KEY, path)
    assert load_imprint_key(path) == KEY


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "imprint.key"
    save_imprint_key(KEY, path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="0640") as caught:
        load_imprint_key(path)
    assert caught.value.hint == f"chmod 600 {path}"


def test_a_missing_file_says_how_to_make_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        load_imprint_key(tmp_path / "none.key")
    assert "keys new" in (caught.value.hint or "")


def test_the_file_comes_before_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "imprint.key"
    save_imprint_key(KEY, path)
    environment = {ENVIRONMENT: DEMO_KEY.line()}
    assert load_imprint_key(path, environment) == KEY
    assert load_imprint_key(None, environment) == DEMO_KEY
    assert load_imprint_key(None, {}) is None


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        KEY.secret.hex(),
        KEY.line()[:-1],
        KEY.line() + "\n" + KEY.line(),
        KEY.line().replace("0001", "0002", 1),
        KEY.line().replace("KEY-3", "KEY-4"),
        "",
    ],
)
def test_a_damaged_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ImprintKey.parse(text)
    shown = "".join(traceback.format_exception_only(caught.value)) + str(caught.value.hint)
    assert KEY.secret.hex()[8:40] not in shown
    assert "nonsense" not in shown


def test_no_printed_form_shows_the_secret() -> None:
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), repr(KEY.id)):
        assert KEY.secret.hex() not in shown
        assert repr(KEY.secret) not in shown
    assert KEY.id in repr(KEY)


def test_known_answers() -> None:
    assert KEY.id == "758bf1e3db655004"
    assert KEY.derive("test", 16).hex() == "a20c01ca2c981a47af7fcb802cecc58c"
    assert DEMO_KEY.id == "ea7e523078a46603"


def test_versions_and_purposes_are_independent() -> None:
    other = ImprintKey(KEY.secret, version=4)
    assert len({KEY.derive("a"), KEY.derive("b"), other.derive("a"), other.derive("b")}) == 4
    assert other.id != KEY.id


def test_only_the_demo_key_is_public() -> None:
    assert DEMO_KEY.is_public
    assert not KEY.is_public
    assert "public" in repr(DEMO_KEY)


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33])
def test_a_secret_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(UsageError, match="32"):
        ImprintKey(secret)


def test_a_key_survives_a_process_boundary() -> None:
    assert pickle.loads(pickle.dumps(KEY)) == KEY

"""Fixtures of marks in engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from headwater.integrations import engine_marks
from headwater.keys import save_mark_key, save_ticket_key
from headwater.mark import new_key


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring with a default mark, accounts, and keys of tickets, named in the environment."""
    from integrations.marked import KEY, KEYRING

    save_mark_key(new_key("headwater-gumbel"), tmp_path / "default.key")
    save_mark_key(new_key("accounts"), tmp_path / "master.key")
    save_ticket_key(KEY, tmp_path / "tickets.key")
    (tmp_path / "accounts.txt").write_text("alice\nbob\n")
    path = tmp_path / "keys.toml"
    path.write_text(KEYRING)
    path.chmod(0o600)
    monkeypatch.setenv("HEADWATER_KEYRING", str(path))
    engine_marks.marker.cache_clear()
    engine_marks.once.cache_clear()
    yield path
    engine_marks.marker.cache_clear()


@pytest.fixture
def held() -> Iterator[dict[str, ModuleType]]:
    """vLLM's and SGLang's published interfaces, importable."""
    from integrations.engines import engines

    with engines() as made:
        yield made

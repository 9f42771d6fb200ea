"""The providers whose webhooks are taken, as the settings name them: each with its plug-in and its secrets.

Secrets are read once, when the process starts, and are in no error and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from headwater.console.settings import ConsoleSettings, Verifier
from headwater.control.identity import Receiver, plug_in, webhook_secret
from headwater.errors import ConfigurationError, Where
from headwater.keys import read_private

_MOST: Final = 8
_HINT: Final = "a file with whsec_… as the provider shows it, one a line, for its owner only (chmod 600)"


def receivers(settings: ConsoleSettings) -> Mapping[str, Receiver]:
    """Name → who takes its webhooks. Raises `ConfigurationError` for a secret file, `UsageError` for a plug-in."""
    return {
        one.name: Receiver(one.name, plug_in(one.plugin), _secrets(one), one.highest)
        for one in settings.verifiers
    }


def _secrets(one: Verifier) -> list[bytes]:
    path = Path(one.secret_file)
    lines = read_private(path, hint=_HINT).decode("ascii", "replace").splitlines()
    texts = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not 1 <= len(texts) <= _MOST:
        raise ConfigurationError(f"holds {len(texts)} secrets", where=Where(str(path)), hint=_HINT)
    try:
        return [webhook_secret(text) for text in texts]
    except ConfigurationError as error:
        raise ConfigurationError(error.what, where=Where(str(path)), hint=error.hint) from None

"""Files that people write in TOML: read whole, and refused in words where they are not TOML.

What a file says is no business of this module.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from headwater.errors import ConfigurationError, Where, unreadable


def load_toml(path: Path) -> dict[str, Any]:
    """What the file at `path` holds.

    Raises `UnreadableInput` where it can't be read, `ConfigurationError` where it isn't TOML.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=Where(str(path))) from None
    return parsed(text, str(path))


def parsed(text: str, file: str) -> dict[str, Any]:
    """What `text` holds; `file` is named where it isn't TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not TOML: {error}", where=Where(file)) from None
    except RecursionError:
        raise ConfigurationError("is not TOML: nested too deep", where=Where(file)) from None
    except ValueError:  # Python limits the digits of a number
        raise ConfigurationError("is not TOML: a number has too many digits", where=Where(file)) from None

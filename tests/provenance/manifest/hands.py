"""A person's hand on `manifest.toml`: puts answers in place of what stands there."""

import re
from pathlib import Path


def answer(path: Path, **answers: str) -> None:
    """Set entries by name to values as TOML writes them."""
    text = path.read_text("utf-8")
    for name, value in answers.items():
        text, count = re.subn(rf"(?m)^{name} = .*$", lambda _: f"{name} = {value}", text)  # noqa: B023
        assert count == 1, name
    path.write_text(text, "utf-8")

"""Columns of text, read as bytes: SQLite hands out no text that isn't UTF-8, and one such row would hide all others.

Whoever reads them decides what a row is that can't be decoded.
"""

from __future__ import annotations


def as_bytes(*names: str) -> str:
    """Columns of text for a SELECT, each as the bytes that it holds."""
    return ", ".join(f"CAST({name} AS BLOB)" for name in names)


def exactly(value: bytes) -> str:
    """The text that the bytes are; `UnicodeDecodeError` where they are none."""
    return bytes(value).decode()


def shown(value: bytes) -> str:
    """The text that the bytes are, with what isn't UTF-8 as `\\xff`: it differs from every text that was written."""
    return bytes(value).decode("utf-8", "backslashreplace")

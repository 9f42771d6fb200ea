"""Pictures and other media in what a request says: how many, and how many bytes of the body they are.

Base64 isn't text: a picture that is written into a body counts as a picture. Only where a server looks for media: in
messages, their content and what tools gave back, but not in a tool's schema or in a text.
"""

from __future__ import annotations

import re
from typing import Any, Final

#: Kind of body → the field that holds what is said.
SAID: Final = {"chat": "messages", "messages": "messages", "responses": "input"}
_PICTURES: Final = frozenset(("image_url", "input_image", "image", "computer_screenshot"))
#: What counts as one picture, as nothing better is known before it was read; what of it is in the body counts as text.
_OTHERS: Final = frozenset(
    (
        "input_audio",
        "audio_url",
        "video_url",
        "input_video",
        "file",
        "input_file",
        "document",
        "container_upload",
    )
)
_INNER: Final = ("content", "output")
_DEEPEST: Final = 12
#: What has a kind says so; and how the name of a kind begins in JSON: quotes within a text are escaped.
_KIND: Final = b'"type"'
_KINDS: Final = re.compile(
    rb'"(?:image|input_(?:image|file|audio|video)|computer_screenshot|file"|document"|audio_url|video_url|container_upload)'
)
_ESCAPE: Final = b"\\u00"


def holds_media(body: bytes) -> bool:
    """Whether there may be any; escapes of plain letters may hide their names."""
    # One byte is looked for many times faster than several.
    escaped = b"\\" in body and _ESCAPE in body
    return escaped or (_KIND in body and _KINDS.search(body) is not None)


def media_in(said: Any) -> tuple[int, int]:
    """(media in what is said, the bytes that those pictures take which are written into it)."""
    return _parts(said, 0)


def _parts(value: Any, depth: int) -> tuple[int, int]:
    if depth > _DEEPEST:
        return 0, 0
    found = inline = 0
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            continue
        kind = one.get("type")
        if isinstance(kind, str) and kind in _PICTURES:
            found += 1
            inline += _inline(one.get("image_url", one.get("source")))
        elif isinstance(kind, str) and kind in _OTHERS:
            found += 1
        for name in _INNER:
            inner = one.get(name)
            if isinstance(inner, (list, dict)):
                more, bytes_more = _parts(inner, depth + 1)
                found, inline = found + more, inline + bytes_more
    return found, inline


def _inline(source: Any) -> int:
    """Bytes of base64: of a data URL, or of Anthropic's source of that type."""
    if isinstance(source, dict):
        if source.get("type") == "base64" and isinstance(source.get("data"), str):
            return len(source["data"])
        source = source.get("url")
    if not isinstance(source, str) or source[:5].lower() != "data:":
        return 0
    return len(source) if ";base64," in source[:200].lower() else 0

"""What can be set about a journal and its rotation: each entry with its unit, its default and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headwater.errors import UsageError


@dataclass(frozen=True)
class JournalSettings:
    """How a relay writes its journal."""

    window_us: int = field(
        default=10_000,
        metadata={
            "doc": "Microseconds that a record waits in memory at most before it is written and synced, while "
            "the disk keeps up.",
            "range": "from 0 to 60,000,000",
        },
    )
    window_records: int = field(
        default=1_000,
        metadata={"doc": "Records after which that happens at once.", "range": "1 or more"},
    )
    memory_bytes: int = field(
        default=32 << 20,
        metadata={
            "doc": "Bytes that may wait for a slow or full disk; beyond them `when_full` holds.",
            "range": "65,536 or more",
        },
    )
    file_bytes: int = field(
        default=64 << 20,
        metadata={"doc": "Size at which a file is closed and the next begun.", "range": "4,096 or more"},
    )
    file_age_us: int = field(
        default=600_000_000,
        metadata={
            "doc": "Microseconds after which a file is closed: rotation reads closed files only.",
            "range": "1,000,000 or more",
        },
    )
    when_full: Literal["refuse", "serve-unrecorded"] = field(
        default="refuse",
        metadata={
            "doc": "What happens to requests while nothing can be recorded; either is counted, and recorded "
            "once there is room again.",
            "range": "refuse, serve-unrecorded",
        },
    )
    retry_us: int = field(
        default=1_000_000,
        metadata={
            "doc": "Microseconds between attempts to write while the disk refuses.",
            "range": "10,000 or more",
        },
    )

    def __post_init__(self) -> None:
        if not 0 <= self.window_us <= 60_000_000:
            raise UsageError("the journal's window is between 0 and 60,000,000 µs")
        if self.window_records < 1 or self.memory_bytes < 1 << 16 or self.file_bytes < 4096:
            raise UsageError("a journal's window, memory or file size is too small to be used")
        if self.file_age_us < 1_000_000 or self.retry_us < 10_000:
            raise UsageError("a journal's file age or retry time is too small to be used")
        if self.when_full not in ("refuse", "serve-unrecorded"):
            hint = "refuse, or serve-unrecorded"
            raise UsageError("when_full says what to do where nothing can be recorded", hint=hint)


@dataclass(frozen=True)
class RotationSettings:
    """How closed files become Parquet."""

    keep: Literal["prompts", "imprints"] = field(
        default="prompts",
        metadata={
            "doc": "Whether texts are kept, or only keyed imprints of prompts.",
            "range": "prompts, imprints",
        },
    )
    patience_us: int = field(
        default=900_000_000,
        metadata={
            "doc": "Microseconds for which a file waits for answers to its requests while its relay lives.",
            "range": "0 or more",
        },
    )
    keep_damaged: bool = field(
        default=True,
        metadata={
            "doc": "Whether a journal file in which something couldn't be read is kept beside the others; it "
            "holds texts."
        },
    )

    def __post_init__(self) -> None:
        if self.keep not in ("prompts", "imprints"):
            raise UsageError("what a rotation keeps is prompts or imprints")
        if self.patience_us < 0:
            raise UsageError("a rotation's patience is 0 or more microseconds")

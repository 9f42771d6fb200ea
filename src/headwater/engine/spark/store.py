"""A folder that the driver and every executor see under one name: a path they share, or a prefix in an object store.

Files appear in it whole or not at all. Whoever needs credentials finds them where the file system's own client looks
for them (environment, instance role); a URI that carries them is refused.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from headwater.errors import HeadwaterError, UnreadableInput, UsageError, Where

#: What a file is called until it is whole.
_UNDONE = "_undone-"
_HINT = "check the name, the permissions, and that every machine of the cluster sees it"


def is_uri(place: object) -> bool:
    """Whether this names an object store (`s3://bucket/prefix`) rather than a path."""
    return isinstance(place, str) and "://" in place and not place.startswith("file://")


class Store:
    """Files by name under one URI or absolute path. Pickles to its name alone."""

    def __init__(self, place: str | Path) -> None:
        text = str(place)
        if is_uri(text):
            parts = urlsplit(text)
            if "@" in parts.netloc:
                raise UsageError(
                    "the name of a store must not carry credentials",
                    where=Where(f"{parts.scheme}://…@{parts.netloc.rpartition('@')[2]}"),
                    hint="give them where its client looks for them, such as AWS_ACCESS_KEY_ID or a role",
                )
            self.uri = text
        else:
            self.uri = str(Path(text.removeprefix("file://")).resolve())

    def __getstate__(self) -> dict[str, str]:
        return {"uri": self.uri}

    @property
    def name(self) -> str:
        """The store as messages show it: without options, which may say more than a name."""
        return self.uri.partition("?")[0]

    @property
    def folder(self) -> Path | None:
        """The folder, where the store is one."""
        return None if is_uri(self.uri) else Path(self.uri)

    @cached_property
    def _opened(self) -> tuple[fs.FileSystem, str]:
        if self.folder is not None:
            return fs.LocalFileSystem(), self.uri
        try:
            return fs.FileSystem.from_uri(self.uri)
        except pa.ArrowInvalid as error:  # a scheme that Arrow doesn't know
            return _by_fsspec(self.uri, error)
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error) from error

    @property
    def system(self) -> fs.FileSystem:
        """The file system that it lies in."""
        return self._opened[0]

    @property
    def root(self) -> str:
        """Its place there."""
        return self._opened[1].rstrip("/")

    def path(self, name: str) -> str:
        """A file's place in the file system."""
        return f"{self.root}/{name}" if name else self.root

    def place(self, name: str) -> str:
        """A file as messages show it."""
        return f"{self.name.rstrip('/')}/{name}"

    def uri_of(self, name: str) -> str:
        """A file as a store of its own, options included."""
        head, mark, options = self.uri.partition("?")
        return f"{head.rstrip('/')}/{name}{mark}{options}" if name else self.uri

    def info(self, name: str) -> fs.FileInfo | None:
        """Size and time of a file; None where there is none."""
        try:
            found = self.system.get_file_info(self.path(name))
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name) from error
        return found if found.type == fs.FileType.File else None

    def parquet(self, name: str) -> pq.ParquetFile:
        """An open Parquet file. Raises `UnreadableInput`."""
        try:
            if self.folder is not None:
                return pq.ParquetFile(self.path(name), memory_map=True)
            return pq.ParquetFile(self.system.open_input_file(self.path(name)), pre_buffer=True)
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name) from error

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where it isn't there."""
        try:
            with self.system.open_input_file(self.path(name)) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name) from error

    def write(self, name: str, data: bytes) -> None:
        """Make a file, or take the place of one."""
        self._placed(name, lambda out: out.write(data))

    def put(self, local: Path, name: str) -> None:
        """A copy of a file of this machine."""

        def copied(out: Any) -> None:
            with local.open("rb") as source:
                shutil.copyfileobj(source, out, 8 << 20)

        self._placed(name, copied)

    def _placed(self, name: str, fill: Any) -> None:
        """Object stores show an object when its upload ends; in a folder the file gets its name then."""
        path = self.path(name)
        try:
            if self.folder is None:
                with self.system.open_output_stream(path) as out:
                    fill(out)
                return
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            undone = Path(path).parent / f"{_UNDONE}{uuid.uuid4().hex}"
            with undone.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            undone.replace(path)
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name, "cannot be written") from error

    def files(self, name: str = "") -> dict[str, fs.FileInfo]:
        """All files in a folder of the store and below, by name, in order of name."""
        selector = fs.FileSelector(self.path(name), recursive=True, allow_not_found=True)
        try:
            found = self.system.get_file_info(selector)
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name) from error
        inside = {info.path[len(self.root) + 1 :]: info for info in found if info.type == fs.FileType.File}
        return dict(sorted(inside.items()))

    def sweep(self) -> None:
        """Remove what was half written when its writer was killed. Nobody else may be writing."""
        if self.folder is not None:
            self.remove(name for name in self.files() if name.rpartition("/")[2].startswith(_UNDONE))

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, those that aren't there too."""
        for name in names:
            try:
                self.system.delete_file(self.path(name))
            except FileNotFoundError:
                pass
            except (OSError, pa.ArrowException) as error:
                raise self._lost(error, name, "cannot be removed") from error

    def clear(self, name: str) -> None:
        """Remove a folder of the store with all that is in it."""
        try:
            self.system.delete_dir(self.path(name))
        except FileNotFoundError:
            pass
        except (OSError, pa.ArrowException) as error:
            raise self._lost(error, name, "cannot be removed") from error

    def _lost(self, error: Exception, name: str = "", what: str = "cannot be read") -> HeadwaterError:
        """Of the file system's own message the kind of fault only: it may quote addresses and keys."""
        where = Where(self.place(name) if name else self.name)
        return UnreadableInput(f"{what} ({type(error).__name__})", where=where, hint=_HINT)


def _by_fsspec(uri: str, error: Exception) -> tuple[fs.FileSystem, str]:
    try:
        import fsspec
    except ImportError:
        scheme = uri.partition("://")[0]
        raise UsageError(
            f"Arrow reads no {scheme}:// and fsspec is not installed",
            hint=f"install fsspec with its package for {scheme}, or use a path or s3://",
        ) from error
    system, root = fsspec.core.url_to_fs(uri)
    handler: Any = fs.FSSpecHandler
    return fs.PyFileSystem(handler(system)), root

"""The files of a corpus: what may be read in a folder, a Hugging Face download or a file that is named.

Knows names and kinds; reads no rows. Descriptions that lie beside the data (cards, manifests, lists of files) and
what an audit wrote before are passed over; they are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from headwater.errors import UnreadableInput, Where, unreadable
from headwater.exchange import LogFile, files, holds_lines

Kind = Literal["parquet", "lines", "document", "sheet", "arrow"]

#: Ends of names that are data, when nothing is known but the name.
_DATA: Final = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow")
_PACKED: Final = (".gz", ".zst", ".zstd")
#: JSON that describes a corpus, a model or a program and holds none of its rows.
_DESCRIPTIONS: Final = frozenset(
    """
    audit.json california-statement.json config.json croissant.json data_summary.json dataset_dict.json
    dataset_info.json dataset_infos.json dta.json eu-summary.json generation_config.json iscc.json iscc.jsonl
    manifest.json metadata.json package.json ro-crate-metadata.json statement.dsse.json state.json tdmrep.json
    tokenizer.json tokenizer_config.json
    """.split()  # noqa: SIM905
)
_READABLE: Final = f"readable are {', '.join(_DATA)}; text also packed as .gz or .zst"


@dataclass(frozen=True)
class CorpusFile:
    """One file of rows. `name` is its path within the corpus; `log` reads it where the kind isn't arrow."""

    path: Path
    name: str
    kind: Kind
    size: int
    touched_ns: int
    log: LogFile | None


@dataclass(frozen=True)
class Corpus:
    """`root` is the folder (or the file's folder) that names are within; `given` is what the user named."""

    root: Path
    given: Path
    files: tuple[CorpusFile, ...]
    problems: tuple[UnreadableInput, ...] = ()

    @property
    def name(self) -> str:
        """The corpus as a reader calls it: the folder's or file's name without its endings."""
        name = printable(self.given.resolve().name)
        while not self.given.is_dir() and Path(name).suffix.lower() in (*_DATA, *_PACKED):
            name = Path(name).stem
        return name or "corpus"


def corpus(path: Path) -> Corpus:
    """The corpus at `path`: a file or a folder. Raises UnreadableInput where nothing in it can be read."""
    if path.is_dir():
        found, problems = [], []
        for inner in _walk(path):
            try:
                found.append(_opened(inner, inner.relative_to(path).as_posix()))
            except UnreadableInput as error:
                problems.append(error)
        if not found:
            if problems:
                raise problems[0]
            raise UnreadableInput("holds no data files", where=Where(str(path)), hint=_READABLE)
        return Corpus(path, path, tuple(found), tuple(problems))
    if not path.exists():
        raise unreadable(path, FileNotFoundError())
    return Corpus(path.parent, path, (_opened(path, path.name),))


def _opened(path: Path, name: str) -> CorpusFile:
    status = path.stat()
    name = printable(name)
    if path.suffix.lower() == ".arrow":
        return CorpusFile(path, name, "arrow", status.st_size, status.st_mtime_ns, None)
    (log,) = files([path])
    kind: Kind = log.kind
    if kind == "document" and holds_lines(path):
        kind = "lines"
    return CorpusFile(path, name, kind, status.st_size, status.st_mtime_ns, log)


def _walk(folder: Path) -> Iterator[Path]:
    """Data files in order of name; what begins with a dot or an underscore is passed over, as are our own folders."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    if ours(folder):
        return
    for path in inside:
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file() and _is_data(path):  # links too: a Hugging Face download is made of them
            yield path


def ours(folder: Path) -> bool:
    """Whether a folder is one that an audit writes to, or wrote."""
    if (folder / ".audit-work").is_dir():
        return True
    try:
        with (folder / "audit.json").open("rb") as file:
            return b'"headwater.audit/' in file.read(200)
    except OSError:
        return False


def printable(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _is_data(path: Path) -> bool:
    name = path.name.lower()
    if name in _DESCRIPTIONS or name.endswith((".schema.json", ".jsonld")):
        return False
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name.endswith(_DATA)

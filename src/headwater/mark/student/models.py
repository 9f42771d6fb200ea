"""Models whose next-token laws are compared: a directory of transformers' format, or the small GPTs of `mark.proxy`.

torch and transformers (the extra `torch`) are imported only where a directory is opened. Weights are read from
safetensors alone and no code of the model's is run: a suspect's files are somebody else's.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, UsageError, Where, unreadable
from headwater.mark.proxy.gpt import GPT
from headwater.mark.proxy.gpt import load as load_gpt

Floats = NDArray[np.float32]
_CHUNK: Final = 1 << 22
_WEIGHTS: Final = "*.safetensors"
#: Tokens that a model sees at once, unless told: enough for a law, and it bounds the memory.
WINDOW: Final = 512


class Model(Protocol):
    """One model. `digest`: SHA-256 of its weights and configuration; `window`: the most tokens it takes at once."""

    @property
    def name(self) -> str:
        """As reports call it."""
        ...

    @property
    def digest(self) -> str:
        """What a commitment names it by."""
        ...

    @property
    def vocabulary(self) -> int:
        """How many tokens its laws have."""
        ...

    @property
    def window(self) -> int:
        """The most tokens at once."""
        ...

    def laws(self, rows: NDArray[np.int64]) -> Floats:
        """The chances of the token after each: (rows, n, vocabulary) from token ids (rows, n)."""
        ...


class Small:
    """A GPT of `mark.proxy`: for tests, and where there is no torch."""

    def __init__(self, path: Path) -> None:
        self._inner: GPT = load_gpt(path)
        self.name = path.name
        self.digest = model_digest(path)
        self.vocabulary, self.window = self._inner.tokens, self._inner.window

    def laws(self, rows: NDArray[np.int64]) -> Floats:
        """See `Model`."""
        return self._inner.laws(rows)


class Directory:
    """A causal language model of transformers, in a directory."""

    def __init__(self, path: Path, *, window: int = WINDOW, device: str = "cpu") -> None:
        files = sorted(path.glob(_WEIGHTS))
        if not files:
            hint = "save it with safe_serialization; other files of weights may run code when they are opened"
            raise UnreadableInput("holds no weights as safetensors", where=Where(str(path)), hint=hint)
        try:
            import torch
            from transformers import AutoModelForCausalLM
        except ImportError:
            hint = "pip install 'headwater[torch]', or compute the differences on a machine that has them"
            raise UsageError("a model directory needs torch and transformers", hint=hint) from None
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(path), local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except Exception as error:
            what = f"can't be opened as a causal language model ({type(error).__name__})"
            raise UnreadableInput(what, where=Where(str(path))) from None
        self._torch = torch
        self._inner = loaded.to(device).eval()
        self._device = device
        self.name = path.resolve().name
        self.digest = model_digest(path)
        self.vocabulary = int(loaded.config.vocab_size)
        most = getattr(loaded.config, "max_position_embeddings", None)
        self.window = min(window, most) if isinstance(most, int) and most > 1 else window

    def laws(self, rows: NDArray[np.int64]) -> Floats:
        """See `Model`."""
        torch = self._torch
        with torch.inference_mode():
            logits = self._inner(input_ids=torch.from_numpy(rows).to(self._device)).logits
            found: Floats = torch.softmax(logits[..., : self.vocabulary].float(), -1).cpu().numpy()
        return found


def open_model(path: Path, *, window: int = WINDOW, device: str = "cpu") -> Model:
    """The model at `path`: a directory of transformers' format, or an `.npz` of a small GPT."""
    if path.is_dir():
        return Directory(path, window=window, device=device)
    return Small(path)


def check_pair(student: Path, reference: Path, first: Model, second: Model) -> str:
    """Whether token ids mean the same to both models: how that was seen, in words.

    Raises `UsageError` where they don't: then there is no difference to be had, and the hint says what can be done.
    """
    hint = (
        "use a reference with the student's tokenizer (its own base, or a sibling); a student of another tokenizer "
        "than the provider's can only be tested by its answers: headwater mark student ask"
    )
    vocabularies = [_vocabulary(path) for path in (student, reference)]
    if all(each is not None for each in vocabularies):
        if vocabularies[0] != vocabularies[1]:
            raise UsageError("student and reference have different tokenizers", hint=hint)
        return "both tokenizers give the same ids to the same tokens"
    if first.vocabulary != second.vocabulary:
        what = f"the student knows {first.vocabulary:,} tokens, the reference {second.vocabulary:,}"
        raise UsageError(what, hint=hint)
    return "no tokenizers beside the models were compared; both know as many tokens"


def _vocabulary(path: Path) -> dict[str, int] | None:
    """Token → id of a directory's tokenizer.json, added ones among them; None where there is none."""
    file = path / "tokenizer.json"
    if not path.is_dir() or not file.is_file():
        return None
    try:
        said = json.loads(file.read_bytes())
        found = said["model"]["vocab"]
        if isinstance(found, list):  # unigram: pairs of token and score
            found = {each[0]: number for number, each in enumerate(found)}
        return {**found, **{each["content"]: each["id"] for each in said.get("added_tokens", [])}}
    except OSError as error:
        raise unreadable(file, error) from None
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise UnreadableInput("is no tokenizer", where=Where(str(file))) from None


def model_digest(path: Path) -> str:
    """SHA-256 over a model's files, as `Model.digest` has it, without opening it."""
    if not path.is_dir():
        return _digest([path])
    return _digest([*sorted(path.glob(_WEIGHTS)), *sorted(path.glob("config.json"))])


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        one = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    one.update(chunk)
        except OSError as error:
            raise unreadable(path, error) from None
        whole.update(one.digest())
    return whole.hexdigest()

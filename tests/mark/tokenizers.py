"""Small tokenizers of the kinds that models have, made here: none is fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

_TEXT = ["the quick brown fox jumps over the lazy dog and then it rests. Grüße, мир 你好 🙂 to all\n"] * 60


def byte_level(*, trimmed: bool = False) -> Tokenizer:
    """As GPT-2, Llama 3 and Qwen have it; `trimmed`: spans leave the space before a word out."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=trimmed)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(_TEXT, trainer)
    return made


def sentence_piece() -> Tokenizer:
    """As Llama 2 and Gemma have it: no words, a space put before the text, bytes for what isn't known."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator(
        _TEXT, trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    )
    return made


def word_piece() -> Tokenizer:
    """As BERT has it: small letters, accents and spaces gone, unknown words one token; cut to 8 tokens by its file."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(
        _TEXT,
        trainers.WordPieceTrainer(
            vocab_size=200, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False
        ),
    )
    made.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.enable_truncation(8)
    made.enable_padding(length=8)
    return made


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "byte-level": byte_level,
    "trimmed": lambda: byte_level(trimmed=True),
    "sentence-piece": sentence_piece,
    "word-piece": word_piece,
}


def saved(kind: str, folder: Path) -> Path:
    """Its tokenizer.json."""
    path = folder / f"{kind}.json"
    if not path.exists():
        KINDS[kind]().save(str(path))
    return path

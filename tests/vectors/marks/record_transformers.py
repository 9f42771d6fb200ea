"""Record what transformers' marks compute on the CPU: torch's random numbers, green lists, SynthID's values, and text
that `generate()` marked with a small model of random weights.

    python tests/vectors/marks/record_transformers.py

needs torch and transformers. Writes `torch_random.json`, `kgw.json` and `synthid.json` beside this file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
import transformers  # type: ignore[import-not-found]
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    SynthIDTextWatermarkingConfig,
    WatermarkDetector,
    WatermarkingConfig,
)
from transformers.generation.logits_process import (  # type: ignore[import-not-found]
    SynthIDTextWatermarkLogitsProcessor,
    WatermarkLogitsProcessor,
)

HERE = Path(__file__).parent
HEADER = {
    "source": "huggingface/transformers",
    "version": transformers.__version__,
    "torch": torch.__version__,
    "licence": "Apache-2.0 (transformers), BSD-3-Clause (torch)",
    "recorded": "tests/vectors/marks/record_transformers.py, on the CPU",
}
SYNTHID_KEYS = [654, 400, 836, 123, 340, 443, 597, 160, 57, 29, 590, 639, 13, 715, 468]
SYNTHID_KEYS += [990, 966, 226, 324, 585, 118, 504, 421, 521, 129, 669, 732, 225, 90, 960]


def digest(numbers: torch.Tensor) -> str:
    """SHA-256 of the numbers as 8 bytes each, low byte first."""
    return hashlib.sha256(numbers.to(torch.int64).numpy().astype("<i8").tobytes()).hexdigest()


def random_numbers() -> dict[str, Any]:
    """What the generator gives for odd seeds and sizes."""
    seeds = [0, 1, 42, 15485863, 2**32 - 1, 2**32, 2**40 + 17, 2**63 + 5, 2**64 - 2]
    permutations, integers = [], []
    for seed in seeds:
        for size in (1, 2, 3, 625, 1000, 32_000, 128_256, 1_000_003):
            if size > 1000 and seed not in (42, 2**40 + 17):
                continue
            found = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
            permutations.append(
                {"seed": str(seed), "size": size, "first": found[:8].tolist(), "sha256": digest(found)}
            )
        for low, high, count in ((0, 2, 65536), (-5, 1000, 1300), (0, 2**27, 100)):
            generator = torch.Generator().manual_seed(seed)
            found = torch.randint(low, high, (count,), generator=generator)
            integers.append(
                {"seed": str(seed), "low": low, "high": high, "count": count, "sha256": digest(found)}
            )
    return {**HEADER, "randperm": permutations, "randint": integers}


def text(size: int, count: int, seed: int) -> torch.Tensor:
    """Token ids of a sort: few are frequent, some pairs come again, 0 among them."""
    generator = torch.Generator().manual_seed(seed)
    rank = torch.rand(count, generator=generator) ** 4
    tokens = (rank * size).to(torch.int64)
    tokens[count // 2 : count // 2 + 12] = tokens[3:15]
    tokens[7], tokens[20] = 0, size - 1
    return tokens


def model(size: int) -> Any:
    """A model whose weights say nothing."""
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=size, n_positions=512, n_embd=32, n_layer=2, n_head=2)
    config.bos_token_id, config.eos_token_id, config.pad_token_id = None, None, None
    return GPT2LMHeadModel(config).eval()


def kgw_case(size: int, settings: dict[str, Any], tokens: torch.Tensor) -> dict[str, Any]:
    """The engine's answer for each position, and its detector's counts with and without repetitions."""
    width = settings["context_width"]
    processor = WatermarkLogitsProcessor(vocab_size=size, device="cpu", **settings)
    own = settings["seeding_scheme"] == "selfhash"
    green = []
    for place in range(width, len(tokens)):
        listed = processor._get_greenlist_ids(
            tokens[place - width + 1 : place + 1] if own else tokens[:place]
        )
        green.append(int(tokens[place] in listed))
    config = GPT2Config(vocab_size=size, bos_token_id=-1)
    counts = []
    for ignore in (False, True):
        detector = WatermarkDetector(config, "cpu", dict(settings), ignore_repeated_ngrams=ignore)
        found = detector(tokens[None], return_dict=True)
        counts.append([int(found.num_tokens_scored[0]), int(found.num_green_tokens[0])])
    return {
        "vocab_size": size,
        "settings": settings,
        "tokens": tokens.tolist(),
        "green": "".join(map(str, green)),
        "detector": {"all": counts[0], "distinct": counts[1], "z": float(found.z_score[0])},
    }


def kgw() -> dict[str, Any]:
    """Green lists of several configurations, and two marked texts."""
    cases, generated = [], []
    for size, count in ((1000, 120), (32_000, 80), (128_256, 40)):
        for scheme, width, ratio, key in (
            ("lefthash", 1, 0.25, 15485863),
            ("lefthash", 3, 0.5, 2**61 - 1),
            ("selfhash", 4, 0.25, 15485863),
            ("selfhash", 1, 0.1, 2**40 + 15),
        ):
            settings = {"seeding_scheme": scheme, "context_width": width, "greenlist_ratio": ratio}
            settings |= {"hashing_key": key, "bias": 2.0}
            cases.append(kgw_case(size, settings, text(size, count, size + width)))
    for scheme, width in (("lefthash", 1), ("selfhash", 4)):
        settings = {"seeding_scheme": scheme, "context_width": width, "greenlist_ratio": 0.25}
        settings |= {"hashing_key": 987654321, "bias": 3.0}
        prompt = torch.randint(1, 1000, (1, 8), generator=torch.Generator().manual_seed(5))
        torch.manual_seed(11)
        marked = model(1000).generate(
            prompt,
            do_sample=True,
            top_k=40,
            max_new_tokens=160,
            watermarking_config=WatermarkingConfig(**settings),
        )[0]
        generated.append({"prompt": 8, **kgw_case(1000, settings, marked)})
    return {**HEADER, "cases": cases, "generated": generated}


class Spy(SynthIDTextWatermarkLogitsProcessor):  # type: ignore[misc]
    """Notes at each call of generation whether the engine leaves the next token unmarked."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        updated = super().__call__(input_ids, scores)
        self.marked = [*getattr(self, "marked", []), int(not torch.equal(updated, scores))]
        return updated


class Config(SynthIDTextWatermarkingConfig):  # type: ignore[misc]
    """transformers' configuration with the processor kept."""

    def construct_processor(self, vocab_size: int, device: str) -> Spy:
        settings = {name: value for name, value in self.__dict__.items() if name != "spy"}
        self.spy = Spy(device=device, **settings)
        return self.spy


def synthid_case(settings: dict[str, Any], tokens: torch.Tensor) -> dict[str, Any]:
    """Values of all windows (a hexadecimal number a position, the first layer its highest bit), the mask of repeated
    contexts, and the mean scores as synthid-text's detector_mean.py has them."""
    processor = SynthIDTextWatermarkLogitsProcessor(device="cpu", **settings)
    values = processor.compute_g_values(tokens[None])[0]
    mask = processor.compute_context_repetition_mask(tokens[None])[0]
    weights = torch.linspace(10, 1, values.shape[1], dtype=torch.float64)
    weights *= values.shape[1] / weights.sum()
    used = values[mask.bool()].to(torch.float64)
    return {
        "settings": settings,
        "tokens": tokens.tolist(),
        "values": ["".join(map(str, row.tolist())) for row in values],
        "mask": "".join(str(int(bit)) for bit in mask),
        "mean": float(used.mean()),
        "weighted_mean": float((used * weights).mean()),
    }


def packed(case: dict[str, Any]) -> dict[str, Any]:
    """The same with the bits of a position as one hexadecimal number."""
    return {**case, "values": [f"{int(bits, 2):x}" for bits in case["values"]]}


def synthid() -> dict[str, Any]:
    """Values and masks of several configurations, and two marked texts."""
    cases, generated = [], []
    for size, count, change in (
        (1000, 150, {}),
        (32_000, 60, {"ngram_len": 3, "keys": SYNTHID_KEYS[:8]}),
        (128_256, 60, {"sampling_table_size": 1000, "sampling_table_seed": 7, "keys": [2**62 + 9, -5, 3]}),
        (12, 150, {"ngram_len": 2, "context_history_size": 4, "keys": SYNTHID_KEYS[:5]}),
        (12, 150, {"ngram_len": 3, "sampling_table_size": 256, "keys": [1, 2**40 + 1]}),
    ):
        settings = {"ngram_len": 5, "keys": SYNTHID_KEYS, "context_history_size": 1024, **change}
        settings = {"sampling_table_seed": 0, "sampling_table_size": 2**16, **settings}
        cases.append(packed(synthid_case(settings, text(size, count, size))))
    for size, change in (
        (1000, {"skip_first_ngram_calls": False}),
        (1000, {"skip_first_ngram_calls": True}),
        (12, {"ngram_len": 3, "context_history_size": 10}),
        (12, {"ngram_len": 3, "skip_first_ngram_calls": True}),
    ):
        settings = {"ngram_len": 5, "keys": SYNTHID_KEYS, "context_history_size": 1024}
        settings |= {"sampling_table_seed": 0, "sampling_table_size": 2**16, **change}
        prompt = torch.randint(1, size, (1, 8), generator=torch.Generator().manual_seed(6))
        config = Config(**settings)
        torch.manual_seed(12)
        marked = model(size).generate(
            prompt, do_sample=True, top_k=40, max_new_tokens=150, watermarking_config=config
        )[0]
        case = packed(synthid_case(settings, marked[8:]))
        spied = "".join(map(str, config.spy.marked))
        generated.append({"prompt": marked[:8].tolist(), "marked": spied, **case})
    return {**HEADER, "cases": cases, "generated": generated}


def main() -> None:
    """Write the three files."""
    for name, found in (("torch_random", random_numbers()), ("kgw", kgw()), ("synthid", synthid())):
        (HERE / f"{name}.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

"""Marks in transformers itself: what `generate` writes is read back, in every way that it writes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")
pytestmark = pytest.mark.torch

from headwater.errors import ConfigurationError, UsageError  # noqa: E402
from headwater.integrations.transformers import MarkingConfig, MarkProcessor  # noqa: E402
from headwater.keys import TicketKey, load_ticket_keys  # noqa: E402
from headwater.mark import Ticket, TicketSigner, Verdict, detect, load_keyring  # noqa: E402
from headwater.mark.embed import Asked, Memory, load_embedding, rule_of  # noqa: E402
from headwater.mark.own import Gumbel, Tilt  # noqa: E402
from headwater.mark.scheme import MarkKey  # noqa: E402
from integrations import pages  # noqa: E402

SIZE, KEY = 600, MarkKey("k", (7, 8))
MASTER = 0x8123456789ABCDEF0123456789ABCDEF
RING = f"""
[[mark]]
name = "plain"
scheme = "headwater-gumbel"
tokenizer = "ids"
keys = [1234567, 7654321]

[[mark]]
name = "green"
scheme = "headwater-tilt"
delta = 4.0
tokenizer = "ids"
keys = [11, 12]

[[mark]]
name = "master"
scheme = "headwater-layered-tilt"
layer = "master"
delta = 4.0
tokenizer = "ids"
key = {MASTER:#x}

[[accounts]]
name = "flagged"
scheme = "headwater-layered-tilt"
delta = 4.0
tokenizer = "ids"
epoch = "2026-q4"
file = "accounts.txt"
key = {MASTER:#x}

[embed]
default = "plain"
flagged = "flagged"
ticket_file = "tickets.key"
"""


@pytest.fixture(scope="module")
def model() -> Any:
    """A small GPT-2 with random weights: its law is neither flat nor certain."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        n_layer=2,
        n_embd=64,
        n_head=4,
        vocab_size=SIZE,
        n_positions=512,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=0,
        initializer_range=0.2,
    )
    return transformers.GPT2LMHeadModel(config).eval()


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    (tmp_path / "accounts.txt").write_text("acct-1\nacct-2\n")
    (tmp_path / "tickets.key").write_text(TicketKey(b"5" * 32).line() + "\n")
    (tmp_path / "tickets.key").chmod(0o600)
    file = tmp_path / "keys.toml"
    file.write_text(RING)
    file.chmod(0o600)
    return file


def written(model: Any, prompts: list[list[int]], **how: Any) -> list[list[int]]:
    """What `generate` writes after prompts, which are padded on the left; the prompts left out."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(each)) + each for each in prompts])
    mask = torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in prompts])
    asked = {"do_sample": True, "max_new_tokens": 200, "top_k": 0, **how}
    with torch.no_grad():
        found = model.generate(ids, attention_mask=mask, **asked)
    return [row[longest:] for row in found.tolist()]


def far(scheme: Any, key: MarkKey, tokens: list[int]) -> float:
    """How many standard deviations the text's score is from what chance gives."""
    units = scheme.units(np.array(tokens))
    values = scheme.values(key, units)[:, 0].astype(float)
    if scheme.null.ones is None:
        each = -np.log1p(-(values + 0.5) / scheme.null.size) - 1
        return float(each.sum() / np.sqrt(len(each)))
    share = scheme.null.ones / scheme.null.size
    return float((values - share).sum() / np.sqrt(len(values) * share * (1 - share)))


def test_detect_reads_what_generate_writes(model: Any, ring: Path) -> None:
    torch.manual_seed(1)
    (marked,) = written(model, [[5, 6, 7]], watermarking_config=MarkingConfig(ring))
    (plain,) = written(model, [[5, 6, 7]])
    marks = load_keyring(ring).marks
    found = detect(" ".join(map(str, marked)), marks)
    assert found.verdict is Verdict.MARKED
    assert [reading.mark for reading in found.found] == ["plain"]
    assert detect(" ".join(map(str, plain)), marks).verdict is not Verdict.MARKED


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"temperature": 0.8, "top_p": 0.9},
        {"top_k": 20},
        {"do_sample": False},
        {"num_return_sequences": 2},
        {"repetition_penalty": 1.1},
        {"renormalize_logits": True, "top_k": 50},
    ],
    ids=str,
)
@pytest.mark.parametrize("scheme", [Gumbel(), Tilt(delta=4.0)], ids=lambda scheme: scheme.name)
def test_every_way_of_writing(model: Any, ring: Path, scheme: Any, how: dict[str, Any]) -> None:
    torch.manual_seed(2)
    config = MarkingConfig(changed(ring, scheme))
    key = MarkKey("k", (1234567, 7654321)) if isinstance(scheme, Gumbel) else MarkKey("k", (11, 12))
    for row in written(model, [[5, 6, 7, 8]], watermarking_config=config, **how):
        assert far(scheme, key, row) > 7
        assert abs(far(scheme, MarkKey("x", (3, 4)), row)) < 4.5


def changed(ring: Path, scheme: Any) -> Path:
    """The keyring with another default."""
    if isinstance(scheme, Tilt):
        ring.write_text(ring.read_text().replace('default = "plain"', 'default = "green"'))
    return ring


@pytest.mark.parametrize("scheme", [Gumbel(), Tilt(delta=4.0)], ids=lambda scheme: scheme.name)
def test_beams(model: Any, ring: Path, scheme: Any) -> None:
    torch.manual_seed(2)
    config = MarkingConfig(changed(ring, scheme))
    key = MarkKey("k", (1234567, 7654321)) if isinstance(scheme, Gumbel) else MarkKey("k", (11, 12))
    for sample in (False, True):
        rows = written(
            model,
            [[5, 6, 7], [8, 9, 10, 11]],
            watermarking_config=config,
            num_beams=3,
            do_sample=sample,
            max_new_tokens=100,
        )
        for row in rows:
            assert far(scheme, key, row) > 3.5


def test_each_prompt_of_a_batch_has_its_own_ticket(model: Any, ring: Path) -> None:
    torch.manual_seed(3)
    keys = load_ticket_keys(ring.parent / "tickets.key")
    now = int(time.time())
    signed = TicketSigner(keys[0]).sign(
        Ticket(account="acct-1", layer="flagged", issued=now, expires=now + 60)
    )
    tickets = [signed, Asked("acct-2"), None, Asked("acct-1", "none")]
    config = MarkingConfig(ring, tickets, padding=0)
    rows = written(
        model, [[5, 6], [5, 6, 7], [9], [4, 4]], watermarking_config=config, num_return_sequences=2
    )
    accounts = load_keyring(ring).accounts[0]
    scores = {
        account: [far(accounts.scheme, accounts.key(account, "2026-q4"), row) for row in rows]
        for account in ("acct-1", "acct-2")
    }
    plain = [far(Gumbel(), MarkKey("k", (1234567, 7654321)), row) for row in rows]
    for found, whose in ((scores["acct-1"], (0, 1)), (scores["acct-2"], (2, 3)), (plain, (4, 5))):
        for at, value in enumerate(found):
            assert value > 6 if at in whose else abs(value) < 4.5


def test_padding_changes_nothing(model: Any, ring: Path) -> None:
    """The same prompt alone and beside a longer one: the same answer, for a key decides."""
    config = MarkingConfig(ring, padding=0)
    (alone,) = written(model, [[5, 6, 7, 8]], watermarking_config=config, max_new_tokens=40, top_k=30)
    beside = written(model, [[5, 6, 7, 8], [3] * 9], watermarking_config=config, max_new_tokens=40, top_k=30)[
        0
    ]
    assert alone == beside


def test_a_second_call_begins_anew(model: Any, ring: Path) -> None:
    config = MarkingConfig(ring)
    first, second = (
        written(model, [[5, 6, 7, 8]], watermarking_config=config, max_new_tokens=60, top_k=30)
        for _ in range(2)
    )
    assert first[0][:20] == second[0][:20]  # 30 tokens are left, all of them keyed: chance has no part in it
    assert len(set(first[0])) > 20
    processor = MarkProcessor([rule_of(Gumbel(), KEY)])
    for _ in range(2):
        (row,) = written(model, [[5, 6, 7]], logits_processor=transformers.LogitsProcessorList([processor]))
        assert far(Gumbel(), KEY, row) > 7


def test_with_a_memory_a_prompt_asked_again_gets_another_answer(model: Any, ring: Path) -> None:
    torch.manual_seed(6)
    how = {
        "watermarking_config": MarkingConfig(ring, memory=Memory()),
        "top_k": 30,
        "num_return_sequences": 3,
    }
    answers = [row for _ in range(2) for row in written(model, [[5, 6, 7, 8]], **how)]
    assert len({tuple(row[:20]) for row in answers}) == 6
    for row in answers:
        assert far(Gumbel(), MarkKey("k", (1234567, 7654321)), row) > 7


def test_with_a_memory_a_step_that_is_done_again_is_marked_again() -> None:
    """A step is tried twice, and drafts are taken back: the answers' contexts stay theirs."""
    ids = torch.tensor([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])
    longer = torch.cat([ids, torch.tensor([[6, 7], [8, 9]])], dim=1)
    for single, steps in ((False, (ids, ids)), (True, (ids, longer, longer[:, :6], ids, longer))):
        processor = MarkProcessor([rule_of(Gumbel(), KEY)] * 2, memory=Memory(), single=single)
        for step in steps:
            scores = processor(step, torch.randn(2, 100))
            assert torch.isfinite(scores).sum(1).tolist() == [1, 1], step


def test_a_processor_before_the_warpers(model: Any) -> None:
    torch.manual_seed(4)
    for scheme in (Gumbel(), Tilt(delta=3.0)):
        processor = MarkProcessor([rule_of(scheme, KEY)])
        listed = transformers.LogitsProcessorList([processor])
        (row,) = written(model, [[5, 6, 7]], logits_processor=listed, temperature=0.9, top_p=0.95)
        assert far(scheme, KEY, row) > 7


def test_a_draft_model_writes_the_same_mark(model: Any, ring: Path) -> None:
    """Speculative decoding calls the processor for tokens that may be taken back."""
    torch.manual_seed(5)
    (row,) = written(
        model, [[5, 6, 7]], watermarking_config=MarkingConfig(ring), assistant_model=model, max_new_tokens=60
    )
    assert far(Gumbel(), MarkKey("k", (1234567, 7654321)), row) > 4


def test_the_law_is_the_models_over_keys(model: Any) -> None:
    with torch.no_grad():
        law = torch.softmax(model(torch.tensor([[5, 6, 7, 8]])).logits[0, -1], 0).numpy()
    random, count = np.random.default_rng(0), 6000
    rules = [rule_of(Gumbel(2), Gumbel(2).random_key(random)) for _ in range(count)]
    scores = torch.log(torch.from_numpy(law)).repeat(count, 1)
    MarkProcessor(rules, top_k=40)(torch.tensor([[5, 6, 7, 8]] * count), scores)
    counts = np.bincount(scores.argmax(1).numpy(), minlength=SIZE)
    often = law * count > 5
    square = (((counts - count * law)[often]) ** 2 / (count * law[often])).sum()
    assert square < often.sum() + 5 * np.sqrt(2 * often.sum())


@pytest.mark.parametrize("kind", ["float64", "bfloat16", "strided"])
def test_scores_of_other_kinds(kind: str) -> None:
    scores = torch.randn(2, 900) * 2
    given = scores.repeat(1, 2)[:, ::2] if kind == "strided" else scores.to(getattr(torch, kind))
    processor = MarkProcessor([rule_of(Gumbel(2), KEY)])
    found = processor(torch.tensor([[1, 2], [3, 4]]), given)
    assert found is given
    assert (torch.isfinite(given).sum(1) == 1).all()


def test_plain_scores_are_changed_where_they_stand() -> None:
    scores = torch.randn(2, 900)
    place = scores.data_ptr()
    found = MarkProcessor([rule_of(Gumbel(2), KEY)])(torch.tensor([[1, 2], [3, 4]]), scores)
    assert found.data_ptr() == place
    assert (torch.isfinite(scores).sum(1) == 1).all()


def test_torch_on_another_device_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of other devices, run here: the same tokens are chosen."""
    scores = torch.randn(3, 900) * 4
    ids = torch.tensor([[1, 2], [3, 4], [5, 6]])
    rules = [rule_of(Gumbel(2), KEY), rule_of(Tilt(2), KEY), None]
    first, second = scores.clone(), scores.clone()
    MarkProcessor(rules, top_k=0)(ids, first)
    processor = MarkProcessor(rules, top_k=0)
    monkeypatch.setattr(MarkProcessor, "__call__", MarkProcessor._elsewhere)
    processor._follow(ids)
    processor._elsewhere(second)
    assert torch.equal(first, second)


def test_no_key_is_shown(model: Any, ring: Path) -> None:
    config = MarkingConfig(ring, Asked("acct-1"))
    generation = transformers.GenerationConfig(max_new_tokens=3, do_sample=True)
    generation.watermarking_config = config
    accounts = load_keyring(ring).accounts[0]
    shown = repr(config) + str(config) + str(dict(config)) + config.to_json_string() + repr(vars(config))
    shown += repr(generation.watermarking_config)
    secret = [1234567, 7654321, MASTER, *accounts.key("acct-1", "2026-q4").numbers, *accounts.scheme.coin]  # type: ignore[attr-defined]
    assert not any(str(number) in shown for number in secret)
    model.generate(torch.tensor([[1, 2, 3]]), generation_config=generation)


def test_what_cannot_be_used_is_refused(model: Any, ring: Path) -> None:
    now = int(time.time())
    ticket = Ticket(account="acct-1", layer="flagged", issued=now, expires=now + 60)
    foreign = TicketSigner(TicketKey(b"6" * 32)).sign(ticket)  # of the same version, under another key
    with pytest.raises(UsageError, match="seal is wrong"):
        MarkingConfig(ring, [foreign])
    with pytest.raises(UsageError):
        MarkingConfig(ring, [])
    with pytest.raises(UsageError, match="top_k"):
        MarkingConfig(ring, top_k=-1)
    with pytest.raises(ConfigurationError):
        MarkingConfig(changed_to(ring, 'default = "plain"', 'default = "nobody"'))
    with pytest.raises(UsageError, match="3 answers"):
        MarkProcessor([rule_of(Gumbel(), KEY)] * 2)(torch.zeros((3, 4), dtype=torch.int64), torch.zeros(3, 9))
    with pytest.raises(UsageError):
        MarkProcessor([])


def changed_to(ring: Path, old: str, new: str) -> Path:
    ring.write_text(ring.read_text().replace(old, new))
    return ring


def test_an_embedding_that_was_loaded_serves_many(ring: Path) -> None:
    embedding = load_embedding(ring)
    assert MarkingConfig(embedding, Asked("acct-1")).construct_processor(SIZE, "cpu")


def test_the_how_to_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keyring, commands and Python, with the model of random weights that it makes."""
    page = "mark-with-transformers.md"
    monkeypatch.chdir(tmp_path)
    pages.prepared(page, tmp_path)
    exec(compile(pages.python(page), page, "exec"), {"__name__": "page"})
    found = pages.shell(page, tmp_path, "headwater mark detect")
    assert "1 marked" in found
    assert "everybody" in found

"""The step on torch tensors against its specification: the same bits, the same green lists, the same chosen tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.mark.embed import Row, Rule, reference
from headwater.mark.own.function import seed_of, values_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

_TOKENS = st.integers(0, 2**32 - 2)
_WORDS = st.integers(0, 2**64 - 1)
_PAIRS = st.tuples(_WORDS, _WORDS)


@given(
    st.lists(st.tuples(st.lists(_TOKENS, min_size=1, max_size=9), _PAIRS, _TOKENS, st.sampled_from([1, 2])))
)
@settings(deadline=None)
def test_every_bit_is_the_specifications(rows: list[tuple[list[int], tuple[int, int], int, int]]) -> None:
    from headwater.mark.embed.torch_function import seeds, words

    if not rows:
        return
    widest = max(len(context) for context, _, _, _ in rows)
    padded = torch.tensor([[7] * (widest - len(context)) + context for context, _, _, _ in rows])
    keys = torch.from_numpy(np.array([key for _, key, _, _ in rows], np.uint64).view(np.int64))
    seed = seeds(padded, torch.tensor([len(context) for context, _, _, _ in rows]), keys[:, 0], keys[:, 1])
    word = words(seed, torch.tensor([row[2] for row in rows]), torch.tensor([row[3] for row in rows]))
    for n, (context, key, token, use) in enumerate(rows):
        wanted = np.array(seed_of(context, key), np.uint64)
        assert seed.numpy().view(np.uint64)[n] == wanted
        assert word[n] == values_of(wanted, np.array(token), use)


def _rules(random: np.random.Generator, count: int) -> list[Rule | None]:
    """All sorts: with and without layers, one layer's key missing, none at all."""

    def pair() -> tuple[int, int]:
        first, second = (int(word) for word in random.integers(0, 2**64, 2, dtype=np.uint64))
        return first, second

    found: list[Rule | None] = []
    for _ in range(count):
        kind = random.choice(["gumbel", "tilt"])
        layers = random.random() < 0.6
        rule = Rule(
            kind=kind,
            width=int(random.integers(1, 6)),
            key=pair() if random.random() < 0.8 else None,
            master=pair() if layers and random.random() < 0.8 else None,
            coin=pair() if layers else None,
            share=2**31 if layers else 0,
            green=2**30 if kind == "tilt" else 0,
            delta=1.5 if kind == "tilt" else 0.0,
        )
        found.append(rule if random.random() < 0.9 else None)
    return found


def _stepped(
    scores: np.ndarray, rows: list[Row | None], top_k: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and chosen tokens of torch's step, and the uniform numbers that it had."""
    from headwater.mark.embed.torch_step import packed, step

    contexts = [row.context if row is not None else None for row in rows]
    widest = max((len(context) for context in contexts if context), default=1)
    other = torch.from_numpy(scores.copy())
    drawn = np.random.default_rng(seed).random((len(rows), 2))
    found = step(
        other,
        torch.tensor([[0] * (widest - len(each or ())) + list(each or ()) for each in contexts]),
        torch.tensor([each is not None for each in contexts]),
        packed([row.rule if row is not None else None for row in rows]),
        torch.from_numpy(drawn),
        top_k,
    )
    return other.numpy(), found.numpy(), drawn


def _by_total(
    scores: np.ndarray, candidates: np.ndarray, best: float, drawn: tuple[float, float]
) -> int | None:
    """As `reference.against_the_rest`: the largest of the rest falls as ln(sum of e^score) plus one Gumbel variable."""
    top = scores.max().astype(np.float64)
    weights = np.exp(scores - top)
    weights[candidates] = 0
    total = weights.sum()
    if not np.log(total) + top - np.log(-np.log(drawn[0])) > best:
        return None
    width = -(-len(scores) // reference.STRIDES)  # by columns
    order = np.argsort(np.arange(len(scores)) % width, kind="stable")
    order = order[weights[order] > 0]
    at = np.searchsorted(np.cumsum(weights[order]), drawn[1] * total, side="right")
    return int(order[min(at, len(order) - 1)])


@pytest.mark.parametrize(("size", "top_k"), [(7, 64), (300, 64), (300, 4), (5000, 64), (2000, 1), (600, 0)])
@pytest.mark.parametrize("seed", range(8))
def test_a_batch_of_all_sorts_is_marked_alike(
    size: int, top_k: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the specification says, but for how the rest is drawn from: here at once, by what it weighs in all."""
    random = np.random.default_rng([seed, size, top_k])
    rules = _rules(random, 24)
    rows: list[Row | None] = []
    for rule in rules:
        row = None if rule is None else Row(rule, random.integers(0, size, 8).tolist())
        if row is not None and random.random() < 0.2:
            row.append(row.tokens[-1])
            row.append(row.tokens[-1])  # some contexts have been seen
        rows.append(row)
    # Flat rows, where the rest often wins, sharp ones, and rows that nobody can sample from.
    scores = (random.normal(size=(24, size)) * random.choice([0.3, 3, 12], (24, 1))).astype(np.float32)
    scores[2, ::3] = -np.inf
    scores[5, 3] = np.nan
    scores[6, 3] = np.inf
    scores[7] = -np.inf
    other, found, drawn = _stepped(scores, rows, top_k, seed)
    monkeypatch.setattr(reference, "against_the_rest", _by_total)
    for at, row in enumerate(rows):
        if row is None:
            said, token = scores[at], -1
        else:
            said, token = reference.marked(row, scores[at], top_k=top_k, drawn=(drawn[at, 0], drawn[at, 1]))
        assert found[at] == token
        np.testing.assert_array_equal(other[at], said)
    assert (found >= 0).any()


def test_the_rest_wins_as_often_as_it_weighs() -> None:
    """With one token keyed of a flat law, nearly all tokens are drawn from the rest, each alike."""
    from headwater.mark.embed.torch_step import packed, step

    random = np.random.default_rng(5)
    rule = Rule("gumbel", 1, (1, 2))
    scores = torch.zeros((4000, 1000))
    scores[:, 990:] = -torch.inf
    found = step(
        scores,
        torch.from_numpy(random.integers(0, 10**6, (4000, 1))),
        torch.ones(4000, dtype=torch.bool),
        packed([rule]).expand(4000, -1),
        torch.from_numpy(random.random((4000, 2))),
        1,
    )
    counts = np.bincount(found.numpy(), minlength=1000)
    assert counts[990:].sum() == 0
    assert (
        (counts[:990] - 4000 / 990) ** 2 / (4000 / 990)
    ).sum() < 1150  # chi-squared, 989 degrees: p = 0.0002
    assert (torch.isfinite(scores).sum(1) == 1).all()


def test_it_runs_as_one_graph_without_a_break() -> None:
    from headwater.mark.embed.torch_step import packed, step

    random = np.random.default_rng(1)
    given = (
        torch.from_numpy(random.integers(0, 100, (3, 4))),
        torch.ones(3, dtype=torch.bool),
        packed([Rule("gumbel", 4, (1, 2)), Rule("tilt", 2, (3, 4), green=2**31, delta=2.0), None]),
        torch.from_numpy(random.random((3, 2))),
    )
    scores = torch.from_numpy(random.normal(size=(3, 2000)).astype(np.float32))
    one, other = scores.clone(), scores.clone()
    wanted = step(one, *given)
    found = torch.compile(step, backend="eager", fullgraph=True)(other, *given)
    assert found.tolist() == wanted.tolist()
    assert torch.equal(one, other)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 2), max_size=7), st.lists(st.integers(0, 2), max_size=9), st.integers(1, 4),
                  st.booleans(), st.booleans()),
        min_size=1, max_size=6,
    ),
    st.integers(0, 3),
)  # fmt: skip
@settings(deadline=None)
def test_contexts_read_from_a_buffer_are_those_of_rows(
    answers: list[tuple[list[int], list[int], int, bool, bool]], more: int
) -> None:
    """`more`: places of the buffer behind the longest answer, with what another one left there."""
    from headwater.mark.embed.torch_history import contexts, fresh

    longest = max(len(prompt) + len(answer) for prompt, answer, *_ in answers) + more
    if not longest:
        return
    buffer = torch.ones((len(answers), longest), dtype=torch.int32)
    for n, (prompt, answer, *_) in enumerate(answers):
        buffer[n, : len(prompt) + len(answer)] = torch.tensor(prompt + answer, dtype=torch.int32)
    widest = max(width for _, _, width, _, _ in answers)
    length = torch.tensor([len(prompt) + len(answer) for prompt, answer, *_ in answers])
    context = contexts(buffer, torch.arange(len(answers)), length, widest)
    found = fresh(
        buffer, length, torch.tensor([len(prompt) for prompt, *_ in answers]), context,
        *(torch.tensor([each[n] for each in answers]) for n in (2, 3, 4)),
    )  # fmt: skip
    for n, (prompt, answer, width, once, prompt_seen) in enumerate(answers):
        row = Row(Rule("gumbel", width, (1, 2), once=once, prompt_seen=prompt_seen), prompt)
        for token in answer:
            row.append(token)
        assert bool(found[n]) == (row.context is not None)
        if row.context is not None:
            assert context[n, widest - width :].tolist() == list(row.context)

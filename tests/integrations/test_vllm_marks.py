"""Marks in vLLM's first runner, against its published interface: what is written is what is read."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from integrations.engines import engines  # noqa: E402
from integrations.marked import VOCABULARY, First, law, scored, ticket  # noqa: E402


def test_an_answer_of_the_first_runner_is_read_as_marked(keyring: Path, held: dict[str, ModuleType]) -> None:
    batch = First(held)
    rows = [batch.add([1, 2, 3], None if at % 2 else ticket(request=str(at))) for at in range(4)]
    for _ in range(200):
        batch.step()
    for row in rows:
        mean, units = scored(keyring, row.prompt + row.output, len(row.prompt))
        assert units > 150
        assert mean > 0.6


def test_a_flagged_accounts_answer_carries_its_own_layer_also_without_a_draw(
    keyring: Path, held: dict[str, ModuleType]
) -> None:
    batch = First(held)
    warm = batch.add([1, 2, 3], ticket("flagged"))
    cold = batch.add([4, 5], ticket("flagged", "bob"), temperature=0.0)
    plain = batch.add([4, 5], ticket("none"))
    greedy = batch.add([4, 5], ticket("default"), temperature=0.0)
    for _ in range(150):
        scores = batch.step()
        # Neither an answer without a mark nor a key that would choose where nothing is drawn changes anything.
        assert greedy.output[-1] == int(scores[3].argmax())
    for row, account, other in ((warm, "alice", "bob"), (cold, "bob", "alice")):
        assert scored(keyring, row.prompt + row.output, len(row.prompt), account)[0] > 0.6
        assert scored(keyring, row.prompt + row.output, len(row.prompt), other)[0] < 0.5
    assert scored(keyring, plain.prompt + plain.output, 2)[0] < 0.6


def test_what_isnt_marked_stays_bit_for_bit(keyring: Path, held: dict[str, ModuleType]) -> None:
    batch = First(held)
    batch.add([1, 2, 3], ticket("none"))
    batch.add([1], ticket("default"))  # fewer tokens than the mark's width
    batch.add([1, 2], ticket("default"), temperature=0.0)
    scores = torch.randn((3, VOCABULARY))
    assert torch.equal(batch.processor.apply(scores.clone()), scores)


# State follows the request.


class Rows:
    """vLLM's persistent batch, as its InputBatch keeps it: removals, additions into holes, condensing, swaps."""

    def __init__(self, held: dict[str, ModuleType]) -> None:
        self.held, self.slots = held, {}  # type: ignore[var-annotated]
        self.builder = held["vllm.v1.sample.logits_processor.state"].BatchUpdateBuilder()
        self.way = held["vllm.v1.sample.logits_processor.interface"].MoveDirectionality

    def change(self, data: st.DataObject, make: Any) -> Any:
        for index in data.draw(
            st.lists(st.sampled_from(sorted(self.slots)), unique=True) if self.slots else st.just([])
        ):
            del self.slots[index]
            self.builder.removed_append(index)
        for _ in range(data.draw(st.integers(0, 3))):
            free = self.builder.pop_removed()
            index = len(self.slots) if free is None else free
            row = self.slots[index] = make()
            self.builder.added.append((index, row.params, row.prompt, row.output))
        holes = sorted(self.builder.removed)
        while holes and (last := max(self.slots, default=-1)) > holes[0]:
            hole = holes.pop(0)
            self.builder.moved.append((last, hole, self.way.UNIDIRECTIONAL))
            self.slots[hole] = self.slots.pop(last)
            holes = sorted({*holes, last})
        if len(self.slots) > 1:
            for one, other in data.draw(
                st.lists(st.tuples(*[st.sampled_from(sorted(self.slots))] * 2), max_size=3)
            ):
                if one != other:
                    self.builder.moved.append((one, other, self.way.SWAP))
                    self.slots[one], self.slots[other] = self.slots[other], self.slots[one]
        return self.builder.get_and_reset(len(self.slots))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_each_rows_state_is_its_requests_whatever_moves(data: st.DataObject) -> None:
    """Random changes of a batch; beside ours goes vLLM's own way of following them."""
    with engines() as held:
        from headwater.integrations.vllm_marks_v1 import FirstMarks

        ours = FirstMarks.__new__(FirstMarks)
        ours._marker = SimpleNamespace(rule=lambda _: None)  # type: ignore[assignment]
        ours._answers, count = {}, iter(range(10**6))
        made: list[Any] = []

        def answer(params: Any, prompt: Any, output: Any) -> Any:
            return None if params.name % 4 == 0 else SimpleNamespace(name=params.name, output=output)

        ours._answer = answer  # type: ignore[method-assign]
        follow = held["vllm.v1.sample.logits_processor.builtin"].process_dict_updates
        theirs: dict[int, Any] = {}
        rows = Rows(held)
        for _ in range(data.draw(st.integers(1, 8))):

            def make() -> Any:
                made.append(next(count))
                return SimpleNamespace(params=SimpleNamespace(name=made[-1]), prompt=[1], output=[])

            update = rows.change(data, make)
            ours.update_state(update)
            follow(theirs, update, answer)
            wanted = {at: row.params.name for at, row in rows.slots.items() if row.params.name % 4}
            assert {at: state.name for at, state in ours._answers.items()} == wanted
            assert {at: state.name for at, state in theirs.items()} == wanted
            assert all(ours._answers[at].output is rows.slots[at].output for at in wanted)


def test_a_request_that_was_put_aside_goes_on_as_if_nothing_had_been(
    keyring: Path, held: dict[str, ModuleType]
) -> None:
    """Preempted and taken up again with its tokens so far, an answer is what it would have been."""
    text, found = ticket("flagged"), []
    for preempt in (False, True):
        batch = First(held)
        row = batch.add([1, 2, 3], text, temperature=0.0)
        for at in range(40):
            if preempt and at % 7 == 3:
                batch.update(removed=[0])
                batch.update(added=[(0, row.params, list(row.prompt), row.output)])
            batch.step()
        found.append(row.output)
    assert found[0] == found[1]


def test_a_prompt_that_is_read_in_pieces_uses_nothing_up(keyring: Path, held: dict[str, ModuleType]) -> None:
    """Rows of a prompt that isn't read yet are sampled, too, and their tokens thrown away."""
    batch = First(held)
    row = batch.add([1, 2, 3], ticket("default"))
    first = batch.processor.apply(torch.from_numpy(law([3], 12.0)[None]))
    second = batch.processor.apply(torch.from_numpy(law([3], 12.0)[None]))
    assert torch.equal(first, second)
    assert row.output == []


def test_answers_to_one_request_begin_differently(keyring: Path, held: dict[str, ModuleType]) -> None:
    batch = First(held)
    text = ticket()
    rows = [batch.add([1, 2, 3], text) for _ in range(4)]
    for _ in range(30):
        batch.step(0.5)
    assert len({tuple(row.output) for row in rows}) == 4


def test_tokens_that_the_engine_doesnt_tell_leave_an_answer_unmarked(
    keyring: Path, held: dict[str, ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    batch = First(held)
    batch.add([1, 2, 3], ticket(), [5, -1])
    scores = torch.randn((1, VOCABULARY))
    assert torch.equal(batch.processor.apply(scores.clone()), scores)
    assert torch.equal(batch.processor.apply(scores.clone()), scores)
    assert [record.message.count("--logits-processors") for record in caplog.records] == [1]
    batch.rows[0].output[1] = 6
    assert torch.isfinite(batch.processor.apply(scores.clone())).sum() == 1


def test_a_prompt_of_no_tokens_leaves_an_answer_unmarked_and_others_not(
    keyring: Path, held: dict[str, ModuleType]
) -> None:
    batch = First(held)
    batch.add([1, -5, 3], ticket())
    batch.add([1, 2, 3], ticket())
    scores = torch.randn((2, VOCABULARY))
    found = batch.processor.apply(scores.clone())
    assert torch.equal(found[0], scores[0])
    assert torch.isfinite(found[1]).sum() == 1


def test_a_class_that_is_installed_and_named_marks_once(keyring: Path, held: dict[str, ModuleType]) -> None:
    one = First(held)
    other = First(held, one.config)
    text = ticket("flagged")
    one.add([1, 2], text)
    other.add([1, 2], text)
    scores = torch.randn((1, VOCABULARY))
    assert not torch.equal(one.processor.apply(scores.clone()), scores)
    assert torch.equal(other.processor.apply(scores.clone()), scores)

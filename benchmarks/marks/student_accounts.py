"""Which accounts a student's text came from, and what share each has: layered marks, one key an account.

Beside the accounts that collected the text stand others that didn't: their answers were served, and no student saw
them. Naming any of those is a false name.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import student_tests
from numpy.typing import NDArray
from student_tests import LOG10, Read
from student_worlds import EPOCH, Kept, World, keyed

from headwater.mark import own
from headwater.mark.scheme import MarkKey
from headwater.mark.student import Coefficients, coefficients, parts
from headwater.mark.trace import holm

Floats = NDArray[np.float64]
ALPHA = 0.01
#: Answers of each account that are read, texts that nobody marked, accounts that had no part.
EACH, COMMON, INNOCENT = 64, 384, 4


def one_student(kept: Kept, world: World, seed: int) -> dict[str, Any]:
    """All tests of one student whose text eight accounts collected."""
    mine, student = keyed(world, seed), kept.student(world, seed)
    assert mine.scheme is not None
    assert mine.master is not None
    assert mine.mark.master is not None
    answers = student_tests.answered(kept, student, seed)
    made: dict[str, Any] = {"world": world.name, "seed": seed, "master": {}}
    log = student_tests.logs(kept, world, seed, EACH)
    others = innocent(kept, world, seed)
    log = replace(
        log,
        tokens=np.concatenate([log.tokens, others.tokens]),
        owner=np.concatenate([log.owner, others.owner]),
        accounts=log.accounts + others.accounts,
    )
    students, references = {"student": student}, {"base": kept.base}
    found = student_tests.compared(log, students, references)["student", "base"]
    theirs = np.flatnonzero(log.owner < len(world.accounts))
    made["master"]["served log"] = student_tests.of_key(
        coefficients(mine.master, found, served=True, texts=theirs), mine.mark.master
    )
    keys = [*mine.mark.keys, *innocent_keys(world, mine.mark.master)]
    each = [
        coefficients(mine.scheme, found, served=True, texts=found.texts_of(at)) for at in range(len(keys))
    ]
    made["served log"] = judged(world, each, keys, weight=np.array([*world.accounts, *([0] * INNOCENT)]))
    found = student_tests.compared(student_tests.probes(kept, COMMON), students, references)[
        "student", "base"
    ]
    made["master"]["unsupervised"] = student_tests.of_key(
        coefficients(mine.master, found, served=False), mine.mark.master
    )
    common = coefficients(mine.scheme, found, served=False)
    made["unsupervised"] = judged(world, [common] * len(keys), keys, weight=None)
    made["master"]["answers"] = student_tests.by_answers(mine.master, mine.mark.master, answers)
    made["collateral"] = student_tests.collateral(kept, student, answers)
    return made


def innocent_keys(world: World, master: MarkKey) -> list[MarkKey]:
    """Keys of accounts that had no part."""
    first = len(world.accounts)
    return [
        own.account_key(master, f"account {first + number}", EPOCH, scheme=world.scheme)
        for number in range(INNOCENT)
    ]


def innocent(kept: Kept, world: World, seed: int) -> Read:
    """Answers that were served to them, under their keys."""
    import student_serve

    mark, first = keyed(world, seed).mark, len(world.accounts)
    assert mark.master is not None
    path = kept.path("answers", f"{world.name} innocent", seed, ".npy")
    owner = np.repeat(np.arange(INNOCENT), EACH)
    if not path.exists():
        mark = replace(mark, keys=tuple(innocent_keys(world, mark.master)))
        prompts = kept.prompts(4000 + seed, len(owner))
        kept.save(
            path, student_serve.serve(kept.teacher, prompts, student_tests.LENGTH, mark, owner, 4000 + seed)
        )
    names = tuple(f"account {first + number}" for number in range(INNOCENT))
    return Read(np.load(path).astype(np.int64), student_tests.PROMPT, True, owner + first, names)


def judged(
    world: World, read: list[Coefficients], keys: list[MarkKey], *, weight: Floats | None
) -> dict[str, Any]:
    """Each account's p-value, who is named (Holm, `ALPHA`), and the shares with intervals of 95%.

    `weight`: on each account's own served log how many answers it was served, on common texts None.
    """
    totals = [one.totals([key]) for one, key in zip(read, keys, strict=True)]
    log_p = np.array(
        [
            float((one.log_p_served(total) if one.served else one.log_p(total))[0])
            for one, total in zip(read, totals, strict=True)
        ]
    )
    adjusted = holm.adjusted(log_p, len(keys))
    z = np.array([float(one.z(total)[0]) for one, total in zip(read, totals, strict=True)])
    count = len(world.accounts)
    leans = np.array([one.lean(key) for one, key in zip(read[:count], keys[:count], strict=True)])
    share, low, high = parts(leans[:, 0], leans[:, 1], None if weight is None else weight[:count])
    named = adjusted <= math.log(ALPHA)
    return {
        "contexts": [one.contexts for one in read],
        "log10_p": [round(float(each) / LOG10, 2) for each in log_p],
        "z": [round(float(each), 2) for each in z],
        "named": [bool(each) for each in named[:count]],
        "false_names": int(named[count:].sum()),
        "true_shares": list(world.accounts),
        "shares": [round(float(each), 4) for each in share],
        "low": [round(float(each), 4) for each in low],
        "high": [round(float(each), 4) for each in high],
    }

"""Parts of an audit added to one another: batches to chunks, chunks to the whole, by the same rules.

What is told of columns, groups and examples is bounded, whatever a hostile corpus holds; what comes first is kept.
"""

from __future__ import annotations

from typing import Final

from headwater.provenance.audit.record import Part

#: Examples of one kind of finding; columns and text fields that are counted; origins that are kept apart.
EXAMPLES: Final = 5
MOST_COLUMNS: Final = 500
#: Places that claim one origin.
MOST_BASES: Final = 20
MOST_GROUPS: Final = 20_000


def add(total: Part, part: Part) -> None:
    """Take `part` into `total`; parts come in the order of the corpus."""
    total.rows += part.rows
    total.characters += part.characters
    total.contradicted += part.contradicted
    total.claimed += part.claimed
    for note, rows in part.notes.items():
        if note in total.notes or len(total.notes) < MOST_COLUMNS:
            total.notes[note] = total.notes.get(note, 0) + rows
    total.met += [name for name in part.met if name not in total.met]
    total.other_groups += part.other_groups
    for verdict, rows in part.verdicts.items():
        total.verdicts[verdict] = total.verdicts.get(verdict, 0) + rows
    for answer, rows in part.answers.items():
        total.answers[answer] = total.answers.get(answer, 0) + rows
    for stage, rows in part.found_rows.items():
        total.found_rows[stage] = total.found_rows.get(stage, 0) + rows
    for length, rows in part.lengths.items():
        total.lengths[length] = total.lengths.get(length, 0) + rows
    for name, rows in part.text_fields.items():
        if name in total.text_fields or len(total.text_fields) < MOST_COLUMNS:
            total.text_fields[name] = total.text_fields.get(name, 0) + rows
    for name, kinds in part.columns.items():
        if name in total.columns or len(total.columns) < MOST_COLUMNS:
            held = total.columns.setdefault(name, {})
            for kind, rows in kinds.items():
                held[kind] = held.get(kind, 0) + rows
    _groups(total, part)
    _findings(total, part)


def united(held: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Places that claim an origin, each once; those that were met first are kept."""
    return held if held == new else tuple(dict.fromkeys((*held, *new)))[:MOST_BASES]


def _groups(total: Part, part: Part) -> None:
    for key, group in part.groups.items():
        kept = total.groups.get(key)
        if kept is not None:
            kept.rows += group.rows
            kept.characters += group.characters
            kept.first_at = min(filter(None, (kept.first_at, group.first_at)), default=None)
            kept.last_at = max(filter(None, (kept.last_at, group.last_at)), default=None)
            kept.basis = united(kept.basis, group.basis)
        elif len(total.groups) < MOST_GROUPS:
            total.groups[key] = group
        else:
            total.other_groups += group.rows


def _findings(total: Part, part: Part) -> None:
    for key, finding in part.findings.items():
        kept = total.findings.get(key)
        if kept is None:
            total.findings[key] = finding
        else:
            kept.rows += finding.rows
            kept.contradicts += finding.contradicts
            kept.examples += finding.examples[: EXAMPLES - len(kept.examples)]

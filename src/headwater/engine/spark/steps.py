"""The named steps of `headwater.engine.steps` in Spark's SQL: each makes the view of its name, the last is the index.

They mean the same, and give the same index to the bit. Hashes are DuckDB's own, computed where rows are read, and
come as signed numbers in the order of the unsigned ones. `narrow` and `contents` are views of what was read.
"""

from __future__ import annotations

from headwater.engine.steps import SESSION_GAP_S, SESSION_LENGTH_S

_TWICE = """
SELECT * FROM narrow WHERE id_hash IN (SELECT id_hash FROM narrow GROUP BY id_hash HAVING count(*) > 1)
"""

_LEFT_OUT = """
SELECT row FROM (
    SELECT row, row_number() OVER (PARTITION BY id_hash, account, exact ORDER BY at_us, content, row) AS place
    FROM twice JOIN contents USING (row)
) WHERE place > 1
"""

_KEPT = """
SELECT * FROM narrow LEFT ANTI JOIN left_out USING (row)
"""

_CONFLICTS = """
SELECT
    (SELECT count(*) - count(DISTINCT id_hash) FROM twice LEFT ANTI JOIN left_out USING (row)) AS shared,
    (SELECT count(*) FROM (
        SELECT at_us > min(at_us) OVER (PARTITION BY id_hash, account, exact) AS later FROM twice
    ) WHERE later) AS retimed
"""

_ACCOUNTS = """
SELECT account, CAST(row_number() OVER (ORDER BY account) - 1 AS INT) AS code, side, organisation
FROM (SELECT account, min(side) AS side, min(organisation) AS organisation FROM kept GROUP BY account)
"""

_MODELS = """
SELECT model, CAST(row_number() OVER (ORDER BY model) - 1 AS INT) AS model_code
FROM (SELECT DISTINCT model FROM kept WHERE model IS NOT NULL)
"""

_CODED = """
SELECT k.row, k.part, a.code, a.side, k.at_us, k.id_hash, k.exact, m.model_code
FROM kept k JOIN accounts a USING (account) LEFT JOIN models m USING (model)
"""

_GAPS = f"""
SELECT *, CASE WHEN at_us - lag(at_us) OVER w <= {SESSION_GAP_S} * 1000000L THEN 0 ELSE 1 END AS fresh
FROM coded WINDOW w AS (PARTITION BY code ORDER BY at_us, id_hash, exact)
"""

_RUNS = """
SELECT *, sum(fresh) OVER (
    PARTITION BY code ORDER BY at_us, id_hash, exact ROWS UNBOUNDED PRECEDING
) AS run FROM gaps
"""

_SESSIONS = f"""
SELECT row, part, code, side, at_us, model_code,
    dense_rank() OVER (PARTITION BY code ORDER BY run, piece) - 1 AS ordinal
FROM (
    SELECT *, (at_us - min(at_us) OVER (PARTITION BY code, run)) div ({SESSION_LENGTH_S} * 1000000L) AS piece
    FROM runs
)
"""

_SPANS = """
SELECT code, sessions, lowest + (highest - lowest) div 2 AS middle,
    sum(sessions) OVER (ORDER BY code ROWS UNBOUNDED PRECEDING) - sessions AS first
FROM (
    SELECT code, max(ordinal) + 1 AS sessions, min(at_us) AS lowest, max(at_us) AS highest
    FROM sessions GROUP BY code
)
"""

# An account with a single session has it cut in two in the middle of its time.
_INDEX = """
SELECT row, part, code AS account, at_us, CAST(first + ordinal AS INT) AS session,
    CAST(CASE WHEN sessions = 1 THEN (at_us > middle)::INT ^ side ELSE (ordinal + side) & 1 END AS INT) AS half,
    coalesce(model_code, -1) AS model
FROM sessions JOIN spans USING (code)
"""

_STEPS = {
    "twice": _TWICE,
    "left_out": _LEFT_OUT,
    "kept": _KEPT,
    "conflicts": _CONFLICTS,
    "accounts": _ACCOUNTS,
    "models": _MODELS,
    "coded": _CODED,
    "gaps": _GAPS,
    "runs": _RUNS,
    "sessions": _SESSIONS,
    "spans": _SPANS,
    "index": _INDEX,
}


def steps() -> tuple[tuple[str, str], ...]:
    """The named SQL steps, to be read or run by hand on Spark."""
    return tuple((name, sql.strip()) for name, sql in _STEPS.items())

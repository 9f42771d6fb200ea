"""The named SQL steps of `arrange`, in order; each makes the table of its name, the last one is the rows of the index.

DuckDB's dialect; `$spool` are the paths of the spool's parts, `$first` the number of the first row of each. Only the
rows' content decides, never their order. In these rows `sessions` finds where sessions begin.
"""

from __future__ import annotations

#: A pause this long ends a session; so does an hour of unbroken traffic, or machines would have one session only.
SESSION_GAP_S = 1800
SESSION_LENGTH_S = 3600

_PARTS = """
CREATE TEMP TABLE parts AS
SELECT unnest($spool::VARCHAR[]) AS filename, unnest($first::BIGINT[]) AS first
"""

_NARROW = """
CREATE TEMP TABLE narrow AS
SELECT
    first + file_row_number AS row, account, epoch_us("at") AS at_us, hash(id) AS id_hash, "imprint.exact" AS exact,
    organisation, model
FROM read_parquet($spool, filename = true, file_row_number = true) JOIN parts USING (filename)
"""

_TWICE = """
CREATE TEMP TABLE twice AS
SELECT * FROM narrow WHERE id_hash IN (SELECT id_hash FROM narrow GROUP BY id_hash HAVING count(*) > 1)
"""

# Rows with one id, account and text are one exchange. Of them the earliest stays; ties are broken by all of the
# content, so that order can't matter. Rows that only share an id are exchanges of their own, and all stay.
_LEFT_OUT = """
CREATE TEMP TABLE left_out AS
SELECT row FROM (
    SELECT row, row_number() OVER (PARTITION BY id_hash, account, exact ORDER BY at_us, content, row) AS place
    FROM twice
    JOIN (
        SELECT first + file_row_number AS row, hash(*COLUMNS(* EXCLUDE (first, filename, file_row_number))) AS content
        FROM read_parquet($spool, filename = true, file_row_number = true) JOIN parts USING (filename)
    ) USING (row)
) WHERE place > 1
"""

_KEPT = """
CREATE TEMP VIEW kept AS
SELECT * FROM narrow ANTI JOIN left_out USING (row)
"""

# `shared`: exchanges beyond the first of their id; `retimed`: rows left out that name another time than the one kept.
_CONFLICTS = """
CREATE TEMP TABLE conflicts AS
SELECT
    (SELECT count(*) - count(DISTINCT id_hash) FROM twice ANTI JOIN left_out USING (row)) AS shared,
    (SELECT count(*) FROM (
        SELECT at_us > min(at_us) OVER (PARTITION BY id_hash, account, exact) AS later FROM twice
    ) WHERE later) AS retimed
"""

_ACCOUNTS = """
CREATE TEMP TABLE accounts AS
SELECT account, (row_number() OVER (ORDER BY account) - 1)::INTEGER AS code, hash(account) & 1 AS side, organisation
FROM (SELECT account, min(organisation) AS organisation FROM kept GROUP BY account)
"""

_MODELS = """
CREATE TEMP TABLE models AS
SELECT model, (row_number() OVER (ORDER BY model) - 1)::INTEGER AS model_code
FROM (SELECT DISTINCT model FROM kept WHERE model IS NOT NULL)
"""

_CODED = """
CREATE TEMP VIEW coded AS
SELECT k.row, a.code, k.at_us, m.model_code
FROM kept k JOIN accounts a USING (account) LEFT JOIN models m USING (model)
"""

_INDEX = """
SELECT row, code, at_us, coalesce(model_code, -1)::INTEGER AS model FROM coded
"""

_STEPS = {
    "parts": _PARTS,
    "narrow": _NARROW,
    "twice": _TWICE,
    "left_out": _LEFT_OUT,
    "kept": _KEPT,
    "conflicts": _CONFLICTS,
    "accounts": _ACCOUNTS,
    "models": _MODELS,
    "coded": _CODED,
    "index": _INDEX,
}


def steps() -> tuple[tuple[str, str], ...]:
    """The named SQL steps, to be read or run by hand."""
    return tuple((name, sql.strip()) for name, sql in _STEPS.items())

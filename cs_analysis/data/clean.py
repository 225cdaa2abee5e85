"""One table from the client's headers and texts to canonical names and types; every fault is collected, none raised."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from cs_analysis.data.checking.stake import stake
from cs_analysis.data.columns import Clean, canonical, check_columns, check_month_headers, one_row_per_month
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.problems import ERROR, NOTE, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.schema import TABLES, Table, find_column, normalise
from cs_analysis.data.typed import types
from cs_analysis.errors import N_

# a blank where a value is required changes money in these; elsewhere the row is set aside
MONEY_TABLES = ("accounts", "contracts", "mrr_months", "ledger", "costs")
_REPEATED = re.compile(r"(.+) \(\d+\)", re.DOTALL)


def nones(values: pd.Series) -> pd.Series:
    """None, not NaN, for what is missing in a column of objects; other columns as they are."""
    if values.dtype != object:
        return values
    out = values.to_numpy(dtype=object).copy()
    out[values.isna().to_numpy()] = None
    return pd.Series(out, index=values.index, name=values.name, dtype=object)


def clean_table(
    name: str, source: Source, frame: pd.DataFrame, problems: Problems, *, currency: str, mapped: dict[str, str]
) -> Clean:
    """A table of texts as a table of types.

    Parameters
    ----------
    name
        Table of the schema.
    source
        Where it stands, for the problems.
    frame
        Texts under the client's headers, with the column `__row__`.
    problems
        Where the faults go.
    currency
        The client's currency; amounts of a row are in its own currency where it names one.
    mapped
        Our name → the client's header, for the columns that a mapping has renamed already.
    """
    table = TABLES[name]
    rows_read = len(frame)
    if name == "mrr_months":
        frame = one_row_per_month(frame)
    frame, headers = canonical(table, source, frame, problems, mapped)
    out = Clean(table, source, frame, headers, rows_read)
    check_columns(out, problems)
    check_month_headers(out, currency, problems)
    typed = replace(out, frame=types(out, problems, currency))
    return _set_aside_blanks(typed, out, currency, problems)


def check_headers(table: Table, source: Source, frame: pd.DataFrame, named: Iterable[str], problems: Problems) -> None:
    """Headers that stand more than once: an error where one column must be chosen, else they are listed.

    The reader calls the second “memo” “memo (2)”; `named` are the headers that the mapping names.
    """
    repeats = Counter(m[1] for h in frame.columns if (m := _REPEATED.fullmatch(str(h))) and m[1] in frame)
    wanted = {normalise(name) for name in named}
    for header, more in repeats.items():
        problem = N_("The header “{header}” stands over {count} columns.")
        ours = find_column(table, header) is not None or (table.name == "mrr_months" and is_month(header))
        if ours or normalise(header) in wanted:
            severity, action = ERROR, N_("Keep one of them, or rename the others.")
        else:
            severity, action = NOTE, N_("The second is called “{header} (2)” here; rename it if it is needed.")
        problems.add(severity, source, problem, action, column=header, header=header, count=more + 1)


def _set_aside_blanks(clean: Clean, written: Clean, currency: str, problems: Problems) -> Clean:
    """Rows that lack a required value: an error where money hangs on it, else they are set aside.

    `written` is the same table as texts, whose months name the headers of the wide form.
    """
    money = clean.table.name in MONEY_TABLES
    kept = pd.Series(True, index=clean.frame.index)
    already = problems.cells_in_error(clean.source)
    for name in (c for c in clean.table.required if c in clean.frame):
        blank = clean.frame[name].isna()
        if not blank.any():
            continue
        header = clean.header(name)
        cells = zip(clean.frame.loc[blank, ROW], written.headers_of(name)[blank], strict=True)
        told = pd.Series([cell in already for cell in cells], index=blank.index[blank], dtype=bool)
        lacking = blank & ~told.reindex(blank.index, fill_value=False)
        if not lacking.any():
            continue
        severity, problem, effect, action = _BLANK[money]
        problems.add(
            severity, clean.source, problem, action, rows=clean.frame.loc[lacking, ROW], column=header, effect=effect,
            stake=stake(clean.table.name, clean.frame[lacking], currency),
        )  # fmt: skip
        kept &= ~blank
    return clean.keep(kept)


_BLANK = {
    True: (ERROR, N_("The required value is missing."), "", N_("Fill it in.")),
    False: (
        WARNING, N_("The required value is missing; the row is set aside."), N_("Set aside: {at_stake}."),
        N_("Fill it in, or delete the row."),
    ),
}  # fmt: skip

"""The example row of a template: how it is marked, what stands in it, and that reading leaves it out.

The mark stands before the value of a table's first column, so that it survives sorting, saving as CSV and copying
into another sheet. A marked row that was filled in with something else is not dropped in silence.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pandas as pd

from cs_analysis.data.parse import parse
from cs_analysis.data.problems import WARNING, Problems
from cs_analysis.data.reading.cells import where
from cs_analysis.data.reading.read import ROW, Raw
from cs_analysis.data.schema import TABLES, Column, Table, find_column
from cs_analysis.data.templates.marks import MARKS, mark_of
from cs_analysis.display.language import LANGUAGES, _, current, speaking
from cs_analysis.errors import N_

FLAT = ("contract_start", "contract_end", "churn_date", "mrr")  # in accounts, instead of a table of contracts


def example_text(table: Table, column: Column) -> str:
    """What stands under a column in the example row, without the mark, in the language in force."""
    value = column.example or ""
    if not value or (table.name == "accounts" and column.name in FLAT):
        return ""
    if column.type == "flag":
        return _("yes") if value == "yes" else _("no")
    if column.choices and current() == "ja":
        return column.choices.get(value, value)
    return _(value) if column.type == "text" else value


def example_row(table: Table) -> list[str]:
    """The example row of a table as texts, marked, in the language in force.

    >>> example_row(TABLES["ledger"])
    ['[example] 2026-10', '120000']
    """
    texts = [example_text(table, column) for column in table.columns]
    return [MARKS[current()] + texts[0], *texts[1:]]


def without_examples(raw: Raw, problems: Problems) -> Raw:
    """A table without the rows that are marked as examples; one that says something of its own is a warning.

    Parameters
    ----------
    raw
        The table as the client wrote it.
    problems
        Where the warnings go.
    """
    table, frame = TABLES[raw.table], raw.frame
    headers = {column.name: h for h in reversed(frame.columns) if h != ROW and (column := find_column(table, h))}
    first = headers.get(table.columns[0].name) or next((h for h in frame.columns if h != ROW), None)
    if first is None:
        return raw
    marked = pd.Series(where(frame[first], lambda t: bool(mark_of(t))), index=frame.index, dtype=bool)
    if not marked.any():
        return raw
    changed = [i for i in frame.index if marked[i] and not _is_ours(table, frame.loc[i], headers)]
    if changed:
        problems.add(
            WARNING, raw.source,
            N_("The row is marked as an example (“{value}”) and so it is not read, but it differs from the example."),
            N_("If it is data, remove the mark; if not, delete the row."),
            rows=frame.loc[changed, ROW], column=first, values=frame.loc[changed, first],
        )  # fmt: skip
    return replace(raw, frame=frame[~marked].reset_index(drop=True))


def _is_ours(table: Table, row: pd.Series, headers: dict[str, str]) -> bool:
    """Whether every filled cell of a marked row is the example's, in one of the languages; a custom one is not."""
    known = {h: name for name, h in headers.items()}
    filled = {str(h): str(t).strip() for h, t in row.items() if h != ROW and str(t).strip()}
    if not set(filled) <= set(known):
        return False
    for lang in LANGUAGES:
        with speaking(lang):
            expected = dict(zip(table.names, example_row(table), strict=True))
        columns = {c.name: c for c in table.columns}
        if all(_same(columns[known[h]], t, expected[known[h]]) for h, t in filled.items()):
            return True
    return False


def _same(column: Column, written: str, expected: str) -> bool:
    """Whether two texts say the same, in whatever form a spreadsheet has put the second."""
    written = written.removeprefix(mark_of(written)).strip()
    for text in MARKS.values():
        expected = expected.removeprefix(text)
    if written == expected:
        return True
    if column.type in ("date", "month"):  # a spreadsheet of any country may have put it into its own order
        return _parts(written) == _parts(expected)
    values = parse(pd.Series([written, expected]), column.type, choices=column.choices).values
    return bool(pd.notna(values).all() and values.iloc[0] == values.iloc[1])


def _parts(day: str) -> set[int]:
    """The numbers of a date, whatever their order; the first of a month and midnight add none, a century neither."""
    return {int(number) % 2000 for number in re.findall(r"\d+", unicodedata.normalize("NFKC", day))} - {0, 1}

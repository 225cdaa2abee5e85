"""A client's own file becomes one of our tables: `[mapping.<table>]` of the client file, applied to text.

Everything is text here, and nothing is typed or cut. The steps follow each other in this order:

1. `columns`: their headers get our names (a name of ours that the schema does not know is a custom variable); those
   of `ignore` go (a `*` stands for any letters); every other column is kept as it is.
2. `fill_down`: a blank cell takes the value above it, within one record (`record_start`).
3. `filter`: rows whose column holds one of the values named are kept, the rest is counted as set aside. `*` is any
   value that is not blank; true and false are yes and no in whatever way they are written.
4. `values`: their values become ours; a value that is not named stays. Those of `mrr` reach all columns of months.
5. `date_order`: 4/1/2025 is read as the order says; a date that contradicts it is an error.
6. `constants`: a column that the file lacks, with one value in every row; {sheet} and {file} in it stand for the name
   of the sheet or file, or, in a column of dates or months, for the date in that name.
7. Monthly revenue with one column per month becomes one row per account and month.
8. `units`: amounts and hours in another unit (:mod:`cs_analysis.data.mapping.units`). A header that says 千円 or
   minutes is an error when `units` does not say anything.
9. `derive`: the closed list of :mod:`cs_analysis.data.mapping.derive`.

A column may be named by their header or by ours, in English or Japanese. `file` and `sheet` may name several, as a list
or with a `*`: each is mapped by itself, and their rows are put together (:func:`stacked`). A header of `columns` need
then be in one of them only. `match = "name"` is applied by :func:`match_accounts`, once the accounts are known. A `"?"`
anywhere is a question that `cs-analysis check` wrote into its proposal; it is refused until somebody has answered it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cs_analysis.data.clean import one_row_per_month
from cs_analysis.data.mapping.columns import Columns, renamed, unwanted
from cs_analysis.data.mapping.dates import in_given_order
from cs_analysis.data.mapping.derive import MAKES, Amount, Clock, Tenure, amount_mrr, clock_hours, tenure_dates
from cs_analysis.data.mapping.exports import fill_down, without_blank_months
from cs_analysis.data.mapping.keys import TableMapping
from cs_analysis.data.mapping.rows import Met, as_text, filtered, translated
from cs_analysis.data.mapping.units import OF_TIME, check_said, check_unit, converted
from cs_analysis.data.parse_dates import is_month
from cs_analysis.data.problems import Problem, Problems
from cs_analysis.data.reading.read import PART, ROW, Source
from cs_analysis.data.schema import Table, find_column, normalise
from cs_analysis.data.sections import Scalar

_DATE_IN_NAME = re.compile(r"\d[\d年月日/.-]*(?<![/.-])")


def apply_mapping(
    frame: pd.DataFrame,
    mapping: TableMapping,
    *,
    table: Table,
    where: Source | str,
    currency: str = "JPY",
    others: Sequence[str] = (),
    met: Met | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """A client's table with our names and values, still as text.

    Parameters
    ----------
    frame
        Texts ("" = empty) under the client's headers, and `__row__`, the row number as Excel shows it.
    mapping, table
        The section of the client file, and the table it makes.
    where
        The file, or file and sheet, that problems and errors name.
    currency
        The client's currency, in which `derive.amount` expects amounts.
    others
        The headers of the further files of the same table.
    met
        What filters and translations meet is added to it, to be judged over all files (`check_met`).

    Returns
    -------
    The frame (grain: the rows kept) and what was found: cells that cannot be converted, rows set aside.

    Raises
    ------
    InputError
        When the mapping names a column that the file lacks, or makes one that it already has.

    Examples
    --------
    >>> from cs_analysis.data.schema import TABLES
    >>> frame = pd.DataFrame({"Kunde": ["A1"], "Umsatz": ["12"], "Farbe": ["blau"], "__row__": [2]})
    >>> mapping = TableMapping(columns={"Kunde": "account_id", "Umsatz": "mrr"}, units={"mrr": "千円"})
    >>> apply_mapping(frame, mapping, table=TABLES["accounts"], where="kunden.csv")[0].values.tolist()
    [['A1', '12000', 'blau', 2]]
    """
    source = where if isinstance(where, Source) else Source(where)
    problems, met = Problems(), Met() if met is None else met
    used = {normalise(name) for name in mapping.names()}  # a column that is needed on the way goes at the end
    others = [header for header in others if header != ROW]
    gone = unwanted(frame, mapping.ignore, table, source, others)
    frame = frame.drop(columns=[c for c in gone if normalise(c) not in used])
    frame, columns = renamed(frame, mapping.columns, table, source, others, problems)
    start = columns.locate(frame, mapping.record_start) if mapping.record_start else None
    frame = fill_down(frame, [columns.locate(frame, name) for name in mapping.fill_down], start)
    frame = filtered(frame, mapping, columns, met, problems)
    for name, pairs in mapping.values.items():
        frame = _translate(frame, name, pairs, columns, met)
    if mapping.date_order is not None:
        frame = in_given_order(frame, mapping.date_order, columns, problems)
    for name, value in mapping.constants.items():
        frame = frame.assign(**{columns.new(frame, name): _named_after(as_text(value), name, columns)})
    if table.name == "mrr_months":
        frame = one_row_per_month(without_blank_months(frame, _months(frame, table), source, problems))
    frame, of_break = _in_units(frame, mapping, columns, currency, problems)
    frame = _derive(frame, mapping, columns, currency, of_break, problems)
    frame = frame.drop(columns=[columns.headers[c] for c in gone if columns.headers.get(c) in frame])
    return frame.reset_index(drop=True), problems.found


def _named_after(text: str, name: str, columns: Columns) -> str:
    """A constant with the names of its sheet and file, of which a column of dates takes the date alone."""
    ours, source = find_column(columns.table, name), columns.source
    names = {"{sheet}": source.sheet, "{file}": Path(source.file).stem}
    for placeholder, written in names.items():
        date = _DATE_IN_NAME.search(written) if ours is not None and ours.type in ("date", "month") else None
        text = text.replace(placeholder, date[0] if date else written)
    return text


def _months(frame: pd.DataFrame, table: Table) -> list[str]:
    """The columns that are months, in the wide form of monthly revenue."""
    ours = {c: find_column(table, c) for c in frame.columns if c != ROW}
    if any(column is not None and column.name == "month" for column in ours.values()):
        return []
    return [c for c, column in ours.items() if column is None and is_month(c)]


def _translate(frame: pd.DataFrame, name: str, pairs: Mapping[str, Scalar], columns: Columns, met: Met) -> pd.DataFrame:
    """The frame with the values of one column as ours; those of MRR stand in every column of a month."""
    ours = find_column(columns.table, name)
    months = _months(frame, columns.table) if columns.table.name == "mrr_months" else []
    there = months if months and ours is not None and ours.name == "mrr" else [columns.locate(frame, name)]
    for column in there:
        met.add("values", name, frame[column])
    return frame.assign(**{column: translated(frame[column], pairs) for column in there})


def _in_units(
    frame: pd.DataFrame, mapping: TableMapping, columns: Columns, currency: str, problems: Problems
) -> tuple[pd.DataFrame, str]:
    """The frame in units of the currency and hours, and the unit that is given for the break of `derive.clock`."""
    units = {columns.locate(frame, name): unit for name, unit in mapping.units.items()}
    clock, amount = mapping.derive.clock, mapping.derive.amount
    pause = columns.find(frame, clock.pause) if clock is not None and clock.pause else None
    amounts = [columns.locate(frame, amount.amount)] if amount is not None else []
    check_said(frame, amounts, units, columns, problems)
    for column, unit in units.items():
        check_unit(columns, column, unit, is_time=column == pause)
        if column != pause:
            frame = frame.assign(**{column: converted(frame, column, unit, columns, currency, problems)})
    of_break = units.get(pause or "", "")
    return frame, of_break if of_break in OF_TIME else ""


def _derive(
    frame: pd.DataFrame, mapping: TableMapping, columns: Columns, currency: str, of_break: str, problems: Problems
) -> pd.DataFrame:
    def locate(name: str) -> str:
        return columns.locate(frame, name)

    for name, rule in mapping.derive.rules().items():
        makes = tuple(columns.new(frame, made) for made in MAKES[name][columns.table.name])
        if isinstance(rule, Tenure):
            frame = tenure_dates(frame, rule, makes, locate, columns.source, problems)
        elif isinstance(rule, Amount):
            frame = amount_mrr(frame, rule, currency, locate, columns.source, problems)
        elif isinstance(rule, Clock):
            frame = clock_hours(frame, rule, locate, columns.source, problems, of_break)
    return frame


def stacked(frames: Sequence[pd.DataFrame], table: Table) -> pd.DataFrame:
    """The rows of several mapped files as one table; a row number tells its file (see `Source.place`).

    Headers that mean the same, or differ in spelling only, share a column under the name of the first file; a column
    that a file lacks is blank in its rows.

    Examples
    --------
    >>> from cs_analysis.data.schema import TABLES
    >>> first = pd.DataFrame({"Customer ID": ["A1"], "Team": ["x"], "__row__": [2]})
    >>> second = pd.DataFrame({"顧客ID": ["A2"], "__row__": [2]})
    >>> stacked([first, second], TABLES["accounts"]).values.tolist()
    [['A1', 'x', 2], ['A2', '', 100000002]]
    """
    if len(frames) == 1:
        return frames[0]
    names: dict[str, str] = {ROW: ROW}
    parts = []
    for i, frame in enumerate(frames):
        keys = {c: (ours.name if (ours := find_column(table, c)) else normalise(c)) for c in frame.columns if c != ROW}
        for header, key in keys.items():
            names.setdefault(key, header)
        # of two headers of one meaning in a file the other keeps its name, and is told later on
        firsts = {key: header for header, key in reversed(keys.items())}
        renamed = {firsts[key]: names[key] for key in firsts if names[key] not in keys}
        parts.append(frame.rename(columns=renamed).assign(**{ROW: frame[ROW] + i * PART}))
    whole = pd.concat(parts, ignore_index=True)
    return whole.fillna({c: "" for c in whole.columns if c != ROW})

"""The rows of a table as people leave them: merged cells, cells without a value, rows that nobody sees.

What is certain is read; what is left out is listed; what could be meant in two ways is an error that names its cell.
Rows that are no data at all are set aside in :mod:`aside`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from cs_analysis.data.parse import parse
from cs_analysis.data.reading.cells import ROW, Grid, where
from cs_analysis.data.reading.headers import Finding, Headers
from cs_analysis.errors import N_

AMOUNTS = ("money", "number", "count", "hours", "rate", "score")
_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA",
           "#BLOCKED!", "#UNKNOWN!", "#FIELD!", "#ERROR!")  # fmt: skip
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_LOST_ID = re.compile(r"\d(\.\d+)?[eE]\+\d{2}")
# 0 in the form of a date: what a formula shows that looks up an empty cell
_DAY_ZERO = re.compile(r"00:00:00|1900[-/.年]0?1[-/.月]0?0日?")


class TableRows:
    """A table while its rows are looked through; `columns` are the positions in the grid → labels."""

    def __init__(
        self, frame: pd.DataFrame, grid: Grid, headers: Headers, columns: dict[int, str], written: np.ndarray
    ) -> None:
        self.frame, self.grid, self.headers, self.columns, self.written = frame, grid, headers, columns, written
        self.labels = list(columns.values())
        self.kinds = {label: headers.kind(label) for label in self.labels}
        self.required = [label for label in self.labels if self._is_required(label)]
        self.findings: list[Finding] = []

    def _is_required(self, label: str) -> bool:
        column = self.headers.column(label)
        return column is not None and column.required

    @property
    def months(self) -> list[str]:
        """The columns that are a month each, in the wide form of monthly revenue."""
        if any((c := self.headers.column(label)) is not None and c.name == "month" for label in self.labels):
            return []
        return [lb for lb in self.labels if self.kinds[lb] == "money" and self.headers.column(lb) is None]

    def row(self, i: int) -> int:
        """The row number that the client sees."""
        return int(self.frame[ROW].iloc[i])

    def first(self, i: int) -> tuple[str, str]:
        """The header and the text of the first filled cell of a row."""
        at = int(np.argmax(self.written[i]))
        return self.labels[at], str(self.frame[self.labels[at]].iloc[i]).strip()

    def alone(self) -> np.ndarray:
        """The positions of the rows of which one cell is filled and the others are blank."""
        return np.flatnonzero(self.written.sum(axis=1) == 1) if len(self.labels) > 1 else np.array([], int)

    def numbers(self, label: str) -> pd.Series:
        """A column as the numbers that it holds; NaN where none can be read."""
        return parse(self.frame[label], self.kinds[label]).values

    def drop(self, aside: np.ndarray) -> None:
        """Leave the rows marked out of the table."""
        if aside.any():
            self.frame, self.written = self.frame[~aside].reset_index(drop=True), self.written[~aside]

    def add(
        self, severity: str, problem: str, action: str, rows: Iterable[int] | None = None, column: str = "",
        values: Iterable[str] | None = None, **fields: object,
    ) -> None:  # fmt: skip
        numbers = None if rows is None else tuple(int(r) for r in rows)
        self.findings.append(
            Finding(severity, problem, action, numbers, column, None if values is None else tuple(values), fields)
        )

    # -------------------------------------------------------------------------------------------------- merged cells

    def fill_merged(self, is_aside: Callable[[int], bool]) -> None:
        """A merged cell speaks for all its rows, except for an amount: nobody can say to which row it belongs."""
        position = {int(n): i for i, n in enumerate(self.frame[ROW])}
        filled: dict[str, list[int]] = {}
        for top, left, bottom, right in self.grid.merged:
            rows = [position[r] for r in range(top, min(bottom, top + 10_000) + 1) if r in position]
            labels = [self.columns[c] for c in range(left, right + 1) if c in self.columns]
            if top not in position or not labels or (len(rows) < 2 and len(labels) < 2):
                continue
            first = str(self.frame.at[position[top], labels[0]])
            known = [label for label in labels if self.headers.known(label)]
            if not first.strip() or not known or is_aside(position[top]):
                continue
            if len(known) > 1 or any(self.kinds[label] in AMOUNTS for label in known):
                self.add(
                    "error", N_("“{value}” stands in a merged cell that covers several rows or columns."),
                    N_("Unmerge it and write into each cell what belongs there."), rows=[top], column=labels[0],
                    values=[first],
                )  # fmt: skip
                continue
            for i in rows[1:]:
                self.frame.at[i, labels[0]] = first
                self.written[i, self.labels.index(labels[0])] = True
            filled.setdefault(labels[0], []).extend(self.row(i) for i in rows[1:])
        for label, numbers in filled.items():
            self.add(
                "note", N_("The cell is merged with the one above; its value “{value}” is taken for this row too."), "",
                rows=numbers, column=label,
                values=self.frame.set_index(ROW)[label].loc[numbers],
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------- cells without values

    def show_units(self) -> None:
        """Write into the amounts what their number formats show: 円/年, K, 分. They are then read as in a text file."""
        if not self.grid.shown or self.headers.units_given:
            return
        position = {int(n): i for i, n in enumerate(self.frame[ROW])}
        shown_in = {label: self._says_units(label) for label in self.labels}
        for (row, at), shown in self.grid.shown.items():
            label = self.columns.get(at, "")
            if shown_in.get(label) and row in position and (text := str(self.frame.at[position[row], label])):
                self.frame.at[position[row], label] = shown.text(text)

    def _says_units(self, label: str) -> bool:
        column = self.headers.column(label)
        return self.kinds[label] in ("money", "hours") or (column is not None and column.name == "billing_months")

    def check_cells(self) -> None:
        """Errors of Excel, formulas without a value, days that are none and ids that lost their digits."""
        for label in self.labels:
            errors = where(self.frame[label], lambda t: t in _ERRORS or (len(t) > 2 and not t.strip("#")))
            if errors.any():
                known = bool(self.headers.known(label))
                self.add(
                    "error" if known else "warning", N_("The cell holds Excel's error {value} and no value."),
                    N_("Correct its formula, or write the value itself."), rows=self.frame.loc[errors, ROW],
                    column=label, values=self.frame.loc[errors, label],
                )  # fmt: skip
                self.frame.loc[errors, label] = ""
            if self.grid.delimiter:
                self._check_swallowed(label)
            if self.kinds[label] == "id":
                self._check_lost_digits(label)
            if self.grid.is_1904 and self.kinds[label] in ("date", "month"):
                self._check_1904(label)
            if self.kinds[label] in ("date", "month"):
                self._check_day_zero(label)
        self._check_uncalculated()

    def _check_swallowed(self, label: str) -> None:
        """A quotation mark that is opened by mistake swallows whole rows, up to the next one."""
        broken = where(self.frame[label], lambda t: "\n" in t)
        if not broken.any() or (len(self.labels) == 2 and not self.headers.known(label)) or len(self.labels) < 2:
            return
        parts = self.frame.loc[broken, label].map(
            lambda t: max(line.count(self.grid.delimiter) for line in t.splitlines())
        )
        rows = parts.index[parts >= len(self.labels) - 1]
        if len(rows):
            self.add(
                "error", N_("The cell holds whole rows: a quotation mark is opened here and closed much later."),
                N_("Remove the quotation mark, or write it twice."), rows=self.frame.loc[rows, ROW], column=label,
                values=[t.splitlines()[0] for t in self.frame.loc[rows, label]],
            )  # fmt: skip

    def _check_lost_digits(self, label: str) -> None:
        lost = where(self.frame[label], lambda t: bool(_LOST_ID.fullmatch(t.strip())))
        if lost.any():
            self.add(
                "error", N_("The id “{value}” was kept as a number, and its last digits are lost."),
                N_("Format the column as text and enter the id again."), rows=self.frame.loc[lost, ROW], column=label,
                values=self.frame.loc[lost, label],
            )  # fmt: skip
            self.frame.loc[lost, label] = ""

    def _check_day_zero(self, label: str) -> None:
        zero = where(self.frame[label], lambda t: bool(_DAY_ZERO.fullmatch(t.strip())))
        if zero.any():
            self.add(
                "error", N_("The date is 0, which Excel shows as 1900/1/0: its formula found an empty cell."),
                N_("Clear the cell where there is no date, or let the formula give an empty text."),
                rows=self.frame.loc[zero, ROW], column=label, values=self.frame.loc[zero, label],
            )  # fmt: skip
            self.frame.loc[zero, label] = ""

    def _check_1904(self, label: str) -> None:
        bare = where(self.frame[label], lambda t: bool(_SERIAL.fullmatch(t)))
        if bare.any():
            self.add(
                "error", N_("“{value}” is a bare number in a workbook that counts its days from 1904."),
                N_("Format the column as a date and save the workbook."), rows=self.frame.loc[bare, ROW], column=label,
                values=self.frame.loc[bare, label],
            )  # fmt: skip
            self.frame.loc[bare, label] = ""

    def _check_uncalculated(self) -> None:
        kept = set(self.frame[ROW])
        for (row, column), formula in self.grid.uncalculated.items():
            label = self.columns.get(column)
            if label is None or row not in kept:
                continue
            self.add(
                "error" if self.headers.known(label) else "warning",
                N_("The formula {value} has no saved result."),
                N_("Open the workbook in Excel and save it, or write the value itself."), rows=[row], column=label,
                values=[formula],
            )  # fmt: skip
            self.frame.loc[self.frame[ROW] == row, label] = ""

    # --------------------------------------------------------------------------------------------------- what is hidden

    def tell_hidden(self) -> None:
        """What a person does not see in Excel, or sees struck through, and is read all the same."""
        there = set(self.frame[ROW])
        rows = [r for r in self.grid.hidden_rows if r in there]
        if rows:
            self.add(
                "warning", N_("Hidden rows are read like the others: {count} in all."),
                N_("If they shall not count, delete them."), rows=rows[:1], count=len(rows),
            )  # fmt: skip
        rows = [r for r in self.grid.struck_rows if r in there]
        if rows:
            self.add(
                "warning", N_("Rows that are struck through are read like the others: {count} in all."),
                N_("If they shall not count, delete them."), rows=rows[:1], count=len(rows),
            )  # fmt: skip
        for column in self.grid.hidden_columns:
            if (label := self.columns.get(column)) is not None:
                self.add("note", N_("The column is hidden in Excel and is read like the others."), "", column=label)
        if self.grid.is_hidden:
            self.add(
                "warning", N_("The sheet is hidden in Excel and is read like the others."),
                N_("If it shall not count, delete it or give it another name."),
            )  # fmt: skip

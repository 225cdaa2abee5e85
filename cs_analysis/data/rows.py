"""The rows of a table as people leave them: merged cells, totals, repeated headers, hidden rows, cells without a value.

What is certain is read; what is left out is listed; what could be meant in two ways is an error that names its cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cs_analysis.data.cells import ROW, Grid, where
from cs_analysis.data.headers import Finding, Headers
from cs_analysis.data.parse import parse
from cs_analysis.data.schema import TABLES, find_column, normalise
from cs_analysis.errors import N_

_AMOUNTS = ("money", "number", "count", "hours", "rate", "score")
_UNIT = re.compile(
    r"単位[::]?(千円|万円|百万円|億円|千|百万|千ドル|thousand|million|k|m)|\(?in(thousands|millions)", re.I
)
_TOTAL = re.compile(
    r"[【\[(]?(総合計|総計|合計|小計|中計|累計|月計|年計|集計|計|平均|件数|grandtotal|total|totals|subtotal|sum|average|count)"
    r"(金額|額)?[】\])]?[::]?(\(?\d+件?\)?)?"
)
_HINT = re.compile("[計均件]|total|sum|average|count|ｔｏｔａｌ", re.IGNORECASE)  # without one of these it is no total
_TOTAL_OF = re.compile(r".+[\s\u3000](集計|合計|小計|計|total|count|average)", re.IGNORECASE)
_NO_SUM = ("累計", "平均", "件数", "average", "count")
_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA",
           "#BLOCKED!", "#UNKNOWN!", "#FIELD!", "#ERROR!")  # fmt: skip
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_LOST_ID = re.compile(r"\d(\.\d+)?[eE]\+\d{2}")


def _word(text: object) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(text)).casefold())


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

    def add(
        self, severity: str, problem: str, action: str, rows: Iterable[int] | None = None, column: str = "",
        values: Iterable[str] | None = None, **fields: object,
    ) -> None:  # fmt: skip
        numbers = None if rows is None else tuple(int(r) for r in rows)
        self.findings.append(
            Finding(severity, problem, action, numbers, column, None if values is None else tuple(values), fields)
        )

    # ---------------------------------------------------------------------------------------------- above the header

    def check_units(self, above: pd.DataFrame, rows: np.ndarray) -> None:
        """A title that says that amounts are in thousands must be confirmed in the client file."""
        if self.headers.units_given or "money" not in self.kinds.values():
            return
        for number, texts in zip(rows, above.itertuples(index=False), strict=True):
            for text in (t for t in texts if t):
                if _UNIT.search(_word(text)):
                    self.add(
                        "error", N_("“{value}” stands above the header, so the amounts may not be in full units."),
                        N_("Write the amounts in full and remove the note, or name the header row (header_row) and the "
                           "unit (units) in the mapping of the client file."),
                        rows=[number], values=[str(text).strip()],
                    )  # fmt: skip

    # -------------------------------------------------------------------------------------------------- merged cells

    def fill_merged(self) -> None:
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
            if not first.strip() or not known or self._is_aside(position[top]):
                continue
            if len(known) > 1 or any(self.kinds[label] in _AMOUNTS for label in known):
                self.add(
                    "error", N_("“{value}” stands in a merged cell that covers several rows or columns."),
                    N_("Unmerge it and write into each cell what belongs there."), rows=[top], column=labels[0],
                    values=[first],
                )  # fmt: skip
                continue
            for i in rows[1:]:
                self.frame.at[i, labels[0]] = first
                self.written[i, self.labels.index(labels[0])] = True
            filled.setdefault(labels[0], []).extend(self._row(i) for i in rows[1:])
        for label, numbers in filled.items():
            self.add(
                "note", N_("The cell is merged with the one above; its value “{value}” is taken for this row too."), "",
                rows=numbers, column=label,
                values=self.frame.set_index(ROW)[label].loc[numbers],
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------ rows that are no data

    def set_aside(self) -> None:
        """Repeated headers and totals leave the table; each is listed, and a total is compared with its rows."""
        aside = np.zeros(len(self.frame), bool)
        aside |= self._repeated_headers()
        totals = self._totals() & ~aside
        self._compare_totals(totals, aside)
        kept = ~(aside | totals)
        self.frame, self.written = self.frame[kept], self.written[kept]

    def _is_aside(self, i: int) -> bool:
        return bool(self._is_total_row(i))

    def _row(self, i: int) -> int:
        """The row number that the client sees."""
        return int(self.frame[ROW].iloc[i])

    def _first(self, i: int) -> tuple[str, str]:
        """The header and the text of the first filled cell of a row."""
        at = int(np.argmax(self.written[i]))
        return self.labels[at], str(self.frame[self.labels[at]].iloc[i]).strip()

    def _repeated_headers(self) -> np.ndarray:
        """Rows that repeat the header; what follows another header belongs to another table."""
        aside = np.zeros(len(self.frame), bool)
        names = {spelling for t in TABLES.values() for c in t.columns for spelling in (c.name, c.label_ja)}
        names |= set(self.labels)
        hits = sum(
            (self.frame[label].isin(names).to_numpy().astype(int) for label in self.labels), np.zeros(len(aside), int)
        )
        for i in np.flatnonzero(hits >= 2):
            texts = {
                label: str(self.frame[label].iloc[i]).strip()
                for j, label in enumerate(self.labels)
                if self.written[i, j]
            }
            same = all(self._is_header(label, text) for label, text in texts.items())
            label, text = self._first(int(i))
            if same:
                aside[i] = True
                self.add(
                    "note", N_("The row repeats the header; it is set aside."), "", rows=[self._row(int(i))],
                    column=label, values=[text],
                )  # fmt: skip
            elif any(all(find_column(t, text) for text in texts.values()) for t in TABLES.values()):
                aside[i:] = True
                self.add(
                    "error", N_("The row looks like the header of another table, and what follows it is not read."),
                    N_("Put every table into a sheet of its own."), rows=[self._row(int(i))], column=label,
                    values=[text],
                )  # fmt: skip
                break
        return aside

    def _is_header(self, label: str, text: str) -> bool:
        known = self.headers.known(text)
        return normalise(text) == normalise(label) or bool(known and known == self.headers.known(label))

    def _totals(self) -> np.ndarray:
        found = np.zeros(len(self.frame), bool)
        for label in self.labels:
            found |= where(self.frame[label], lambda t: bool(self._total_word(t)))
        for i in np.flatnonzero(found):
            found[i] = self._is_total_row(int(i))
        return found

    def _total_word(self, text: str) -> str:
        if len(text) > 60 or not _HINT.search(text):
            return ""
        word = _word(text)
        if _TOTAL.fullmatch(word):
            return word
        found = _TOTAL_OF.fullmatch(text.strip())
        return found[1].lower() if found else ""

    def _is_total_row(self, i: int) -> bool:
        """Whether a row says "total" and lacks what every row of data must have."""
        texts = {label: str(self.frame[label].iloc[i]) for label in self.labels}
        words = {label: word for label, t in texts.items() if (word := self._total_word(t))}
        if not words:
            return False
        plain = any(_TOTAL.fullmatch(_word(texts[label])) for label in words)
        blank = [r for r in self.required if not texts[r].strip()]
        return bool(blank) or (plain and any(r in words for r in self.required))

    def _compare_totals(self, totals: np.ndarray, aside: np.ndarray) -> None:
        """Each total with the sum of its rows: those since the last subtotal, or all."""
        since = 0
        for i in np.flatnonzero(totals):
            label, text = self._first(int(i))
            number, apart = self._row(int(i)), False
            data = ~(totals | aside)
            word = next((w for lb in self.labels if (w := self._total_word(str(self.frame[lb].iloc[i])))), "")
            for amount in (lb for lb in self.labels if self.kinds[lb] in ("money", "hours", "number")):
                said = self._number(self.frame[amount].iloc[int(i) : int(i) + 1], amount).iloc[0]
                if said != said or self.grid.is_part or any(w in word for w in _NO_SUM):
                    continue
                part = np.arange(len(data)) < i
                sums = [self._number(self.frame[amount][data & part & rows], amount).sum()
                        for rows in (np.arange(len(data)) >= since, np.full(len(data), True))]  # fmt: skip
                if all(abs(total - said) >= 1 for total in sums):
                    apart = True
                    self.add(
                        "warning", N_("The total row says {said}, but the rows add up to {total}; it is set aside."),
                        N_("Look for rows that are missing, doubled or wrong, or correct the total."), rows=[number],
                        column=amount, values=[str(self.frame[amount].iloc[i])], said=f"{said:,.10g}",
                        total=f"{sums[-1]:,.10g}",
                    )  # fmt: skip
            since = int(i) + 1
            if not apart:
                self.add(
                    "note", N_("The row is a total and is set aside."), "", rows=[number], column=label, values=[text]
                )

    def _number(self, texts: pd.Series, label: str) -> pd.Series:
        return parse(texts, self.kinds[label]).values

    # ------------------------------------------------------------------------------------------- cells without values

    def check_cells(self) -> None:
        """Errors of Excel, formulas without a value, numbers of 1904 and ids that lost their digits."""
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
        self._check_uncalculated()

    def _check_swallowed(self, label: str) -> None:
        """A quotation mark that is opened by mistake swallows whole rows, up to the next one."""
        broken = where(self.frame[label], lambda t: "\n" in t)
        if len(self.labels) < 3 or not broken.any():
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
        """What a person does not see in Excel and is read all the same."""
        rows = [r for r in self.grid.hidden_rows if r in set(self.frame[ROW])]
        if rows:
            self.add(
                "warning", N_("Hidden rows are read like the others: {count} in all."),
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
